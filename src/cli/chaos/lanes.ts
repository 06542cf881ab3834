/** Reads a run's trace as a picture: lanes for faults, agents and pods, with what lasted as bars and what happened as marks. */
import { describeFault, type Fault } from "../../domain/chaos/fault.ts"
import type { TraceEntry } from "../../testing/Trace.ts"

export interface Bar {
  readonly fromMs: number
  readonly toMs: number
  /** `Ready`, `Terminating`, `CrashLoopBackOff`; of faults and agents what they are. */
  readonly state: string
}

export interface Mark {
  readonly atMs: number
  readonly kind: "started" | "stopped" | "failed" | "strike" | "killed"
  readonly what: string
}

export interface Lane {
  readonly kind: "fault" | "agent" | "pod"
  readonly name: string
  readonly bars: ReadonlyArray<Bar>
  readonly marks: ReadonlyArray<Mark>
}

export interface Picture {
  readonly endMs: number
  readonly lanes: ReadonlyArray<Lane>
}

/** Some thousands of strikes of one fault are a smear: these many are drawn. */
const marksMax = 150

const few = (marks: ReadonlyArray<Mark>): ReadonlyArray<Mark> => {
  const step = Math.ceil(marks.length / marksMax)
  return step <= 1 ? marks : marks.filter((_, index) => index % step === 0)
}

/** Collects bars that follow each other in a lane: each begins where something changes. */
class Bars {
  readonly #done = new Map<string, Array<Bar>>()
  readonly #open = new Map<string, { readonly fromMs: number; readonly state: string }>()

  change(lane: string, atMs: number, state: string | undefined): void {
    const open = this.#open.get(lane)
    if (open?.state === state) return
    const done = this.#done.get(lane) ?? []
    this.#done.set(lane, done)
    if (open !== undefined) done.push({ ...open, toMs: atMs })
    if (state === undefined) this.#open.delete(lane)
    else this.#open.set(lane, { fromMs: atMs, state })
  }

  end(atMs: number): ReadonlyMap<string, ReadonlyArray<Bar>> {
    for (const lane of this.#open.keys()) this.change(lane, atMs, undefined)
    return this.#done
  }
}

/** `web Running ready`, `web Running deleting`, `web Pending ImagePullBackOff`. */
const podState = (words: ReadonlyArray<string>): string => {
  const [phase = "", ...more] = words
  if (more.includes("deleting")) return "Terminating"
  return more.includes("ready") ? "Ready" : more.at(-1) ?? phase
}

const podMark = ({ about, atMs, what }: TraceEntry): Mark | undefined => {
  if (what === "container Started") return { atMs, kind: "started", what: `${about} started` }
  if (what !== "container Stopped") return undefined
  return {
    atMs,
    kind: about.endsWith("exit 0") ? "stopped" : "failed",
    what: `${about.replace(" exit", " ended, exit")}`
  }
}

const podLanes = (trace: ReadonlyArray<TraceEntry>, endMs: number): ReadonlyArray<Lane> => {
  const bars = new Bars()
  const marks = new Map<string, Array<Mark>>()
  for (const entry of trace) {
    const [pod = "", ...words] = entry.about.split(" ")
    if (entry.what.startsWith("pods ")) {
      bars.change(pod, entry.atMs, entry.what === "pods DELETED" ? undefined : podState(words))
    }
    const mark = podMark(entry)
    const [owner = ""] = entry.about.split("/")
    if (mark !== undefined) marks.set(owner, [...marks.get(owner) ?? [], mark])
  }
  return [...bars.end(endMs)].map(([name, drawn]) => ({
    kind: "pod",
    name,
    bars: drawn,
    marks: few(marks.get(name) ?? [])
  }))
}

const agentLanes = (trace: ReadonlyArray<TraceEntry>, endMs: number): ReadonlyArray<Lane> => {
  const bars = new Bars()
  const marks = new Map<string, Array<Mark>>()
  for (const { about, atMs, what, where } of trace) {
    if (what === "agent started") bars.change(where, atMs, "Agent")
    const ends = what === "agent killed" || what === "agent ended" || what === "machine rebooted"
    if (!ends || atMs > endMs) continue
    bars.change(where, atMs, undefined)
    marks.set(where, [...marks.get(where) ?? [], { atMs, kind: "killed", what: `${what} ${about}`.trim() }])
  }
  return [...bars.end(endMs)].map(([name, drawn]) => ({
    kind: "agent",
    name: `agent on ${name}`,
    bars: drawn,
    marks: marks.get(name) ?? []
  }))
}

const faultLanes = (
  trace: ReadonlyArray<TraceEntry>,
  faults: ReadonlyArray<Fault>,
  endMs: number
): ReadonlyArray<Lane> =>
  faults.map((fault): Lane => {
    const [fromMs, toMs] = fault._tag === "Blow"
      ? [fault.atMs, fault.atMs + fault.forMs]
      : [fault.fromMs, fault.untilMs]
    const strikes = trace.filter(({ atMs, what, where }) =>
      where === fault.node && what === `fault ${fault.name}` && atMs >= fromMs && atMs <= toMs
    )
    return {
      kind: "fault",
      name: `${fault.name} on ${fault.node}`,
      bars: [{ fromMs, toMs: Math.min(toMs, endMs), state: describeFault(fault) }],
      marks: few(strikes.map(({ about, atMs }) => ({ atMs, kind: "strike", what: about === "" ? fault.name : about })))
    }
  })

export const pictureOf = (trace: ReadonlyArray<TraceEntry>, faults: ReadonlyArray<Fault>): Picture => {
  // After the last thing that happened there is only silence, and the end of the run itself.
  const lastMs = trace.reduce((last, { atMs, what }) => what === "agent ended" ? last : Math.max(last, atMs), 1000) *
    1.02
  return {
    endMs: lastMs,
    lanes: [...faultLanes(trace, faults, lastMs), ...agentLanes(trace, lastMs), ...podLanes(trace, lastMs)]
  }
}
