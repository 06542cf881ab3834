/** An API server in memory whose signer the test plays, and a node's folder, both of which outlive the agent. */
import { Clock, Effect, Fiber, Layer, Ref, Result, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Retryable } from "../../../src/domain/failure.ts"
import { at, objectsOf, textOf } from "../../../src/domain/k8s/json.ts"
import { certificateSigningRequests } from "../../../src/domain/k8s/resources.ts"
import { ApiError, KubeApi, type KubeObject } from "../../../src/layers/api/KubeApi.ts"
import * as KubeApiMemory from "../../../src/layers/api/KubeApiMemory.ts"
import * as MemoryApi from "../../../src/layers/api/memory/MemoryApi.ts"
import { X509 } from "../../../src/layers/certificates/X509.ts"
import * as X509Memory from "../../../src/layers/certificates/X509Memory.ts"
import { HostFiles } from "../../../src/layers/host/HostFiles.ts"
import * as HostFilesMemory from "../../../src/layers/host/HostFilesMemory.ts"

export const second = 1000
export const minute = 60 * second
export const hour = 60 * minute
export const day = 24 * hour

export const folder = "/var/lib/kubelet/pki"

/** Lets what is due now happen, without time going by. */
export const settle = TestClock.adjust(0).pipe(Effect.repeat({ times: 20 }))

export const make = Effect.fn("certificateWorld")(function*(lifeMs: number) {
  const api = yield* MemoryApi.make({ bookmarkMs: 30 * day })
  const tools = yield* Layer.build(
    Layer.mergeAll(X509Memory.layer, HostFilesMemory.layer(new HostFilesMemory.MemoryHost()), KubeApiMemory.layer(api))
  )
  const client = yield* Effect.provide(KubeApi, tools)
  const files = yield* Effect.provide(HostFiles, tools)
  const x509 = yield* Effect.provide(X509, tools)
  const signing = yield* Ref.make<"sign" | "deny" | "fail" | "wait">("sign")
  const reachable = yield* Ref.make(true)
  /** In the order in which they were made, with the identity that made them. */
  const made: Array<{ readonly name: string; readonly by: string; readonly atMs: number }> = []

  const condition = (type: string, reason: string) => ({ status: { conditions: [{ type, status: "True", reason }] } })
  const decide = Effect.fnUntraced(function*(name: string) {
    const target = { name }
    const merge = (subresource: string, body: unknown) =>
      client.patch(certificateSigningRequests, target, { type: "merge", body }, { subresource })
    const how = yield* Ref.get(signing)
    if (how === "wait") return
    if (how === "deny") return yield* merge("approval", condition("Denied", "NotYou"))
    if (how === "fail") return yield* merge("status", condition("Failed", "SignerValidationFailure"))
    yield* merge("approval", condition("Approved", "Yes"))
    const request = yield* client.get(certificateSigningRequests, target)
    const nowMs = yield* Clock.currentTimeMillis
    const certificate = Result.getOrThrow(
      X509Memory.certify(atob(textOf(at(request, "spec", "request"))), {
        notBeforeMs: nowMs,
        notAfterMs: nowMs + lifeMs
      })
    )
    yield* merge("status", { status: { certificate: btoa(certificate) } })
  })
  const pending = (request: KubeObject) => objectsOf(at(request, "status", "conditions")).length === 0
  const decideAll = Effect.suspend(() =>
    Effect.forEach(
      api.objects(certificateSigningRequests).filter(pending),
      ({ metadata }) => decide(metadata.name ?? ""),
      { discard: true }
    )
  )

  /** The server as one of its users; every request that this one makes is signed as `signing` says. */
  const as = (user: string): KubeApi["Service"] => {
    const gone = new ApiError({
      op: "any",
      target: "any",
      reason: new Retryable({}),
      status: 0,
      statusReason: "",
      detail: "unreachable"
    })
    const ifReachable = Effect.flatMap(Ref.get(reachable), (ok) => ok ? Effect.void : Effect.fail(gone))
    return KubeApi.of({
      ...client,
      get: (...args) => Effect.andThen(ifReachable, client.get(...args)),
      watch: (...args) => Stream.concat(Stream.drain(Stream.fromEffect(ifReachable)), client.watch(...args)),
      create: (...args) =>
        ifReachable.pipe(
          Effect.andThen(client.create(...args)),
          Effect.tap(({ metadata }) =>
            Effect.map(Clock.currentTimeMillis, (atMs) => made.push({ name: metadata.name ?? "", by: user, atMs }))
          ),
          Effect.tap(() => Effect.orDie(decideAll))
        )
    })
  }
  const run = <A, E>(agent: Effect.Effect<A, E, X509 | HostFiles>) =>
    Effect.map(
      Effect.forkScoped(Effect.provide(agent, tools)),
      (fiber) => ({ fiber, kill: Fiber.interrupt(fiber) })
    )
  const names = files.readDirectory(folder).pipe(Effect.catch(() => Effect.succeed<ReadonlyArray<string>>([])))
  return { api, client, as, run, files, x509, tools, signing, reachable, made, decideAll, names }
})
