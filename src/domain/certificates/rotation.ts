/**
 * When a certificate of this node is asked for: the rules of the kubelet's certificate managers (A11, A12, A13), as
 * decisions over what there is, what is wanted and what time it is. `dice` are random numbers from 0 to 1.
 */
import { Data } from "effect"
import { type CertificateFacts, mismatch, type Template } from "./template.ts"

export type Step = Data.TaggedEnum<{
  /** Nothing can be asked for yet. */
  Idle: {}
  Ask: { readonly why: "none" | "expired" | "replaced" | "names" | "due"; readonly detail: string }
  Wait: { readonly untilMs: number }
}>
export const Step = Data.taggedEnum<Step>()

/**
 * At a random point between 70 % and 90 % of its life, so that the nodes of a cluster that were made together do not ask
 * together for the rest of their lives.
 */
export const rotationAtMs = (
  { notAfterMs, notBeforeMs }: Pick<CertificateFacts, "notAfterMs" | "notBeforeMs">,
  dice: number
): number => Math.round(notBeforeMs + (notAfterMs - notBeforeMs) * (0.7 + 0.2 * dice))

export interface Situation {
  readonly current: CertificateFacts | undefined
  readonly template: Template | undefined
  /** The current one came with the kubeconfig and is to be replaced by one of the node's own. */
  readonly adopted: boolean
  readonly nowMs: number
  readonly dice: number
}

export const nextStep = ({ adopted, current, dice, nowMs, template }: Situation): Step => {
  if (template === undefined) return Step.Idle()
  if (current === undefined) return Step.Ask({ why: "none", detail: "there is none" })
  if (nowMs >= current.notAfterMs) return Step.Ask({ why: "expired", detail: "it has expired" })
  if (adopted) return Step.Ask({ why: "replaced", detail: "it came with the kubeconfig" })
  const wrong = mismatch(current, template)
  if (wrong !== undefined) return Step.Ask({ why: "names", detail: wrong })
  const untilMs = rotationAtMs(current, dice)
  return nowMs >= untilMs ? Step.Ask({ why: "due", detail: "most of its life is over" }) : Step.Wait({ untilMs })
}

/** After the `failures`th failure in a row: 2 s doubling to 16 s, then every 32 s. */
export const retryDelayMs = (failures: number, dice: number): number =>
  failures > 4 ? 32_000 : Math.round(1000 * 2 ** failures * (1 + 0.1 * dice))

/** How long the agent goes on without a valid client certificate while the server answers. */
export const patienceMs = 300_000

export interface Standing {
  /** The last moment at which there was a valid certificate; the agent's start before there was any. */
  readonly lastValidMs: number
  /** What the server said to the last request for one: it answered, refusals included. */
  readonly serverAnswers: boolean
  readonly nowMs: number
}

/** Whether a new start, with the credentials that bootstrap has, is the only way left (A12). */
export const isLost = ({ lastValidMs, nowMs, serverAnswers }: Standing): boolean =>
  serverAnswers && nowMs > lastValidMs + patienceMs
