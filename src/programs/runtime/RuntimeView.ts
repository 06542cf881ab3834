/**
 * Which sandboxes and containers of the runtime belong to which pod. Listings and the workers' own calls teach it the
 * ids; `observe` then asks the runtime for the state of just those whose last answer an event, a listing, an own action
 * or time has outdated, so a worker always decides on an answer that is newer than its own last action (parity G1).
 */
import { Clock, Context, Effect, Layer, Metric } from "effect"
import type { ObservedContainer, ObservedPod, ObservedSandbox } from "../../domain/pod/model.ts"
import { listing } from "../../domain/runtime/listing.ts"
import { listedState, observedContainer, observedPod, observedSandbox } from "../../domain/runtime/observed.ts"
import { Cri, type CriError } from "../../layers/cri/Cri.ts"
import type { RuntimeEvent } from "../../layers/cri/RuntimeEvents.ts"
import * as Bell from "../Bell.ts"
import { RecentAnswers } from "./RecentAnswers.ts"
import { RuntimeIndex, type RuntimePod } from "./RuntimeIndex.ts"
import { TerminationMessages } from "./TerminationMessages.ts"

export class RuntimeView extends Context.Service<RuntimeView, {
  /** The state of everything known of the pod, by answers that nothing has outdated. What is gone is left out. */
  readonly observe: (uid: string) => Effect.Effect<ObservedPod, CriError>
  /** Something was done to a sandbox or container: the next look asks for it. */
  readonly outdate: (id: string) => Effect.Effect<void>
  /** An event told of something: the next look asks for it. False when what is known shows it already: nothing is due. */
  readonly told: (event: Pick<RuntimeEvent, "containerId" | "kind">) => Effect.Effect<boolean>
  /** Asks for the state of one sandbox or container, unless what is known of it is recent; the next look has it. */
  readonly see: (id: string) => Effect.Effect<void, CriError>
  /** Runs a call that ends a sandbox or container. Its caller looks after it. */
  readonly ending: <A, E>(id: string, call: Effect.Effect<A, E>) => Effect.Effect<A, E>
  readonly isEnding: (id: string) => Effect.Effect<boolean>
  /** Something was done to the pod: the next look asks for all of it. */
  readonly outdatePod: (uid: string) => Effect.Effect<void>
  readonly noteSandbox: (uid: string, sandboxId: string) => Effect.Effect<void>
  readonly noteContainer: (uid: string, sandboxId: string, containerId: string) => Effect.Effect<void>
  /** Drops what is known of a pod whose sandboxes and containers were removed. */
  readonly forget: (uid: string) => Effect.Effect<void>
  /** Lists everything and returns the pods in which something vanished, or is not as it was when last looked at. */
  readonly relist: Effect.Effect<ReadonlyArray<string>, CriError>
  /** Waits until a listing has shown something new since the last time. One consumer. */
  readonly found: Effect.Effect<void>
  /** Ends once the container is known to have exited or to be gone: a look at its pod or a listing has shown it. */
  readonly ended: (containerId: string) => Effect.Effect<void>
  /** Where the log of a container lies, if a look has shown it. */
  readonly logPathOf: (containerId: string) => Effect.Effect<string | undefined>
  /** The pod of a sandbox or container id, when it is known. */
  readonly podOf: (id: string) => Effect.Effect<string | undefined>
  /** Containers of pods that ran when last looked at. */
  readonly running: Effect.Effect<ReadonlySet<string>>
  readonly pods: Effect.Effect<ReadonlyArray<RuntimePod>>
  /** Those whose UID is not known to somebody else. */
  readonly podsBut: (isKnown: (uid: string) => boolean) => Effect.Effect<ReadonlyArray<RuntimePod>>
}>()("kubeffect/programs/runtime/RuntimeView") {}

const lastSeen = Metric.gauge("kubelet_pleg_last_seen_seconds", {
  description: "Timestamp in seconds when the runtime was last listed."
})

