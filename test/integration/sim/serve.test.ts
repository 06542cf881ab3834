import { NodeServices } from "@effect/platform-node"
import { NodeHttpClient } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import { Effect, FileSystem, Layer, Schedule, Stream } from "effect"
import { HttpClient } from "effect/http"
import * as World from "../../../src/testing/World.ts"
import { kubectlWith } from "../apiserver/kubectl.ts"

const pod = (name: string, annotations: Readonly<Record<string, string>>, container: object, spec: object = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name,
    annotations: Object.fromEntries(
      Object.entries(annotations).map(([key, value]) => [`sim.kubeffect.dev/${key}`, value])
    )
  },
  spec: { ...spec, containers: [{ name: "main", image: "registry.example/app:1", ...container }] }
})

const manifests = [
  pod("web", { cpu: "500m", memory: "200Mi", log: "starting\n@200ms serving" }, {
    readinessProbe: { httpGet: { path: "/", port: 80 }, periodSeconds: 1 }
  }),
  pod("ticker", {}, { command: ["sh", "-c", "while true; do echo tick; sleep 0.2; done"] }, {
    terminationGracePeriodSeconds: 1
  }),
  pod("done", { "run-time": "100ms" }, {}, { restartPolicy: "Never" }),
  pod("failing", { "run-time": "100ms", "exit-code": "3", "termination-message": "no luck" }, {}, {
    restartPolicy: "Never"
  }),
  pod("crashing", { "crash-after": "50ms" }, {}),
  pod("unknown", { "pull-error": "not-found" }, {}),
  pod("mistaken", { "run-time": "soon" }, {})
]

const live = Layer.mergeAll(NodeServices.layer, NodeHttpClient.layerUndici)

it.live("World.serve: kubectl has pods that run, with logs, shells, ports and usage", () =>
  Effect.gen(function*() {
    const world = yield* World.serve({ nodes: 2, capacity: "cpu=8,memory=32Gi", labels: "zone=a" })
    const home = yield* (yield* FileSystem.FileSystem).makeTempDirectoryScoped({ prefix: "kubeffect-serve-" })
    const { lines, ok, run } = kubectlWith(world.kubeconfig, home)
    const until = (args: ReadonlyArray<string>, want: RegExp) =>
      ok(args).pipe(
        Effect.repeat({ schedule: Schedule.spaced("200 millis"), until: (text) => want.test(text) }),
        Effect.timeout("20 seconds")
      )

    const nodes = yield* ok(["get", "nodes", "-l", "zone=a", "-o", "jsonpath={.items[*].status.capacity.cpu}"])
    assert.strictEqual(nodes, "8 8")

    yield* ok(["apply", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items: manifests }))
    yield* ok(["wait", "pod/web", "--for=condition=Ready", "--timeout=20s"])
    yield* ok(["wait", "pod/ticker", "--for=condition=Ready", "--timeout=20s"])
    yield* ok(["wait", "pod/done", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=20s"])
    yield* ok(["wait", "pod/failing", "--for=jsonpath={.status.phase}=Failed", "--timeout=20s"])
    const ended = yield* ok([
      "get",
      "pod",
      "failing",
      "-o",
      "jsonpath={.status.containerStatuses[0].state.terminated.exitCode} " +
      "{.status.containerStatuses[0].state.terminated.message}"
    ])
    assert.strictEqual(ended, "3 no luck")
    yield* until(["get", "pod", "crashing"], /CrashLoopBackOff/)
    yield* until(["get", "pod", "unknown"], /ErrImagePull|ImagePullBackOff/)
    yield* until(["get", "pod", "mistaken", "-o", "yaml"], /sim\.kubeffect\.dev\/run-time: wants a duration/)

    assert.strictEqual(yield* ok(["logs", "web"]), "starting\nserving\n")
    assert.strictEqual(yield* ok(["exec", "web", "--", "echo", "hello"]), "hello\n")
    assert.strictEqual((yield* run(["exec", "web", "--", "sh", "-c", "exit 7"])).exitCode, 7)

    const attached = yield* lines(["attach", "ticker"]).pipe(Stream.filter((line) => line === "tick"), Stream.runHead)
    assert.strictEqual(attached._tag, "Some")

    const forwarded = yield* lines(["port-forward", "pod/web", ":80"]).pipe(
      Stream.mapEffect((line) => {
        const [, port] = /127\.0\.0\.1:(\d+)/.exec(line) ?? []
        return port === undefined ? Effect.succeed("") : Effect.flatMap(
          HttpClient.get(`http://127.0.0.1:${port}/`),
          (response) => response.text
        )
      }),
      Stream.filter((text) => text !== ""),
      Stream.runHead
    )
    assert.include(forwarded._tag === "Some" ? forwarded.value : "", "port 80")

    const node = yield* ok(["get", "pod", "web", "-o", "jsonpath={.spec.nodeName}"])
    const resource = yield* ok(["get", "--raw", `/api/v1/nodes/${node}/proxy/metrics/resource`])
    assert.match(
      resource,
      /container_memory_working_set_bytes\{container="main",namespace="default",pod="web"\} 209715200 /
    )
    assert.match(resource, /node_memory_working_set_bytes 838860800 /)
    assert.match(resource, /node_cpu_usage_seconds_total \d/)

    const statusOf = ok([
      "get",
      "pod",
      "web",
      "-o",
      "jsonpath={.status.containerStatuses} {.status.podIP} {.status.conditions}"
    ])
    const before = yield* statusOf
    yield* world.stopNode(node)
    yield* world.startNode(node)
    yield* until(["logs", "web"], /^starting\nserving\n$/)
    assert.strictEqual(yield* statusOf, before)
    yield* ok(["delete", "pod", "--all", "--timeout=20s"])
    assert.strictEqual(yield* ok(["get", "pods", "-o", "name"]), "")
  }).pipe(Effect.provide(live)), 60_000)
