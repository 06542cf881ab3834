/** The API server that a kubeconfig names, as the node is known to it; or none. */
import { Effect, Layer } from "effect"
import type { KubeletConfiguration } from "../../domain/kubeletConfig/defaults.ts"
import * as KubeApiAbsent from "../../layers/api/KubeApiAbsent.ts"
import * as KubeApiLive from "../../layers/api/KubeApiLive.ts"
import { NodeFacts } from "../../layers/host/NodeFacts.ts"
import * as ClientCertificate from "../../programs/certificates/ClientCertificate.ts"
import type { KubeletOptions } from "../kubelet/invocation.ts"
import { nodeNameOf } from "./agentSettings.ts"
import { clientIdentity } from "./clientIdentity.ts"

/** Without a kubeconfig the node stands alone. An unreadable file fails with its name and field. */
export const apiLayers = (options: KubeletOptions, config: KubeletConfiguration) =>
  options.kubeconfig === "" ? Layer.merge(KubeApiAbsent.layer, ClientCertificate.layerNone) : Layer.unwrap(
    Effect.gen(function*() {
      const { hostname } = yield* (yield* NodeFacts).read
      const { access, keeper } = yield* clientIdentity({
        kubeconfig: options.kubeconfig,
        bootstrapKubeconfig: options.bootstrapKubeconfig,
        certDir: options.certDir,
        nodeName: nodeNameOf(options, hostname),
        rotate: config.rotateCertificates
      })
      const api = KubeApiLive.layer(access, {
        qps: config.kubeAPIQPS,
        burst: config.kubeAPIBurst,
        // An answer that comes later than the next heartbeat is of no use.
        heartbeatTimeoutMs: Math.min(config.nodeLeaseDurationSeconds * 1000, config.nodeStatusUpdateFrequency)
      })
      return Layer.provideMerge(keeper, api)
    })
  )
