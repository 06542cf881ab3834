/**
 * What a simulated process does, as a list of steps, and the machine that runs them on any clock. Pure but for the
 * `Process` record it moves on: no fibers, so that thirty thousand processes cost no more than their records.
 */

export type OutputStream = "stdout" | "stderr"

/** Where a jump leads: an index into the steps. */
type At = number

export type Step =
  /** Text without a newline at its end leaves its line open. */
  | { readonly op: "print"; readonly stream: OutputStream; readonly text: string }
  | { readonly op: "write"; readonly path: string; readonly text: string; readonly append: boolean }
  | { readonly op: "show"; readonly path: string }
  | { readonly op: "remove"; readonly path: string; readonly force: boolean }
  | { readonly op: "exists"; readonly path: string; readonly want: boolean }
  /** A shell looks at its traps only after a program it waits for; `heedful` sleeps are cut short by them. */
  | { readonly op: "sleep"; readonly ms: number; readonly heedful: boolean }
  | { readonly op: "exit"; readonly code: number | "last" }
  | { readonly op: "status"; readonly code: number }
  | { readonly op: "jump"; readonly to: At; readonly when: "always" | "ok" | "failed" }
  /** What SIGTERM does from now on. */
  | { readonly op: "trap"; readonly handler: At | "ignore" | "default" }
  /** The end of a handler: goes on where the signal came. */
  | { readonly op: "resume" }
  /** Runs until it is stopped; with a period, it looks at its traps that often. */
  | { readonly op: "forever"; readonly periodMs: number | undefined }

export interface Program {
  readonly steps: ReadonlyArray<Step>
  /** Why it cannot be started, as runc says it. */
  readonly startError?: string
  /** Takes memory until it is killed. */
  readonly hog?: boolean
}

export type Files = Map<string, string>

export interface Process {
  readonly program: Program
  at: number
  status: number
  handler: number | "ignore" | "default"
  /** A signal that waits for the end of a sleep. */
  pending: boolean
  /** It has come to its end; no signal changes that. */
  ended: boolean
  resumeAt: number
  /** Since when it sleeps or runs for ever. */
  since: number
  files: Files | undefined
}

export interface Output {
  readonly print: (stream: OutputStream, text: string) => void
  readonly write: (path: string, text: string, append: boolean) => void
}

export type Progress =
  | { readonly _tag: "Sleeping"; readonly until: number }
  | { readonly _tag: "Forever" }
  | { readonly _tag: "Exited"; readonly code: number }

export const makeProcess = (program: Program, files?: Files): Process => ({
  program,
  at: 0,
  status: 0,
  handler: "default",
  pending: false,
  ended: false,
  resumeAt: -1,
  since: 0,
  files
})

const forever: Progress = { _tag: "Forever" }

/** More steps than this without time passing: a busy loop, which nothing but a signal ends. */
const busyAfter = 10_000

const fileStep = (process: Process, step: Step, output: Output): void => {
  switch (step.op) {
    case "write": {
      process.files ??= new Map()
      const before = step.append ? process.files.get(step.path) ?? "" : ""
      process.files.set(step.path, before + step.text)
      output.write(step.path, step.text, step.append)
      process.status = 0
      return
    }
    case "show": {
      const text = process.files?.get(step.path)
      process.status = text === undefined ? 1 : 0
      if (text === undefined) output.print("stderr", `cat: can't open '${step.path}': No such file or directory\n`)
      else output.print("stdout", text)
      return
    }
    case "remove": {
      const was = process.files?.delete(step.path) ?? false
      process.status = was || step.force ? 0 : 1
      if (process.status !== 0) {
        output.print("stderr", `rm: can't remove '${step.path}': No such file or directory\n`)
      }
      return
    }
    case "exists":
      process.status = (process.files?.has(step.path) ?? false) === step.want ? 0 : 1
  }
}

const jumps = (process: Process, when: "always" | "ok" | "failed"): boolean =>
  when === "always" || (when === "ok") === (process.status === 0)

/** Runs from where the process stands until it sleeps, runs for ever or ends. */
export const advance = (process: Process, now: number, output: Output): Progress => {
  const progress = runSteps(process, now, output)
  process.ended = progress._tag === "Exited"
  return progress
}

const runSteps = (process: Process, now: number, output: Output): Progress => {
  const { steps } = process.program
  for (let taken = 0; taken < busyAfter; taken += 1) {
    if (process.pending && typeof process.handler === "number") {
      process.pending = false
      process.resumeAt = process.at
      process.at = process.handler
    }
    const step = steps[process.at]
    if (step === undefined) return { _tag: "Exited", code: process.status }
    process.at += 1
    switch (step.op) {
      case "print":
        output.print(step.stream, step.text)
        process.status = 0
        break
      case "sleep":
        process.status = 0
        process.since = now
        if (step.ms > 0) return { _tag: "Sleeping", until: now + step.ms }
        break
      case "exit":
        return { _tag: "Exited", code: step.code === "last" ? process.status : step.code }
      case "status":
        process.status = step.code
        break
      case "jump":
        if (jumps(process, step.when)) process.at = step.to
        break
      case "trap":
        process.handler = step.handler
        process.status = 0
        break
      case "resume":
        process.at = process.resumeAt
        break
      case "forever":
        // Stays on the step, so that a handler which returns comes back to it.
        process.at -= 1
        process.since = now
        return forever
      default:
        fileStep(process, step, output)
    }
  }
  process.since = now
  return forever
}

/** What SIGTERM does to a process that sleeps or runs for ever; undefined when nothing changes. */
export const terminate = (process: Process, now: number, isInit: boolean): Progress | undefined => {
  if (process.ended) return undefined
  // The kernel spares the first process of a PID namespace the signals that it did not ask for.
  if (process.handler === "default") return isInit ? undefined : { _tag: "Exited", code: 143 }
  if (process.handler === "ignore") return undefined
  process.pending = true
  const blocked = process.program.steps[process.at]
  if (blocked?.op === "forever") {
    const { periodMs } = blocked
    if (periodMs === undefined) return undefined
    if (periodMs <= 0) return { _tag: "Sleeping", until: now }
    const periods = Math.max(1, Math.ceil((now - process.since) / periodMs))
    return { _tag: "Sleeping", until: process.since + periods * periodMs }
  }
  const sleeping = process.program.steps[process.at - 1]
  return sleeping?.op === "sleep" && sleeping.heedful ? { _tag: "Sleeping", until: now } : undefined
}

/** Runs a whole program at once, as `exec` does; `Infinity` when it would never end. */
export const evaluate = (program: Program, files: Files | undefined): {
  readonly stdout: string
  readonly stderr: string
  readonly exitCode: number
  readonly tookMs: number
  readonly files: Files | undefined
} => {
  const said = { stdout: "", stderr: "" }
  const process = makeProcess(program, files)
  const output: Output = {
    print: (stream, text) => {
      said[stream] += text
    },
    write: () => {}
  }
  let now = 0
  // A loop of sleeps that goes on for an hour has outlived every deadline.
  while (now < 3_600_000) {
    const progress = advance(process, now, output)
    if (progress._tag === "Exited") return { ...said, exitCode: progress.code, tookMs: now, files: process.files }
    if (progress._tag === "Forever") break
    now = progress.until
  }
  return { ...said, exitCode: 0, tookMs: Number.POSITIVE_INFINITY, files: process.files }
}
