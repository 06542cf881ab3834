/**
 * Which changes of a pod's object concern its worker (parity C2). The node's own status comes back by the watch after
 * each patch; a pod whose every patch made it be looked at again would be looked at twice as often as things happen.
 */
import { equalValues } from "../equalValues.ts"
import type { Pod } from "../k8s/pod.ts"
import type { PodStatus } from "../k8s/podStatus.ts"
import { ownConditionTypes } from "./conditions.ts"
import { isTerminalPhase } from "./spec.ts"

/** Without what every write changes. */
const plain = (metadata: Pod["metadata"]) => ({ ...metadata, resourceVersion: undefined, managedFields: undefined })

/** What others say in a status, and a phase that nobody takes back. */
const wordsOfOthers = (status: PodStatus | undefined) => ({
  ended: isTerminalPhase(status?.phase) ? status.phase : undefined,
  nominatedNodeName: status?.nominatedNodeName,
  conditions: (status?.conditions ?? []).filter(({ type }) => !ownConditionTypes.has(type))
})

export const isNews = (before: Pod, after: Pod): boolean =>
  before !== after && (
    !equalValues(before.spec, after.spec) ||
    !equalValues(plain(before.metadata), plain(after.metadata)) ||
    !equalValues(wordsOfOthers(before.status), wordsOfOthers(after.status))
  )
