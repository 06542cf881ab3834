/** The invariants that a chaos run checks. */
import type { Invariant } from "../Watching.ts"
import { backOffKept } from "./backOffKept.ts"
import { deletedLast } from "./deletedLast.ts"
import { endedStaysEnded } from "./endedStaysEnded.ts"
import { neverAgain } from "./neverAgain.ts"
import { nothingLeft } from "./nothingLeft.ts"
import { oneInstance } from "./oneInstance.ts"
import { startOrder } from "./startOrder.ts"
import { statusTrue } from "./statusTrue.ts"
import { volumesFirst } from "./volumesFirst.ts"

export const invariants: ReadonlyArray<Invariant> = [
  oneInstance,
  startOrder,
  volumesFirst,
  neverAgain,
  endedStaysEnded,
  backOffKept,
  deletedLast,
  statusTrue,
  nothingLeft
]
