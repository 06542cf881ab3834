/** What people do with `kubectl` works on the API server in memory, without flags to make it so. */
import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import * as Resources from "../../../src/domain/k8s/resources.ts"
import type { KubeObject } from "../../../src/layers/api/KubeApi.ts"
import { loopback } from "../../../src/layers/api/memory/state.ts"
import { start } from "./kubectl.ts"

const node = `
apiVersion: v1
kind: Node
metadata: {name: n1, labels: {kubernetes.io/hostname: n1, node-role.kubernetes.io/worker: ""}}
status:
  capacity: {cpu: "4", memory: 8Gi, pods: "110"}
  conditions: [{type: Ready, status: "True", reason: KubeletReady, message: fine}]
  addresses: [{type: InternalIP, address: 127.0.0.1}]
  daemonEndpoints: {kubeletEndpoint: {Port: 1}}
  nodeInfo:
    {kubeletVersion: v1.36.0, osImage: Debian 12, kernelVersion: "6.1", containerRuntimeVersion: containerd://1.6.20,
     architecture: amd64, operatingSystem: linux, bootID: b, machineID: m, systemUUID: s, kubeProxyVersion: ""}
`

const pod = (name: string, image = "nginx:1.29") => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, labels: {app: ${name}}}
spec:
  containers:
  - name: web
    image: ${image}
    ports: [{containerPort: 80}]
    resources: {limits: {cpu: 500m, memory: 1Gi}}
    livenessProbe: {httpGet: {port: 80}}
