/** A watch: one long answer of a line per event, closed by the server after some minutes. */
import { Effect, Random, Schema, Stream } from "effect"
import { Ndjson } from "effect/encoding"
import type { ApiResource } from "../../../domain/k8s/resources.ts"
import type { ApiError, KubeApi, Selection, WatchEvent } from "../KubeApi.ts"
import * as Failure from "./failure.ts"
import * as Requests from "./requests.ts"
import type { Sender } from "./send.ts"
import { AnyObject } from "./verbs.ts"

const Line = Schema.Union([
  Schema.Struct({ type: Schema.Literals(["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]), object: AnyObject }),
  Schema.Struct({ type: Schema.Literal("ERROR"), object: Failure.Status })
])

const decodeLine = Schema.decodeUnknownEffect(Schema.toCodecGoJson(Line))

/** After the server's own limit a watch is only still open because the path to the server is dead. */
const graceSeconds = 30

const toEvent = (call: Failure.Call, resource: ApiResource) => (line: unknown): Effect.Effect<WatchEvent, ApiError> =>
  decodeLine(line).pipe(
    Effect.mapError((cause) => Failure.fromGarbled(call, 200, cause)),
    Effect.flatMap((event) =>
      event.type === "ERROR"
        ? Effect.fail(Failure.fromStatus(call, event.object.code ?? 500, { status: event.object }))
        : Effect.succeed({ type: event.type, object: Requests.typed(resource, event.object) })
    )
  )

export interface WatchOptions {
  readonly watchSeconds: readonly [min: number, max: number]
}

export const makeWatch = (
  sender: Sender,
  options: WatchOptions
): KubeApi["Service"]["watch"] =>
(resource: ApiResource, selection: Selection) => resumed(sender, options, resource, selection)

/** One watch for the caller, over as many connections as there are credentials in its time (A12). */
const resumed = (
  sender: Sender,
  options: WatchOptions,
  resource: ApiResource,
  selection: Selection
): Stream.Stream<WatchEvent, ApiError> =>
  Stream.suspend(() => {
    let version = selection.resourceVersion
    let isReplaced = false
    const replace = Effect.sync(() => {
      isReplaced = true
    })
    return watchOnce(sender, options, resource, selection, replace).pipe(
      Stream.tap(({ object }) =>
        Effect.sync(() => {
          version = object.metadata.resourceVersion ?? version
        })
      ),
      Stream.concat(Stream.suspend(() =>
        isReplaced
          ? resumed(
            sender,
            options,
            resource,
            version === undefined ? selection : { ...selection, resourceVersion: version }
          )
          : Stream.empty
      ))
    )
  })

/** `replace` is run when the watch ends for the sake of a new credential. */
const watchOnce = (
  sender: Sender,
  options: WatchOptions,
  resource: ApiResource,
  selection: Selection,
  replace: Effect.Effect<void>
): Stream.Stream<WatchEvent, ApiError> =>
  Stream.unwrap(Effect.gen(function*() {
    // Spread, or all watches of a cluster would come back at the same moment.
    const seconds = yield* Random.nextIntBetween(options.watchSeconds[0], options.watchSeconds[1])
    const { call, request } = Requests.watch(resource, selection, seconds)
    const { bytes, replaced } = yield* sender.stream(call, request)
    return bytes.pipe(
      Stream.pipeThroughChannel(Ndjson.decode({ ignoreEmptyLines: true })),
      Stream.mapError((error) =>
        error._tag === "NdjsonError" ? Failure.fromGarbled(call, 200, error) : Failure.fromTransport(call, error)
      ),
      Stream.mapEffect(toEvent(call, resource)),
      Stream.interruptWhen(Effect.sleep((seconds + graceSeconds) * 1000)),
      Stream.interruptWhen(Effect.andThen(replaced, replace))
    )
  }))
