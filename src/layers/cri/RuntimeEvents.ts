/**
 * Hints that something happened to a container or sandbox, from the best source that the runtime has. Events only say
 * where to look: they may be lost, repeated or reordered, may come before the CRI shows what they tell, and carry no
 * state to act on.
 */
import { Context, type Effect, type Stream } from "effect"
import type { CriError } from "./Cri.ts"

/** Where events come from, best first; with `none` only relisting finds changes. */
export type RuntimeEventSource = "cri" | "containerd" | "none"

export interface RuntimeEvent {
  /** The container or, for an event of the sandbox itself, the sandbox. Empty when `kind` is `Unknown`. */
  readonly containerId: string
  readonly sandboxId?: string
  readonly podUid?: string
  /**
   * `Unknown`: anything may have happened, look at everything. Sent when a subscription holds, the first and each one
   * after a gap. Runtimes may send what they kept from before it as well.
   */
  readonly kind: "Created" | "Started" | "Stopped" | "Deleted" | "Unknown"
  readonly exitCode?: number
  readonly occurredAtMs?: number
}

export class RuntimeEvents extends Context.Service<RuntimeEvents, {
  /**
   * Never ends. A run is a subscription, which renews itself when the runtime restarts. With no source it stays silent
   * and asks again now and then, so that a runtime upgrade is noticed. Run it once: containerd 1.7 gives each event to
   * only one of several subscribers.
   */
  readonly events: Stream.Stream<RuntimeEvent, CriError>
  /** What `events` is fed by right now; `none` until a subscription holds. Decides how often to relist. */
  readonly source: Effect.Effect<RuntimeEventSource>
}>()("kubeffect/layers/cri/RuntimeEvents") {}
