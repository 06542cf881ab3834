/** `kubeffect sim`: the command line of it. */
import { Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { usual } from "./plan.ts"

const text = (name: string, description: string, absent: string) =>
  Flag.String(name).pipe(Flag.withDescription(description), Flag.withDefault(absent))

const number = (name: string, description: string, absent: number) =>
  Flag.Int(name).pipe(Flag.withDescription(description), Flag.withDefault(absent))

export const sim = Command.make(
  "sim",
  {
    kubeconfig: Flag.String("kubeconfig").pipe(
      Flag.withDescription("the cluster that the nodes join; without it, an API server in memory is started"),
      Flag.optional
    ),
    nodes: number("nodes", "how many nodes", usual.nodes),
    podsCapacity: number("pods-capacity", "pods that each node takes", usual.podsCapacity),
    nodePrefix: text("node-prefix", "names of the nodes are this and a number", usual.nodePrefix),
    config: Flag.String("config").pipe(
      Flag.withDescription("KubeletConfiguration file of all nodes, YAML or JSON"),
      Flag.optional
    ),
    labels: text("labels", "labels of the nodes, key=value,…", usual.labels),
    taints: text("taints", "taints of the nodes, key=value:effect,…", usual.taints),
    capacity: text("capacity", "what each machine has, cpu=4,memory=16Gi,ephemeral-storage=100Gi", usual.capacity),
    podCidr: text("pod-cidr", "addresses of pods: each node has a /24 of it", usual.podCidr),
    address: text("address", "where the nodes' servers listen, and what the nodes say their address is", usual.address),
    portBase: number(
      "port-base",
      "port of the first node's server, the next is the next node's; 0: free ones",
      usual.portBase
    ),
    clientCaFile: Flag.String("client-ca-file").pipe(
      Flag.withDescription("whose certificates the nodes' servers take; the kubeconfig's authority when absent"),
      Flag.optional
    ),
    apiPort: number("api-port", "without --kubeconfig: port of the API server in memory; 0: a free one", 0),
    writeKubeconfig: Flag.String("write-kubeconfig").pipe(
      Flag.withDescription("without --kubeconfig: write the kubeconfig for that server here"),
      Flag.optional
    ),
    deleteNodes: Flag.Boolean("delete-nodes").pipe(
      Flag.withDescription("delete the nodes at the end; without it they stay, and the next run takes them over"),
      Flag.withDefault(false)
    ),
    logFile: Flag.String("log-file").pipe(
      Flag.withDescription("write what the agents say here"),
      Flag.optional
    ),
    cluster: Flag.String("cluster").pipe(
      Flag.withDescription(
        "share the nodes with other processes by this database: sqlite:./path, or postgres://user@host/name"
      ),
      Flag.optional
    ),
    runnerHost: text("runner-host", "with --cluster: where other processes reach this one", "127.0.0.1"),
    runnerPort: number("runner-port", "with --cluster: and on which port", 34_431),
    takeoverAfter: text(
      "takeover-after",
      "with --cluster: the nodes of a process that is silent for so long move to the others",
      "20s"
    )
  },
  Effect.fnUntraced(function*({ clientCaFile, cluster, config, kubeconfig, logFile, writeKubeconfig, ...rest }) {
    // Loaded when asked for: the daemon, which is the same bundle, has no need of simulated machines.
    const { sim: run } = yield* Effect.promise(() => import("./run.ts"))
    yield* run({
      ...rest,
      clientCaFile: Option.getOrUndefined(clientCaFile),
      cluster: Option.getOrUndefined(cluster),
      config: Option.getOrUndefined(config),
      kubeconfig: Option.getOrUndefined(kubeconfig),
      logFile: Option.getOrUndefined(logFile),
      writeKubeconfig: Option.getOrUndefined(writeKubeconfig)
    })
  })
).pipe(Command.withDescription("Simulated nodes that run the real agent, for any cluster or for one in memory"))
