/**
 * Decides which occurrences are worth an Event and which Event each belongs to, as every Kubernetes component does:
 * an object that reports too much is muted for a while, and many messages that differ only in their text become one
 * (parity T1).
 */
import { type EventText, objectKey, type Occurrence } from "./occurrence.ts"
import { nothingRecent, recall, type Recent, remember, type Touched } from "./recent.ts"
import { fullBucket, type Rate, type TokenBucket, tryTake } from "./tokenBucket.ts"

/** Of one object: 25 at once, then one every five minutes. */
const spamRate: Rate = { everyMs: 300_000, burst: 25 }
/** From so many different messages on, within the window between any two, they are combined. */
const similarLimit = 10
const similarWindowMs = 600_000

interface Similar extends Touched {
  /** The different messages seen; never more than the limit. */
  readonly messages: ReadonlyArray<string>
}

export interface Correlation {
  readonly budgets: Recent<TokenBucket>
  readonly similar: Recent<Similar>
}

export const noCorrelation: Correlation = { budgets: nothingRecent(), similar: nothingRecent() }

/** An occurrence that is to be written, as a new Event or as one more of the Event known under `key`. */
export interface Entry extends Occurrence {
  readonly key: string
}

const combine = (text: EventText): EventText => ({
  ...text,
  message: `(combined from similar events): ${text.message}`
})

const addSimilar = (known: Similar | undefined, { atMs, text }: Occurrence): Similar => {
  const messages = known === undefined || atMs - known.lastMs > similarWindowMs ? [] : known.messages
  return {
    messages: messages.includes(text.message) || messages.length >= similarLimit
      ? messages
      : [...messages, text.message],
    lastMs: atMs
  }
}

/** `entry` is undefined for an occurrence that is dropped because its object says too much. */
export const correlate = (
  state: Correlation,
  occurrence: Occurrence
): { readonly state: Correlation; readonly entry: Entry | undefined } => {
  const { atMs, subject, text } = occurrence
  const object = objectKey(subject)
  const group = [object, text.type, text.reason].join("\n")
  const seen = addSimilar(recall(state.similar, group), occurrence)
  const similar = remember(state.similar, group, seen)
  const before = recall(state.budgets, object) ?? fullBucket(spamRate, atMs)
  const budget = tryTake(before, spamRate, atMs)
  if (budget === undefined) return { state: { ...state, similar }, entry: undefined }
  const next = { similar, budgets: remember(state.budgets, object, budget) }
  const entry = seen.messages.length >= similarLimit
    ? { ...occurrence, text: combine(text), key: group }
    : { ...occurrence, key: [group, subject.fieldPath ?? "", text.message].join("\n") }
  return { state: next, entry }
}
