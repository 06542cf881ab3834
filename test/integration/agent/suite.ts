/** What a node does for its users, told with `kubectl`: run on the API server in memory and on a real one. */
import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Context, Effect, FileSystem, Layer } from "effect"
import { createHash, randomBytes } from "node:crypto"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { stringify } from "yaml"
import { Span_SpanKind } from "../../../src/gen/otlp/trace_pb.ts"
import { PodResourcesLister } from "../../../src/gen/podresources/podresources_pb.ts"
import { openChannel } from "../../../src/layers/grpc/connect.ts"
import type { GrpcError } from "../../../src/layers/grpc/Grpc.ts"
import * as TestContainerd from "../../fixture/containerd/TestContainerd.ts"
import * as TestPlugin from "../../fixture/devices/TestPlugin.ts"
import type { ClusterServer } from "../../fixture/node/ClusterServer.ts"
import { container, idle, pod } from "../../fixture/node/pods.ts"
import { eventually, layer as nodeLayer, TestNode } from "../../fixture/node/TestNode.ts"
import { type ReceivedSpan, receiveTraces } from "../../fixture/TraceReceiver.ts"

const ready = (name: string, seconds = 30) =>
  Effect.gen(function*() {
    const node = yield* TestNode
    yield* node.ok("wait", `pod/${name}`, "--for=condition=Ready", `--timeout=${seconds}s`)
  })

const field = (kind: string, name: string, path: string) =>
  Effect.gen(function*() {
    const node = yield* TestNode
    return yield* node.ok("get", kind, name, "-o", `jsonpath={${path}}`)
  })

const gone = (name: string) =>
  eventually(Effect.gen(function*() {
    const node = yield* TestNode
    const ran = yield* node.kubectl("get", "pod", name)
    assert.include(ran.stderr, "NotFound")
  }))

/** Events of a pod as `reason: message`. */
const eventsOf = (name: string) =>
  Effect.gen(function*() {
    const node = yield* TestNode
    const path = "jsonpath={range .items[*]}{.reason}{\": \"}{.message}{\"\\n\"}{end}"
    return yield* node.ok("get", "events", `--field-selector=involvedObject.name=${name}`, "-o", path)
  })

/** What a spawned `kubectl` has printed once it holds `text`. */
const prints = (child: { readonly stdout: NodeJS.ReadableStream | null }, text: string) =>
  Effect.callback<string>((resume) => {
    let all = ""
    child.stdout?.on("data", (chunk: Buffer) => {
      all += chunk.toString()
      if (all.includes(text)) resume(Effect.succeed(all))
    })
  }).pipe(Effect.timeout("20 seconds"))

const httpGet = (port: number) =>
  Effect.callback<string, Error>((resume) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("GET /index.html HTTP/1.0\r\n\r\n"))
    let all = ""
    socket.on("data", (chunk) => all += chunk.toString())
    socket.on("end", () => resume(Effect.succeed(all)))
    socket.on("error", (error) => resume(Effect.fail(error)))
    return Effect.sync(() => socket.destroy())
  })

/** Where the node under test sends its traces. */
class Traces extends Context.Service<Traces, {
  readonly spans: () => ReadonlyArray<ReceivedSpan>
}>()("kubeffect/test/integration/agent/Traces") {}

