/** What users read of probes (parity H4, H7). */
import type { PodEvent } from "../pod/model.ts"
import type { Slot } from "../pod/spec.ts"
import type { ProbeKind } from "./settings.ts"

/** Longer output is cut: an event is no log. */
const maxOutputLength = 1024

const title: Readonly<Record<ProbeKind, string>> = {
  startup: "Startup",
  readiness: "Readiness",
  liveness: "Liveness"
}

const event = (slot: Slot, reason: string, message: string): PodEvent => ({
  type: "Warning",
  reason,
  message,
  container: { name: slot.name, kind: slot.kind }
})

const cut = (text: string): string => text.slice(0, maxOutputLength)

export const probeFailed = (slot: Slot, kind: ProbeKind, output: string): PodEvent =>
  event(slot, "Unhealthy", `${title[kind]} probe failed: ${cut(output)}`)

export const probeErrored = (slot: Slot, kind: ProbeKind, detail: string): PodEvent =>
  event(slot, "Unhealthy", `${title[kind]} probe errored: ${cut(detail)}`)

export const probeWarned = (slot: Slot, kind: ProbeKind, output: string): PodEvent =>
  event(slot, "ProbeWarning", `${title[kind]} probe warning: ${cut(output)}`)
