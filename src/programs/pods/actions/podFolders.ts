/** Folders and files of a pod on the node that are not volumes (parity A16, D14, D15, E5). */
import { Effect } from "effect"
import { podHostname } from "../../../domain/config/hostname.ts"
import { hostNetworkHostsFile, hostsFile } from "../../../domain/config/hostsFile.ts"
import type { NodeSettings } from "../../../domain/config/nodeSettings.ts"
import {
  containerDir,
  etcHostsPath,
  legacyLogLink,
  podDir,
  podLogDirectory,
  terminationLogPath
} from "../../../domain/config/podPaths.ts"
import type { Pod } from "../../../domain/k8s/pod.ts"
import { HostFiles } from "../../../layers/host/HostFiles.ts"

/** Made before the pod's sandbox. */
export const makePodFolders = Effect.fnUntraced(function*(pod: Pod, node: NodeSettings) {
  const files = yield* HostFiles
  const root = podDir(node.rootDir, pod.metadata.uid)
  // The pod's own folder comes with the first.
  yield* Effect.forEach(
    ["/volumes", "/plugins", "/containers"],
    (below) => files.makeDirectory(root + below, { mode: 0o750, recursive: true }),
    { discard: true }
  )
  yield* files.makeDirectory(podLogDirectory(node.podLogsDir, pod), { mode: 0o755, recursive: true })
})

/** The hosts file as the pod's addresses are now; written anew at every start of a container. */
export const writeHostsFile = Effect.fnUntraced(
  function*(pod: Pod, node: NodeSettings, podIPs: ReadonlyArray<string>) {
    const files = yield* HostFiles
    const path = etcHostsPath(node.rootDir, pod.metadata.uid)
    const aliases = pod.spec.hostAliases ?? []
    if (pod.spec.hostNetwork === true) {
      const own = yield* files.readText("/etc/hosts")
      return yield* files.writeFile(path, hostNetworkHostsFile(own, aliases), { mode: 0o644 })
    }
    const name = yield* Effect.fromResult(podHostname(pod, node.dns.domain))
    yield* files.writeFile(path, hostsFile({ podIPs, name, aliases }), { mode: 0o644 })
  }
)

/** What one run of a container needs before it is created: its log folder and its termination message file. */
export const makeContainerFiles = Effect.fnUntraced(
  function*(pod: Pod, node: NodeSettings, container: string, terminationToken: string) {
    const files = yield* HostFiles
    yield* files.makeDirectory(`${podLogDirectory(node.podLogsDir, pod)}/${container}`, {
      mode: 0o755,
      recursive: true
    })
    yield* files.makeDirectory(containerDir(node.rootDir, pod.metadata.uid, container), {
      mode: 0o750,
      recursive: true
    })
    const messagePath = terminationLogPath(node.rootDir, pod.metadata.uid, container, terminationToken)
    yield* files.writeFile(messagePath, "", { mode: 0o666 })
  }
)

export interface LegacyLink {
  readonly folder: string
  readonly logPath: string
  readonly container: string
  readonly containerId: string
}

/** The link that log shippers follow. A node where it cannot be made still runs pods. */
export const linkLegacyLog = Effect.fnUntraced(function*(pod: Pod, link: LegacyLink) {
  const files = yield* HostFiles
  const path = legacyLogLink(link.folder, pod, link.container, link.containerId)
  const make = files.symlink(link.logPath, path)
  yield* Effect.catchReason(
    make,
    "HostFileError",
    "NotFound",
    () => Effect.andThen(files.makeDirectory(link.folder, { mode: 0o755, recursive: true }), make)
  )
}, (effect) => Effect.catch(effect, (error) => Effect.logWarning("cannot link the log of a container", error)))
