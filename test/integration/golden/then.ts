/** What was done to some of the recorded pods while they ran, by `kubectl` there and by its requests here. */
import { Effect } from "effect"
import { pods } from "../../../src/domain/k8s/resources.ts"
import { KubeApi, type Patch } from "../../../src/layers/api/KubeApi.ts"
import type { Recording } from "../../golden/recording.ts"

const containers = (...list: ReadonlyArray<object>) => ({ spec: { containers: list } })

interface Change {
  readonly patch: Patch
  readonly subresource?: string
}

const strategic = (body: unknown): Patch => ({ type: "strategic", body })

const changes: Readonly<Record<string, Change>> = {
  ephemeral: {
    patch: strategic({
      spec: {
        ephemeralContainers: [{
          name: "debugger-clntx",
          image: "docker.io/library/busybox:1.29",
          imagePullPolicy: "IfNotPresent",
          targetContainerName: "c",
          command: ["sh", "-c", "exit 5"]
        }]
      }
    }),
    subresource: "ephemeralcontainers"
  },
  "image-change": { patch: strategic(containers({ name: "c", image: "localhost/busybox:1" })) },
  resize: {
    patch: strategic(containers({ name: "c", resources: { requests: { cpu: "150m" }, limits: { cpu: "300m" } } })),
    subresource: "resize"
  }
}

/** Nothing, for most. */
export const thenDo = Effect.fnUntraced(function*(recording: Recording) {
  const actions = Object.keys(recording.inside ?? {}).filter((name) => name.startsWith("then: "))
  if (actions.length === 0) return
  const api = yield* KubeApi
  const target = { namespace: "default", name: recording.case }
  const change = changes[recording.case]
  if (change !== undefined) {
    const { patch, subresource } = change
    yield* api.patch(pods, target, patch, subresource === undefined ? {} : { subresource })
  } else if (recording.case === "force-delete") yield* api.delete(pods, target, { gracePeriodSeconds: 0 })
  else return yield* Effect.die(new Error(`${recording.case}: nobody knows how to ${actions.join(", ")}`))
})
