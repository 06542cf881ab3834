/** Programs of the node: running one to its end, and signals by process id. */
import { Context, type Effect, Schema } from "effect"
import { Failure } from "../../domain/failure.ts"

/**
 * A program could not be run to its end, or a process not be signalled. A program that ran and failed is no error: look
 * at its exit code. `Uncertain` when the deadline passed or somebody killed it (what it did stays), `NotFound` when the program
 * or the process does not exist.
 */
export class ProcessError extends Schema.TaggedError<ProcessError>()("ProcessError", {
  op: Schema.String,
  target: Schema.String,
  reason: Failure,
  detail: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    return `${this.op} ${this.target}: ${this.detail}`
  }
}

export interface ProcessRequest {
  readonly command: string
  readonly args: ReadonlyArray<string>
  /** The whole environment of the program when given; the agent's own otherwise. */
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: string | Uint8Array
  readonly cwd?: string
  /** The program is killed when it is over. */
  readonly timeoutMs: number
  /** More output than this (1 MiB when absent) kills the program and fails `Permanent`. */
  readonly maxOutputBytes?: number
}

export interface ProcessResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export class Processes extends Context.Service<Processes, {
  /** Interruption kills the program and its group. */
  readonly run: (request: ProcessRequest) => Effect.Effect<ProcessResult, ProcessError>
  readonly kill: (pid: number, signal: "SIGTERM" | "SIGKILL" | "SIGHUP" | "SIGINT") => Effect.Effect<void, ProcessError>
  readonly exists: (pid: number) => Effect.Effect<boolean, ProcessError>
}>()("kubeffect/layers/host/Processes") {}
