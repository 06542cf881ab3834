/**
 * What every `KubeApi` promises: the live client against a real API server, and the API server in memory. Each test makes
 * a namespace of its own, so that one server can be used again and again.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, Fiber, type Layer, Stream } from "effect"
import type { ApiResource } from "../../src/domain/k8s/resources.ts"
import * as Resources from "../../src/domain/k8s/resources.ts"
import { type ApiError, KubeApi, type KubeObject, type Selection } from "../../src/layers/api/KubeApi.ts"

export interface KubeApiContractOptions {
  /** A version of `configMaps` whose history the server has dropped. */
  readonly expiredVersion: Effect.Effect<string, ApiError, KubeApi>
  /** Lets time pass for the server; default is really waiting. */
  readonly passTime?: (ms: number) => Effect.Effect<void>
  /** The server runs on the test clock instead of the real one. */
  readonly testClock?: boolean
}

const configMap = (
  namespace: string,
  name: string,
  data: Record<string, string> = {},
  metadata: Record<string, unknown> = {}
): KubeObject => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { ...metadata, namespace, name }, data })

const pod = (namespace: string, name: string, spec: Record<string, unknown> = {}): KubeObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { namespace, name },
  spec: { containers: [{ name: "main", image: "busybox", command: ["sleep", "60"] }], ...spec }
})

const newNamespace = Effect.gen(function*() {
  const api = yield* KubeApi
  const made = yield* api.create(Resources.namespaces, { metadata: { generateName: "contract-" } })
  return made.metadata.name ?? ""
})

const inNamespace = <A, E>(body: (ns: string, api: KubeApi["Service"]) => Effect.Effect<A, E, KubeApi>) =>
  Effect.gen(function*() {
    return yield* body(yield* newNamespace, yield* KubeApi)
  })

const names = (items: ReadonlyArray<KubeObject>) => items.map(({ metadata }) => metadata.name).toSorted()

const versionOf = (object: KubeObject): string => object.metadata.resourceVersion ?? ""

const at = (object: unknown, ...path: ReadonlyArray<string | number>): unknown =>
  path.reduce<unknown>(
    (value, key) =>
      typeof value === "object" && value !== null
        ? Object.entries(value).find(([k]) => k === `${key}`)?.[1]
        : undefined,
    object
  )

/** The reason a call is expected to fail for. */
const refusal = <A, R>(call: Effect.Effect<A, ApiError, R>) =>
  Effect.flip(call).pipe(
    Effect.map(({ detail, reason, status, statusReason }) => ({ reason: reason._tag, status, statusReason, detail }))
  )

/** Collects `count` events (bookmarks left out) after `selection.resourceVersion`. */
const watching = Effect.fnUntraced(function*(resource: ApiResource, selection: Selection, count: number) {
  const api = yield* KubeApi
  return yield* api.watch(resource, selection).pipe(
    Stream.filter(({ type }) => type !== "BOOKMARK"),
    Stream.take(count),
    Stream.runCollect,
    Effect.forkChild({ startImmediately: true })
  )
})

