/** What has to be asked of the machine and the runtime before the agent's settings are complete. */
import { Effect, Option, Schedule, Schema } from "effect"
import type { EffectiveConfig } from "../../domain/kubeletConfig/layering.ts"
import { startupProblems } from "../../domain/node/startupChecks.ts"
import { kernelProblem, kernelSettings, unlike } from "../../domain/process/kernelSettings.ts"
import { CgroupDriver, Cri } from "../../layers/cri/Cri.ts"
import { Cgroups } from "../../layers/host/Cgroups.ts"
import { HostFiles } from "../../layers/host/HostFiles.ts"
import type { NodeReading } from "../../layers/host/NodeFacts.ts"
import { Processes } from "../../layers/host/Processes.ts"

/** The machine is not fit to be a node. */
export class UnfitMachine extends Schema.TaggedError<UnfitMachine>()("UnfitMachine", {
  problems: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `this machine cannot be a node: ${this.problems.join("; ")}`
  }
}

/** Ends the start when the machine does not have what the agent needs (parity A19). */
export const checkMachine = Effect.fn("checkMachine")(function*(
  { config }: EffectiveConfig,
  { swaps, uid }: NodeReading
) {
  const cgroupMode = yield* (yield* Cgroups).mode
  const problems = startupProblems(
    { uid, swapDevices: swaps.map(({ name }) => name), cgroupMode },
    { failSwapOn: config.failSwapOn, failCgroupV1: config.failCgroupV1, swapBehavior: config.memorySwap.swapBehavior }
  )
  if (problems.length > 0) return yield* new UnfitMachine({ problems })
})

/** Asks the kernel to spare the agent when memory runs out (parity A15); not every machine lets it. */
export const claimOomScore = Effect.fn("claimOomScore")(function*({ config }: EffectiveConfig) {
  const files = yield* HostFiles
  yield* Effect.catch(
    files.writeInto("/proc/self/oom_score_adj", String(config.oomScoreAdj)),
    (error) => Effect.logWarning(`cannot set the agent's own oom_score_adj to ${config.oomScoreAdj}`, error)
  )
})

const settingsFolder = "/proc/sys"

/**
 * The kernel's settings as a node wants them: written, or only compared where they are protected. A machine that does not
 * let them be written, as a container is, is told of and used as it is.
 */
export const settleKernel = Effect.fn("settleKernel")(function*({ config }: EffectiveConfig) {
  const files = yield* HostFiles
  const actual = new Map<string, number>()
  for (const { name } of kernelSettings) {
    const text = yield* Effect.option(files.readText(`${settingsFolder}/${name}`))
    if (Option.isSome(text)) actual.set(name, Number(text.value.trim()))
  }
  const different = unlike(actual)
  if (config.protectKernelDefaults) {
    if (different.length > 0) return yield* new UnfitMachine({ problems: different.map(kernelProblem) })
    return
  }
  for (const { is, name, wanted } of different) {
    yield* Effect.logInfo(`updating kernel flag ${name} from ${is} to ${wanted}`)
    yield* Effect.catch(
      files.writeInto(`${settingsFolder}/${name}`, String(wanted)),
      (error) => Effect.logWarning(`cannot set the kernel flag ${name} to ${wanted}`, error)
    )
  }
})

const limitMs = 5000

/** How many files the agent may have open; Node cannot say it itself. What is not allowed is told of. */
export const claimOpenFiles = Effect.fn("claimOpenFiles")(function*({ config }: EffectiveConfig, pid: number) {
  const processes = yield* Processes
  const count = config.maxOpenFiles
  const args = ["--pid", String(pid), `--nofile=${count}:${count}`]
  yield* processes.run({ command: "prlimit", args, timeoutMs: limitMs }).pipe(
    Effect.flatMap(({ exitCode, stderr }) =>
      exitCode === 0
        ? Effect.void
        : Effect.logWarning(`cannot set the limit of open files to ${count}: ${stderr.trim()}`)
    ),
    Effect.catch((error) => Effect.logWarning(`cannot set the limit of open files to ${count}`, error))
  )
})

/** The runtime's cgroup driver; undefined from one that does not say, or that is away for longer than a start (A18). */
export const runtimeCgroupDriver = Effect.fn("runtimeCgroupDriver")(
  function*() {
    const cri = yield* Cri
    const { linux } = yield* cri.runtimeConfig({}).pipe(
      Effect.retry({
        schedule: Schedule.spaced("2 seconds").pipe(Schedule.upTo({ times: 2 })),
        while: ({ reason }) => reason._tag !== "Unimplemented"
      })
    )
    if (linux === undefined) return undefined
    return linux.cgroupDriver === CgroupDriver.SYSTEMD ? "systemd" as const : "cgroupfs" as const
  },
  Effect.catch((error) =>
    Effect.as(
      error.reason._tag === "Unimplemented"
        ? Effect.void
        : Effect.logWarning("cannot ask the runtime for its cgroup driver: the configured one is used", error),
      undefined
    )
  )
)
