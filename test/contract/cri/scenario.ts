/** What scenarios of the runtime contract are made of: sandboxes and containers that are gone when the test ends. */
import type { Vitest } from "@effect/vitest"
import { Context, Effect, Schedule, type Scope } from "effect"
import { ContainerState, Cri, type CriCalls, type CriError } from "../../../src/layers/cri/Cri.ts"
import type { RuntimeEvents } from "../../../src/layers/cri/RuntimeEvents.ts"

/** What a scenario needs beside the runtime itself. */
export class CriContractHost extends Context.Service<CriContractHost, {
  /** The `cgroup_parent` of every sandbox. */
  readonly cgroup: string
  /** A folder for the logs of one sandbox, made for it. */
  readonly logFolder: (sandbox: string) => Effect.Effect<string>
  /** What the runtime wrote to a log; empty while there is none. */
  readonly readLog: (path: string) => Effect.Effect<string>
  readonly renameLog: (from: string, to: string) => Effect.Effect<void>
  /** An image that can be pulled without credentials and is not there yet. */
  readonly pullable: string
}>()("kubeffect/test/contract/CriContractHost") {}

export type ContractTests = Vitest.MethodsNonLive<Cri | RuntimeEvents | CriContractHost>

/** There from the start, with a shell. */
export const image = "docker.io/library/busybox:1.29"

let names = 0

export interface TestSandbox {
  readonly id: string
  readonly config: Effect.Success<ReturnType<typeof sandboxConfig>>["config"]
  readonly logFolder: string
}

export const sandboxConfig = Effect.fnUntraced(function*(labels: Record<string, string> = {}) {
  const host = yield* CriContractHost
  names += 1
  const name = `pod-${names}`
  const logFolder = yield* host.logFolder(name)
  return {
    logFolder,
    config: {
      metadata: { name, namespace: "contract", uid: `uid-${names}`, attempt: 0 },
      hostname: name,
      logDirectory: logFolder,
      labels: { "io.kubernetes.pod.uid": `uid-${names}`, ...labels },
      annotations: { note: "kept" },
      linux: { cgroupParent: `${host.cgroup}/${name}` }
    }
  }
})

/** Runs a sandbox; stopped and removed with the scope. */
export const sandbox = Effect.fnUntraced(
  function*(labels: Record<string, string> = {}): Effect.fn.Return<
    TestSandbox,
    CriError,
    Cri | CriContractHost | Scope.Scope
  > {
    const cri = yield* Cri
    const { config, logFolder } = yield* sandboxConfig(labels)
    const { podSandboxId: id } = yield* Effect.acquireRelease(
      cri.runPodSandbox({ config }),
      ({ podSandboxId }) => Effect.orDie(removeSandbox(cri, podSandboxId))
    )
    return { id, config, logFolder }
  }
)

const removeSandbox = (cri: CriCalls, podSandboxId: string) =>
  Effect.andThen(cri.stopPodSandbox({ podSandboxId }), cri.removePodSandbox({ podSandboxId }))

export interface ContainerOptions {
  /** Given to `sh -c`. */
  readonly script?: string
  readonly command?: ReadonlyArray<string>
  readonly name?: string
  readonly attempt?: number
  readonly labels?: Record<string, string>
  readonly image?: string
}

/** Creates a container and does not start it; it goes with its sandbox. */
export const created = Effect.fnUntraced(function*(inside: TestSandbox, options: ContainerOptions = {}) {
  const cri = yield* Cri
  const name = options.name ?? "main"
  const attempt = options.attempt ?? 0
  const { containerId } = yield* cri.createContainer({
    podSandboxId: inside.id,
    sandboxConfig: inside.config,
    config: {
      metadata: { name, attempt },
      image: { image: options.image ?? image },
      command: [...(options.command ?? ["sh", "-c", options.script ?? untilStopped])],
      labels: {
        "io.kubernetes.container.name": name,
        "io.kubernetes.pod.uid": inside.config.metadata.uid,
        ...options.labels
      },
      annotations: { "io.kubernetes.container.restartCount": String(attempt) },
      logPath: `${name}_${attempt}.log`,
      linux: {}
    }
  })
  return containerId
})

/** Creates and starts a container. */
export const started = Effect.fnUntraced(function*(inside: TestSandbox, options: ContainerOptions = {}) {
  const containerId = yield* created(inside, options)
  yield* (yield* Cri).startContainer({ containerId })
  return containerId
})

/** Runs until SIGTERM, and then ends with 0. */
export const untilStopped = "trap 'exit 0' TERM; while true; do sleep 0.2; done"

export const statusOf = Effect.fnUntraced(function*(containerId: string) {
  const { status } = yield* (yield* Cri).containerStatus({ containerId })
  return status ?? (yield* Effect.die(`the runtime gave no status of ${containerId}`))
})

/** Looks until it holds; the runtime has ten seconds. */
export const eventually = <A, E, R>(look: Effect.Effect<A, E, R>, holds: (seen: A) => boolean) =>
  Effect.repeat(look, {
    schedule: Schedule.spaced("20 millis").pipe(Schedule.upTo({ duration: "10 seconds" })),
    until: holds
  })

export const exited = (containerId: string) =>
  eventually(statusOf(containerId), (status) => status.state === ContainerState.CONTAINER_EXITED)
