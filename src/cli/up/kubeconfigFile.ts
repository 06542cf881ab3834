/** The kubeconfig that `kubectl` uses to reach the API server of `kubeffect up`. */

export interface ServerAccess {
  readonly url: string
  /** Absent where the server asks for none. */
  readonly token?: string
}

const name = "kubeffect"

/** The file's text. JSON is YAML, and needs no care with quotes. */
export const kubeconfigText = ({ token, url }: ServerAccess): string =>
  JSON.stringify(
    {
      apiVersion: "v1",
      kind: "Config",
      "current-context": name,
      clusters: [{ name, cluster: { server: url } }],
      users: [{ name, user: token === undefined ? {} : { token } }],
      contexts: [{ name, context: { cluster: name, user: name, namespace: "default" } }]
    },
    null,
    2
  ) + "\n"
