/**
 * Which sandboxes and containers of the runtime belong to which pod. Listings and the workers' own calls teach it the
 * ids; `observe` then asks the runtime for the state of just those, so a worker always decides on an answer that is
 * newer than its own last action (parity G1).
 */
import { Context, Effect, Layer, Metric } from "effect"
import type { ObservedContainer, ObservedPod, ObservedSandbox } from "../../domain/pod/model.ts"
import { labelPodName, labelPodNamespace, labelPodUid } from "../../domain/runtime/labels.ts"
import { listedState, observedContainer, observedPod, observedSandbox } from "../../domain/runtime/observed.ts"
import { Cri, type CriError } from "../../layers/cri/Cri.ts"
import { TerminationMessages } from "./TerminationMessages.ts"

/** A pod that the runtime holds something of, as its labels name it. */
export interface RuntimePod {
  readonly uid: string
  readonly name: string
  readonly namespace: string
  readonly sandboxIds: ReadonlyArray<string>
  readonly containerIds: ReadonlyArray<string>
}

interface Entry {
  name: string
  namespace: string
  /** Sandbox id → state at the last listing. */
  readonly sandboxes: Map<string, string>
  /** Container id → state at the last listing and the sandbox it lives in. */
  readonly containers: Map<string, { state: string; readonly sandboxId: string }>
}

export class RuntimeView extends Context.Service<RuntimeView, {
  /** The state of everything known of the pod, asked of the runtime now. What is gone meanwhile is left out. */
  readonly observe: (uid: string) => Effect.Effect<ObservedPod, CriError>
  readonly noteSandbox: (uid: string, sandboxId: string) => Effect.Effect<void>
  readonly noteContainer: (uid: string, sandboxId: string, containerId: string) => Effect.Effect<void>
  /** Drops what is known of a pod whose sandboxes and containers were removed. */
  readonly forget: (uid: string) => Effect.Effect<void>
  /** Lists everything and returns the pods in which something appeared, vanished or changed since the last listing. */
  readonly relist: Effect.Effect<ReadonlyArray<string>, CriError>
  /** The pod of a sandbox or container id, when it is known. */
  readonly podOf: (id: string) => Effect.Effect<string | undefined>
  readonly pods: Effect.Effect<ReadonlyArray<RuntimePod>>
}>()("kubeffect/programs/runtime/RuntimeView") {}

const lastSeen = Metric.gauge("kubelet_pleg_last_seen_seconds", {
  description: "Timestamp in seconds when the runtime was last listed."
})

