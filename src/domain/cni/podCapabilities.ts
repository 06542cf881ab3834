/** What the agent knows of a pod that plugins may want to know: `runtimeConfig` by capability (parity K3, K4). */
import { Result } from "effect"
import { Protocol } from "../../gen/cri/api_pb.ts"
import { portMappings } from "../config/ports.ts"
import type { Pod } from "../k8s/pod.ts"
import { isQuantity, valueOfText } from "../resources/quantity.ts"
import type { JsonObject } from "./json.ts"

const ingress = "kubernetes.io/ingress-bandwidth"
const egress = "kubernetes.io/egress-bandwidth"

const minRate = 1000
const maxRate = 1_000_000_000_000_000

/** Bits in one burst: as much as the plugin can take, for the rate is what is meant to limit. */
const burst = 2 ** 31 - 1

const protocolNames: Readonly<Record<number, string>> = {
  [Protocol.TCP]: "tcp",
  [Protocol.UDP]: "udp",
  [Protocol.SCTP]: "sctp"
}

const rateOf = (annotation: string, text: string | undefined): Result.Result<number, string> => {
  if (text === undefined) return Result.succeed(0)
  const rate = isQuantity(text) ? valueOfText(text) : Number.NaN
  if (rate >= minRate && rate <= maxRate) return Result.succeed(rate)
  return Result.fail(`annotation ${annotation}: "${text}" is not between 1k and 1P`)
}

const bandwidthOf = (pod: Pod): Result.Result<JsonObject, string> =>
  Result.gen(function*() {
    const annotations = pod.metadata.annotations ?? {}
    const toPod = yield* rateOf(ingress, annotations[ingress])
    const fromPod = yield* rateOf(egress, annotations[egress])
    const limits = {
      ...(toPod === 0 ? {} : { ingressRate: toPod, ingressBurst: burst }),
      ...(fromPod === 0 ? {} : { egressRate: fromPod, egressBurst: burst })
    }
    return Object.keys(limits).length === 0 ? {} : { bandwidth: limits }
  })

/** The failure is what is wrong with an annotation. */
export const podCapabilities = (pod: Pod): Result.Result<JsonObject, string> =>
  Result.map(bandwidthOf(pod), (bandwidth) => {
    const mappings = portMappings(pod).flatMap(({ containerPort, hostIp, hostPort, protocol }) =>
      (hostPort ?? 0) === 0 ? [] : [{
        hostPort,
        containerPort,
        protocol: protocolNames[protocol ?? Protocol.TCP] ?? "tcp",
        ...(hostIp === undefined || hostIp === "" ? {} : { hostIP: hostIp })
      }]
    )
    return { ...bandwidth, ...(mappings.length === 0 ? {} : { portMappings: mappings }) }
  })
