/** Whether a running container is still the one that the spec asks for (parity D3). */
import { containerHash } from "../config/containerHash.ts"
import type { ObservedContainer } from "./model.ts"
import type { Slot } from "./spec.ts"

/** A record without a hash was made by somebody else; there is nothing to compare it with. */
export const definitionChanged = (slot: Slot, record: ObservedContainer): boolean =>
  record.hash !== "" && record.hash !== containerHash(slot.container)