export const kubeApiContract = <E>(
  name: string,
  under: Layer.Layer<KubeApi, E>,
  options: KubeApiContractOptions
): void => {
  const passTime = options.passTime ?? ((ms: number) => Effect.sleep(ms))

  layer(under, { excludeTestServices: options.testClock !== true, timeout: "90 seconds" })(`KubeApi: ${name}`, (it) => {
    it.effect("creates an object with uid, version and time, and reads it back", () =>
      inNamespace((ns, api) =>
        Effect.gen(function*() {
          const made = yield* api.create(Resources.configMaps, configMap(ns, "a", { k: "v" }))
          assert.match(made.metadata.uid ?? "", /^[0-9a-f-]{36}$/)
          assert.notStrictEqual(versionOf(made), "")
          assert.match(String(made.metadata["creationTimestamp"]), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
          const read = yield* api.get(Resources.configMaps, { namespace: ns, name: "a" })
          assert.deepStrictEqual(read, made)
          assert.deepStrictEqual(read["data"], { k: "v" })
        })
      ))

    it.effect("makes up a name from generateName", () =>
      inNamespace((ns, api) =>
        Effect.gen(function*() {
          const object = { metadata: { namespace: ns, generateName: "gen-" } }
          const one = yield* api.create(Resources.configMaps, object)
          const two = yield* api.create(Resources.configMaps, object)
          assert.match(one.metadata.name ?? "", /^gen-[a-z0-9]+$/)
          assert.notStrictEqual(one.metadata.name, two.metadata.name)
        })
      ))

    it.effect("refuses a second object of one name with AlreadyExists", () =>
      inNamespace((ns, api) =>
        Effect.gen(function*() {
          yield* api.create(Resources.configMaps, configMap(ns, "a"))
          const error = yield* refusal(api.create(Resources.configMaps, configMap(ns, "a")))
          assert.deepStrictEqual(error, {
            reason: "AlreadyExists",
            status: 409,
            statusReason: "AlreadyExists",
            detail: `configmaps "a" already exists`
          })
        })
      ))

    it.effect("keeps objects of one name in two namespaces apart", () =>
      inNamespace((ns, api) =>
        Effect.gen(function*() {
          const other = yield* newNamespace
          yield* api.create(Resources.configMaps, configMap(ns, "a", { in: "one" }))
          yield* api.create(Resources.configMaps, configMap(other, "a", { in: "two" }))
          const read = yield* api.get(Resources.configMaps, { namespace: other, name: "a" })
          assert.deepStrictEqual(read["data"], { in: "two" })
          assert.strictEqual(
            (yield* api.list(Resources.configMaps, { namespace: ns })).items.filter(
              ({ metadata }) => metadata.name === "a"
            ).length,
            1
          )
        })
      ))

    it.effect("says NotFound of a missing object, and of a missing namespace on create", () =>
      inNamespace((ns, api) =>
        Effect.gen(function*() {
          const missing = { reason: "NotFound", status: 404, statusReason: "NotFound" }
          const name = { namespace: ns, name: "none" }
          const gone = { ...missing, detail: `configmaps "none" not found` }
          assert.deepStrictEqual(yield* refusal(api.get(Resources.configMaps, name)), gone)
          assert.deepStrictEqual(yield* refusal(api.delete(Resources.configMaps, name)), gone)
          assert.deepStrictEqual(
            yield* refusal(api.patch(Resources.configMaps, name, { type: "merge", body: { data: {} } })),
            gone
          )
          assert.deepStrictEqual(
            yield* refusal(api.create(Resources.configMaps, configMap("no-such-namespace", "a"))),
            { ...missing, detail: `namespaces "no-such-namespace" not found` }
          )
        })
      ))

    it.effect("refuses an invalid name for good", () =>
      inNamespace((ns, api) =>
        Effect.gen(function*() {
          const error = yield* refusal(api.create(Resources.configMaps, configMap(ns, "Not_A_Name")))
          assert.deepInclude(error, { reason: "Permanent", status: 422, statusReason: "Invalid" })
        })
      ))

    it.effect("lists by labels, fields and namespace, each item with its kind", () =>
      inNamespace((ns, api) =>
        Effect.gen(function*() {
          yield* api.create(Resources.configMaps, configMap(ns, "a", {}, { labels: { tier: "web", env: "x" } }))
          yield* api.create(Resources.configMaps, configMap(ns, "b", {}, { labels: { tier: "db" } }))
          yield* api.create(Resources.configMaps, configMap(ns, "c"))
          const mine = (selection: Selection) =>
            Effect.map(api.list(Resources.configMaps, { namespace: ns, ...selection }), ({ items }) =>
              // A real cluster puts a configmap of its own into every namespace.
              names(items).filter((name) => name !== "kube-root-ca.crt"))
          assert.deepStrictEqual(yield* mine({}), ["a", "b", "c"])
          assert.deepStrictEqual(yield* mine({ labelSelector: "tier=web" }), ["a"])
          assert.deepStrictEqual(yield* mine({ labelSelector: "tier!=web" }), ["b", "c"])
          assert.deepStrictEqual(yield* mine({ labelSelector: "tier in (web,db),env" }), ["a"])
          assert.deepStrictEqual(yield* mine({ labelSelector: "tier notin (web)" }), ["b", "c"])
          assert.deepStrictEqual(yield* mine({ labelSelector: "!tier" }), ["c"])
          assert.deepStrictEqual(yield* mine({ fieldSelector: "metadata.name=b" }), ["b"])
          assert.deepStrictEqual(yield* mine({ fieldSelector: "metadata.name!=b" }), ["a", "c"])
          const all = yield* api.list(Resources.configMaps, { labelSelector: "tier=web" })
          const found = all.items.find(({ metadata }) => metadata.namespace === ns)
          assert.deepInclude(found, { kind: "ConfigMap", apiVersion: "v1" })
          assert.notStrictEqual(all.resourceVersion, "")
        })
      ))

    it.effect("lists pods by node", () =>
      inNamespace((ns, api) =>
        Effect.gen(function*() {
          yield* api.create(Resources.pods, pod(ns, "here", { nodeName: "node-here" }))
          yield* api.create(Resources.pods, pod(ns, "there", { nodeName: "node-there" }))
          yield* api.create(Resources.pods, pod(ns, "nowhere"))
          const { items } = yield* api.list(Resources.pods, { namespace: ns, fieldSelector: "spec.nodeName=node-here" })
          assert.deepStrictEqual(names(items), ["here"])
        })
      ))

    it.effect("updates an object, keeps its uid, and refuses a stale version with Conflict", () =>
      inNamespace((ns, api) =>
        Effect.gen(function*() {
          const first = yield* api.create(Resources.configMaps, configMap(ns, "a", { k: "1" }))
          const second = yield* api.update(Resources.configMaps, { ...first, data: { k: "2" } })
          assert.strictEqual(second.metadata.uid, first.metadata.uid)
          assert.notStrictEqual(versionOf(second), versionOf(first))
          const error = yield* refusal(api.update(Resources.configMaps, { ...first, data: { k: "3" } }))
          assert.deepInclude(error, { reason: "Conflict", status: 409, statusReason: "Conflict" })
          const read = yield* api.get(Resources.configMaps, { namespace: ns, name: "a" })
          assert.deepStrictEqual(read["data"], { k: "2" })
        })
      ))

    it.effect("replaces whatever is there when an update names no version", () =>
      inNamespace((ns, api) =>
        Effect.gen(function*() {
          yield* api.create(Resources.configMaps, configMap(ns, "a", { k: "1" }))
          yield* api.update(Resources.configMaps, configMap(ns, "a", { k: "2" }))
          const read = yield* api.get(Resources.configMaps, { namespace: ns, name: "a" })
          assert.deepStrictEqual(read["data"], { k: "2" })
        })
      ))

    it.effect("does not make a new version of an update or patch that changes nothing", () =>
      inNamespace((ns, api) =>
        Effect.gen(function*() {
          const made = yield* api.create(Resources.configMaps, configMap(ns, "a", { k: "1" }))
          const updated = yield* api.update(Resources.configMaps, made)
          const patched = yield* api.patch(Resources.configMaps, { namespace: ns, name: "a" }, {
            type: "merge",
            body: { data: { k: "1" } }
          })
          assert.deepStrictEqual([versionOf(updated), versionOf(patched)], [versionOf(made), versionOf(made)])
        })
      ))

    it.effect("patches by JSON operations, and refuses them all when a test among them fails", () =>
      inNamespace((ns, api) =>
        Effect.gen(function*() {
          yield* api.create(
            Resources.configMaps,
            configMap(ns, "a", { k: "1", gone: "x" }, { annotations: { "a.b/c": "old" } })
          )
          const target = { namespace: ns, name: "a" }
          const done = yield* api.patch(Resources.configMaps, target, {
            type: "json",
            operations: [
              { op: "test", path: "/data/k", value: "1" },
              { op: "replace", path: "/data/k", value: "2" },
              { op: "remove", path: "/data/gone" },
              { op: "add", path: "/metadata/annotations/a.b~1c", value: "new" }
            ]
          })
          assert.deepStrictEqual(done["data"], { k: "2" })
          assert.deepStrictEqual(done.metadata["annotations"], { "a.b/c": "new" })
          const refused = yield* refusal(api.patch(Resources.configMaps, target, {
            type: "json",
            operations: [
              { op: "replace", path: "/data/k", value: "3" },
              { op: "test", path: "/data/k", value: "1" }
            ]
          }))
          assert.deepInclude(refused, { reason: "Permanent", status: 422, statusReason: "Invalid" })
          const after = yield* api.get(Resources.configMaps, target)
          assert.deepStrictEqual(after["data"], { k: "2" })
        })
      ))

    it.effect("patches by merge: objects are merged, null removes, lists are replaced", () =>
      inNamespace((ns, api) =>
        Effect.gen(function*() {
          const target = { namespace: ns, name: "a" }
          yield* api.create(
            Resources.configMaps,
            configMap(ns, "a", { keep: "1", gone: "x" }, { finalizers: ["a.b/c"] })
          )
          const done = yield* api.patch(Resources.configMaps, target, {
            type: "merge",
            body: { metadata: { finalizers: ["d.e/f"] }, data: { gone: null, more: "2" } }
          })
          assert.deepStrictEqual(done["data"], { keep: "1", more: "2" })
          assert.deepStrictEqual(done.metadata["finalizers"], ["d.e/f"])
        })
      ))

    it.effect("patches strategically: containers merge by name, conditions by type", () =>
      inNamespace((ns, api) =>
        Effect.gen(function*() {
          const target = { namespace: ns, name: "a" }
          yield* api.create(Resources.pods, pod(ns, "a"))
          const changed = yield* api.patch(Resources.pods, target, {
            type: "strategic",
            body: { spec: { containers: [{ name: "main", image: "busybox:2" }] } }
          })
          assert.strictEqual(at(changed, "spec", "containers", 0, "image"), "busybox:2")
          assert.deepStrictEqual(at(changed, "spec", "containers", 0, "command"), ["sleep", "60"])
          const condition = (type: string, status: string) => ({ type, status })
          const patchStatus = (conditions: ReadonlyArray<unknown>) =>
            api.patch(Resources.pods, target, { type: "strategic", body: { status: { conditions } } }, {
              subresource: "status"
            })
          yield* patchStatus([condition("Ready", "False"), condition("Initialized", "False")])
          const merged = yield* patchStatus([condition("Ready", "True")])
          const conditions = at(merged, "status", "conditions")
          assert(Array.isArray(conditions))
          assert.deepStrictEqual(
            conditions.map((c) => [at(c, "type"), at(c, "status")]).toSorted(),
            [["Initialized", "False"], ["Ready", "True"]]
          )
          const cut = yield* patchStatus([{ $patch: "delete", type: "Initialized" }])
          assert.strictEqual(at(cut, "status", "conditions", 0, "type"), "Ready")
          assert.strictEqual(at(cut, "status", "conditions", 1), undefined)
        })
      ))

    it.effect("refuses to write over another version or another uid", () =>
      inNamespace((ns, api) =>
        Effect.gen(function*() {
          const first = yield* api.create(Resources.pods, pod(ns, "a"))
          const patch = (metadata: Record<string, unknown>) =>
            api.patch(Resources.pods, { namespace: ns, name: "a" }, {
              type: "strategic",
              body: { metadata, status: { message: "hello" } }
            }, { subresource: "status" })
          yield* patch({ uid: first.metadata.uid })
          const stale = yield* refusal(patch({ resourceVersion: versionOf(first) }))
          assert.deepInclude(stale, { reason: "Conflict", status: 409 })
          const other = "00000000-0000-4000-8000-000000000000"
          const invalid = yield* refusal(patch({ uid: other }))
          assert.deepInclude(invalid, { reason: "Permanent", status: 422, statusReason: "Invalid" })
          const replaced = yield* refusal(
            api.update(Resources.pods, { ...first, metadata: { namespace: ns, name: "a", uid: other } })
          )
          assert.deepInclude(replaced, { reason: "Conflict", status: 409, statusReason: "Conflict" })
        })
      ))

    it.effect("keeps status and the rest apart: each is written by its own path", () =>
      inNamespace((ns, api) =>
        Effect.gen(function*() {
          const target = { namespace: ns, name: "a" }
          const made = yield* api.create(Resources.pods, {
            ...pod(ns, "a"),
            status: { phase: "Running", message: "ignored" }
          })
          assert.strictEqual(at(made, "status", "phase"), "Pending")
          assert.strictEqual(at(made, "status", "message"), undefined)
          const viaMain = yield* api.patch(Resources.pods, target, {
            type: "merge",
            body: { metadata: { labels: { set: "yes" } }, status: { message: "ignored" } }
          })
          assert.strictEqual(at(viaMain, "metadata", "labels", "set"), "yes")
          assert.strictEqual(at(viaMain, "status", "message"), undefined)
          const viaStatus = yield* api.update(Resources.pods, {
            ...viaMain,
            spec: { ...Object(viaMain["spec"]), containers: [{ name: "main", image: "ignored" }] },
            status: { phase: "Running", message: "written" }
          }, { subresource: "status" })
          assert.strictEqual(at(viaStatus, "status", "message"), "written")
          assert.strictEqual(at(viaStatus, "spec", "containers", 0, "image"), "busybox")
        })
      ))

    it.effect("deletes at once what has neither grace period nor finalizers", () =>
      inNamespace((ns, api) =>
        Effect.gen(function*() {
          yield* api.create(Resources.configMaps, configMap(ns, "a"))
          const answer = yield* api.delete(Resources.configMaps, { namespace: ns, name: "a" })
          assert.deepInclude(answer, { kind: "Status", status: "Success" })
          const error = yield* refusal(api.get(Resources.configMaps, { namespace: ns, name: "a" }))
          assert.strictEqual(error.reason, "NotFound")
        })
      ))

    it.effect("refuses a deletion whose uid or version does not hold", () =>
      inNamespace((ns, api) =>
        Effect.gen(function*() {
          const made = yield* api.create(Resources.configMaps, configMap(ns, "a"))
          const target = { namespace: ns, name: "a" }
          const uid = "00000000-0000-4000-8000-000000000000"
          const wrongUid = yield* refusal(api.delete(Resources.configMaps, target, { uid }))
          assert.deepInclude(wrongUid, { reason: "Conflict", status: 409 })
          yield* api.update(Resources.configMaps, { ...made, data: { changed: "yes" } })
          const stale = yield* refusal(
            api.delete(Resources.configMaps, target, { resourceVersion: versionOf(made) })
          )
          assert.deepInclude(stale, { reason: "Conflict", status: 409 })
          yield* api.delete(
            Resources.configMaps,
            target,
            made.metadata.uid === undefined ? {} : { uid: made.metadata.uid }
          )
        })
      ))

    it.effect("a pod on a node lingers for its grace period until it is deleted with grace 0", () =>
      inNamespace((ns, api) =>
        Effect.gen(function*() {
          const target = { namespace: ns, name: "a" }
          const made = yield* api.create(Resources.pods, pod(ns, "a", { nodeName: "node-1" }))
          const dying = yield* api.delete(Resources.pods, target)
          assert.strictEqual(dying.kind, "Pod")
          assert.match(String(dying.metadata["deletionTimestamp"]), /Z$/)
          assert.strictEqual(dying.metadata["deletionGracePeriodSeconds"], 30)
          const shorter = yield* api.delete(Resources.pods, target, { gracePeriodSeconds: 5 })
          assert.strictEqual(shorter.metadata["deletionGracePeriodSeconds"], 5)
          const longer = yield* api.delete(Resources.pods, target, { gracePeriodSeconds: 60 })
          assert.strictEqual(longer.metadata["deletionGracePeriodSeconds"], 5)
          const uid = made.metadata.uid ?? ""
          yield* api.delete(Resources.pods, target, { gracePeriodSeconds: 0, uid })
          assert.strictEqual((yield* refusal(api.get(Resources.pods, target))).reason, "NotFound")
        })
      ))

    it.effect("a pod that no node has, or that is finished, is gone at once", () =>
      inNamespace((ns, api) =>
        Effect.gen(function*() {
          yield* api.create(Resources.pods, pod(ns, "nowhere"))
          yield* api.create(Resources.pods, pod(ns, "done", { nodeName: "node-1" }))
          yield* api.patch(Resources.pods, { namespace: ns, name: "done" }, {
            type: "merge",
            body: { status: { phase: "Succeeded" } }
          }, { subresource: "status" })
          for (const name of ["nowhere", "done"]) {
            yield* api.delete(Resources.pods, { namespace: ns, name })
            assert.strictEqual((yield* refusal(api.get(Resources.pods, { namespace: ns, name }))).reason, "NotFound")
          }
        })
      ))

    it.effect("an object with finalizers lingers until the last of them is removed", () =>
      inNamespace((ns, api) =>
        Effect.gen(function*() {
          const target = { namespace: ns, name: "a" }
          const made = yield* api.create(Resources.configMaps, configMap(ns, "a", {}, { finalizers: ["a.b/c"] }))
          const events = yield* watching(Resources.configMaps, {
            namespace: ns,
            fieldSelector: "metadata.name=a",
            resourceVersion: versionOf(made)
          }, 2)
          yield* api.delete(Resources.configMaps, target)
          const lingering = yield* api.get(Resources.configMaps, target)
          assert.match(String(lingering.metadata["deletionTimestamp"]), /Z$/)
          yield* api.patch(Resources.configMaps, target, { type: "merge", body: { metadata: { finalizers: null } } })
          assert.deepStrictEqual((yield* Fiber.join(events)).map(({ type }) => type), ["MODIFIED", "DELETED"])
          assert.strictEqual((yield* refusal(api.get(Resources.configMaps, target))).reason, "NotFound")
        })
      ))

    it.effect("watches every change after a list, in order, with rising versions", () =>
      inNamespace((ns, api) =>
        Effect.gen(function*() {
          yield* api.create(Resources.configMaps, configMap(ns, "before"))
          const { resourceVersion } = yield* api.list(Resources.configMaps, { namespace: ns })
          const events = yield* watching(Resources.configMaps, { namespace: ns, resourceVersion }, 4)
          const target = { namespace: ns, name: "a" }
          yield* api.create(Resources.configMaps, configMap(ns, "a"))
          yield* api.patch(Resources.configMaps, target, { type: "merge", body: { metadata: { labels: { n: "1" } } } })
          yield* api.patch(Resources.configMaps, target, { type: "merge", body: { metadata: { labels: { n: "2" } } } })
          yield* api.delete(Resources.configMaps, target)
          const seen = yield* Fiber.join(events)
          assert.deepStrictEqual(seen.map(({ object, type }) => [type, at(object, "metadata", "labels", "n")]), [
            ["ADDED", undefined],
            ["MODIFIED", "1"],
            ["MODIFIED", "2"],
            ["DELETED", "2"]
          ])
          assert.deepStrictEqual(new Set(seen.map(({ object }) => object.kind)), new Set(["ConfigMap"]))
          const versions = seen.map(({ object }) => Number(versionOf(object)))
          assert.deepStrictEqual(versions, versions.toSorted((a, b) => a - b))
          assert.strictEqual(new Set(versions).size, 4)
        })
      ))

    it.effect("what enters or leaves a watched selection is added or deleted", () =>
      inNamespace((ns, api) =>
        Effect.gen(function*() {
          const { resourceVersion } = yield* api.list(Resources.configMaps, { namespace: ns })
          const selection = { namespace: ns, labelSelector: "seen=yes", resourceVersion }
          const events = yield* watching(Resources.configMaps, selection, 3)
          const target = { namespace: ns, name: "a" }
          const label = (seen: string | null) =>
            api.patch(Resources.configMaps, target, { type: "merge", body: { metadata: { labels: { seen } } } })
          yield* api.create(Resources.configMaps, configMap(ns, "a"))
          yield* label("yes")
          yield* api.patch(Resources.configMaps, target, { type: "merge", body: { data: { k: "v" } } })
          yield* label(null)
          assert.deepStrictEqual((yield* Fiber.join(events)).map(({ type }) => type), ["ADDED", "MODIFIED", "DELETED"])
        })
      ))

    it.effect("a pod bound to a node appears in the watch of that node", () =>
      inNamespace((ns, api) =>
        Effect.gen(function*() {
          const { resourceVersion } = yield* api.list(Resources.pods, { namespace: ns })
          const selection = { namespace: ns, fieldSelector: "spec.nodeName=node-7", resourceVersion }
          const events = yield* watching(Resources.pods, selection, 1)
          yield* api.create(Resources.pods, pod(ns, "a"))
          yield* api.create(Resources.pods, {
            apiVersion: "v1",
            kind: "Binding",
            metadata: { namespace: ns, name: "a" },
            target: { apiVersion: "v1", kind: "Node", name: "node-7" }
          }, { subresource: { name: "binding", of: { namespace: ns, name: "a" } } })
          const [event] = yield* Fiber.join(events)
          assert.strictEqual(event?.type, "ADDED")
          assert.strictEqual(at(event, "object", "spec", "nodeName"), "node-7")
        })
      ))

    it.effect("gives a token for a service account", () =>
      inNamespace((ns, api) =>
        Effect.gen(function*() {
          yield* api.create(Resources.serviceAccounts, { metadata: { namespace: ns, name: "robot" } })
          const answer = yield* api.create(Resources.serviceAccounts, {
            apiVersion: "authentication.k8s.io/v1",
            kind: "TokenRequest",
            metadata: {},
            spec: { audiences: ["https://kubernetes.default.svc"], expirationSeconds: 3600 }
          }, { subresource: { name: "token", of: { namespace: ns, name: "robot" } } })
          assert.isString(at(answer, "status", "token"))
          assert.match(String(at(answer, "status", "expirationTimestamp")), /Z$/)
        })
      ))

    it.effect("fails a watch from a version that is gone with Expired", () =>
      Effect.gen(function*() {
        const api = yield* KubeApi
        const resourceVersion = yield* options.expiredVersion
        const error = yield* refusal(Stream.runDrain(api.watch(Resources.configMaps, { resourceVersion })))
        assert.deepInclude(error, { reason: "Expired", status: 410, statusReason: "Expired" })
      }))

    it.effect("answers raw requests of any status", () =>
      Effect.gen(function*() {
        const api = yield* KubeApi
        const version = yield* api.request({ method: "GET", path: "/version" })
        assert.strictEqual(version.status, 200)
        assert.match(version.contentType, /^application\/json/)
        assert.match(String(at(JSON.parse(new TextDecoder().decode(version.body)), "gitVersion")), /^v1\.\d+/)
        assert.strictEqual((yield* api.request({ method: "GET", path: "/no/such/path" })).status, 404)
      }))

    // Last, for it waits.
    it.effect(
      "Q3: a watch without events of its own gets a bookmark of what happened elsewhere, within two minutes",
      () =>
        inNamespace((ns, api) =>
          Effect.gen(function*() {
            const { resourceVersion } = yield* api.list(Resources.pods, { namespace: ns })
            const bookmark = yield* api.watch(Resources.pods, { namespace: ns, resourceVersion }).pipe(
              Stream.filter(({ type }) => type === "BOOKMARK"),
              Stream.runHead,
              Effect.flatMap(Effect.fromOption),
              Effect.forkChild({ startImmediately: true })
            )
            yield* api.create(Resources.pods, pod(yield* newNamespace, "elsewhere"))
            yield* Effect.raceFirst(Fiber.await(bookmark), passTime(110_000))
            const { object } = yield* Fiber.join(bookmark)
            assert.isAbove(Number(versionOf(object)), Number(resourceVersion))
          })
        ),
      120_000
    )
  })
}
