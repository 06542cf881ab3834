/** Pods by way of the API server, timed as their users see them: by a watch. */
import { Deferred, Effect, Stream } from "effect"
import { pods } from "../src/domain/k8s/resources.ts"
import { KubeApi, type KubeObject } from "../src/layers/api/KubeApi.ts"
import { isReady, nodeName } from "./agentProcess.ts"

const namespace = "default"

/** Ends at once when it is asked to; `deaf`: not before it is killed. */
const podOf = (name: string, image: string, deaf: boolean): KubeObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace },
  spec: {
    nodeName,
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 2,
    dnsPolicy: "Default",
    containers: [{
      name: "main",
      image,
      imagePullPolicy: "IfNotPresent",
      command: [
        "sh",
        "-c",
        deaf
          ? "trap '' TERM; while true; do sleep 1; done"
          : "trap 'exit 0' TERM; while true; do sleep 3600 & wait $!; done"
      ]
    }]
  }
})

/** Pods that are created and deleted at the API server. */
export type ClusterPods = Effect.Success<typeof makeClusterPods>

/** Told of every change of pods, for as long as the scope. */
export const makeClusterPods = Effect.gen(function*() {
  const api = yield* KubeApi
  const waiting = new Map<
    string,
    { readonly test: (object: KubeObject, gone: boolean) => boolean; readonly done: Deferred.Deferred<void> }
  >()
  const { resourceVersion } = yield* api.list(pods)
  yield* api.watch(pods, { resourceVersion }).pipe(
    Stream.runForEach(({ object, type }) => {
      const name = object.metadata.name ?? ""
      const wait = waiting.get(name)
      if (wait === undefined || !wait.test(object, type === "DELETED")) return Effect.void
      waiting.delete(name)
      return Deferred.succeed(wait.done, undefined)
    }),
    Effect.forkScoped
  )
  const until = (name: string, test: (object: KubeObject, gone: boolean) => boolean) =>
    Effect.map(Deferred.make<void>(), (done) => {
      waiting.set(name, { test, done })
      return Deferred.await(done)
    })

  const start = Effect.fnUntraced(function*(name: string, image: string, deaf = false) {
    const ready = yield* until(name, (object) => isReady(object))
    yield* api.create(pods, podOf(name, image, deaf))
    yield* ready
  })
  const remove = Effect.fnUntraced(function*(name: string) {
    const gone = yield* until(name, (_, isGone) => isGone)
    yield* api.delete(pods, { namespace, name })
    yield* gone
  })
  return { start, remove }
})
