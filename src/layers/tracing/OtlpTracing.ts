/**
 * Traces as the kubelet sends them (parity T3): OTLP over gRPC, in batches, to the collector that the configuration
 * names. A collector that is away costs the traces of that time and nothing else.
 */
import { fromBinary } from "@bufbuild/protobuf"
import { Duration, Effect, Layer, References, Tracer } from "effect"
import { HttpClient, HttpClientError, type HttpClientRequest, HttpClientResponse } from "effect/http"
import { OtlpExporter, OtlpSerialization, OtlpTracer } from "effect/observability"
import { ExportTraceServiceRequestSchema, TraceService } from "../../gen/otlp/trace_pb.ts"
import { openChannel } from "../grpc/connect.ts"
import { samplingTracer } from "./samplingTracer.ts"

export interface OtlpTracingOptions {
  /** `host:port`, `dns:///host:port` or `unix:///path`. */
  readonly endpoint: string
  /** 0: only what callers with a trace of their own ask for. */
  readonly samplingRatePerMillion: number
  readonly nodeName: string
  readonly version: string
  /** How long spans wait for others to go with them; 5 s when absent. */
  readonly exportIntervalMs?: number
}

/** The collector has this long for a batch. */
const exportTimeoutMs = 10_000
/** An agent that ends waits this long for its last batch. */
const shutdownTimeoutMs = 1000
const batchSizeMax = 512
/** Where spans say they come from, so that views made for the kubelet find them. */
const scopeName = "k8s.io/kubernetes/pkg/kubelet"

/** Without traces spans are not even made. */
export const layerOff: Layer.Layer<never> = Layer.succeed(References.TracerEnabled, false)

export const layer = (options: OtlpTracingOptions): Layer.Layer<never> =>
  Layer.effect(
    Tracer.Tracer,
    OtlpTracer.make({
      url: "http://collector/",
      resource: {
        serviceName: "kubelet",
        serviceVersion: options.version,
        attributes: { "service.instance.id": options.nodeName, "host.name": options.nodeName }
      },
      exportInterval: Duration.millis(options.exportIntervalMs ?? 5000),
      maxBatchSize: batchSizeMax,
      shutdownTimeout: Duration.millis(shutdownTimeoutMs)
    }).pipe(Effect.map((tracer) => samplingTracer(tracer, options.samplingRatePerMillion)))
  ).pipe(
    Layer.merge(Layer.succeed(References.TracerEnabled, true)),
    Layer.provide([
      OtlpExporter.layerFlusher,
      serialization(options.version),
      Layer.effect(HttpClient.HttpClient, grpcClient(options.endpoint))
    ])
  )

// What was asked in a request (a command, a token) is nobody's business in the collector.
const isPrivate = (key: string): boolean =>
  key === "url.full" || key === "url.query" || /^http\.(request|response)\.header\./.test(key)

const serialization = (version: string) =>
  Layer.effect(
    OtlpSerialization.OtlpSerialization,
    Effect.map(OtlpSerialization.OtlpSerialization, (inner) =>
      OtlpSerialization.OtlpSerialization.of({
        ...inner,
        traces: ({ resourceSpans }) =>
          inner.traces({
            resourceSpans: resourceSpans.map((resource) => ({
              ...resource,
              scopeSpans: resource.scopeSpans.map(({ spans }) => ({
                scope: { name: scopeName, version },
                spans: spans.map((span) => ({
                  ...span,
                  attributes: span.attributes.filter(({ key }) => !isPrivate(key))
                }))
              }))
            }))
          })
      }))
  ).pipe(Layer.provide(OtlpSerialization.layerProtobuf))

/** OTLP has one message for HTTP and gRPC: what the exporter would post is what the call takes. */
const grpcClient = Effect.fnUntraced(function*(endpoint: string) {
  const channel = yield* openChannel({ address: endpoint })
  const traces = channel.client(TraceService, {
    name: "Otlp",
    timeoutMs: () => exportTimeoutMs,
    mapError: (error) => error
  })
  return HttpClient.make((request) =>
    traces.export(fromBinary(ExportTraceServiceRequestSchema, bytesOf(request))).pipe(
      Effect.tap(({ partialSuccess }) =>
        partialSuccess === undefined || partialSuccess.rejectedSpans === 0n
          ? Effect.void
          : Effect.logWarning("the collector of traces refused spans", { why: partialSuccess.errorMessage })
      ),
      Effect.tapError((error) => Effect.logDebug("cannot send traces", error)),
      Effect.map(() => HttpClientResponse.fromWeb(request, new Response())),
      Effect.mapError((cause) =>
        new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request, cause }) })
      )
    )
  )
})

const bytesOf = ({ body }: HttpClientRequest.HttpClientRequest): Uint8Array =>
  body._tag === "Uint8Array" ? body.body : new Uint8Array()
