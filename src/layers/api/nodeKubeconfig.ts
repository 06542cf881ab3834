/** The kubeconfig that bootstrap leaves behind: the server of the bootstrap one, and the node's own certificate (A11). */
import { stringify } from "yaml"
import type { Material, ServerAccess } from "./Kubeconfig.ts"

const material = (field: string, source: Material | undefined): Readonly<Record<string, string>> => {
  if (source === undefined) return {}
  return source._tag === "File"
    ? { [field]: source.path }
    : { [`${field}-data`]: Buffer.from(source.pem).toString("base64") }
}

/** `pair`: the file that has certificate and key. Names and fields are those that the kubelet writes. */
export const nodeKubeconfig = (access: ServerAccess, pair: string): string =>
  stringify({
    apiVersion: "v1",
    clusters: [{
      cluster: {
        ...material("certificate-authority", access.ca),
        ...(access.insecure ? { "insecure-skip-tls-verify": true } : {}),
        ...(access.proxyUrl === undefined ? {} : { "proxy-url": access.proxyUrl }),
        server: access.server,
        ...(access.serverName === undefined ? {} : { "tls-server-name": access.serverName })
      },
      name: "default-cluster"
    }],
    contexts: [{
      context: { cluster: "default-cluster", namespace: "default", user: "default-auth" },
      name: "default-context"
    }],
    "current-context": "default-context",
    kind: "Config",
    preferences: {},
    users: [{ name: "default-auth", user: { "client-certificate": pair, "client-key": pair } }]
  })
