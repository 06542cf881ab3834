/** What the examination of a network says of machines in every state. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import type { Finding } from "../../../src/domain/cni/findings.ts"
import * as CniSim from "../../../src/layers/cni/CniSim.ts"
import { Cri } from "../../../src/layers/cri/Cri.ts"
import * as HostFilesMemory from "../../../src/layers/host/HostFilesMemory.ts"
import { examineNetwork } from "../../../src/programs/network/examineNetwork.ts"
import { bridgeNetwork } from "../../fixture/cni/bridgeNetwork.ts"

const otherwise = { confDir: "/etc/cni/net.d", binDirs: ["/opt/cni/bin"] }

const machine = () => {
  const host = new HostFilesMemory.MemoryHost()
  for (const folder of [otherwise.confDir, "/opt/cni/bin", "/proc/sys/net/ipv4", "/proc/sys/net/ipv6/conf/all"]) {
    host.makeDirectories(folder)
  }
  for (const plugin of ["bridge", "host-local", "portmap", "bandwidth"]) host.write(`/opt/cni/bin/${plugin}`, "")
  host.write("/proc/sys/net/ipv4/ip_forward", "1\n")
  host.write("/proc/sys/net/ipv6/conf/all/forwarding", "1\n")
  const { path, text } = bridgeNetwork({ name: "pods", octet: 1, size: 5 })
  host.write(path, text)
  const sim = CniSim.makeHandle()
  const runtime = { answers: true, ready: true }
  const cri = Layer.mock(Cri)({
    status: () =>
      runtime.answers
        ? Effect.succeed(
          {
            info: {},
            status: {
              conditions: [{ type: "NetworkReady", status: runtime.ready, reason: "NotReady", message: "no cni" }]
            }
          } as never
        )
        : Effect.fail({ message: "connection refused" } as never)
  })
  const layer = Layer.mergeAll(CniSim.layer(sim), cri, HostFilesMemory.layer(host))
  const badOnes = Effect.map(
    examineNetwork(otherwise),
    (all: ReadonlyArray<Finding>) =>
      all.filter(({ state }) => state === "bad").map(({ advice = "", what }) => `${what} → ${advice}`)
  )
  return { host, sim, runtime, path, text, badOnes: Effect.provide(badOnes, layer) }
}

describe("examineNetwork", () => {
  it.effect("a machine that stands has nothing bad", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* machine().badOnes, [])
    }))

  it.effect.each<{ why: string; spoil: (it: ReturnType<typeof machine>) => void; says: string }>([
    {
      why: "the runtime is away",
      spoil: ({ runtime }) => runtime.answers = false,
      says: "connection refused → start it"
    },
    {
      why: "the runtime has no network",
      spoil: ({ runtime }) => runtime.ready = false,
      says: "the runtime says NetworkReady=false: NotReady: no cni"
    },
    {
      why: "no configuration",
      spoil: ({ host, path }) => host.removeTree(path),
      says: "no network configuration in /etc/cni/net.d → install a network add-on"
    },
    { why: "bad JSON", spoil: ({ host, path }) => host.write(path, "{"), says: "it is no JSON: { → correct the file" },
    {
      why: "no IPAM plugin",
      spoil: ({ host }) => host.removeTree("/opt/cni/bin/host-local"),
      says: "plugin host-local, which /etc/cni/net.d/pods.conflist needs, is not installed in /opt/cni/bin → install it"
    },
    {
      why: "a plugin that is too old",
      spoil: ({ sim }) => sim.plugins.set("portmap", ["0.4.0"]),
      says: "plugin portmap speaks 0.4.0, not 1.0.0"
    },
    {
      why: "no forwarding",
      spoil: ({ host }) => host.write("/proc/sys/net/ipv4/ip_forward", "0\n"),
      says: "net.ipv4.ip_forward is 0: pods reach nothing outside → sysctl -w net.ipv4.ip_forward=1"
    },
    {
      why: "no IPv6 forwarding for a network that has IPv6",
      spoil: ({ host }) => host.write("/proc/sys/net/ipv6/conf/all/forwarding", "0\n"),
      says: "net.ipv6.conf.all.forwarding is 0"
    },
    {
      why: "a plugin that is not ready",
      spoil: ({ host, path, sim, text }) => {
        host.write(path, text.replace("1.0.0", "1.1.0"))
        for (const plugin of ["bridge", "host-local", "portmap", "bandwidth"]) sim.plugins.set(plugin, ["1.1.0"])
        sim.faults.set("bridge STATUS", { fault: "Refused", code: 50, msg: "out of addresses" })
      },
      says: "plugin bridge: out of addresses"
    }
  ])("$why", ({ says, spoil }) =>
    Effect.gen(function*() {
      const made = machine()
      spoil(made)
      const [first = "", ...others] = yield* made.badOnes
      assert.include(first, says)
      assert.deepStrictEqual(others, [])
    }))
})
