/** Everything in which the replay of a recording differs from it. */
import { distinct } from "../../domain/pod/summary.ts"
import type { Recording } from "../recording.ts"
import type { Replayed } from "../replayed.ts"
import { at } from "./alike.ts"
import { align, differ, differInSet } from "./differ.ts"
import { type Call, type Life, recordedLife, replayedLife } from "./life.ts"

export const aspects = [
  "calls",
  "requests",
  "status order",
  "status before deletion",
  "final status",
  "events",
  "inside",
  "cgroups",
  "left behind"
] as const
export type Aspect = typeof aspects[number]

export interface Difference {
  readonly case: string
  readonly aspect: Aspect
  /** Where, what the recording has, and what the replay has. */
  readonly text: string
}

const targetOf = ({ method, request }: Call): string => {
  const target = at(request, "container_id") ?? at(request, "config", "metadata", "name") ??
    at(request, "image", "image") ?? at(request, "pod_sandbox_id")
  return `${method} ${String(target)}`
}

/** Containers that stop at the same time do so in no order; and how often a probe ran is a matter of time. */
const settled = (calls: ReadonlyArray<Call>): ReadonlyArray<Call> => {
  const seen = new Set<string>()
  const once = calls.filter((call) => {
    const text = call.method === "ExecSync" ? JSON.stringify(call) : undefined
    if (text === undefined) return true
    const again = seen.has(text)
    seen.add(text)
    return !again
  })
  const runs: Array<Array<Call>> = []
  for (const call of once) {
    const run = runs.at(-1)
    if (run !== undefined && call.method === "StopContainer" && run[0]?.method === call.method) run.push(call)
    else runs.push([call])
  }
  return runs.flatMap((run) => run.toSorted((a, b) => targetOf(a) < targetOf(b) ? -1 : 1))
}

const calls = (theirs: Life, ours: Life): ReadonlyArray<Omit<Difference, "case">> =>
  align(settled(theirs.calls), settled(ours.calls), targetOf).flatMap(
    (pair): ReadonlyArray<Omit<Difference, "case">> => {
      const [a, b] = [pair.theirs, pair.ours]
      if (b === undefined) return a === undefined ? [] : [{ aspect: "calls", text: `missing: ${targetOf(a)}` }]
      if (a === undefined) return [{ aspect: "calls", text: `extra: ${targetOf(b)}` }]
      return differ(a.method, a.request, b.request).map((text) => ({ aspect: "requests", text }))
    }
  )

const statusOrder = (theirs: Life, ours: Life): ReadonlyArray<string> => {
  const lines = (life: Life) => distinct(life.statuses).map(({ line }) => line.replaceAll(/\n */g, " | "))
  return align(lines(theirs), lines(ours), (line) => line).flatMap((pair) =>
    pair.ours === undefined
      ? [`missing: ${pair.theirs ?? ""}`]
      : pair.theirs === undefined
      ? [`extra: ${pair.ours}`]
      : []
  )
}

const sections = ["id", "env", "hosts", "resolv", "status", "mounts", "files", "ps"]

/** The lines of a view under each heading; of the processes only the first, for the others come and go. */
const sectionsOf = (view: string): ReadonlyMap<string, ReadonlyArray<string>> => {
  const parts = view.split(new RegExp(`^# (${sections.join("|")})$`, "m"))
  const found = new Map<string, ReadonlyArray<string>>()
  for (let index = 1; index < parts.length; index += 2) {
    const name = parts[index] ?? ""
    const lines = (parts[index + 1] ?? "").split("\n").filter((line) => line !== "")
    found.set(name, name === "ps" ? lines.filter((line) => /^ *1 /.test(line)) : lines)
  }
  return found
}

const inside = (theirs: Life, ours: Life): ReadonlyArray<string> =>
  Object.entries(theirs.inside).flatMap(([container, view]) => {
    const seen = ours.inside[container]
    if (seen === undefined || !seen.startsWith("# id")) {
      return [`${container}: nobody could look: ${seen ?? "it is not running"}`]
    }
    const here = sectionsOf(seen)
    return [...sectionsOf(view)].flatMap(([name, lines]) => {
      // What was the host's own was left out of the recording, with a word about it in brackets.
      const told = lines.filter((line) => !line.startsWith("("))
      return lines.length === 1 && told.length === 0
        ? []
        : differInSet(`${container} ${name}`, told, here.get(name) ?? [])
    })
  })

/** All of them, in the order of a pod's life. */
export const compare = (recording: Recording, replayed: Replayed): ReadonlyArray<Difference> => {
  const [theirs, ours] = [recordedLife(recording), replayedLife(replayed)]
  const of = (aspect: Aspect, texts: ReadonlyArray<string>) => texts.map((text) => ({ aspect, text }))
  return [
    ...calls(theirs, ours),
    ...of("status order", statusOrder(theirs, ours)),
    ...of("status before deletion", differ("", theirs.beforeDeletion, ours.beforeDeletion)),
    ...of("final status", differ("", theirs.final, ours.final)),
    ...of("events", differInSet("event", [...new Set(theirs.events)], [...new Set(ours.events)])),
    ...of("inside", inside(theirs, ours)),
    ...of("cgroups", differ("", theirs.cgroups, ours.cgroups)),
    ...of("left behind", replayed.left)
  ].map((difference) => ({ case: recording.case, ...difference }))
}
