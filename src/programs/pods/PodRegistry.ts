/**
 * The pods this node is asked to run, merged from their sources and keyed by UID (parity C1–C5). It only remembers and
 * says what changed; deciding is the workers' business. Mirror pods are kept apart: they are the API's picture of static
 * pods, not work.
 */
import { Context, Effect, Layer } from "effect"
import type { Pod } from "../../domain/k8s/pod.ts"
import type { PodSource, Termination } from "../../domain/pod/model.ts"
import { isNews } from "../../domain/pod/podNews.ts"
import * as Bell from "../Bell.ts"
import * as KeyedMailbox from "../KeyedMailbox.ts"

export const annotationMirror = "kubernetes.io/config.mirror"

export interface DesiredPod {
  readonly pod: Pod
  readonly source: PodSource
  /** The source has it no more. It stays here until its worker has cleaned up and called `forget`. */
  readonly removed: boolean
  /** The node itself ends the pod: preempted, evicted, shut down. */
  readonly ending?: Termination
}

/** `name_namespace`: what ties a static pod to its mirror. */
export const fullName = (pod: Pod): string => `${pod.metadata.name}_${pod.metadata.namespace}`

export const isMirror = (pod: Pod): boolean => pod.metadata.annotations?.[annotationMirror] !== undefined

export class PodRegistry extends Context.Service<PodRegistry, {
  /** Makes `pods` the whole content of a source and marks it as heard from. */
  readonly replace: (source: PodSource, pods: ReadonlyArray<Pod>) => Effect.Effect<void>
  readonly upsert: (source: PodSource, pod: Pod) => Effect.Effect<void>
  /** `last`: the object as it was when it went, which may carry a shorter grace than the one known. */
  readonly remove: (source: PodSource, uid: string, last?: Pod) => Effect.Effect<void>
  /** Makes the pod end for a reason of the node's own. The first reason stands. */
  readonly end: (uid: string, termination: Termination) => Effect.Effect<void>
  readonly get: (uid: string) => Effect.Effect<DesiredPod | undefined>
  readonly all: Effect.Effect<ReadonlyArray<DesiredPod>>
  /** Tells whether a pod of a UID is here, removed ones included: from now on, not only as of now. */
  readonly has: Effect.Effect<(uid: string) => boolean>
  /** Drops a removed pod for good. */
  readonly forget: (uid: string) => Effect.Effect<void>
  /** Waits until a pod has been dropped, or a source been heard, since the last time. One consumer. */
  readonly fewerAsked: Effect.Effect<void>
  /** Tells the consumer of `changed` to look at the pod again. */
  readonly touch: (uid: string) => Effect.Effect<void>
  /** True once every source of the node has told its pods once: nothing unknown may be deleted before (parity C3). */
  readonly allSourcesHeard: Effect.Effect<boolean>
  /** The mirror pod of a static pod, as the API has it. */
  readonly mirrorOf: (pod: Pod) => Effect.Effect<Pod | undefined>
  readonly mirrors: Effect.Effect<ReadonlyArray<Pod>>
  /** Waits until a static pod or a mirror pod has changed since the last time. One consumer. */
  readonly mirrorsDue: Effect.Effect<void>
  /** UIDs whose entry changed in what concerns their workers; a mirror's change is told under the UID of its static pod. One consumer. */
  readonly changed: Effect.Effect<ReadonlyArray<string>>
}>()("kubeffect/programs/pods/PodRegistry") {}

interface Known {
  readonly pods: Map<string, DesiredPod>
  /** By full name. */
  readonly mirrors: Map<string, Pod>
  /** Sources that have told their pods once. */
  readonly heard: Set<PodSource>
  readonly changed: KeyedMailbox.KeyedMailbox
  readonly mirrorWork: KeyedMailbox.KeyedMailbox
  readonly fewer: Bell.Bell
}

const makeKnown: Effect.Effect<Known> = Effect.gen(function*() {
  return {
    pods: new Map(),
    mirrors: new Map(),
    heard: new Set(),
    changed: yield* KeyedMailbox.make,
    mirrorWork: yield* KeyedMailbox.make,
    fewer: yield* Bell.make
  }
})

/** `sources`: the sources that this node has. */
export const layer = (sources: ReadonlyArray<PodSource>): Layer.Layer<PodRegistry> =>
  Layer.effect(
    PodRegistry,
    Effect.map(makeKnown, (known) => PodRegistry.of({ ...reads(known, sources), ...writes(known) }))
  )

