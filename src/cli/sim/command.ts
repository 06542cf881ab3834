/** `kubeffect sim`: the command line of it. */
import { Effect } from "effect"
import { Command } from "effect/cli"
import { number, text, textOrNone, toggle } from "../flags.ts"
import { usual } from "./plan.ts"

export const sim = Command.make(
  "sim",
  {
    kubeconfig: textOrNone(
      "kubeconfig",
      "the cluster that the nodes join; without it, an API server in memory is started"
    ),
    nodes: number("nodes", "how many nodes", usual.nodes),
    podsCapacity: number("pods-capacity", "pods that each node takes", usual.podsCapacity),
    nodePrefix: text("node-prefix", "names of the nodes are this and a number", usual.nodePrefix),
    config: textOrNone("config", "KubeletConfiguration file of all nodes, YAML or JSON"),
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
    clientCaFile: textOrNone(
      "client-ca-file",
      "whose certificates the nodes' servers take; the kubeconfig's authority when absent"
    ),
    apiPort: number("api-port", "without --kubeconfig: port of the API server in memory; 0: a free one", 0),
    writeKubeconfig: textOrNone("write-kubeconfig", "without --kubeconfig: write the kubeconfig for that server here"),
    deleteNodes: toggle(
      "delete-nodes",
      "delete the nodes at the end; without it they stay, and the next run takes them over"
    ),
    logFile: textOrNone("log-file", "write what the agents say here"),
    cluster: textOrNone(
      "cluster",
      "share the nodes with other processes by this database: sqlite:./path, or postgres://user@host/name"
    ),
    runnerHost: text("runner-host", "with --cluster: where other processes reach this one", "127.0.0.1"),
    runnerPort: number("runner-port", "with --cluster: and on which port", 34_431),
    takeoverAfter: text(
      "takeover-after",
      "with --cluster: the nodes of a process that is silent for so long move to the others",
      "12s"
    )
  },
  Effect.fnUntraced(function*(wish) {
    // Loaded when asked for: the daemon, which is the same bundle, has no need of simulated machines.
    const { sim: run } = yield* Effect.promise(() => import("./run.ts"))
    yield* run(wish)
  })
).pipe(Command.withDescription("Simulated nodes that run the real agent, for any cluster or for one in memory"))
