/** Traces as the configuration has them (parity T3): none without the field `tracing`. */
import type { KubeletConfiguration } from "../../domain/kubeletConfig/defaults.ts"
import * as OtlpTracing from "../../layers/tracing/OtlpTracing.ts"
import { kubeletVersion } from "../version.ts"

/** Where a collector on the same machine listens. */
const defaultEndpoint = "localhost:4317"

export const tracingLayers = ({ tracing }: KubeletConfiguration, nodeName: string) =>
  tracing === undefined ? OtlpTracing.layerOff : OtlpTracing.layer({
    endpoint: tracing.endpoint ?? defaultEndpoint,
    samplingRatePerMillion: tracing.samplingRatePerMillion ?? 0,
    nodeName,
    version: kubeletVersion
  })
