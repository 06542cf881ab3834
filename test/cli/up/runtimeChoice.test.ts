import { assert, describe, it } from "@effect/vitest"
import { chooseRuntime, type Machine, runtimeAnnouncement } from "../../../src/cli/up/runtimeChoice.ts"

const full: Machine = {
  uid: 0,
  containerd: "/usr/bin/containerd",
  runc: "/usr/sbin/runc",
  cniBinDir: "/usr/lib/cni",
  iptables: "/usr/sbin/iptables"
}

describe("which runtime `up` uses", () => {
  it.each<{ machine: Machine; endpoint?: string; simulated?: boolean; want: ReadonlyArray<string>; why: string }>([
    {
      machine: { ...full, uid: 1000 },
      endpoint: "unix:///x.sock",
      want: ["runtime: unix:///x.sock, as asked"],
      why: "what was asked for wins"
    },
    {
      machine: full,
      simulated: true,
      want: ["runtime: simulated, as asked; no containers run, they are played"],
      why: "for who wants to try something quickly"
    },
    {
      machine: full,
      want: ["runtime: a containerd of its own (/usr/bin/containerd); pods are real containers"],
      why: "a running one is never taken over"
    },
    {
      machine: { ...full, iptables: undefined },
      want: [
        "runtime: a containerd of its own (/usr/bin/containerd); pods are real containers",
        "         no iptables here: pods do not reach the world outside the node"
      ],
      why: "masquerading needs iptables"
    },
    {
      machine: { ...full, uid: 1000 },
      want: [
        "runtime: simulated, for want of root; no containers run, they are played",
        "         for real ones: run it as root"
      ],
      why: "containers need root"
    },
    {
      machine: { uid: 0, containerd: undefined, runc: undefined, cniBinDir: undefined, iptables: undefined },
      want: [
        "runtime: simulated, for want of containerd, runc, containernetworking-plugins; no containers run, they are played",
        "         for real ones: apt-get install containerd runc containernetworking-plugins"
      ],
      why: "a fresh machine has none of it, and is told the line that changes that"
    },
    {
      machine: { ...full, cniBinDir: undefined },
      want: [
        "runtime: simulated, for want of containernetworking-plugins; no containers run, they are played",
        "         for real ones: apt-get install containernetworking-plugins"
      ],
      why: "a pod needs a network"
    }
  ])(
    "$want: $why",
    ({ endpoint, machine, simulated = false, want }) =>
      assert.deepEqual(runtimeAnnouncement(chooseRuntime(machine, { endpoint, simulated })), want)
  )
})
