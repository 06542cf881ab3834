/** What pods ask of their network, what they are told of it, and what messages about it mean. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { attachmentsOf } from "../../../src/domain/cni/execution.ts"
import { bad, findingsText, good } from "../../../src/domain/cni/findings.ts"
import { type NetworkList, parseNetwork } from "../../../src/domain/cni/networkList.ts"
import { networkStatusText, parseDefaultSelection, parseSelections } from "../../../src/domain/cni/networkSelection.ts"
import { podCapabilities } from "../../../src/domain/cni/podCapabilities.ts"
import { decodeRecord, encodeRecord, isOrphan, type PodRecord } from "../../../src/domain/cni/podRecord.ts"
import { runtimeFolders } from "../../../src/domain/cni/runtimeFolders.ts"
import { networkAdvice } from "../../../src/domain/cni/sandboxFailure.ts"
import { decodeRequest, encodeAnswer, refusal, requestLength } from "../../../src/domain/cni/shimRequest.ts"
import { decodePod } from "../../../src/domain/k8s/decode.ts"

const selected = (text: string) => parseSelections(text, "here")

describe("the networks annotation", () => {
  it.each([
    { text: "", want: [], why: "none" },
    { text: "a", want: ["here/a net1"], why: "short: the pod's namespace" },
    { text: "there/a@data0, b", want: ["there/a data0", "here/b net2"], why: "short: all parts" },
    { text: "[{\"name\":\"a\",\"namespace\":\"n\",\"interface\":\"x0\"}]", want: ["n/a x0"], why: "JSON" },
    { text: "{\"name\":\"a\"}", want: ["here/a net1"], why: "one object without a list" }
  ])("$why: $text", ({ text, want }) =>
    assert.deepStrictEqual(
      Result.getOrThrow(selected(text)).map(({ ifname, name, namespace }) => `${namespace}/${name} ${ifname}`),
      want
    ))

  it.each([
    { text: "[{\"name\"", says: "it is no JSON" },
    { text: "[{}]", says: "no name" },
    { text: "A_b", says: "no name of a network" },
    { text: "a@eth0", says: "eth0 is the interface of the default network" },
    { text: "a@x,b@x", says: "asked for twice" },
    { text: "a@an-interface-too-long", says: "no name for an interface" }
  ])("$text is refused: $says", ({ says, text }) => {
    const error = Result.getOrThrow(Result.flip(selected(text)))
    assert.include(error.message, says)
    assert.include(error.message, "k8s.v1.cni.cncf.io/networks")
  })

  it("what is asked for in a network becomes what its plugins can be told", () => {
    const text = "[{\"name\":\"a\",\"ips\":[\"10.0.0.9/24\"],\"mac\":\"aa\",\"infiniband-guid\":\"g\",\"other\":1}]"
    const [selection] = Result.getOrThrow(selected(text))
    assert.deepStrictEqual(selection?.capabilityArgs, { ips: ["10.0.0.9/24"], mac: "aa", infinibandGUID: "g" })
    const own = parseDefaultSelection("[{\"name\":\"a\",\"ips\":[\"10.0.0.9\"]}]", {
      namespace: "here",
      ifname: "eth0"
    })
    assert.deepInclude(Result.getOrThrow(own), {
      namespace: "here",
      ifname: "eth0",
      capabilityArgs: { ips: ["10.0.0.9"] }
    })
    assert.isTrue(Result.isFailure(parseDefaultSelection("a,b", { namespace: "here", ifname: "eth0" })))
  })

  it("the status names each network with its interface, addresses and MAC, the first as the default", () => {
    const result = {
      interfaces: [{ name: "eth0" }, { name: "eth0", mac: "aa", sandbox: "/ns" }],
      ips: [{ address: "10.0.0.2/24", interface: 1 }],
      routes: [],
      dns: {}
    }
    assert.deepStrictEqual(
      JSON.parse(
        networkStatusText([{ name: "cbr0", ifname: "eth0", result }, { name: "n/a", ifname: "net1", result }])
      ),
      [
        { name: "cbr0", interface: "eth0", ips: ["10.0.0.2"], mac: "aa", default: true, dns: {} },
        { name: "n/a", interface: "net1", ips: ["10.0.0.2"], dns: {} }
      ]
    )
  })
})

describe("what the agent knows of a pod", () => {
  const podOf = (annotations: Record<string, string>, ports: ReadonlyArray<unknown> = []) =>
    Result.getOrThrow(decodePod({
      metadata: { name: "p", namespace: "n", uid: "u", annotations },
      spec: { containers: [{ name: "c", image: "i", ports }] }
    }))

  it("K3: ports of the host, with protocol and address; others are no mapping", () =>
    assert.deepStrictEqual(
      Result.getOrThrow(podCapabilities(podOf({}, [
        { containerPort: 80 },
        { containerPort: 53, hostPort: 5353, protocol: "UDP", hostIP: "127.0.0.1" }
      ]))),
      { portMappings: [{ hostPort: 5353, containerPort: 53, protocol: "udp", hostIP: "127.0.0.1" }] }
    ))

  it.each([
    { text: "10M", want: 10_000_000, why: "bits a second" },
    { text: "1k", want: 1000, why: "the least" },
    { text: "999", want: undefined, why: "less than 1k" },
    { text: "2P", want: undefined, why: "more than 1P" },
    { text: "fast", want: undefined, why: "no quantity" }
  ])("K4: bandwidth $text: $why", ({ text, want }) => {
    const capabilities = podCapabilities(podOf({ "kubernetes.io/ingress-bandwidth": text }))
    if (want === undefined) return assert.include(Result.getOrThrow(Result.flip(capabilities)), text)
    assert.deepStrictEqual(Result.getOrThrow(capabilities), {
      bandwidth: { ingressRate: want, ingressBurst: 2 ** 31 - 1 }
    })
  })
})

const list: NetworkList = {
  ...Result.getOrThrow(parseNetwork({
    path: "/etc/cni/net.d/10-a.conflist",
    text: "{\"cniVersion\":\"1.0.0\",\"name\":\"a\",\"plugins\":[{\"type\":\"bridge\"}]}"
  })),
  binDirs: ["/opt/cni/bin"]
}

describe("records of sandboxes", () => {
  const record: PodRecord = {
    containerId: "c",
    netns: "/ns",
    pod: { namespace: "n", name: "p", uid: "u" },
    state: "adding",
    writtenAtMs: 1000,
    networks: [{
      name: "a",
      list,
      attachment: { containerId: "c", netns: "/ns", ifname: "eth0", args: [["A", "b"]], capabilityArgs: { x: [1] } }
    }]
  }

  it("are read as they were written; what was cut short is told", () => {
    assert.deepStrictEqual(Result.getOrThrow(decodeRecord(encodeRecord(record))), record)
    assert.isTrue(Result.isFailure(decodeRecord(encodeRecord(record).slice(0, 50))))
  })

  it.each(
    [
      { state: "added", listed: true, netnsExists: true, afterMs: 1e9, want: false, why: "a pod that runs" },
      { state: "added", listed: false, netnsExists: false, afterMs: 0, want: true, why: "its sandbox is gone" },
      { state: "adding", listed: false, netnsExists: true, afterMs: 1000, want: false, why: "not listed yet" },
      { state: "added", listed: false, netnsExists: true, afterMs: 200_000, want: true, why: "not listed for long" },
      {
        state: "added",
        listed: true,
        netnsExists: false,
        afterMs: 1e9,
        want: false,
        why: "the runtime will ask for it"
      },
      { state: "returning", listed: true, netnsExists: true, afterMs: 0, want: true, why: "given up already" }
    ] as const
  )(
    "$why: orphan $want",
    ({ afterMs, listed, netnsExists, state, want }) =>
      assert.strictEqual(isOrphan({ ...record, state }, { listed, netnsExists, nowMs: 1000 + afterMs }), want)
  )
})

describe("messages of runtimes", () => {
  it.each([
    {
      text:
        "failed to setup network for sandbox \"x\": plugin type=\"portmap\" failed (add): failed to find plugin \"portmap\" in path [/opt/cni/bin]",
      want: "install plugin portmap into /opt/cni/bin or correct /etc/cni/net.d/10-a.conflist"
    },
    {
      text:
        "plugin type=\"bridge\" failed (add): failed to allocate for range 0: no IP addresses available in range set: 10.1.0.2-10.1.0.9",
      want:
        "all addresses 10.1.0.2-10.1.0.9 of plugin bridge are taken: delete pods, or widen the range in /etc/cni/net.d/10-a.conflist"
    },
    { text: "cni plugin not initialized", want: "the runtime has not loaded /etc/cni/net.d/10-a.conflist" },
    {
      text: "plugin type=\"bridge\" name=\"a\" failed (add): boom",
      want: "see plugin bridge of network a in /etc/cni/net.d/10-a.conflist"
    },
    { text: "plugin type=\"bridge\" failed (add): boom", want: "see plugin bridge in /etc/cni/net.d/10-a.conflist" },
    { text: "plugin bridge of /etc/cni/net.d/10-a.conflist: boom", want: "" },
    { text: "failed to create containerd task: no space left", want: "" }
  ])("$text", ({ text, want }) => assert.strictEqual(networkAdvice(text, list), want))

  it("the runtime's folders are those of its own configuration, of any release", () => {
    const told = (cni: unknown) => runtimeFolders({ config: JSON.stringify({ cni }) })
    assert.deepStrictEqual(told({ binDir: "/b", confDir: "/c" }), { binDirs: ["/b"], confDir: "/c" })
    assert.deepStrictEqual(told({ binDirs: ["/b", "/d"], confDir: "/c" })?.binDirs, ["/b", "/d"])
    for (const none of [{}, { config: "x" }, { config: "{}" }]) assert.isUndefined(runtimeFolders(none))
  })

  it("an examination says what to do about what is bad, and sums up", () => {
    assert.strictEqual(
      findingsText([good("a stands"), bad("b is missing", "install b")]),
      "ok   a stands\nBAD  b is missing\n     → install b\n\nThe pod network does not stand: 1 to mend."
    )
    assert.include(findingsText([good("a")]), "The pod network stands.")
  })
})

describe("requests of shims", () => {
  it("what is no verb is no request, and a part of one is not taken for the whole", () => {
    const environment = new TextEncoder().encode("CNI_COMMAND=FLY\0")
    const bytes = new Uint8Array(8 + environment.length)
    new DataView(bytes.buffer).setUint32(0, environment.length, true)
    bytes.set(environment, 8)
    assert.strictEqual(requestLength(bytes), bytes.length)
    assert.isUndefined(requestLength(bytes.subarray(0, 7)))
    assert.isUndefined(decodeRequest(bytes))
  })

  it("an answer is code, length and text; an error of our own is one of CNI's", () => {
    const bytes = encodeAnswer(refusal("0.4.0", 11, "later"))
    assert.strictEqual(new DataView(bytes.buffer).getUint32(0, true), 1)
    assert.deepStrictEqual(JSON.parse(new TextDecoder().decode(bytes.subarray(8))), {
      cniVersion: "0.4.0",
      code: 11,
      msg: "later",
      details: "try again later"
    })
    assert.strictEqual(JSON.parse(refusal("1.0.0", 0, "x").output).code, 999)
  })

  it("GC names the attachments in use", () =>
    assert.deepStrictEqual(
      attachmentsOf({ "cni.dev/valid-attachments": [{ containerID: "c", ifname: "eth0" }, 5] }),
      [{ containerId: "c", ifname: "eth0" }]
    ))
})
