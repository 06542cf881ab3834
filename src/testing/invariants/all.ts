/** The invariants that a chaos run checks. */
import type { Invariant } from "../Watching.ts"
import { backOffKept } from "./backOffKept.ts"
import { contentTrue } from "./contentTrue.ts"
import { deletedLast } from "./deletedLast.ts"
import { endedStaysEnded } from "./endedStaysEnded.ts"
import { neverAgain } from "./neverAgain.ts"
import { nodeKept } from "./nodeKept.ts"
import { nothingLeft } from "./nothingLeft.ts"
import { oneInstance } from "./oneInstance.ts"
import { oneName } from "./oneName.ts"
import { ownStatus } from "./ownStatus.ts"
import { readyKept } from "./readyKept.ts"
import { sidecarsLast } from "./sidecarsLast.ts"
import { startOrder } from "./startOrder.ts"
import { statusTrue } from "./statusTrue.ts"
import { volumesFirst } from "./volumesFirst.ts"

export const invariants: ReadonlyArray<Invariant> = [
  oneInstance,
  oneName,
  startOrder,
  volumesFirst,
  neverAgain,
  endedStaysEnded,
  backOffKept,
  sidecarsLast,
  deletedLast,
  ownStatus,
  readyKept,
  nodeKept,
  statusTrue,
  contentTrue,
  nothingLeft
]