export const layer: Layer.Layer<RuntimeView, never, Cri | TerminationMessages> = Layer.effect(
  RuntimeView,
  Effect.gen(function*() {
    const cri = yield* Cri
    const terminationMessages = yield* TerminationMessages
    const index = new RuntimeIndex()
    const recent: Recent = { sandboxes: new RecentAnswers(), containers: new RecentAnswers() }
    const outdate = (id: string) => {
      recent.sandboxes.outdate(id)
      recent.containers.outdate(id)
    }
    const outdatePod = (uid: string) => {
      for (const id of index.sandboxesOf(uid)) outdate(id)
      for (const { id } of index.containersOf(uid)) outdate(id)
    }
    const ending = new Set<string>()
    const found = yield* Bell.make
    return RuntimeView.of({
      ...makeLooks(index, recent, cri, terminationMessages),
      outdate: (id) => Effect.sync(() => outdate(id)),
      told: ({ containerId, kind }) => Effect.sync(() => isNews(index, recent, containerId, kind)),
      ending: (id, call) =>
        Effect.suspend(() => {
          ending.add(id)
          return Effect.ensuring(call, Effect.sync(() => ending.delete(id)))
        }),
      isEnding: (id) => Effect.sync(() => ending.has(id)),
      outdatePod: (uid) => Effect.sync(() => outdatePod(uid)),
      relist: Effect.flatMap(makeRelist(index, cri), (changes) => {
        for (const { id } of changes) outdate(id)
        const uids = [...new Set(changes.map(({ uid }) => uid))]
        return uids.length === 0 ? Effect.succeed(uids) : Effect.as(Bell.ring(found), uids)
      }),
      found: Bell.heard(found),
      // A listing may have shown it half made, and a look have asked for it.
      noteSandbox: (uid, sandboxId) =>
        Effect.sync(() => {
          index.noteSandbox(uid, sandboxId)
          outdate(sandboxId)
        }),
      noteContainer: (uid, sandboxId, containerId) =>
        Effect.sync(() => {
          index.noteContainer(uid, sandboxId, containerId)
          outdate(containerId)
        }),
      forget: (uid) =>
        Effect.sync(() => {
          outdatePod(uid)
          index.forget(uid)
        }),
      ended: (containerId) =>
        Effect.callback<void>((resume) => {
          const takeBack = index.onEnd(containerId, () => resume(Effect.void))
          return Effect.sync(takeBack)
        }),
      logPathOf: (containerId) => Effect.sync(() => index.logPathOf(containerId)),
      podOf: (id) => Effect.sync(() => index.ownerOf(id)),
      running: Effect.sync(() => index.running()),
      pods: Effect.sync(() => index.pods()),
      podsBut: (isKnown) => Effect.sync(() => index.pods((uid) => !isKnown(uid)))
    })
  })
)

interface Recent {
  readonly sandboxes: RecentAnswers<ObservedSandbox>
  readonly containers: RecentAnswers<ObservedContainer>
}

/** Whether a container is known to be as far as an event tells: containers and sandboxes only ever go forward. */
const containerShows = (kind: RuntimeEvent["kind"]) => ({ state }: ObservedContainer): boolean =>
  kind === "Created" || state === "Exited" || kind === "Started" && state === "Running"

const sandboxShows = (kind: RuntimeEvent["kind"]) => ({ ready }: ObservedSandbox): boolean =>
  ready === (kind !== "Stopped")

/** Whether an event tells more than is known, which is out of date then. */
const isNews = (index: RuntimeIndex, recent: Recent, id: string, kind: RuntimeEvent["kind"]): boolean => {
  const isDeleted = kind === "Deleted"
  const inContainers = recent.containers.outdateUnless(id, isDeleted ? () => false : containerShows(kind))
  const inSandboxes = recent.sandboxes.outdateUnless(id, isDeleted ? () => false : sandboxShows(kind))
  // What nobody knew of nobody misses.
  if (isDeleted) return index.ownerOf(id) !== undefined
  return index.exited(id) === undefined && inContainers && inSandboxes
}

