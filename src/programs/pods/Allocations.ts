/**
 * What the node's pods were allotted, and what is in force of it (parity D17): in memory, and in two files that outlive
 * the agent. A file that cannot be read is put aside with a clear word; what it held is then read from the statuses.
 */
import { Context, Effect, Layer, Queue, Semaphore } from "effect"
import type { Pod } from "../../domain/k8s/pod.ts"
import { type Allocation, allocationOf, asAllocated, isResized, unsettled } from "../../domain/resize/allocation.ts"
import { checkpointText, parseCheckpoint } from "../../domain/resize/checkpoint.ts"
import { HostFiles } from "../../layers/host/HostFiles.ts"
import { AgentConfig } from "../AgentConfig.ts"
import { supervise } from "../supervise.ts"

export class Allocations extends Context.Service<Allocations, {
  /** What the pod was allotted; undefined before it was admitted. */
  readonly of: (uid: string) => Effect.Effect<Allocation | undefined>
  /** The pod as it was allotted; as its spec has it before it was admitted. */
  readonly applied: (pod: Pod) => Effect.Effect<Pod>
  /** All of them so. */
  readonly allApplied: (pods: ReadonlyArray<Pod>) => Effect.Effect<ReadonlyArray<Pod>>
  /** What containers and group have until a resize is carried out; undefined when that is what was allotted. */
  readonly inForce: (uid: string) => Effect.Effect<Allocation | undefined>
  /** The first allotment. It is on disk a moment later: until then the pod's own spec says the same. */
  readonly admit: (uid: string, allocation: Allocation) => Effect.Effect<void>
  /** Another allotment, on disk when this returns, with what is in force until it is carried out. */
  readonly resize: (pod: Pod) => Effect.Effect<void>
  /** What is in force now. Equal to what was allotted, it needs no record any more. */
  readonly actuate: (uid: string, inForce: Allocation) => Effect.Effect<void>
  /** Forgets all pods but these. */
  readonly retain: (uids: ReadonlySet<string>) => Effect.Effect<void>
}>()("kubeffect/programs/pods/Allocations") {}

const files = { allocated: "allocated_pods_state", actuated: "actuated_pods_state" } as const
/** Pods come in numbers: their first allotments share a write. */
const writeDelayMs = 1000

/** A file that is not there has nothing to tell. */
const restore = Effect.fnUntraced(function*(path: string) {
  const host = yield* HostFiles
  const nothing = new Map<string, Allocation>()
  const text = yield* host.readText(path).pipe(
    Effect.catchReason("HostFileError", "NotFound", () => Effect.succeed(undefined)),
    Effect.catch((error) => Effect.as(Effect.logError(`cannot read ${path}`, error), undefined))
  )
  if (text === undefined) return nothing
  const parsed = parseCheckpoint(text)
  if (parsed._tag === "Success") return new Map(parsed.success)
  const aside = `${path}.corrupt`
  yield* Effect.logError(
    `could not restore state from checkpoint: ${parsed.failure.message}. What pods were allotted is taken from their ` +
      `statuses instead; ${path} is kept as ${aside}`
  )
  yield* host.rename(path, aside).pipe(
    Effect.catch((error) => Effect.logWarning(`cannot put ${path} aside`, error))
  )
  return nothing
})

export const layer: Layer.Layer<Allocations, never, AgentConfig | HostFiles> = Layer.effect(
  Allocations,
  Effect.gen(function*() {
    const host = yield* HostFiles
    const { rootDir } = yield* AgentConfig
    const pathOf = (file: keyof typeof files) => `${rootDir}/${files[file]}`
    const allocated = yield* restore(pathOf("allocated"))
    // The kubelet's file, and ours, names all pods; what is in force as it was allotted needs no thought.
    const actuated = new Map<string, Allocation>()
    for (const [uid, recorded] of yield* restore(pathOf("actuated"))) {
      const granted = allocated.get(uid)
      const inForce = granted === undefined ? undefined : unsettled(granted, recorded)
      if (inForce !== undefined) actuated.set(uid, inForce)
    }
    const wanted = yield* Queue.sliding<void>(1)
    const oneAtATime = yield* Semaphore.make(1)

    /** A record that is lost costs no pod its life: it is made anew from the pod's status. */
    const save = (file: keyof typeof files) =>
      Semaphore.withPermits(oneAtATime, 1)(Effect.suspend(() => {
        const content = file === "allocated" ? allocated : new Map([...allocated, ...actuated])
        return host.makeDirectory(rootDir, { mode: 0o750, recursive: true }).pipe(
          Effect.andThen(host.writeFileAtomic(pathOf(file), checkpointText(content), { mode: 0o600 })),
          Effect.catch((error) => Effect.logWarning(`cannot write ${pathOf(file)}`, error))
        )
      }))
    const saveSoon = Effect.gen(function*() {
      yield* Queue.take(wanted)
      yield* Effect.sleep(writeDelayMs)
      yield* Effect.andThen(save("actuated"), save("allocated"))
    })
    yield* Effect.forkScoped(supervise("allocations on disk", Effect.forever(saveSoon)))

    const applied = (pod: Pod): Pod => {
      const known = allocated.get(pod.metadata.uid)
      return known === undefined ? pod : asAllocated(pod, known)
    }

    return Allocations.of({
      of: (uid) => Effect.sync(() => allocated.get(uid)),
      applied: (pod) => Effect.sync(() => applied(pod)),
      allApplied: (pods) => Effect.sync(() => pods.map(applied)),
      inForce: (uid) => Effect.sync(() => actuated.get(uid)),
      admit: (uid, allocation) =>
        Effect.suspend(() => {
          allocated.set(uid, allocation)
          return Effect.asVoid(Queue.offer(wanted, undefined))
        }),
      resize: Effect.fn("Allocations.resize")(function*(pod: Pod) {
        const { uid } = pod.metadata
        const before = actuated.get(uid) ?? allocated.get(uid)
        const next = allocationOf(pod)
        allocated.set(uid, next)
        // What is in force is written first: without it the new allotment would pass for carried out.
        if (before !== undefined && isResized(before, next)) {
          actuated.set(uid, before)
          yield* save("actuated")
        } else if (actuated.delete(uid)) yield* save("actuated")
        yield* save("allocated")
      }),
      actuate: (uid, inForce) =>
        Effect.suspend(() => {
          const granted = allocated.get(uid)
          if (granted === undefined || isResized(inForce, granted)) actuated.set(uid, inForce)
          else if (!actuated.delete(uid)) return Effect.void
          return save("actuated")
        }),
      retain: (uids) =>
        Effect.sync(() => {
          for (const uid of allocated.keys()) if (!uids.has(uid)) allocated.delete(uid)
          for (const uid of actuated.keys()) if (!uids.has(uid)) actuated.delete(uid)
        })
    })
  })
)
