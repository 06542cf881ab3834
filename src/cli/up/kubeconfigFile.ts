/** The kubeconfig that `kubectl` uses to reach the API server of `kubeffect up`. */

export interface ServerAccess {
  readonly url: string
  readonly token: string
  /** PEM */
  readonly certificateAuthority: string
}

const name = "kubeffect"

/** The file's text. JSON is YAML, and needs no care with quotes. */
export const kubeconfigText = ({ certificateAuthority, token, url }: ServerAccess): string =>
  JSON.stringify(
    {
      apiVersion: "v1",
      kind: "Config",
      "current-context": name,
      clusters: [{
        name,
        cluster: {
          server: url,
          "certificate-authority-data": Buffer.from(certificateAuthority).toString("base64")
        }
      }],
      users: [{ name, user: { token } }],
      contexts: [{ name, context: { cluster: name, user: name, namespace: "default" } }]
    },
    null,
    2
  ) + "\n"
