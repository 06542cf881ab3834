/**
 * A containerd that belongs to us alone: its own configuration, storage, socket, bridge and subnet under one folder, so
 * that it neither sees nor disturbs another one on the host. It lives as long as its scope; then everything that it and
 * its pods made is taken down, in order when it still answers and by force when not.
 */
import { Effect, Schedule, type Scope } from "effect"
import { mkdir, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { ImageService, RuntimeService } from "../../gen/cri/api_pb.ts"
import { type GrpcChannel, openChannel } from "../grpc/connect.ts"
import type { GrpcError } from "../grpc/Grpc.ts"
import { pauseImage } from "./basicImages.ts"
import { onFiles, run } from "./command.ts"
import { bridgeConflist, containerdConfig, mayLowerOomScore } from "./config.ts"
import { ContainerdError } from "./ContainerdError.ts"
import { type Daemon, makeDaemon } from "./daemon.ts"
import { imageArchive, type ImageSource } from "./imageArchive.ts"
import { removeLeftovers } from "./leftovers.ts"

export interface PrivateContainerdOptions {
  /** Made when absent, removed at the end. At most 80 characters, for the path of a socket has room for 107. */
  readonly directory: string
  /** Has `containerd`, `ctr` and `containerd-shim-runc-v2`; runc is found by PATH. */
  readonly binDir: string
  readonly cniBinDir: string
  readonly network: { readonly bridge: string; readonly subnet: string; readonly masquerade: boolean }
  /** The cgroup that the caller puts all pods into; removed at the end. */
  readonly cgroup?: string
  readonly images: ReadonlyArray<ImageSource>
}

export interface PrivateContainerd {
  readonly directory: string
  readonly binDir: string
  readonly socket: string
  readonly logFile: string
  readonly pid: () => number
  /** Adds an image to its store; returns when its CRI shows it. */
  readonly importImage: (source: ImageSource) => Effect.Effect<void, ContainerdError>
  /** Kills the daemon alone, as a crash would: shims and containers go on. */
  readonly kill: Effect.Effect<void, ContainerdError>
  /** Starts the daemon again on what it left; returns when its CRI answers. */
  readonly start: Effect.Effect<void, ContainerdError>
}

/** Starts it, imports the images, and returns when its CRI is ready for pods. */
export const makePrivateContainerd = Effect.fn("PrivateContainerd.make")(
  function*(options: PrivateContainerdOptions): Effect.fn.Return<PrivateContainerd, ContainerdError, Scope.Scope> {
    const { bridge } = options.network
    const leftovers = {
      directory: options.directory,
      bridge,
      ...(options.cgroup === undefined ? {} : { cgroup: options.cgroup })
    }
    const sandboxImage = pauseImage(process.arch)
    if (sandboxImage === undefined) {
      return yield* new ContainerdError({ op: "start containerd", target: process.arch, detail: "unknown machine" })
    }
    // Of an earlier run that had no time to clean up.
    yield* removeLeftovers(leftovers)
    yield* Effect.addFinalizer(() =>
      removeLeftovers(leftovers).pipe(
        Effect.catch((error) => Effect.logWarning("A private containerd left something behind", error))
      )
    )
    const files = yield* writeFiles(options, sandboxImage.name)
    const daemon = yield* makeDaemon({ ...files, binDir: options.binDir })
    const channel = yield* openChannel({ address: files.socket })
    const client = clientOf(channel)
    const start = Effect.andThen(daemon.start, ready(client, daemon, files))
    yield* start
    // Added last, so it runs first: while everything is still there.
    yield* Effect.addFinalizer(() => removePods(client).pipe(Effect.ignore({ log: "Debug" })))
    const importImage = importInto(options, files, client)
    yield* Effect.forEach([sandboxImage, ...options.images], importImage, { discard: true })
    return {
      directory: options.directory,
      binDir: options.binDir,
      ...files,
      pid: daemon.pid,
      importImage,
      kill: daemon.kill,
      start
    }
  }
)

interface Files {
  readonly config: string
  readonly socket: string
  readonly logFile: string
}

const writeFiles = (options: PrivateContainerdOptions, sandboxImage: string): Effect.Effect<Files, ContainerdError> => {
  const inside = (name: string) => join(options.directory, name)
  const paths = {
    root: inside("root"),
    state: inside("state"),
    socket: inside("containerd.sock"),
    cniConf: inside("cni"),
    certs: inside("certs.d")
  }
  const files = { config: inside("config.toml"), socket: paths.socket, logFile: inside("containerd.log") }
  return onFiles("write", options.directory, async () => {
    await mkdir(paths.cniConf, { recursive: true })
    await mkdir(paths.certs, { recursive: true })
    const status = await readFile("/proc/self/status", "utf8")
    const config = { cniBinDir: options.cniBinDir, paths, sandboxImage, restrictOomScoreAdj: !mayLowerOomScore(status) }
    await writeFile(files.config, containerdConfig(config))
    await writeFile(
      join(paths.cniConf, "10-kubeffect.conflist"),
      bridgeConflist({ ...options.network, leaseDir: inside("leases") })
    )
    return files
  })
}

const clientOf = (channel: GrpcChannel) => {
  const settings = { name: "PrivateContainerd", timeoutMs: () => 30_000, mapError: (error: GrpcError) => error }
  return { ...channel.client(RuntimeService, settings), ...channel.client(ImageService, settings) }
}

type Client = ReturnType<typeof clientOf>

/** Runtime and network both: pods can be made. */
const ready = (client: Client, daemon: Daemon, files: Files) =>
  client.status({}).pipe(
    Effect.map(({ status }) => status?.conditions.filter((condition) => !condition.status) ?? []),
    Effect.filterOrFail(
      (missing) => missing.length === 0,
      (missing) => missing.map((condition) => `${condition.reason}: ${condition.message}`).join("; ")
    ),
    // A daemon that has ended will not answer however long we wait.
    Effect.retry({
      schedule: Schedule.spaced("25 millis").pipe(Schedule.upTo({ duration: "60 seconds" })),
      while: () => daemon.isRunning()
    }),
    Effect.catch((last) =>
      Effect.flatMap(
        onFiles("read", files.logFile, () => readFile(files.logFile, "utf8")),
        (log) =>
          Effect.fail(
            new ContainerdError({
              op: "start containerd",
              target: files.socket,
              detail: `${daemon.isRunning() ? "not ready" : "ended"}: ${String(last)}\n${log.slice(-2000)}`
            })
          )
      )
    ),
    Effect.asVoid
  )

const importInto = (options: PrivateContainerdOptions, files: Files, client: Client) =>
  Effect.fn("PrivateContainerd.importImage")(function*(source: ImageSource) {
    const archive = join(options.directory, "import.tar")
    const bytes = yield* imageArchive(source)
    yield* onFiles("write", archive, () => writeFile(archive, bytes))
    yield* run(
      join(options.binDir, "ctr"),
      ["--address", files.socket, "--namespace", "k8s.io", "images", "import", archive],
      { timeoutMs: 60_000 }
    )
    yield* onFiles("remove", archive, () => rm(archive))
    // The CRI learns of it by an event of containerd's image store.
    yield* client.imageStatus({ image: { image: source.name } }).pipe(
      Effect.mapError((error) =>
        new ContainerdError({ op: "import", target: source.name, detail: error.detail, cause: error })
      ),
      Effect.filterOrFail(
        (answer) => answer.image !== undefined,
        () => new ContainerdError({ op: "import", target: source.name, detail: "the CRI does not show it" })
      ),
      Effect.retry(Schedule.spaced("10 millis").pipe(Schedule.upTo({ duration: "60 seconds" })))
    )
  })

/** In order, so that the network plugins undo what they did to the host. */
const removePods = Effect.fnUntraced(function*(client: Client) {
  const { items } = yield* client.listPodSandbox({}, { timeoutMs: 2000 })
  yield* Effect.forEach(items, ({ id }) =>
    Effect.andThen(
      client.stopPodSandbox({ podSandboxId: id }),
      client.removePodSandbox({ podSandboxId: id })
    ), { concurrency: 8, discard: true })
})