/** Asks the runtime, unless it has answered a moment ago. */
const askOnce = Effect.fnUntraced(function*<A, E>(
  answers: RecentAnswers<A>,
  id: string,
  ask: Effect.Effect<A | undefined, E>
) {
  const nowMs = yield* Clock.currentTimeMillis
  const known = answers.get(id, nowMs)
  if (known !== undefined) return known
  const question = answers.ask(id)
  const answer = yield* ask
  if (answer !== undefined) answers.keep(id, question, answer, nowMs)
  return answer
})

const makeLooks = (
  index: RuntimeIndex,
  recent: Recent,
  cri: Cri["Service"],
  terminationMessages: TerminationMessages["Service"]
) => {
  const dropGone = (uid: string, id: string): Effect.Effect<undefined> =>
    Effect.sync(() => {
      index.drop(uid, id)
      recent.sandboxes.outdate(id)
      recent.containers.outdate(id)
      return undefined
    })

  const askSandbox = (id: string) =>
    Effect.map(cri.podSandboxStatus({ podSandboxId: id }), ({ status }) => {
      if (status === undefined) return undefined
      index.noteState(id, listedState(status))
      return observedSandbox(status)
    })

  const askContainer = Effect.fnUntraced(function*(id: string, sandboxId: string) {
    const { status } = yield* cri.containerStatus({ containerId: id })
    if (status === undefined) return undefined
    index.noteState(id, listedState(status))
    index.noteLogPath(id, status.logPath)
    const seen = observedContainer(status, sandboxId)
    if (seen.state !== "Exited") return seen
    const final = { ...seen, message: yield* terminationMessages.read(status) }
    index.noteExited(id, final)
    return final
  })

  const sandboxState = (uid: string, id: string) =>
    askOnce(recent.sandboxes, id, askSandbox(id)).pipe(
      Effect.catchReason("CriError", "NotFound", () => dropGone(uid, id))
    )

  const containerState = (uid: string, id: string, sandboxId: string) =>
    Effect.suspend(() => {
      const exited = index.exited(id)
      return exited === undefined
        ? askOnce(recent.containers, id, askContainer(id, sandboxId))
        : Effect.succeed(exited)
    }).pipe(Effect.catchReason("CriError", "NotFound", () => dropGone(uid, id)))

  const see = Effect.fnUntraced(function*(id: string) {
    const uid = index.ownerOf(id)
    if (uid === undefined) return
    const container = index.containersOf(uid).find((one) => one.id === id)
    if (container === undefined) yield* sandboxState(uid, id)
    else yield* containerState(uid, id, container.sandboxId)
  })

  const observe = Effect.fnUntraced(function*(uid: string) {
    const [sandboxes, containers] = yield* Effect.all([
      Effect.forEach(index.sandboxesOf(uid), (id) => sandboxState(uid, id), { concurrency: "unbounded" }),
      Effect.forEach(index.containersOf(uid), ({ id, sandboxId }) => containerState(uid, id, sandboxId), {
        concurrency: "unbounded"
      })
    ], { concurrency: "unbounded" })
    return observedPod(
      sandboxes.filter((sandbox): sandbox is ObservedSandbox => sandbox !== undefined),
      containers.filter((container): container is ObservedContainer => container !== undefined)
    )
  })

  return { observe, see }
}

const makeRelist = (index: RuntimeIndex, cri: Cri["Service"]) =>
  Effect.gen(function*() {
    const before = index.ids()
    const [sandboxes, containers] = yield* Effect.all([
      cri.listPodSandbox({}),
      cri.listContainers({})
    ], { concurrency: "unbounded" })
    const listed = listing(sandboxes.items, containers.containers, (id) => index.ownerOf(id))
    const changed = index.take(listed, before)
    yield* Metric.update(lastSeen, (yield* Clock.currentTimeMillis) / 1000)
    return changed
  })
