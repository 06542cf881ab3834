/** What becomes of objects: creation, change, deletion, and what the server does by itself about them. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as Resources from "../../../../src/domain/k8s/resources.ts"
import type { Change } from "../../../../src/layers/api/memory/history.ts"
import { at, configMap, configMaps, node, nodes, pod, pods, start } from "./server.ts"

const refused = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.flip(effect)

const shown = ({ before, object, type }: Change) =>
  `${type} ${object.metadata.name}${before === undefined ? "" : ` after ${before.metadata.resourceVersion}`}`

describe("a cluster from the start", () => {
  it.effect("has its namespaces, their service accounts and the API server's Service", () =>
    Effect.gen(function*() {
      const { get, names } = yield* start()
      assert.deepStrictEqual(names(Resources.namespaces), ["default", "kube-node-lease", "kube-public", "kube-system"])
      assert.strictEqual(names(Resources.serviceAccounts).length, 4)
      assert.strictEqual(at(yield* get(Resources.services, "kubernetes"), "spec", "clusterIP"), "10.96.0.1")
    }))
})

describe("writing", () => {
  it.effect("generation counts changes of the spec, and the start of deletion; status is left out of it", () =>
    Effect.gen(function*() {
      const { create, patch, remove } = yield* start({ binder: false })
      const generation = (object: unknown) => at(object, "metadata", "generation")
      assert.strictEqual(generation(yield* create(pods, pod("a", { nodeName: "n" }))), 1)
      assert.strictEqual(generation(yield* patch(pods, "a", { status: { phase: "Running" } }, "status")), 1)
      assert.strictEqual(generation(yield* patch(pods, "a", { metadata: { labels: { x: "y" } } })), 1)
      assert.strictEqual(generation(yield* patch(pods, "a", { spec: { activeDeadlineSeconds: 9 } })), 2)
      assert.strictEqual(generation(yield* remove(pods, "a")), 3)
      assert.strictEqual(generation(yield* create(configMaps, configMap("c"))), undefined)
    }))

  it.effect("one write is one version; one that changes nothing is none", () =>
    Effect.gen(function*() {
      const { api, create, patch, update } = yield* start()
      const seen: Array<string> = []
      const stop = api.onChange((_, change) => seen.push(shown(change)))
      const before = api.revision()
      const made = yield* create(configMaps, configMap("c", {}, { k: "1" }))
      yield* update(configMaps, made)
      yield* patch(configMaps, "c", { data: { k: "1" } })
      yield* patch(configMaps, "c", { data: { k: "2" } })
      stop()
      yield* patch(configMaps, "c", { data: { k: "3" } })
      assert.deepStrictEqual(seen, ["ADDED c", `MODIFIED c after ${before + 1}`])
      assert.strictEqual(api.revision(), before + 3)
    }))

  it.effect("a dry run answers as if, and leaves nothing", () =>
    Effect.gen(function*() {
      const { api, rest, state, targetOf } = yield* start()
      const before = api.revision()
      const options = { user: { username: "u", groups: [] }, dryRun: true }
      const { kind } = targetOf(configMaps, "")
      const made = yield* rest.create({ kind, namespace: "default", object: configMap("c"), options })
      assert.match(made.metadata.uid ?? "", /^[0-9a-f-]{36}$/)
      assert.deepStrictEqual([api.revision(), state.store.get(kind, "default", "c")], [before, undefined])
    }))

  it.effect("an update that must name its version is refused without one, and may create", () =>
    Effect.gen(function*() {
      const { update } = yield* start()
      const lease = { metadata: { name: "l", namespace: "default" }, spec: { holderIdentity: "x" } }
      const made = yield* update(Resources.leases, lease)
      assert.strictEqual(at(made, "spec", "holderIdentity"), "x")
      const error = yield* refused(update(Resources.leases, lease))
      assert.match(error.message, /resourceVersion: Invalid value: 0x0: must be specified for an update/)
      yield* update(Resources.leases, { ...made, spec: { holderIdentity: "y" } })
    }))

  it.effect("F4: the server's own fields of a pod survive a status that does not know them", () =>
    Effect.gen(function*() {
      const { create, patch, update } = yield* start({ binder: false })
      const made = yield* create(pods, pod("a"))
      const conditions = [{ type: "Ready", status: "True", observedGeneration: 1 }]
      yield* patch(pods, "a", { status: { conditions, podIP: "1.2.3.4" } }, "status")
      const status = { phase: "Running", conditions: [{ type: "Ready", status: "True" }], podIP: "1.2.3.5" }
      const done = yield* update(pods, { ...made, metadata: { name: "a", namespace: "default" }, status }, "status")
      assert.strictEqual(at(done, "status", "qosClass"), "BestEffort")
      assert.deepStrictEqual(at(done, "status", "podIPs"), [{ ip: "1.2.3.5" }])
      const [condition] = [at(done, "status", "conditions")].flat()
      assert.strictEqual(at(condition, "observedGeneration"), 1)
    }))

  it.effect("ephemeral containers and resources change through their subresources, and only there", () =>
    Effect.gen(function*() {
      const { create, patch } = yield* start({ binder: false })
      yield* create(pods, pod("a"))
      const added = { spec: { ephemeralContainers: [{ name: "debug", image: "x", targetContainerName: "main" }] } }
      assert.strictEqual((yield* refused(patch(pods, "a", added))).code, 422)
      const debugged = yield* patch(pods, "a", added, "ephemeralcontainers", "strategic")
      assert.strictEqual(at([at(debugged, "spec", "ephemeralContainers")].flat()[0], "name"), "debug")
      const gone = { spec: { ephemeralContainers: [] } }
      assert.match((yield* refused(patch(pods, "a", gone, "ephemeralcontainers"))).message, /may not be removed/)
      const resized = { spec: { containers: [{ name: "main", resources: { requests: { cpu: "1" } } }] } }
      const refusal = yield* refused(patch(pods, "a", resized, "resize", "strategic"))
      assert.match(refusal.message, /Pod QOS Class may not change/)
    }))

  it.effect("Q4: admission turns away what cannot be: account, priority, runtime class", () =>
    Effect.gen(function*() {
      const { create } = yield* start()
      const why = (spec: Record<string, unknown>) => Effect.map(refused(create(pods, pod("a", spec))), (e) => e.message)
      assert.match(yield* why({ serviceAccountName: "x" }), /serviceaccount "x" not found/)
      assert.match(yield* why({ priorityClassName: "x" }), /no PriorityClass with name x was found/)
      assert.match(yield* why({ runtimeClassName: "x" }), /RuntimeClass "x" not found/)
      const critical = yield* create(pods, pod("c", { priorityClassName: "system-node-critical" }))
      assert.strictEqual(at(critical, "spec", "priority"), 2_000_001_000)
    }))

  it.effect("a token is mounted where that is asked for, but not into mirror pods", () =>
    Effect.gen(function*() {
      const { create } = yield* start({ mountServiceAccountTokens: true, binder: false })
      const mounts = (object: unknown) => at([at(object, "spec", "containers")].flat()[0], "volumeMounts")
      const path = "/var/run/secrets/kubernetes.io/serviceaccount"
      assert.deepInclude([mounts(yield* create(pods, pod("a")))].flat()[0], { mountPath: path, readOnly: true })
      assert.isUndefined(mounts(yield* create(pods, pod("b", { automountServiceAccountToken: false }))))
      const mirror = pod("m", {}, { annotations: { "kubernetes.io/config.mirror": "x" } })
      assert.isUndefined(mounts(yield* create(pods, mirror)))
    }))

  it.effect("services get addresses and ports in order, and give them back when they go", () =>
    Effect.gen(function*() {
      const { create, remove } = yield* start()
      const service = (name: string, more: Record<string, unknown> = {}) =>
        Effect.map(
          create(Resources.services, { metadata: { name }, spec: { ports: [{ port: 80 }], ...more } }),
          (made) => [at(made, "spec", "clusterIP"), at([at(made, "spec", "ports")].flat()[0], "nodePort")]
        )
      assert.deepStrictEqual(yield* service("a"), ["10.96.0.2", undefined])
      assert.deepStrictEqual(yield* service("b", { type: "NodePort" }), ["10.96.0.3", 30_000])
      yield* remove(Resources.services, "a")
      assert.deepStrictEqual(yield* service("c"), ["10.96.0.2", undefined])
      assert.deepStrictEqual(yield* service("d", { clusterIP: "None" }), ["None", undefined])
      const taken = yield* refused(service("e", { clusterIP: "10.96.0.3" }))
      assert.match(taken.message, /provided IP is already allocated/)
    }))
})

describe("deletion", () => {
  it.effect("C10: the end of a pod moves with its grace, which only shrinks", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(1_000_000_000_000)
      const { create, names, remove } = yield* start({ binder: false })
      yield* create(pods, pod("a", { nodeName: "n", terminationGracePeriodSeconds: 60 }))
      const end = (object: unknown) => at(object, "metadata", "deletionTimestamp")
      assert.strictEqual(end(yield* remove(pods, "a")), "2001-09-09T01:47:40Z")
      yield* TestClock.adjust(5_000)
      assert.strictEqual(end(yield* remove(pods, "a", { gracePeriodSeconds: 30 })), "2001-09-09T01:47:10Z")
      assert.strictEqual(end(yield* remove(pods, "a", { gracePeriodSeconds: 90 })), "2001-09-09T01:47:10Z")
      assert.strictEqual(end(yield* remove(pods, "a")), "2001-09-09T01:47:10Z")
      yield* remove(pods, "a", { gracePeriodSeconds: 0 })
      assert.deepStrictEqual(names(pods), [])
    }))

  it.effect("dependents go with their owner, unless another owner is left or they are orphaned", () =>
    Effect.gen(function*() {
      const { create, get, names, remove } = yield* start()
      const owner = (name: string) => Effect.map(create(configMaps, configMap(name)), ({ metadata }) => metadata.uid)
      const reference = (name: string, uid: string | undefined) => ({ apiVersion: "v1", kind: "ConfigMap", name, uid })
      const [a, b] = [reference("a", yield* owner("a")), reference("b", yield* owner("b"))]
      yield* create(Resources.secrets, { metadata: { name: "of-a", ownerReferences: [a] } })
      yield* create(Resources.secrets, { metadata: { name: "of-both", ownerReferences: [a, b] } })
      yield* remove(configMaps, "a")
      assert.deepStrictEqual(names(Resources.secrets), ["of-both"])
      yield* remove(configMaps, "b", { propagation: "Orphan" })
      assert.isUndefined((yield* get(Resources.secrets, "of-both")).metadata["ownerReferences"])
      assert.notInclude(names(configMaps), "b")
    }))

  it.effect("in the foreground an owner waits for its dependents", () =>
    Effect.gen(function*() {
      const { create, names, remove } = yield* start({ binder: false })
      const { metadata } = yield* create(configMaps, configMap("owner"))
      const ownerReferences = [{ apiVersion: "v1", kind: "ConfigMap", name: "owner", uid: metadata.uid }]
      yield* create(pods, pod("a", { nodeName: "n" }, { ownerReferences }))
      yield* remove(configMaps, "owner", { propagation: "Foreground" })
      assert.include(names(configMaps), "owner")
      yield* remove(pods, "a", { gracePeriodSeconds: 0 })
      assert.notInclude(names(configMaps), "owner")
    }))

  it.effect("a namespace takes its contents along, and waits for what is not gone at once", () =>
    Effect.gen(function*() {
      const { create, get, names, remove, rest, targetOf } = yield* start({ binder: false })
      yield* create(Resources.namespaces, { metadata: { name: "old" } })
      yield* create(configMaps, configMap("c"), "old")
      yield* create(pods, pod("a", { nodeName: "n" }), "old")
      yield* remove(Resources.namespaces, "old")
      assert.strictEqual(at(yield* get(Resources.namespaces, "old"), "status", "phase"), "Terminating")
      assert.notInclude(names(configMaps), "c")
      const late = yield* refused(create(configMaps, configMap("late"), "old"))
      assert.match(late.message, /because it is being terminated/)
      const { kind, name, namespace } = targetOf(pods, "a", "", "old")
      yield* rest.remove({ kind, namespace, name, options: { gracePeriodSeconds: 0 } })
      assert.notInclude(names(Resources.namespaces), "old")
    }))

  it.effect("events are forgotten an hour after they were last written", () =>
    Effect.gen(function*() {
      const { create, names, patch } = yield* start()
      const event = (name: string) => create(Resources.events, { metadata: { name }, involvedObject: { kind: "Pod" } })
      yield* event("a")
      yield* event("b")
      yield* TestClock.adjust("40 minutes")
      yield* patch(Resources.events, "b", { count: 2 })
      yield* TestClock.adjust("40 minutes")
      yield* event("c")
      assert.deepStrictEqual(names(Resources.events), ["b", "c"])
    }))
})

describe("the binder", () => {
  const placed = (object: unknown) => at(object, "spec", "nodeName")

  it.effect("takes the node with the fewest pods", () =>
    Effect.gen(function*() {
      const { api, create } = yield* start()
      for (const name of ["n1", "n2", "n3"]) yield* create(nodes, node(name))
      for (let i = 0; i < 6; i++) yield* create(pods, pod(`p${i}`))
      const counts = Object.groupBy(api.objects(pods), (one) => String(placed(one)))
      assert.deepStrictEqual(Object.values(counts).map((list) => list?.length), [2, 2, 2])
    }))

  it.effect.each([
    { of: node("n", {}, "False"), spec: {}, why: "not ready" },
    { of: node("n", { spec: { unschedulable: true } }), spec: {}, why: "unschedulable" },
    { of: node("n", { spec: { taints: [{ key: "k", effect: "NoSchedule" }] } }), spec: {}, why: "tainted" },
    { of: node("n"), spec: { nodeSelector: { disk: "ssd" } }, why: "without the label" },
    {
      of: node("n"),
      spec: {
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [{
                matchExpressions: [{ key: "kubernetes.io/hostname", operator: "NotIn", values: ["n"] }]
              }]
            }
          }
        }
      },
      why: "against the affinity"
    },
    {
      of: { ...node("n"), status: { ...node("n").status, allocatable: { pods: "0" } } },
      spec: {},
      why: "full"
    }
  ])("leaves a pod where the only node is $why, and says so once", ({ of, spec }) =>
    Effect.gen(function*() {
      const { create, get, names, patch } = yield* start()
      yield* create(nodes, of)
      yield* create(pods, pod("a", spec))
      const waiting = yield* get(pods, "a")
      assert.isUndefined(placed(waiting))
      const condition = [at(waiting, "status", "conditions")].flat()[0]
      assert.deepInclude(condition, { type: "PodScheduled", status: "False", reason: "Unschedulable" })
      yield* patch(nodes, "n", { metadata: { annotations: { beat: "1" } } })
      assert.strictEqual(names(Resources.events).length, 1)
    }))

  it.effect("tries again when a node comes, a taint is tolerated, a gate is lifted", () =>
    Effect.gen(function*() {
      const { create, get, patch } = yield* start()
      yield* create(pods, pod("early"))
      yield* create(pods, pod("gated", { schedulingGates: [{ name: "g" }] }))
      const tolerations = [{ key: "k", operator: "Exists" }]
      yield* create(nodes, node("n", { spec: { taints: [{ key: "k", value: "v", effect: "NoSchedule" }] } }))
      yield* create(pods, pod("tough", { tolerations }))
      assert.strictEqual(placed(yield* get(pods, "tough")), "n")
      assert.isUndefined(placed(yield* get(pods, "early")))
      yield* patch(nodes, "n", { spec: { taints: null } })
      assert.strictEqual(placed(yield* get(pods, "early")), "n")
      assert.isUndefined(placed(yield* get(pods, "gated")))
      yield* patch(pods, "gated", { spec: { schedulingGates: null } })
      assert.strictEqual(placed(yield* get(pods, "gated")), "n")
    }))
})
