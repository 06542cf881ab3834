/** What pods of a node can rely on of their network, whoever makes it. */
import { NodeServices } from "@effect/platform-node"
import type { layer } from "@effect/vitest"
import { assert } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { execFileSync } from "node:child_process"
import { existsSync, readdirSync } from "node:fs"
import { connect } from "node:net"
import { join } from "node:path"
import { TestContainerd } from "../../fixture/containerd/TestContainerd.ts"
import * as ClusterServer from "../../fixture/node/ClusterServer.ts"
import { container, idle, pod } from "../../fixture/node/pods.ts"
import { eventually, layer as nodeLayer, TestNode } from "../../fixture/node/TestNode.ts"
import { containerd, ground, held, type Plugins, plugins } from "./NetworkGround.ts"

export const field = Effect.fnUntraced(function*(kind: string, name: string, path: string) {
  const node = yield* TestNode
  return yield* node.ok("get", kind, name, "-o", `jsonpath={${path}}`)
})

export const ready = Effect.fnUntraced(function*(name: string, seconds = 40) {
  const node = yield* TestNode
  yield* node.ok("wait", `pod/${name}`, "--for=condition=Ready", `--timeout=${seconds}s`)
})

export const eventsOf = Effect.fnUntraced(function*(name: string) {
  const node = yield* TestNode
  const path = "jsonpath={range .items[*]}{.reason}{\": \"}{.message}{\"\\n\"}{end}"
  return yield* node.ok("get", "events", `--field-selector=involvedObject.name=${name}`, "-o", path)
})

export const nodeIsReady = eventually(
  Effect.flatMap(TestNode, (node) => node.ok("wait", "node/n1", "--for=condition=Ready", "--timeout=1s")),
  60
)

/** With annotations; runs until it is deleted. */
export const podWith = (
  name: string,
  annotations: Readonly<Record<string, string>> = {},
  more: Readonly<Record<string, unknown>> = {}
) => {
  const plain = pod(name, [container("c", idle, more)])
  return { ...plain, metadata: { ...plain.metadata, annotations } }
}

/** Nothing of any pod is left: neither on the host nor on record. */
export const nothingHeld = Effect.gen(function*() {
  const { directory } = yield* TestContainerd
  const node = yield* TestNode
  const now = yield* held
  assert.deepStrictEqual(now, { leases: [], ports: [] })
  const folders = ["pods", "cache/results"].map((name) => join(node.folder, "kubelet/network", name))
  const files = folders.flatMap((folder) => existsSync(folder) ? readdirSync(folder) : [])
  assert.deepStrictEqual(files, [], directory)
})

export const deleteAll = Effect.gen(function*() {
  const node = yield* TestNode
  yield* node.ok("delete", "pods", "--all", "--timeout=90s")
  yield* eventually(nothingHeld, 20)
})

/** From the host itself. */
const httpGet = (host: string, port: number) =>
  Effect.callback<string, Error>((resume) => {
    const socket = connect({ host, port }, () => socket.write("GET / HTTP/1.0\r\n\r\n"))
    let all = ""
    socket.on("data", (part) => all += String(part))
    socket.on("end", () => resume(Effect.succeed(all)))
    socket.on("error", (error) => resume(Effect.fail(error)))
    return Effect.sync(() => socket.destroy())
  }).pipe(
    // An address that is new on a link may be deaf for a moment (RFC 4862, duplicate detection).
    Effect.timeout("3 seconds"),
    eventually
  )

const hostPort = 18_000 + process.pid % 2000

export const under = (mode: "runtime" | "agent") =>
  nodeLayer({ flags: [`--network-mode=${mode}`], config: { registryPullQPS: 0 } }).pipe(
    Layer.provideMerge(containerd),
    Layer.provideMerge(plugins),
    Layer.provideMerge(ClusterServer.memory),
    Layer.provideMerge(NodeServices.layer)
  )

type It = Parameters<Parameters<ReturnType<typeof layer<TestNode | TestContainerd | Plugins, unknown>>>[1]>[0]

export const networkSuite = (mode: "runtime" | "agent", it: It) => {
  it.effect(`K1: the node is Ready with its network (${mode} mode)`, () =>
    Effect.gen(function*() {
      const node = yield* TestNode
      yield* ground
      yield* node.start
      yield* nodeIsReady
    }))

  it.effect("K1, K3, K4: pods reach each other, the host reaches them, host ports and bandwidth limits work", () =>
    Effect.gen(function*() {
      const node = yield* TestNode
      const { bridge, prefix } = yield* ground
      const web = "mkdir -p /www; echo from the pod > /www/index.html; httpd -f -p 8080 -h /www"
      const limits = { "kubernetes.io/ingress-bandwidth": "8M", "kubernetes.io/egress-bandwidth": "4M" }
      const serving = pod("web", [container("c", web, { ports: [{ containerPort: 8080, hostPort }] })])
      yield* node.apply(
        { ...serving, metadata: { ...serving.metadata, annotations: limits } },
        podWith("client")
      )
      yield* ready("web")
      yield* ready("client")
      const ips = (yield* field("pod", "web", ".status.podIPs[*].ip")).split(" ")
      assert.strictEqual(ips.length, 2)
      const [v4 = "", v6 = ""] = ips
      assert.include(v4, `${prefix}.`)
      assert.match(v6, /^fd77:/)
      for (const address of [v4, v6]) {
        // Of busybox, wget asks a resolver that a static program does not have.
        const ask = `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc ${address} 8080`
        const got = yield* eventually(
          Effect.tap(
            node.ok("exec", "client", "--", "sh", "-c", ask),
            (text) => Effect.sync(() => assert.include(text, "from the pod"))
          )
        )
        assert.include(got, "200 OK")
        assert.include(yield* httpGet(address, 8080), "from the pod")
      }
      const nodeIp = /src (\S+)/.exec(execFileSync("ip", ["route", "get", v4], { encoding: "utf8" }))?.[1] ?? ""
      assert.include(yield* httpGet(nodeIp, hostPort), "from the pod")
      const shaping = execFileSync("tc", ["qdisc", "show"], { encoding: "utf8" })
      assert.match(shaping, /qdisc tbf .*rate 8Mbit/)
      assert.match(shaping, /qdisc tbf .*rate 4Mbit/)
      assert.notInclude(bridge, " ")
      yield* deleteAll
      assert.notMatch(execFileSync("tc", ["qdisc", "show"], { encoding: "utf8" }), /qdisc tbf .*rate [84]Mbit/)
      assert.notInclude(execFileSync("iptables", ["-t", "nat", "-S"], { encoding: "utf8" }), `--dport ${hostPort} `)
    }))

  it.effect("addresses are unique under many pods at once, and all come back", () =>
    Effect.gen(function*() {
      const node = yield* TestNode
      yield* deleteAll
      const names = Array.from({ length: 100 }, (_, index) => `many-${index}`)
      yield* node.apply(...names.map((name) => pod(name, [container("c", "exec sleep 600")])))
      yield* node.ok("wait", "pods", "--all", "--for=condition=Ready", "--timeout=150s")
      const ips = (yield* node.ok("get", "pods", "-o", "jsonpath={.items[*].status.podIPs[*].ip}")).split(" ")
      assert.strictEqual(ips.length, 200)
      assert.strictEqual(new Set(ips).size, 200)
      yield* node.ok("delete", "pods", "--all", "--grace-period=1", "--timeout=150s")
      yield* eventually(nothingHeld, 30)
    }), 360_000)
}
