/**
 * The API server for heartbeats: node status and lease. The same verbs over connections of their own, without a rate
 * limit and with a short deadline, so that neither a queue nor a dead path makes the node look gone (A5, B15).
 */
import { Context } from "effect"
import type { KubeApi } from "./KubeApi.ts"

export class HeartbeatApi extends Context.Service<HeartbeatApi, KubeApi["Service"]>()(
  "kubeffect/layers/api/HeartbeatApi"
) {}
