/** The files that make a containerd private: its configuration, and a network of its own for its pods. */

export interface ContainerdPaths {
  readonly root: string
  readonly state: string
  readonly socket: string
  readonly cniConf: string
  readonly certs: string
}

export interface PodNetwork {
  /** The bridge, made with the first pod; 15 characters at most. */
  readonly bridge: string
  /** `10.250.7.0/24`. */
  readonly subnet: string
  /** Lets pods reach what the host reaches. */
  readonly masquerade: boolean
  /** Where the addresses in use are noted. */
  readonly leaseDir: string
}

export interface ContainerdConfigOptions {
  readonly paths: ContainerdPaths
  readonly cniBinDir: string
  readonly sandboxImage: string
  /** Without CAP_SYS_RESOURCE runc may not lower `oom_score_adj`, and no sandbox would start. */
  readonly restrictOomScoreAdj: boolean
}

/** Version 2 of the format, which containerd 1.6 to 2.x read. Everything it writes stays under the given paths. */
export const containerdConfig = ({ cniBinDir, paths, restrictOomScoreAdj, sandboxImage }: ContainerdConfigOptions) =>
  `version = 2
root = ${quote(paths.root)}
state = ${quote(paths.state)}

[grpc]
  address = ${quote(paths.socket)}

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = ${quote(sandboxImage)}
  restrict_oom_score_adj = ${restrictOomScoreAdj}
  # Under state, where stopping finds and unmounts them.
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = ${quote(cniBinDir)}
    conf_dir = ${quote(paths.cniConf)}
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = ${quote(paths.certs)}
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      Root = ${quote(`${paths.state}/runc`)}
`

const quote = (value: string) => JSON.stringify(value)

/** Bridge, addresses from the subnet, host ports, bandwidth limits: what Kubernetes expects of a pod network. */
export const bridgeConflist = (network: PodNetwork) =>
  JSON.stringify(
    {
      cniVersion: "0.4.0",
      name: network.bridge,
      plugins: [
        {
          type: "bridge",
          bridge: network.bridge,
          isGateway: true,
          ipMasq: network.masquerade,
          hairpinMode: true,
          ipam: {
            type: "host-local",
            dataDir: network.leaseDir,
            ranges: [[{ subnet: network.subnet }]],
            routes: [{ dst: "0.0.0.0/0" }]
          }
        },
        { type: "portmap", capabilities: { portMappings: true } },
        { type: "bandwidth", capabilities: { bandwidth: true } }
      ]
    },
    null,
    2
  )

const capSysResource = 24n

/** Whether a process with this `/proc/self/status` has CAP_SYS_RESOURCE, and with it what it starts. */
export const mayLowerOomScore = (processStatus: string): boolean => {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(processStatus)?.[1] ?? "0"
  return (BigInt(`0x${effective}`) >> capSysResource & 1n) === 1n
}