const reads = ({ changed, fewer, heard, mirrorWork, mirrors, pods }: Known, sources: ReadonlyArray<PodSource>) => ({
  get: (uid: string) => Effect.sync(() => pods.get(uid)),
  all: Effect.sync(() => [...pods.values()]),
  has: Effect.succeed((uid: string) => pods.has(uid)),
  allSourcesHeard: Effect.sync(() => sources.every((source) => heard.has(source))),
  mirrorOf: (pod: Pod) => Effect.sync(() => mirrors.get(fullName(pod))),
  mirrors: Effect.sync(() => [...mirrors.values()]),
  fewerAsked: Bell.heard(fewer),
  mirrorsDue: Effect.asVoid(mirrorWork.takeAll),
  changed: changed.takeAll
})

const writes = (known: Known) => {
  const { changed, fewer, heard, mirrorWork, mirrors, pods } = known

  const upsert = (source: PodSource, pod: Pod): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (source === "api" && isMirror(pod)) {
        mirrors.set(fullName(pod), pod)
        return tellOfMirror(known, fullName(pod))
      }
      const before = pods.get(pod.metadata.uid)
      const ending = before?.ending
      pods.set(pod.metadata.uid, { pod, source, removed: false, ...(ending === undefined ? {} : { ending }) })
      const isEcho = before?.source === "api" && source === "api" && !before.removed && !isNews(before.pod, pod)
      return isEcho ? Effect.void : tellOfPod(known, source, pod.metadata.uid)
    })

  const remove = (source: PodSource, uid: string, last?: Pod): Effect.Effect<void> =>
    Effect.suspend(() => {
      const desired = pods.get(uid)
      if (desired === undefined || desired.source !== source) {
        return source === "api" ? removeMirror(known, uid) : Effect.void
      }
      pods.set(uid, { ...desired, pod: last ?? desired.pod, removed: true })
      return tellOfPod(known, source, uid)
    })

  const replace = Effect.fnUntraced(function*(source: PodSource, next: ReadonlyArray<Pod>) {
    const present = new Set(next.map((pod) => pod.metadata.uid))
    const gone = uidsOf(known, source).filter((uid) => !present.has(uid))
    yield* Effect.forEach(gone, (uid) => remove(source, uid), { discard: true })
    yield* Effect.forEach(next, (pod) => upsert(source, pod), { discard: true })
    // Last: whoever looks for orphans may look at any moment, and must know all pods by then.
    heard.add(source)
    yield* Bell.ring(fewer)
    // Whether a mirror is an orphan can be told only now.
    yield* mirrorWork.offer(source)
  })

  const end = (uid: string, termination: Termination): Effect.Effect<void> =>
    Effect.suspend(() => {
      const desired = pods.get(uid)
      if (desired === undefined || desired.ending !== undefined) return Effect.void
      pods.set(uid, { ...desired, ending: termination })
      return changed.offer(uid)
    })

  const forget = (uid: string): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (pods.get(uid)?.removed !== true) return Effect.void
      pods.delete(uid)
      return Bell.ring(fewer)
    })

  return { upsert, remove, replace, end, forget, touch: changed.offer }
}

const removeMirror = (known: Known, uid: string): Effect.Effect<void> => {
  for (const [name, mirror] of known.mirrors) {
    if (mirror.metadata.uid !== uid) continue
    known.mirrors.delete(name)
    return tellOfMirror(known, name)
  }
  return Effect.void
}

const tellOfPod = ({ changed, mirrorWork }: Known, source: PodSource, uid: string): Effect.Effect<void> =>
  source === "api" ? changed.offer(uid) : Effect.andThen(changed.offer(uid), mirrorWork.offer(uid))

const tellOfMirror = (known: Known, name: string): Effect.Effect<void> => {
  const uid = staticByName(known, name)
  const told = uid === undefined ? Effect.void : known.changed.offer(uid)
  return Effect.andThen(told, known.mirrorWork.offer(name))
}

const staticByName = ({ pods }: Known, name: string): string | undefined => {
  for (const [uid, desired] of pods) {
    if (desired.source !== "api" && fullName(desired.pod) === name) return uid
  }
  return undefined
}

/** All that a source has told of: the API also tells of the mirrors. */
const uidsOf = ({ mirrors, pods }: Known, source: PodSource): ReadonlyArray<string> => {
  const own = [...pods].filter(([, desired]) => desired.source === source).map(([uid]) => uid)
  return source === "api" ? [...own, ...[...mirrors.values()].map((mirror) => mirror.metadata.uid)] : own
}