export const nodeSuite = (name: string, server: Layer.Layer<ClusterServer, unknown>) => {
  const collector = join(tmpdir(), `kubeffect-otlp-${process.pid}.sock`)
  const tracing = { endpoint: `unix://${collector}`, samplingRatePerMillion: 1_000_000 }
  const under = nodeLayer({ config: { tracing } }).pipe(
    Layer.merge(Layer.effect(Traces, receiveTraces(collector))),
    Layer.provideMerge(TestContainerd.layer),
    Layer.provideMerge(server),
    Layer.provideMerge(NodeServices.layer)
  )
  layer(under, { timeout: "120 seconds", excludeTestServices: true })(`a node on ${name}`, (it) => {
    it.effect("B1, B3, B4, B5: is Ready within ten seconds of its start, and looks like a kubelet's node", () =>
      Effect.gen(function*() {
        const node = yield* TestNode
        yield* node.start
        yield* eventually(
          Effect.map(
            node.ok("wait", "node/n1", "--for=condition=Ready", "--timeout=1s"),
            (text) => assert.include(text, "met")
          ),
          10
        )
        const wide = yield* node.ok("get", "node", "n1", "-o", "wide")
        assert.match(wide, /n1\s+Ready\s+<none>\s+\S+\s+v1\.36\.\d+\S*\s+127\.0\.0\.1\s+<none>\s+\S.*containerd:\/\/\d/)
        const conditions = yield* field("node", "n1", ".status.conditions[*].type")
        for (const type of ["MemoryPressure", "DiskPressure", "PIDPressure", "Ready"]) assert.include(conditions, type)
        const lease = yield* node.ok(
          "get",
          "lease",
          "n1",
          "-n",
          "kube-node-lease",
          "-o",
          "jsonpath={.spec.holderIdentity}"
        )
        assert.strictEqual(lease, "n1")
      }))

    it.effect("a pod runs, is described, logs, is entered, and goes", () =>
      Effect.gen(function*() {
        const node = yield* TestNode
        yield* node.apply(pod("web", [
          container(
            "c",
            `echo hello from web; mkdir -p /www; echo served > /www/index.html; httpd -p 8080 -h /www; ${idle}`
          )
        ]))
        yield* ready("web")
        assert.include(yield* node.ok("logs", "web"), "hello from web")
        assert.strictEqual(yield* node.ok("exec", "web", "--", "sh", "-c", "echo in; id -u"), "in\n0\n")
        const failed = yield* node.kubectl("exec", "web", "--", "sh", "-c", "exit 7")
        assert.strictEqual(failed.code, 7, failed.stderr)
        // How wide the columns are depends on what else there is to show.
        const described = (yield* node.ok("describe", "pod", "web")).replaceAll(/ +/g, " ")
        for (const word of ["Status: Running", "Container created", "Container started", "QoS Class:"]) {
          assert.include(described, word)
        }
        yield* node.ok("delete", "pod", "web", "--wait=true", "--timeout=20s")
        yield* gone("web")
        const left = yield* node.kubectl("logs", "web")
        assert.include(left.stderr, "NotFound")
      }))

    it.effect("T3: the collector has one trace of that pod's start, from admission to status", () =>
      Effect.gen(function*() {
        const { spans } = yield* Traces
        yield* eventually(Effect.sync(() => {
          const [root, ...others] = spans().filter(({ attributes, name }) =>
            name === "syncPod" && attributes["k8s.pod.name"] === "web"
          )
          assert.strictEqual(others.length, 0)
          const trace = spans().filter(({ traceId }) => traceId === root?.traceId)
          const took = (step: string) => trace.find(({ name }) => name === step)?.tookMs ?? 0
          const steps = trace.map((span) => span.name)
          for (const step of ["Admission.decide", "Cri.createContainer", "Cri.startContainer", "StatusWriter.send"]) {
            assert.isAbove(took(step), 0, `${step} of ${steps.join()}`)
          }
          assert.isAbove(root?.tookMs ?? 0, took("Cri.runPodSandbox"))
          assert.isAbove(took("Cri.runPodSandbox"), 20)
          // Requests to the node's server have traces of their own.
          assert.isAbove(spans().filter(({ kind }) => kind === Span_SpanKind.SERVER).length, 0)
        }))
      }))

    it.effect("logs follow, attach and a terminal reach the container", () =>
      Effect.gen(function*() {
        const node = yield* TestNode
        yield* node.apply(pod("talk", [
          container("c", `i=0; while read line; do echo got $line; done`, { stdin: true }),
          container("ticks", `trap 'exit 0' TERM; i=0; while true; do i=$((i+1)); echo tick $i; sleep 0.1; done`)
        ]))
        yield* ready("talk")
        const follower = yield* node.spawn("logs", "-f", "talk", "-c", "ticks")
        const attached = yield* node.spawn("attach", "-i", "talk", "-c", "c")
        yield* Effect.addFinalizer(() => Effect.sync(() => [follower, attached].map((child) => child.kill("SIGKILL"))))
        yield* prints(follower, "tick 12\n")
        attached.stdin?.write("from here\n")
        yield* prints(attached, "got from here\n")
        const inTerminal = yield* node.kubectl(
          "exec",
          "-i",
          "-t",
          "talk",
          "-c",
          "ticks",
          "--",
          "sh",
          "-c",
          "echo $TERM; tty -s; echo $?"
        )
        assert.strictEqual(inTerminal.code, 0, inTerminal.stderr)
        yield* node.ok("delete", "pod", "talk", "--timeout=30s")
      }))

    it.effect("O5: cp and exec carry binary data both ways, unchanged, whoever vanishes meanwhile", () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const node = yield* TestNode
        yield* node.apply(pod("bytes", [container("c", idle)]))
        yield* ready("bytes")
        const data = randomBytes(8 * 1024 * 1024)
        const sum = createHash("sha256").update(data).digest("hex")
        yield* fs.writeFile(`${node.folder}/data`, data)
        yield* node.ok("cp", `${node.folder}/data`, "bytes:/data")
        assert.include(yield* node.ok("exec", "bytes", "--", "sha256sum", "/data"), sum)
        yield* node.ok("cp", "bytes:/data", `${node.folder}/back`)
        assert.isTrue(data.equals(yield* fs.readFile(`${node.folder}/back`)), "the file came back as it went")

        const piped = yield* node.spawn("exec", "-i", "bytes", "--", "sh", "-c", "sha256sum; echo done >&2")
        const told = prints(piped, sum)
        piped.stdin?.end(data)
        yield* told

        // Clients that vanish in the middle of it disturb nobody.
        for (let client = 0; client < 5; client++) {
          const writer = yield* node.spawn("exec", "bytes", "--", "sh", "-c", "cat /dev/zero")
          yield* Effect.callback<void>((resume) => void writer.stdout?.once("data", () => resume(Effect.void)))
          writer.kill("SIGKILL")
        }
        assert.strictEqual(yield* node.ok("exec", "bytes", "--", "sh", "-c", "echo still here"), "still here\n")
        yield* node.ok("delete", "pod", "bytes", "--timeout=20s")
      }))

    it.effect("L12, O11: a container gets a plugin's devices, the node tells of them, and a pod too many is refused", () =>
      Effect.gen(function*() {
        const node = yield* TestNode
        const root = `${node.folder}/kubelet`
        const plugin = yield* TestPlugin.make(`${root}/device-plugins`, TestPlugin.healthy("t1", "t2"))
        yield* plugin.register()
        const count = "status.allocatable.example\\.com/thing"
        yield* eventually(Effect.map(field("node", "n1", `.${count}`), (text) => assert.strictEqual(text, "2")))
        const wants = (things: string) =>
          container("c", idle, { resources: { limits: { [TestPlugin.thing]: things } } })
        yield* node.apply(pod("has", [wants("1")]))
        yield* ready("has")
        assert.strictEqual(yield* node.ok("exec", "has", "--", "sh", "-c", "echo $THING"), "t2\n")
        const healthNow = field(
          "pod",
          "has",
          ".status.containerStatuses[0].allocatedResourcesStatus[0].resources[0].health"
        )
        // A server that does not know the field drops it (parity Q2).
        const version = /"minor":\s*"(\d+)/.exec(yield* node.ok("get", "--raw", "/version"))?.[1]
        const shown = (health: string) =>
          eventually(Effect.map(healthNow, (text) => assert.strictEqual(text, Number(version) >= 31 ? health : "")))
        yield* shown("Healthy")
        yield* plugin.tell([{ ID: "t1", health: "Healthy" }, { ID: "t2", health: "Unhealthy" }])
        yield* shown("Unhealthy")
        yield* node.apply(pod("wants", [wants("2")]))
        yield* eventually(
          Effect.map(
            field("pod", "wants", ".status.reason"),
            (text) => assert.strictEqual(text, "OutOfexample.com/thing")
          )
        )
        const resources = (yield* openChannel({ address: `${root}/pod-resources/kubelet.sock` })).client(
          PodResourcesLister,
          { name: "PodResources", timeoutMs: () => 5000, mapError: (error: GrpcError) => error }
        )
        const { podResources } = yield* resources.get({ podName: "has", podNamespace: "default" })
        assert.deepStrictEqual(podResources?.containers[0]?.devices.map(({ deviceIds }) => deviceIds), [["t2"]])
        yield* node.ok("delete", "pod", "has", "wants", "--timeout=20s")
        yield* gone("has")
        assert.deepStrictEqual(
          (yield* resources.list({})).podResources.flatMap(({ containers }) =>
            containers.flatMap((each) => each.devices)
          ),
          []
        )
      }))

    it.effect("port-forward carries HTTP both ways", () =>
      Effect.gen(function*() {
        const node = yield* TestNode
        yield* node.apply(pod("port", [
          container("c", `mkdir -p /www; echo served > /www/index.html; httpd -p 8080 -h /www; ${idle}`)
        ]))
        yield* ready("port")
        const forward = yield* node.spawn("port-forward", "pod/port", ":8080", "--address=127.0.0.1")
        yield* Effect.addFinalizer(() => Effect.sync(() => forward.kill("SIGKILL")))
        const said = yield* prints(forward, "Forwarding from")
        const port = Number(/127\.0\.0\.1:(\d+)/.exec(said)?.[1])
        const answer = yield* eventually(httpGet(port), 5)
        assert.include(answer, "served")
        yield* node.ok("delete", "pod", "port", "--timeout=20s")
      }))

    it.effect("C4, C5: a static pod runs and is mirrored; the mirror comes back, and goes with its file", () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const node = yield* TestNode
        const { metadata: _, spec, ...rest } = pod("x", [container("c", idle)])
        const { automountServiceAccountToken: _mount, nodeName: _node, ...bare } = spec
        yield* fs.writeFileString(`${node.manifests}/.hidden`, "not: [yaml")
        yield* fs.writeFileString(
          `${node.manifests}/broken.yaml`,
          "apiVersion: v1\nkind: Pod\nmetadata: {name: broken}\nspec: {containers: 3}\n"
        )
        yield* fs.writeFileString(
          `${node.manifests}/good.yaml`,
          stringify({ ...rest, metadata: { name: "static" }, spec: bare })
        )
        yield* eventually(ready("static-n1", 1))
        assert.include(yield* field("pod", "static-n1", ".metadata.annotations"), "kubernetes.io/config.mirror")
        const uid = yield* field("pod", "static-n1", ".metadata.uid")
        const id = yield* field("pod", "static-n1", ".status.containerStatuses[0].containerID")
        yield* node.ok("delete", "pod", "static-n1", "--grace-period=0", "--force")
        yield* eventually(Effect.gen(function*() {
          assert.notStrictEqual(yield* field("pod", "static-n1", ".metadata.uid"), uid)
          assert.strictEqual(yield* field("pod", "static-n1", ".status.containerStatuses[0].containerID"), id)
        }))
        assert.include(yield* node.log, "broken.yaml")
        yield* fs.remove(`${node.manifests}/good.yaml`)
        yield* gone("static-n1")
      }))

    it.effect("bad pods say what is wrong and do not disturb their neighbours", () =>
      Effect.gen(function*() {
        const node = yield* TestNode
        const fromKey = { env: [{ name: "A", valueFrom: { configMapKeyRef: { name: "absent", key: "k" } } }] }
        yield* node.apply(
          pod("bad-image", [container("c", idle, { image: "registry.invalid/none:1" })]),
          pod("bad-name", [container("c", idle, { image: "UPPER/Case:1" })]),
          pod("bad-key", [container("c", idle, fromKey)]),
          pod("bad-command", [{ ...container("c", idle), command: ["/no/such/binary"] }]),
          pod("good", [container("c", idle)])
        )
        yield* ready("good")
        const says = (name: string, reason: string, text: string) =>
          eventually(Effect.gen(function*() {
            assert.include(yield* field("pod", name, ".status.containerStatuses[0].state.waiting.reason"), reason)
            assert.include(yield* eventsOf(name), text)
          }))
        yield* says("bad-image", "Image", "Failed to pull image \"registry.invalid/none:1\"")
        yield* says("bad-name", "InvalidImageName", "must be lowercase")
        yield* says("bad-key", "CreateContainerConfigError", "configmap \"absent\" not found")
        yield* eventually(Effect.map(eventsOf("bad-command"), (text) => assert.include(text, "/no/such/binary")))
        yield* node.ok("delete", "pod", "--all", "--timeout=40s")
      }))

    it.effect("after kill -9 the agent takes over: nothing restarts, Ready stays, deleted pods go", () =>
      Effect.gen(function*() {
        const node = yield* TestNode
        const probe = { readinessProbe: { exec: { command: ["true"] }, periodSeconds: 1 } }
        yield* node.apply(
          pod("stays", [container("c", idle, probe)]),
          pod("leaves", [container("c", idle)]),
          pod("crashes", [container("c", "sleep 0.3; exit 1")])
        )
        yield* ready("stays")
        yield* ready("leaves")
        const id = yield* field("pod", "stays", ".status.containerStatuses[0].containerID")
        const watch = yield* node.spawn(
          "get",
          "pod",
          "stays",
          "-w",
          "-o",
          "jsonpath={.status.conditions[?(@.type==\"Ready\")].status}{\"\\n\"}"
        )
        yield* Effect.addFinalizer(() => Effect.sync(() => watch.kill("SIGKILL")))
        let seen = ""
        watch.stdout?.on("data", (chunk: Buffer) => seen += chunk.toString())
        for (const pauseMs of [0, 130, 410]) {
          yield* node.kill("SIGKILL")
          yield* node.kubectl("delete", "pod", "leaves", "--wait=false")
          yield* node.start
          yield* Effect.sleep(1200 + pauseMs)
        }
        yield* gone("leaves")
        yield* eventually(Effect.gen(function*() {
          assert.include(yield* node.ok("get", "node", "n1"), " Ready")
          assert.strictEqual(yield* field("pod", "stays", ".status.containerStatuses[0].containerID"), id)
        }))
        assert.strictEqual(yield* field("pod", "stays", ".status.containerStatuses[0].restartCount"), "0")
        assert.notInclude(seen, "False")
        yield* node.ok("delete", "pod", "--all", "--timeout=40s")
      }))

    it.effect(
      "a runtime that is away for half a minute: NotReady, then Ready again, containers live on",
      () =>
        Effect.gen(function*() {
          const node = yield* TestNode
          const containerd = yield* TestContainerd.TestContainerd
          yield* node.apply(pod("lives", [container("c", idle)]))
          yield* ready("lives")
          const id = yield* field("pod", "lives", ".status.containerStatuses[0].containerID")
          yield* containerd.kill
          yield* eventually(Effect.map(node.ok("get", "node", "n1"), (text) => assert.include(text, "NotReady")), 30)
          yield* Effect.sleep("20 seconds")
          yield* containerd.start
          yield* eventually(Effect.map(node.ok("get", "node", "n1"), (text) => assert.match(text, /n1\s+Ready/)), 30)
          assert.strictEqual(yield* field("pod", "lives", ".status.containerStatuses[0].containerID"), id)
          assert.strictEqual(yield* field("pod", "lives", ".status.containerStatuses[0].restartCount"), "0")
          yield* node.ok("delete", "pod", "lives", "--timeout=20s")
          yield* gone("lives")
        }),
      { timeout: 120_000 }
    )
  })
}