export const layer: Layer.Layer<RuntimeView, never, Cri | TerminationMessages> = Layer.effect(
  RuntimeView,
  Effect.gen(function*() {
    const cri = yield* Cri
    const terminationMessages = yield* TerminationMessages
    const pods = new Map<string, Entry>()
    const owners = new Map<string, string>()
    // An exited container never changes again, so its record is asked for once.
    const exited = new Map<string, ObservedContainer>()

    const entryOf = (uid: string): Entry => {
      const known = pods.get(uid)
      if (known !== undefined) return known
      const entry: Entry = { name: "", namespace: "", sandboxes: new Map(), containers: new Map() }
      pods.set(uid, entry)
      return entry
    }

    const noteSandbox = (uid: string, sandboxId: string) =>
      Effect.sync(() => {
        entryOf(uid).sandboxes.set(sandboxId, "")
        owners.set(sandboxId, uid)
      })

    const noteContainer = (uid: string, sandboxId: string, containerId: string) =>
      Effect.sync(() => {
        entryOf(uid).containers.set(containerId, { state: "", sandboxId })
        owners.set(containerId, uid)
      })

    const forget = (uid: string) =>
      Effect.sync(() => {
        const entry = pods.get(uid)
        if (entry === undefined) return
        for (const id of [...entry.sandboxes.keys(), ...entry.containers.keys()]) {
          owners.delete(id)
          exited.delete(id)
        }
        pods.delete(uid)
      })

    const dropSandbox = (uid: string, id: string) =>
      Effect.sync(() => {
        pods.get(uid)?.sandboxes.delete(id)
        owners.delete(id)
        return undefined
      })

    const dropContainer = (uid: string, id: string) =>
      Effect.sync(() => {
        pods.get(uid)?.containers.delete(id)
        owners.delete(id)
        exited.delete(id)
        return undefined
      })

    const sandboxState = Effect.fnUntraced(function*(uid: string, id: string) {
      const answer = yield* cri.podSandboxStatus({ podSandboxId: id })
      return answer.status === undefined ? undefined : observedSandbox(answer.status)
    }, (effect, uid, id) => Effect.catchReason(effect, "CriError", "NotFound", () => dropSandbox(uid, id)))

    const containerState = Effect.fnUntraced(function*(uid: string, id: string, sandboxId: string) {
      const known = exited.get(id)
      if (known !== undefined) return known
      const answer = yield* cri.containerStatus({ containerId: id })
      if (answer.status === undefined) return undefined
      const seen = observedContainer(answer.status, sandboxId)
      if (seen.state !== "Exited") return seen
      const message = yield* terminationMessages.read(answer.status)
      const final = { ...seen, message }
      exited.set(id, final)
      return final
    }, (effect, uid, id) => Effect.catchReason(effect, "CriError", "NotFound", () => dropContainer(uid, id)))

    const observe = Effect.fnUntraced(function*(uid: string) {
      const entry = pods.get(uid)
      if (entry === undefined) return observedPod([], [])
      const [sandboxes, containers] = yield* Effect.all([
        Effect.forEach([...entry.sandboxes.keys()], (id) => sandboxState(uid, id), { concurrency: "unbounded" }),
        Effect.forEach([...entry.containers], ([id, { sandboxId }]) => containerState(uid, id, sandboxId), {
          concurrency: "unbounded"
        })
      ], { concurrency: "unbounded" })
      return observedPod(
        sandboxes.filter((sandbox): sandbox is ObservedSandbox => sandbox !== undefined),
        containers.filter((container): container is ObservedContainer => container !== undefined)
      )
    })

    const relist = Effect.gen(function*() {
      // What the workers add while the lists are under way is newer than the lists: it is not taken for vanished.
      const before = new Set(owners.keys())
      const [sandboxes, containers] = yield* Effect.all([
        cri.listPodSandbox({}),
        cri.listContainers({})
      ], { concurrency: "unbounded" })
      const changed = new Set<string>()
      const present = new Set<string>()
      for (const sandbox of sandboxes.items) {
        const uid = sandbox.labels[labelPodUid] ?? sandbox.metadata?.uid ?? ""
        if (uid === "") continue
        present.add(sandbox.id)
        const entry = entryOf(uid)
        entry.name = sandbox.labels[labelPodName] ?? sandbox.metadata?.name ?? ""
        entry.namespace = sandbox.labels[labelPodNamespace] ?? sandbox.metadata?.namespace ?? ""
        owners.set(sandbox.id, uid)
        const state = listedState(sandbox)
        if (entry.sandboxes.get(sandbox.id) !== state) changed.add(uid)
        entry.sandboxes.set(sandbox.id, state)
      }
      for (const container of containers.containers) {
        const uid = container.labels[labelPodUid] ?? owners.get(container.podSandboxId) ?? ""
        if (uid === "") continue
        present.add(container.id)
        owners.set(container.id, uid)
        const entry = entryOf(uid)
        const state = listedState(container)
        if (entry.containers.get(container.id)?.state !== state) changed.add(uid)
        entry.containers.set(container.id, { state, sandboxId: container.podSandboxId })
      }
      for (const id of before) {
        const uid = owners.get(id)
        if (uid === undefined || present.has(id)) continue
        changed.add(uid)
        owners.delete(id)
        exited.delete(id)
        const entry = pods.get(uid)
        entry?.sandboxes.delete(id)
        entry?.containers.delete(id)
      }
      for (const [uid, entry] of pods) {
        if (entry.sandboxes.size === 0 && entry.containers.size === 0) pods.delete(uid)
      }
      yield* Metric.update(lastSeen, (yield* Effect.clockWith((clock) => clock.currentTimeMillis)) / 1000)
      return [...changed]
    })

    return RuntimeView.of({
      observe,
      noteSandbox,
      noteContainer,
      forget,
      relist,
      podOf: (id) => Effect.sync(() => owners.get(id)),
      pods: Effect.sync(() =>
        [...pods].map(([uid, entry]) => ({
          uid,
          name: entry.name,
          namespace: entry.namespace,
          sandboxIds: [...entry.sandboxes.keys()],
          containerIds: [...entry.containers.keys()]
        }))
      )
    })
  })
)
