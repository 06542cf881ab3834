/** The invariants that a chaos run checks. */
import type { Invariant } from "../Watching.ts"
import { backOffKept } from "./backOffKept.ts"
import { contentTrue } from "./contentTrue.ts"
import { deletedLast } from "./deletedLast.ts"
import { endedStaysEnded } from "./endedStaysEnded.ts"
import { leftAlone } from "./leftAlone.ts"
import { neverAgain } from "./neverAgain.ts"
import { nodeKept } from "./nodeKept.ts"
import { nothingLeft } from "./nothingLeft.ts"
import { oneInstance } from "./oneInstance.ts"
import { oneName } from "./oneName.ts"
import { outcomeTrue } from "./outcomeTrue.ts"
import { ownStatus } from "./ownStatus.ts"
import { probedFirst } from "./probedFirst.ts"
import { readyKept } from "./readyKept.ts"
import { roomTrue } from "./roomTrue.ts"
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
  leftAlone,
  outcomeTrue,
  probedFirst,
  roomTrue,
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
