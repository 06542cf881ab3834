/** Reads the recordings of the Go kubelet 1.36 in this folder; `README.md` tells how they were made. */
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

type Json = Readonly<Record<string, unknown>>

export interface RecordedCall {
  readonly at_ms: number
  readonly phase: "run" | "delete"
  readonly method: string
  readonly request: Json
  readonly response?: Json
  readonly error?: { readonly code: number; readonly details: string }
}

export interface RecordedEvent {
  readonly type: string
  readonly reason: string
  readonly message: string
  readonly count?: number
  readonly fieldPath?: string
}

/** One pod's life as it was recorded. */
export interface Recording {
  readonly case: string
  readonly manifest: { readonly metadata: Json; readonly spec: Json }
  readonly extra?: ReadonlyArray<Json>
  readonly calls: ReadonlyArray<RecordedCall>
  readonly statuses: ReadonlyArray<{ readonly at_ms: number; readonly type: string; readonly status: Json }>
  readonly events: ReadonlyArray<RecordedEvent>
  readonly inside?: Readonly<Record<string, unknown>>
  readonly cgroups?: Readonly<Record<string, Readonly<Record<string, string>>>> | null
  readonly deletedAt_ms: number | null
}

const folder = dirname(fileURLToPath(import.meta.url))

export const recordedCases: ReadonlyArray<string> = readdirSync(folder)
  .filter((name) => name.endsWith(".json"))
  .map((name) => name.slice(0, -".json".length))
  .sort()

export const readRecording = (name: string): Recording =>
  JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8")) as Recording

export const callsOf = (recording: Recording, method: string): ReadonlyArray<RecordedCall> =>
  recording.calls.filter((call) => call.method === method)

/** The part of a shell's view under a heading such as `# hosts`, to the byte. */
export const insideSection = (recording: Recording, container: string, heading: string): string | undefined => {
  const view = recording.inside?.[container]
  if (typeof view !== "string") return undefined
  const headings = ["id", "env", "hosts", "resolv", "status", "mounts", "files", "ps"]
  const start = view.indexOf(`# ${heading}\n`)
  if (start === -1) return undefined
  const next = headings[headings.indexOf(heading) + 1]
  const body = view.slice(start + `# ${heading}\n`.length)
  const end = next === undefined ? -1 : body.indexOf(`# ${next}\n`)
  return end === -1 ? body : body.slice(0, end)
}
