/** The API server that a kubeconfig names, or none. */
import { Effect, Layer } from "effect"
import type { KubeletConfiguration } from "../../domain/kubeletConfig/defaults.ts"
import * as KubeApiAbsent from "../../layers/api/KubeApiAbsent.ts"
import * as KubeApiLive from "../../layers/api/KubeApiLive.ts"
import * as Kubeconfig from "../../layers/api/Kubeconfig.ts"

/** `kubeconfig` is a path; empty for a node that stands alone. An unreadable file fails with its name and field. */
export const apiLayers = (kubeconfig: string, config: KubeletConfiguration) =>
  kubeconfig === "" ? KubeApiAbsent.layer : Layer.unwrap(
    Effect.map(Kubeconfig.load(kubeconfig), (access) =>
      KubeApiLive.layer(access, {
        qps: config.kubeAPIQPS,
        burst: config.kubeAPIBurst,
        // An answer that comes later than the next heartbeat is of no use.
        heartbeatTimeoutMs: Math.min(config.nodeLeaseDurationSeconds * 1000, config.nodeStatusUpdateFrequency)
      }))
  )
