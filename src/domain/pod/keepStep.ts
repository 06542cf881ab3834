/** Which running containers may go on (parity D3, D9): kills those that a probe failed or that are defined otherwise now. */
import { definitionChanged } from "./definition.ts"
import { type Draft, kill } from "./draft.ts"
import { killGraceSeconds } from "./grace.ts"
import type { KillReason, ObservedContainer, StartReason } from "./model.ts"
import { needsRestart } from "./resizeStep.ts"
import { mayRestart } from "./restart.ts"
import { allSlots, recordsOf, type Scene, verdictOf, wantsStart } from "./scene.ts"
import type { Slot } from "./spec.ts"
import { killMessage } from "./windDown.ts"

interface Verdict {
  readonly why: KillReason
  readonly message: string
  /** The container is to run again although its exit may not ask for it. */
  readonly owed?: StartReason
}

/** Sidecars always restart, and nobody says so. */
const willRestart = (slot: Slot, text: string): string =>
  slot.kind === "sidecar" ? `Init container ${slot.name} ${text}` : `Container ${slot.name} ${text}, will be restarted`

const judgeRunning = (scene: Scene, slot: Slot, record: ObservedContainer): Verdict | undefined => {
  // An init container is left to finish, whatever becomes of its definition; an ephemeral one is never judged.
  if (slot.kind === "init" || slot.kind === "ephemeral") return undefined
  if (definitionChanged(slot, record)) {
    // Whatever the restart policy says: the user asked for another container.
    return { why: "DefinitionChanged", message: willRestart(slot, "definition changed"), owed: "DefinitionChanged" }
  }
  if (needsRestart(scene, slot)) {
    return { why: "Resize", message: `Container ${slot.name} resize requires restart`, owed: "Restart" }
  }
  const { liveness, startup } = verdictOf(scene, record.id)
  const failed = liveness === "failure" ? "liveness" : startup === "failure" ? "startup" : undefined
  if (failed === undefined) return undefined
  const why = failed === "liveness" ? "LivenessFailed" : "StartupFailed"
  return slot.kind === "sidecar" || mayRestart(scene.view.pod, slot)
    ? { why, message: willRestart(slot, `failed ${failed} probe`), owed: "Restart" }
    : { why, message: `Container ${slot.name} failed ${failed} probe` }
}

const judge = (scene: Scene, slot: Slot, record: ObservedContainer, newest: boolean): Verdict | undefined => {
  switch (record.state) {
    case "Running":
      // Two instances of one container may never run: the older one goes.
      return newest ? judgeRunning(scene, slot, record) : { why: "ContainerUnknown", message: killMessage(slot.name) }
    case "Unknown":
      return newest && wantsStart(scene, slot)
        ? {
          why: "ContainerUnknown",
          message: `${slot.kind === "regular" ? "Container" : "Init container"} is in "unknown" state, ` +
            "try killing it before restart"
        }
        : undefined
    case "Created":
    case "Exited":
      return undefined
  }
}

export const keepStep = (scene: Scene, draft: Draft): void => {
  for (const slot of allSlots(scene)) {
    const records = recordsOf(scene, slot.name)
    for (const [index, record] of records.entries()) {
      const verdict = judge(scene, slot, record, index === 0)
      if (verdict === undefined) continue
      if (verdict.owed !== undefined) {
        const owed = { id: record.id, why: verdict.owed }
        draft.memory = { ...draft.memory, owed: { ...draft.memory.owed, [slot.name]: owed } }
      }
      kill(draft, {
        record,
        slot,
        why: verdict.why,
        message: verdict.message,
        graceSeconds: killGraceSeconds(scene.view.pod, slot, verdict.why)
      })
    }
  }
}
