/** Scripts for simulated containers: what the program in one does, said by a test or inferred from its command. */
import type { NetworkReply, NetworkRequest } from "../../../domain/probes/network.ts"
import type { OutputStream, Program, Step } from "./program.ts"
import { commandSteps, compileShell } from "./shell.ts"

export interface ScriptedLine {
  /** Since the start of the process. */
  readonly atMs: number
  readonly text: string
  readonly stream?: OutputStream
}

export interface ExecReply {
  readonly stdout?: string
  readonly stderr?: string
  readonly exitCode?: number
  /** How long the command runs; `Infinity` hangs. */
  readonly tookMs?: number
}

/** Times that the process has lived through, for replies that change. */
export interface ProcessMoment {
  readonly ageMs: number
  readonly attempt: number
}

/** What a container does. Everything left out is as a well-behaved server has it. */
export interface ContainerScript {
  /** Its program, and what that listens on, are as the command has it; what else is said here holds all the same. */
  readonly inferred?: boolean
  /** From the call of StartContainer to its answer, on top of the runtime's own time. */
  readonly startDelayMs?: number
  /** StartContainer fails with this, in runc's words: `exec: "x": executable file not found in $PATH`. */
  readonly startError?: string
  /** Ends by itself after this time; runs until it is stopped when absent. */
  readonly runMs?: number
  readonly exitCode?: number
  /** Written to the termination message file just before it ends by itself. */
  readonly terminationMessage?: string
  /** `ignore`, or how it ends. Default: with code 0 after 20 ms. */
  readonly onTerm?: "ignore" | { readonly afterMs: number; readonly exitCode: number }
  /** Resident memory; beyond the container's limit it is killed for it. */
  readonly memoryBytes?: number
  /** Grows by this much a second. */
  readonly memoryGrowthBytes?: number
  readonly cpuMillicores?: number
  readonly output?: ReadonlyArray<ScriptedLine>
  /** Undefined: as inferred from the command. */
  readonly exec?: (command: ReadonlyArray<string>, moment: ProcessMoment) => ExecReply | undefined
  readonly network?: (request: NetworkRequest, moment: ProcessMoment) => NetworkReply
}

/** One container, as workloads are chosen by. */
export interface Workload {
  readonly image: string
  readonly podName: string
  readonly podNamespace: string
  readonly podAnnotations: Readonly<Record<string, string>>
  readonly containerName: string
  readonly attempt: number
  readonly command: ReadonlyArray<string>
}

/** The script of a container; undefined infers it from the command. */
export type Workloads = (workload: Workload) => ContainerScript | undefined

export const terminationLog = "/dev/termination-log"

const termSteps = (script: ContainerScript): { readonly trap: Step; readonly handler: ReadonlyArray<Step> } => {
  const { onTerm = { afterMs: 20, exitCode: 0 } } = script
  if (onTerm === "ignore") return { trap: { op: "trap", handler: "ignore" }, handler: [] }
  return {
    trap: { op: "trap", handler: 1 },
    handler: [
      // A second signal changes nothing.
      { op: "trap", handler: "ignore" },
      { op: "sleep", ms: onTerm.afterMs, heedful: false },
      { op: "exit", code: onTerm.exitCode }
    ]
  }
}

/** The steps of a script: handler first, behind a jump, so that its place is known. */
export const programOf = (script: ContainerScript): Program => {
  const { handler, trap } = termSteps(script)
  const steps: Array<Step> = [{ op: "jump", to: handler.length + 1, when: "always" }, ...handler, trap]
  let time = 0
  const until = (ms: number) => {
    if (ms > time) steps.push({ op: "sleep", ms: ms - time, heedful: true })
    time = Math.max(time, ms)
  }
  const end = script.runMs ?? Number.POSITIVE_INFINITY
  for (const { atMs, stream = "stdout", text } of script.output ?? []) {
    if (atMs > end) break
    until(atMs)
    steps.push({ op: "print", stream, text: `${text}\n` })
  }
  if (script.runMs === undefined) {
    steps.push({ op: "forever", periodMs: 0 })
  } else {
    until(script.runMs)
    if (script.terminationMessage !== undefined) {
      steps.push({ op: "write", path: terminationLog, text: script.terminationMessage, append: false })
    }
    steps.push({ op: "exit", code: script.exitCode ?? 0 })
  }
  return { steps, ...(script.startError !== undefined && { startError: script.startError }) }
}

/** A server nobody described: heeds SIGTERM as servers do. */
const server = programOf({})

const shells = new Set(["sh", "bash", "ash", "dash"])

const baseName = (command: string): string => command.slice(command.lastIndexOf("/") + 1)

/** No image has a program below this folder. */
const missingFolder = "/no/"

/**
 * What the command of a container does. `server` marks a program that nobody described and that listens on its ports;
 * an empty command is the image's own.
 */
export const infer = (command: ReadonlyArray<string>): { readonly program: Program; readonly server: boolean } => {
  const [name, ...args] = command
  if (name === undefined) return { program: server, server: true }
  if (name.startsWith(missingFolder)) {
    const startError = `exec: "${name}": stat ${name}: no such file or directory`
    return { program: { steps: [], startError }, server: false }
  }
  if (shells.has(baseName(name))) {
    // A shell without a script reads its closed input and ends.
    if (args.length === 0) return { program: { steps: [] }, server: false }
    const at = args.findIndex((arg) => /^-[a-z]*c$/.test(arg))
    const program = at < 0 ? undefined : compileShell(args[at + 1] ?? "")
    return program === undefined ? { program: server, server: true } : { program, server: false }
  }
  const steps = commandSteps(name, args)
  if (steps === undefined) return { program: server, server: true }
  if (steps === "hog") return { program: { steps: [{ op: "forever", periodMs: undefined }], hog: true }, server: false }
  return { program: { steps }, server: false }
}
