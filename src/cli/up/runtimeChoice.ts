/**
 * Which container runtime `kubeffect up` uses. Never one that it merely found running: an agent removes pods it does not
 * know, and those could be someone's.
 */

/** What the machine has, as far as the choice depends on it. Paths are undefined where there is none. */
export interface Machine {
  readonly uid: number
  readonly containerd: string | undefined
  readonly runc: string | undefined
  /** Folder with the `bridge` and `host-local` plugins. */
  readonly cniBinDir: string | undefined
  readonly iptables: string | undefined
}

export type RuntimeChoice =
  /** Asked for by name. */
  | { readonly _tag: "Given"; readonly endpoint: string }
  /** A containerd of our own, with its own storage and socket. */
  | {
    readonly _tag: "Private"
    readonly containerd: string
    readonly cniBinDir: string
    /** Without iptables, pods reach each other and the node, but no further. */
    readonly masquerade: boolean
  }
  /** No containers: they are played. `missing` is what real ones need; nothing when this was asked for. */
  | { readonly _tag: "Simulated"; readonly missing: ReadonlyArray<string> }

export interface RuntimeWish {
  readonly endpoint: string | undefined
  readonly simulated: boolean
}

export const chooseRuntime = (machine: Machine, { endpoint, simulated }: RuntimeWish): RuntimeChoice => {
  if (simulated) return { _tag: "Simulated", missing: [] }
  if (endpoint !== undefined) return { _tag: "Given", endpoint }
  const { cniBinDir, containerd, iptables, runc, uid } = machine
  if (uid === 0 && containerd !== undefined && runc !== undefined && cniBinDir !== undefined) {
    return { _tag: "Private", containerd, cniBinDir, masquerade: iptables !== undefined }
  }
  return {
    _tag: "Simulated",
    missing: [
      ...(uid === 0 ? [] : ["root"]),
      ...(containerd === undefined ? ["containerd"] : []),
      ...(runc === undefined ? ["runc"] : []),
      ...(cniBinDir === undefined ? ["containernetworking-plugins"] : [])
    ]
  }
}

/** What to tell the person who started it. */
export const runtimeAnnouncement = (choice: RuntimeChoice): ReadonlyArray<string> => {
  switch (choice._tag) {
    case "Given":
      return [`runtime: ${choice.endpoint}, as asked`]
    case "Private":
      return [
        `runtime: a containerd of its own (${choice.containerd}); pods are real containers`,
        ...(choice.masquerade ? [] : ["         no iptables here: pods do not reach the world outside the node"])
      ]
    case "Simulated": {
      if (choice.missing.length === 0) return ["runtime: simulated, as asked; no containers run, they are played"]
      const packages = choice.missing.filter((name) => name !== "root")
      return [
        `runtime: simulated, for want of ${choice.missing.join(", ")}; no containers run, they are played`,
        ...(packages.length === 0 ? [] : [`         for real ones: apt-get install ${packages.join(" ")}`]),
        ...(choice.missing.includes("root") ? ["         for real ones: run it as root"] : [])
      ]
    }
  }
}
