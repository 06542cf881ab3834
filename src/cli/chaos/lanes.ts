/** Reads a run's trace as a picture: a lane for each pod with its states as bars, and what struck the nodes as marks. */
import type { TraceEntry } from "../../testing/Trace.ts"

export interface Bar {
  readonly fromMs: number
  readonly toMs: number
  readonly state: string
}

export interface Lane {
  readonly pod: string
  readonly bars: ReadonlyArray<Bar>
  readonly marks: ReadonlyArray<{ readonly atMs: number; readonly what: string }>
}

export interface Picture {
  readonly endMs: number
  readonly lanes: ReadonlyArray<Lane>
  readonly strikes: ReadonlyArray<{ readonly atMs: number; readonly node: string; readonly what: string }>
}

const isStrike = ({ what }: TraceEntry): boolean =>
  what.startsWith("fault ") || what.startsWith("agent ") || what === "machine rebooted"

const lanesOf = (trace: ReadonlyArray<TraceEntry>, endMs: number): ReadonlyArray<Lane> => {
  const bars = new Map<string, Array<Bar>>()
  const open = new Map<string, { readonly fromMs: number; readonly state: string }>()
  const close = (pod: string, toMs: number) => {
    const last = open.get(pod)
    if (last === undefined) return
    open.delete(pod)
    bars.set(pod, [...(bars.get(pod) ?? []), { ...last, toMs }])
  }
  for (const { about, atMs, what } of trace) {
    if (!what.startsWith("pods ")) continue
    const [pod = "", phase = "", ready] = about.split(" ")
    const state = ready === undefined ? phase : "Ready"
    if (what !== "pods DELETED" && open.get(pod)?.state === state) continue
    close(pod, atMs)
    if (what !== "pods DELETED") open.set(pod, { fromMs: atMs, state })
  }
  for (const pod of open.keys()) close(pod, endMs)
  return [...bars].map(([pod, drawn]) => ({
    pod,
    bars: drawn,
    marks: trace
      .filter(({ about, what }) => what.startsWith("container ") && about.startsWith(`${pod}/`))
      .map(({ about, atMs, what }) => ({ atMs, what: `${what.slice("container ".length)} ${about}` }))
  }))
}

export const pictureOf = (trace: ReadonlyArray<TraceEntry>): Picture => {
  // After the last thing that happened there is only silence.
  const lastMs = trace.reduce((last, { atMs }) => Math.max(last, atMs), 1000)
  return {
    endMs: lastMs,
    lanes: lanesOf(trace, lastMs),
    strikes: trace.filter(isStrike).map(({ about, atMs, what, where }) => ({
      atMs,
      node: where,
      what: `${what.replace(/^fault /, "")} ${about}`.trim()
    }))
  }
}
