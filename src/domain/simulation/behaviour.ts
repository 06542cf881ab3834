/**
 * How the containers of a pod shall behave on a simulated node, as the pod's annotations say it:
 * `sim.kubeffect.dev/<key>` for all of its containers, `<container>.sim.kubeffect.dev/<key>` for one, which counts more.
 */
import { Result } from "effect"
import { parseGoDuration } from "../kubeletConfig/goDuration.ts"
import { isQuantity, milliOfText, valueOfText } from "../resources/quantity.ts"

export const behaviourDomain = "sim.kubeffect.dev"

/** The shortest and the longest time; each container draws its own. */
export interface TimeRange {
  readonly minMs: number
  readonly maxMs: number
}

export interface LogLine {
  /** Since the start of the container. */
  readonly atMs: number
  readonly text: string
}

/** What was not said is absent. */
export interface Behaviour {
  readonly startDelayMs?: number
  readonly startError?: string
  readonly runTime?: TimeRange
  readonly crashAfter?: TimeRange
  /** Runs that crash; later ones do not. Endless when absent. */
  readonly crashTimes?: number
  readonly exitCode?: number
  readonly message?: string
  readonly onTerm?: "ignore" | number
  readonly readyAfterMs?: number
  readonly unhealthy?: TimeRange
  readonly log?: ReadonlyArray<LogLine>
  readonly cpuMillicores?: number
  readonly memoryBytes?: number
  readonly memoryGrowthBytes?: number
}

export type PullProblem = "not-found" | "denied" | "unreachable"

export interface PullBehaviour {
  readonly pullTime?: TimeRange
  readonly pullError?: PullProblem | { readonly detail: string }
}

type Reader<A> = (text: string) => A | undefined

const duration: Reader<number> = (text) => {
  const ms = parseGoDuration(text.trim())
  return ms === undefined || ms < 0 ? undefined : ms
}

/** `30s`, or `10s..1m`. */
const range: Reader<TimeRange> = (text) => {
  const [from = "", to = from, ...more] = text.split("..")
  const minMs = duration(from)
  const maxMs = duration(to)
  if (minMs === undefined || maxMs === undefined || maxMs < minMs || more.length > 0) return undefined
  return { minMs, maxMs }
}

const wholeUpTo = (most: number): Reader<number> => (text) => {
  const number = Number(text)
  return /^\d+$/.test(text) && number <= most ? number : undefined
}

const quantity = (value: (text: string) => number): Reader<number> => (text) =>
  isQuantity(text) && value(text) >= 0 ? value(text) : undefined

const timed = /^@(\S+)\s(.*)$/

/** Lines, each at once or, with `@5s ` before it, that long after the start. */
const lines: Reader<ReadonlyArray<LogLine>> = (text) => {
  const found: Array<LogLine> = []
  let atMs = 0
  for (const line of text.replace(/\n$/, "").split("\n")) {
    const [, at, rest] = timed.exec(line) ?? []
    const given = at === undefined ? atMs : duration(at)
    if (given === undefined) return undefined
    // A time counts for the lines after it, too, so that the log is in order.
    atMs = Math.max(atMs, given)
    found.push({ atMs, text: rest ?? line })
  }
  return found
}

const onTerm: Reader<"ignore" | number> = (text) => text === "ignore" ? "ignore" : duration(text)

const anyText: Reader<string> = (text) => text

const problems: ReadonlySet<string> = new Set<PullProblem>(["not-found", "denied", "unreachable"])
const isProblem = (text: string): text is PullProblem => problems.has(text)
const pullError: Reader<PullProblem | { readonly detail: string }> = (text) => isProblem(text) ? text : { detail: text }

type Field = readonly [key: string, field: string, read: Reader<unknown>, wants: string]

const aDuration = "a duration, such as 30s"
const aRange = "a duration, such as 30s, or a range, such as 10s..1m"

/** One row an annotation; `field` is where its value goes. */
const fields: ReadonlyArray<Field> = [
  ["start-delay", "startDelayMs", duration, aDuration],
  ["start-error", "startError", anyText, "a text"],
  ["run-time", "runTime", range, aRange],
  ["crash-after", "crashAfter", range, aRange],
  ["crash-times", "crashTimes", wholeUpTo(1_000_000), "a number"],
  ["exit-code", "exitCode", wholeUpTo(255), "a number up to 255"],
  ["termination-message", "message", anyText, "a text"],
  ["on-term", "onTerm", onTerm, "ignore, or a duration"],
  ["ready-after", "readyAfterMs", duration, aDuration],
  ["unhealthy", "unhealthy", range, "a range, such as 10m..12m"],
  ["log", "log", lines, "lines, with a time such as `@5s ` before them or not"],
  ["cpu", "cpuMillicores", quantity(milliOfText), "a quantity, such as 250m"],
  ["memory", "memoryBytes", quantity(valueOfText), "a quantity, such as 64Mi"],
  ["memory-growth", "memoryGrowthBytes", quantity(valueOfText), "a quantity a second, such as 1Mi"]
]

const pullFields: ReadonlyArray<Field> = [
  ["pull-time", "pullTime", range, aRange],
  ["pull-error", "pullError", pullError, "not-found, denied, unreachable or a text"]
]

/** What may stand after the domain and the slash; documentation and tests go by it. */
export const behaviourKeys: ReadonlyArray<string> = [...fields, ...pullFields].map(([key]) => key)

type Annotations = Readonly<Record<string, string>>

const read = (
  annotations: Annotations,
  container: string | undefined,
  rows: ReadonlyArray<Field>
): Result.Result<Readonly<Record<string, unknown>>, string> => {
  const values: Record<string, unknown> = {}
  for (const [key, field, reader, wants] of rows) {
    const names = [
      `${behaviourDomain}/${key}`,
      ...(container === undefined ? [] : [`${container}.${behaviourDomain}/${key}`])
    ]
    const name = names.findLast((each) => Object.hasOwn(annotations, each))
    if (name === undefined) continue
    const value = reader(annotations[name] ?? "")
    if (value === undefined) {
      return Result.fail(`annotation ${name}: wants ${wants}, has ${JSON.stringify(annotations[name])}`)
    }
    values[field] = value
  }
  return Result.succeed(values)
}

const hasAny = (annotations: Annotations): boolean => {
  for (const name of Object.keys(annotations)) if (name.includes(behaviourDomain)) return true
  return false
}

const unsaid: Result.Result<Behaviour, string> = Result.succeed({})
const unsaidPull: Result.Result<PullBehaviour, string> = Result.succeed({})

/** The behaviour of one container; a failure names the annotation that cannot be read. */
export const behaviourOf = (annotations: Annotations, container: string): Result.Result<Behaviour, string> =>
  hasAny(annotations) ? read(annotations, container, fields) : unsaid

/** How the images of a pod are pulled. */
export const pullBehaviourOf = (annotations: Annotations): Result.Result<PullBehaviour, string> =>
  hasAny(annotations) ? read(annotations, undefined, pullFields) : unsaidPull

/** The time that this one draws: the same whenever it is asked again, so that a node can be taken over. */
export const drawnMs = ({ maxMs, minMs }: TimeRange, dice: number): number =>
  Math.round(minMs + (maxMs - minMs) * (dice % 1000) / 999)
