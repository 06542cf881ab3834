/** The demo of `kubeffect up --demo`: a pod is created, runs, and its log is shown. */
import { Effect, FileSystem, Path, Result, Schedule, Schema, Stream } from "effect"
import * as Yaml from "yaml"
import { decodePod } from "../../domain/k8s/decode.ts"
import type { Pod } from "../../domain/k8s/pod.ts"
import { events, pods } from "../../domain/k8s/resources.ts"
import { KubeApi, type KubeObject } from "../../layers/api/KubeApi.ts"

/** The demo's pod did not get as far as it should. `detail` says how far it got. */
export class DemoError
  extends Schema.TaggedError<DemoError>()("DemoError", { pod: Schema.String, detail: Schema.String })
{
  override get message(): string {
    return `demo: pod ${this.pod} ${this.detail}`
  }
}

/** Path of `examples/hello.yaml` beside the bundle, or beside the sources. */
export const findManifest = Effect.fn("findManifest")(function*(here: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  for (const up of ["../..", "../../.."]) {
    const candidate = path.join(here, up, "examples/hello.yaml")
    if (yield* fs.exists(candidate)) return candidate
  }
  return yield* new DemoError({ pod: "hello", detail: `has no manifest: no examples/hello.yaml near ${here}` })
})

/** Creates the pod of the manifest, waits until it is ready, and gives what it has logged by then. */
export const runDemo = Effect.fn("runDemo")(function*(manifest: string) {
  const api = yield* KubeApi
  const fs = yield* FileSystem.FileSystem
  const object: KubeObject = Yaml.parse(yield* fs.readFileString(manifest))
  const target = { namespace: object.metadata.namespace ?? "default", name: object.metadata.name ?? "" }
  const title = `${target.namespace}/${target.name}`
  // The service account and its token come with the namespace, which a new server makes first.
  yield* api.create(pods, object).pipe(
    Effect.catchReason("ApiError", "AlreadyExists", () => Effect.void),
    Effect.retry(Schedule.spaced("100 millis").pipe(Schedule.upTo({ duration: "5 seconds" })))
  )
  const pod = yield* whenReady(target).pipe(
    Effect.timeoutOrElse({
      duration: "90 seconds",
      orElse: () => Effect.flatMap(progress(target), (detail) => new DemoError({ pod: title, detail }))
    })
  )
  const log = yield* logOf(target)
  return { pod, log }
})

type Target = { readonly namespace: string; readonly name: string }

const isReady = (pod: Pod): boolean =>
  (pod.status?.conditions ?? []).some(({ status, type }) => type === "Ready" && status === "True")

/** The pod once it is ready; a watch that ends or expires starts over. */
const whenReady = Effect.fnUntraced(function*({ name, namespace }: Target) {
  const api = yield* KubeApi
  const selection = { namespace, fieldSelector: `metadata.name=${name}` }
  const once = Effect.gen(function*() {
    const listed = yield* api.list(pods, selection)
    const changes = api.watch(pods, { ...selection, resourceVersion: listed.resourceVersion })
    return yield* Stream.fromIterable(listed.items).pipe(
      Stream.concat(Stream.map(changes, ({ object }) => object)),
      Stream.map((object) => Result.getOrUndefined(decodePod(object))),
      Stream.filter((pod): pod is Pod => pod !== undefined && isReady(pod)),
      Stream.runHead,
      Effect.flatMap(Effect.fromOption)
    )
  })
  return yield* Effect.retry(once, Schedule.spaced("200 millis"))
})

/** How far the pod got, from its status and events. */
const progress = Effect.fnUntraced(function*({ name, namespace }: Target) {
  const api = yield* KubeApi
  const pod = yield* api.get(pods, { namespace, name })
  const { items } = yield* api.list(events, { namespace, fieldSelector: `involvedObject.name=${name}` })
  const told = items.map((event) => `${event["reason"]}: ${event["message"]}`)
  return [`is not ready after 90 s: ${JSON.stringify(pod["status"])}`, ...told].join("\n  ")
})

/** The first lines that the pod wrote; a container that has just begun may not have written them yet. */
const logOf = Effect.fnUntraced(function*({ name, namespace }: Target) {
  const api = yield* KubeApi
  const path = `/api/v1/namespaces/${namespace}/pods/${name}/log`
  return yield* api.request({ method: "GET", path }).pipe(
    Effect.flatMap(({ body, status }) => {
      const text = new TextDecoder().decode(body)
      return status === 200 && text !== ""
        ? Effect.succeed(text)
        : Effect.fail(new DemoError({ pod: `${namespace}/${name}`, detail: `has no log: HTTP ${status} ${text}` }))
    }),
    Effect.retry(Schedule.spaced("100 millis").pipe(Schedule.upTo({ duration: "10 seconds" })))
  )
})