`

const row = (output: string, start: string): ReadonlyArray<string> =>
  (output.split("\n").find((line) => line.startsWith(start)) ?? "").trim().split(/\s{2,}/)

layer(NodeServices.layer, { excludeTestServices: true })("kubectl", (it) => {
  it.effect("create -f and get -o wide show a node as users know it", () =>
    Effect.gen(function*() {
      const { ok } = yield* start()
      assert.strictEqual(yield* ok(["create", "-f", "-"], node), "node/n1 created\n")
      const output = yield* ok(["get", "nodes", "-o", "wide"])
      assert.deepStrictEqual(row(output, "NAME"), [
        "NAME",
        "STATUS",
        "ROLES",
        "AGE",
        "VERSION",
        "INTERNAL-IP",
        "EXTERNAL-IP",
        "OS-IMAGE",
        "KERNEL-VERSION",
        "CONTAINER-RUNTIME"
      ])
      const cells = row(output, "n1")
      assert.deepStrictEqual([cells[1], cells[2], cells[4], cells[5], cells[6], cells[7], cells[9]], [
        "Ready",
        "worker",
        "v1.36.0",
        "127.0.0.1",
        "<none>",
        "Debian 12",
        "containerd://1.6.20"
      ])
      yield* ok(["cordon", "n1"])
      assert.include(yield* ok(["get", "nodes"]), "Ready,SchedulingDisabled")
    }))

  it.effect("apply creates, leaves alone, changes; a pod is bound and described with its events", () =>
    Effect.gen(function*() {
      const { ok } = yield* start()
      yield* ok(["create", "-f", "-"], node)
      assert.strictEqual(yield* ok(["apply", "-f", "-"], pod("hello")), "pod/hello created\n")
      assert.strictEqual(yield* ok(["apply", "-f", "-"], pod("hello")), "pod/hello unchanged\n")
      assert.strictEqual(yield* ok(["apply", "-f", "-"], pod("hello", "nginx:2")), "pod/hello configured\n")
      const image = yield* ok(["get", "pod", "hello", "-o", "jsonpath={.spec.containers[0].image}"])
      assert.strictEqual(image, "nginx:2")
      const cells = row(yield* ok(["get", "pods", "-o", "wide"]), "hello")
      assert.deepStrictEqual([cells[1], cells[2], cells[3], cells[6]], ["0/1", "Pending", "0", "n1"])
      const described = yield* ok(["describe", "pod", "hello"])
      assert.match(
        described,
        /Normal\s+Scheduled\s+\S+\s+default-scheduler\s+Successfully assigned default\/hello to n1/
      )
      assert.match(described, /cpu:\s+500m\s+memory:\s+1Gi/)
      assert.match(yield* ok(["get", "events"]), /Normal\s+Scheduled\s+pod\/hello/)
      assert.match(yield* ok(["describe", "node", "n1"]), /default\s+hello\s+500m \(12%\)/)
    }))

  it.effect("label, annotate and the patches of all three types change an object", () =>
    Effect.gen(function*() {
      const { ok, run } = yield* start()
      yield* ok(["create", "-f", "-"], pod("hello"))
      yield* ok(["label", "pod", "hello", "tier=web"])
      yield* ok(["annotate", "pod", "hello", "note=x"])
      yield* ok(["patch", "pod", "hello", "-p", `{"spec":{"containers":[{"name":"web","image":"a"}]}}`])
      yield* ok(["patch", "pod", "hello", "--type=merge", "-p", `{"metadata":{"labels":{"more":"y"}}}`])
      yield* ok([
        "patch",
        "pod",
        "hello",
        "--type=json",
        "-p",
        `[{"op":"remove","path":"/metadata/annotations/note"}]`
      ])
      const template = "jsonpath={.metadata.labels} {.metadata.annotations} {.spec.containers[*].image}"
      assert.strictEqual(
        yield* ok(["get", "pod", "hello", "-o", template]),
        `{"app":"hello","more":"y","tier":"web"}  a`
      )
      assert.include(yield* ok(["get", "pods", "-l", "tier in (web,db)"]), "hello")
      const refused = yield* run(["patch", "pod", "hello", "-p", `{"spec":{"hostNetwork":true}}`])
      assert.strictEqual(refused.exitCode, 1)
      assert.match(refused.stderr, /The Pod "hello" is invalid: spec: Forbidden: pod updates may not change fields/)
    }))

  it.effect("D17: patch --subresource=resize changes resources, which a plain patch may not", () =>
    Effect.gen(function*() {
      const { ok, run } = yield* start()
      yield* ok(["create", "-f", "-"], pod("hello"))
      const cpu = `{"cpu":"600m"}`
      const more = `{"spec":{"containers":[{"name":"web","resources":{"requests":${cpu},"limits":${cpu}}}]}}`
      assert.strictEqual((yield* run(["patch", "pod", "hello", "-p", more])).exitCode, 1)
      yield* ok(["patch", "pod", "hello", "--subresource=resize", "-p", more])
      const template = "jsonpath={.metadata.generation} {.spec.containers[*].resources.requests.cpu}"
      assert.strictEqual(yield* ok(["get", "pod", "hello", "-o", template]), "2 600m")
    }))

  it.effect("a field that does not exist is refused by name, and so is a pod without an image", () =>
    Effect.gen(function*() {
      const { run } = yield* start()
      const misspelt = yield* run(["create", "-f", "-"], pod("bad").replace("image:", "imagee:"))
      assert.match(misspelt.stderr, /strict decoding error: unknown field "spec.containers\[0\].imagee"/)
      const missing = yield* run(["create", "-f", "-"], pod("bad").replace(/\n\s+image:.*/, ""))
      assert.match(missing.stderr, /The Pod "bad" is invalid: spec.containers\[0\].image: Required value/)
    }))

  it.effect("a kind that the server does not know is named", () =>
    Effect.gen(function*() {
      const { run } = yield* start()
      const { stderr } = yield* run(["apply", "-f", "-"], "apiVersion: a.b/v1\nkind: Odd\nmetadata: {name: x}\n")
      assert.match(stderr, /no matches for kind "Odd" in version "a.b\/v1"/)
    }))

  it.effect("apply --server-side creates and merges", () =>
    Effect.gen(function*() {
      const { ok } = yield* start()
      yield* ok(["apply", "--server-side", "-f", "-"], pod("hello"))
      assert.strictEqual(
        yield* ok(["apply", "--server-side", "-f", "-"], pod("hello", "nginx:2")),
        "pod/hello serverside-applied\n"
      )
      assert.strictEqual(yield* ok(["get", "pod", "hello", "-o", "jsonpath={.spec.containers[*].image}"]), "nginx:2")
    }))

  it.effect("typed commands send protobuf: configmap, secret, namespace, deployment, token, can-i", () =>
    Effect.gen(function*() {
      const { ok } = yield* start()
      yield* ok(["create", "configmap", "settings", "--from-literal=a=b"])
      yield* ok(["create", "secret", "generic", "keys", "--from-literal=k=v"])
      yield* ok(["create", "namespace", "other"])
      yield* ok(["create", "deployment", "web", "--image=nginx:1", "--replicas=3"])
      assert.strictEqual(yield* ok(["get", "cm", "settings", "-o", "jsonpath={.data.a}"]), "b")
      assert.strictEqual(yield* ok(["get", "secret", "keys", "-o", "jsonpath={.data.k}"]), "dg==")
      assert.deepStrictEqual(row(yield* ok(["get", "deployments"]), "web").slice(0, 4), ["web", "0/3", "0", "0"])
      assert.match(yield* ok(["create", "token", "default"]), /^eyJ[\w-]+\.[\w-]+\.[\w-]+\n?$/)
      assert.strictEqual(yield* ok(["auth", "can-i", "get", "pods"]), "yes\n")
      assert.match(yield* ok(["auth", "whoami"]), /Username\s+system:apiserver/)
      yield* ok(["delete", "namespace", "other"])
      assert.notInclude(yield* ok(["get", "namespaces"]), "other")
    }))

  it.effect("get -w shows each change as a row; wait returns when its condition comes", () =>
    Effect.gen(function*() {
      const { api, lines, ok } = yield* start()
      yield* ok(["create", "-f", "-"], pod("hello"))
      const rows = yield* lines(["get", "pods", "-w"]).pipe(
        Stream.take(4),
        Stream.runCollect,
        Effect.timeout("20 seconds"),
        Effect.forkChild
      )
      const waiting = yield* Effect.forkChild(ok(["wait", "--for=condition=Ready", "pod/hello", "--timeout=20s"]))
      const watchers = api.state.store.shelf(api.state.kinds.find(({ kind }) => kind === "Pod")!).watchers
      yield* Effect.sync(() => watchers.size).pipe(
        Effect.delay("20 millis"),
        Effect.repeat({ until: (size) => size === 2 }),
        Effect.timeout("10 seconds")
      )
      const target = {
        kind: api.state.kindOf(Resources.pods)!,
        namespace: "default",
        name: "hello",
        subresource: "status"
      }
      const status = (body: KubeObject["metadata"]) =>
        api.rest.patch({ target, patch: { type: "merge", body: { status: body } }, options: { user: loopback } })
      yield* status({ containerStatuses: [{ name: "web", state: { waiting: { reason: "CrashLoopBackOff" } } }] })
      yield* status({
        phase: "Running",
        conditions: [{ type: "Ready", status: "True" }],
        containerStatuses: [{ name: "web", ready: true, restartCount: 2, state: { running: {} } }]
      })
      assert.strictEqual(yield* Fiber.join(waiting), "pod/hello condition met\n")
      const seen = (yield* Fiber.join(rows)).map((line) => line.trim().split(/\s{2,}/).slice(0, 4))
      assert.deepStrictEqual(seen, [
        ["NAME", "READY", "STATUS", "RESTARTS"],
        ["hello", "0/1", "Pending", "0"],
        ["hello", "0/1", "CrashLoopBackOff", "0"],
        ["hello", "1/1", "Running", "2"]
      ])
    }))

  it.effect("delete waits until the pod is gone, by force at once", () =>
    Effect.gen(function*() {
      const { ok, run } = yield* start()
      yield* ok(["create", "-f", "-"], node)
      yield* ok(["create", "-f", "-"], pod("hello"))
      yield* ok(["delete", "pod", "hello", "--wait=false"])
      assert.strictEqual(row(yield* ok(["get", "pods"]), "hello")[2], "Terminating")
      assert.match(yield* ok(["delete", "pod", "hello", "--force", "--grace-period=0"]), /force deleted/)
      assert.match((yield* run(["get", "pod", "hello"])).stderr, /\(NotFound\): pods "hello" not found/)
    }))

  it.effect("explain knows fields and their types; api-resources lists short names; version is that of the API", () =>
    Effect.gen(function*() {
      const { ok } = yield* start()
      const explained = yield* ok(["explain", "pod.spec.containers"])
      assert.match(explained, /KIND:\s+Pod/)
      assert.match(explained, /livenessProbe\t<Probe>/)
      assert.match(yield* ok(["explain", "deployment.spec"]), /replicas\t<integer>/)
      assert.match(yield* ok(["api-resources"]), /^pods\s+po\s+v1\s+true\s+Pod$/m)
      assert.match(yield* ok(["version"]), /Server Version: v1\.36\./)
    }))

  it.effect("logs and exec say what stands between them and the container", () =>
    Effect.gen(function*() {
      const { ok, run } = yield* start()
      yield* ok(["create", "-f", "-"], pod("nowhere"))
      const unbound = yield* run(["logs", "nowhere"])
      assert.strictEqual(unbound.exitCode, 1)
      assert.match(unbound.stderr, /pod nowhere does not have a host assigned/)
      yield* ok(["create", "-f", "-"], node)
      const dead = yield* run(["logs", "nowhere"])
      assert.match(
        dead.stderr,
        /containerLogs\/default\/nowhere\/web": dial tcp 127.0.0.1:1: connect: connection refused/
      )
      const shell = yield* run(["exec", "nowhere", "--", "ls"])
      assert.match(shell.stderr, /error dialing backend: dial tcp 127.0.0.1:1: connect: connection refused/)
    }))

  it.effect("drain evicts what runs on a node, and a budget can refuse", () =>
    Effect.gen(function*() {
      const { api, ok, run } = yield* start()
      yield* ok(["create", "-f", "-"], node)
      yield* ok(["create", "-f", "-"], pod("guarded"))
      yield* ok(["patch", "pod", "guarded", "--subresource=status", "-p", `{"status":{"phase":"Running"}}`])
      yield* ok(["create", "poddisruptionbudget", "b", "--selector=app=guarded", "--min-available=1"])
      const refused = yield* run(["drain", "n1", "--force", "--timeout=1s"])
      assert.match(refused.stderr, /Cannot evict pod as it would violate the pod's disruption budget/)
      yield* ok(["delete", "poddisruptionbudget", "b"])
      const drained = yield* Effect.forkChild(ok(["drain", "n1", "--force", "--timeout=20s"]))
      const isDying = () => api.objects(Resources.pods).some((one) => one.metadata["deletionTimestamp"] !== undefined)
      yield* Effect.sync(isDying).pipe(Effect.delay("20 millis"), Effect.repeat({ until: (dying) => dying }))
      yield* ok(["delete", "pod", "guarded", "--force", "--grace-period=0"])
      assert.match(yield* Fiber.join(drained), /node\/n1 drained/)
    }))
})
