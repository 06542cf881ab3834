import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { join } from "node:path"

const kubeffect = (...args: ReadonlyArray<string>) => {
  const { status, stderr, stdout } = spawnSync(join(import.meta.dirname, "../../bin/kubeffect"), args, {
    encoding: "utf8",
    timeout: 55_000
  })
  return { status, stdout, stderr }
}

// Each test starts processes, and the first one makes the bundle.
describe("the kubeffect command", { timeout: 60_000 }, () => {
  it.each<{ args: ReadonlyArray<string>; want: string; why: string }>([
    { args: ["kubelet", "--nope"], want: "Error: unknown flag: --nope\n", why: "A9: an unknown flag is an error" },
    {
      args: ["kubelet", "--network-plugin=cni"],
      want: "Error: unknown flag: --network-plugin (removed from the kubelet in Kubernetes 1.24)\n",
      why: "A20: who brings old flags learns what became of them"
    },
    {
      args: ["kubelet", "--config", "/nowhere/kubelet.yaml"],
      want: "Error: kubelet config /nowhere/kubelet.yaml: no such file or directory\n",
      why: "the file is named"
    },
    {
      args: ["kubelet", "--max-pods"],
      want: "Error: flag needs an argument: --max-pods\n",
      why: "a value is missing"
    },
    {
      args: ["kubelet", "--feature-gates=NoSuchGate=true"],
      want: "Error: kubelet config flags: unrecognized feature gate: NoSuchGate\n",
      why: "A17: an unknown gate is fatal"
    }
  ])("$args ends with 1: $why", ({ args, want }) => {
    const { status, stderr } = kubeffect(...args)
    assert.strictEqual(status, 1)
    assert.isTrue(stderr.startsWith(want), stderr)
  })

  it("--version and --help answer", () => {
    assert.match(kubeffect("--version").stdout, /^kubeffect v\d/)
    const help = kubeffect("kubelet", "--help")
    assert.strictEqual(help.status, 0)
    for (const flag of ["--config", "--kubeconfig", "--node-labels", "--max-pods"]) assert.include(help.stdout, flag)
  })
})
