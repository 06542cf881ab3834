/** The file that tells `kubectl` and other clients where the server is and who they are. */
import { stringify } from "yaml"
import type { Serving } from "./ApiServerHttp.ts"

export interface Credentials {
  readonly token?: string
  /** PEM */
  readonly certificate?: string
  readonly key?: string
}

const base64 = (text: string): string => Buffer.from(text).toString("base64")

/** The text of a kubeconfig with one cluster, one user and one context, all called `name`, for the namespace default. */
export const kubeconfig = (
  { certificateAuthority, url }: Pick<Serving, "url" | "certificateAuthority">,
  { certificate, key, token }: Credentials = {},
  name = "kubeffect"
): string =>
  stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{
      name,
      cluster: {
        server: url,
        ...(certificateAuthority === undefined ? {} : { "certificate-authority-data": base64(certificateAuthority) })
      }
    }],
    users: [{
      name,
      user: {
        ...(token === undefined ? {} : { token }),
        ...(certificate === undefined ? {} : { "client-certificate-data": base64(certificate) }),
        ...(key === undefined ? {} : { "client-key-data": base64(key) })
      }
    }],
    contexts: [{ name, context: { cluster: name, user: name, namespace: "default" } }],
    "current-context": name
  })
