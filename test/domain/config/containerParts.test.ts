/** Hash, labels, mounts, devices, ports, paths, resources and last words of a container. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import { containerHash, fnv1a32 } from "../../../src/domain/config/containerHash.ts"
import { goJson, goQuote } from "../../../src/domain/config/goText.ts"
import { containerAnnotations, sandboxLabels } from "../../../src/domain/config/labels.ts"
import { containerResources, overheadResources } from "../../../src/domain/config/linuxResources.ts"
import {
  containerDevices,
  containerMounts,
  type MountedVolume,
  type MountsInput,
  subPathOf
} from "../../../src/domain/config/mounts.ts"
import { defaultNodeSettings } from "../../../src/domain/config/nodeSettings.ts"
import {
  containerLogPath,
  legacyLogLink,
  podLogDirectory,
  terminationLogPath
} from "../../../src/domain/config/podPaths.ts"
import { portMappings } from "../../../src/domain/config/ports.ts"
import { firstBytes, logTail, messageBudget, usesLogs } from "../../../src/domain/config/terminationMessage.ts"
import type { VolumeMount } from "../../../src/domain/k8s/container.ts"
import { MountPropagation, Protocol } from "../../../src/gen/cri/api_pb.ts"
import { asking, podWith, sidecar } from "../resources/pods.ts"

describe("D3: hash", () => {
  it.each([
    { name: "test_container", image: "foo/image:v1", want: "8e45cbd0" },
    { name: "c", image: "docker.io/library/busybox:1.29", want: "46d7caee" },
    { name: "side", image: "docker.io/library/busybox:1.29", want: "1e3bb1da" }
  ])("$name, $image → $want", ({ want, ...container }) => assert.strictEqual(containerHash(container), want))

  it("is FNV-1a", () => assert.deepStrictEqual(["", "a", "foobar"].map(fnv1a32), [0x811c9dc5, 0xe40c292c, 0xbf9cf968]))
})

describe("Go's text forms", () => {
  it("JSON escapes what could end a script", () => {
    assert.strictEqual(goJson({ a: "<b>&", c: undefined }), "{\"a\":\"\\u003cb\\u003e\\u0026\"}")
  })
  it.each([
    { text: "a b", want: "\"a b\"" },
    { text: "\"\\\n\t", want: "\"\\\"\\\\\\n\\t\"" },
    { text: "\u0001\u007f", want: "\"\\x01\\x7f\"" },
    { text: "é漢😀", want: "\"é漢😀\"" },
    { text: "\u00a0\u200b", want: "\"\\u00a0\\u200b\"" }
  ])("%q of $want", ({ text, want }) => assert.strictEqual(goQuote(text), want))
})

describe("D4: labels and annotations", () => {
  it("a pod's labels cannot forge its identity", () => {
    const labels = sandboxLabels(podWith({}, { labels: { a: "b", "io.kubernetes.pod.uid": "other" } }))
    assert.deepStrictEqual([labels["a"], labels["io.kubernetes.pod.uid"]], ["b", "u-1"])
  })

  it("are enough to end a container whose pod is gone", () => {
    const container = {
      ...asking("c"),
      lifecycle: { preStop: { httpGet: { port: 80, path: "/bye", httpHeaders: [{ name: "A" }] } } }
    }
    const pod = podWith({ containers: [container], terminationGracePeriodSeconds: 9 }, {
      deletionGracePeriodSeconds: 4
    })
    const annotations = containerAnnotations(pod, container, 2, { plugin: "x" })
    assert.deepStrictEqual<unknown>(annotations, {
      plugin: "x",
      "io.kubernetes.container.hash": containerHash(container),
      "io.kubernetes.container.restartCount": "2",
      "io.kubernetes.container.terminationMessagePath": "",
      "io.kubernetes.container.terminationMessagePolicy": "",
      "io.kubernetes.pod.deletionGracePeriod": "4",
      "io.kubernetes.pod.terminationGracePeriod": "9",
      "io.kubernetes.container.preStopHandler":
        "{\"httpGet\":{\"path\":\"/bye\",\"port\":80,\"httpHeaders\":[{\"name\":\"A\",\"value\":\"\"}]}}"
    })
  })
})

const volume: MountedVolume = { hostPath: "/h/v", readOnly: false, selinuxRelabel: true }
const mountsInput = (mounts: ReadonlyArray<VolumeMount>, over: Partial<MountsInput> = {}): MountsInput => ({
  container: { ...asking("c"), volumeMounts: mounts, terminationMessagePath: "/dev/termination-log" },
  volumes: new Map([["v", volume], ["ro", { ...volume, readOnly: true }], ["img", {
    ...volume,
    imageRef: "sha256:1"
  }]]),
  subPaths: new Map([[1, "/bound"]]),
  etcHosts: "/h/etc-hosts",
  terminationLog: "/h/term",
  selinuxEnabled: false,
  supportsRecursiveReadOnly: true,
  ...over
})
const mountsOf = (mounts: ReadonlyArray<VolumeMount>, over: Partial<MountsInput> = {}) =>
  Result.getOrThrow(containerMounts(mountsInput(mounts, over)))
const refusal = (mounts: ReadonlyArray<VolumeMount>, over: Partial<MountsInput> = {}) =>
  Result.getOrThrow(Result.flip(containerMounts(mountsInput(mounts, over)))).message

describe("D21: mounts", () => {
  const v = { name: "v", mountPath: "/v" }

  it("own mounts, then hosts, then the last words", () => {
    const paths = mountsOf([v, { ...v, mountPath: "sub", subPath: "x" }]).map((it) => [it.containerPath, it.hostPath])
    assert.deepStrictEqual(paths, [
      ["/v", "/h/v"],
      ["/sub", "/bound"],
      ["/etc/hosts", "/h/etc-hosts"],
      ["/dev/termination-log", "/h/term"]
    ])
  })

  it("E5: a container that brings its hosts file keeps it", () => {
    const paths = mountsOf([{ ...v, mountPath: "/etc/hosts" }]).map(({ hostPath }) => hostPath)
    assert.deepStrictEqual(paths, ["/h/v", "/h/term"])
  })

  it("a volume that is read-only stays so", () => {
    assert.deepStrictEqual(mountsOf([{ name: "ro", mountPath: "/r" }])[0]?.readonly, true)
  })

  it("SELinux labels are set only where SELinux runs", () => {
    assert.deepStrictEqual(mountsOf([v]).map((it) => it.selinuxRelabel), [false, false, false])
    assert.deepStrictEqual(mountsOf([v], { selinuxEnabled: true }).map((it) => it.selinuxRelabel), [true, true, true])
  })

  it.each([
    { mode: undefined, want: MountPropagation.PROPAGATION_PRIVATE },
    { mode: "None", want: MountPropagation.PROPAGATION_PRIVATE },
    { mode: "HostToContainer", want: MountPropagation.PROPAGATION_HOST_TO_CONTAINER },
    { mode: "Bidirectional", want: MountPropagation.PROPAGATION_BIDIRECTIONAL }
  ])("propagation $mode", ({ mode, want }) => {
    assert.strictEqual(
      mountsOf([{ ...v, ...(mode === undefined ? {} : { mountPropagation: mode }) }])[0]?.propagation,
      want
    )
  })

  it("KEP-3857: read-only all the way down", () => {
    const deep = (recursiveReadOnly: string, supportsRecursiveReadOnly: boolean) =>
      mountsOf([{ ...v, readOnly: true, recursiveReadOnly }], { supportsRecursiveReadOnly })[0]?.recursiveReadOnly
    assert.deepStrictEqual([
      deep("Enabled", true),
      deep("IfPossible", true),
      deep("IfPossible", false),
      deep("Disabled", true)
    ], [
      true,
      true,
      false,
      false
    ])
    assert.match(
      refusal([{ ...v, readOnly: true, recursiveReadOnly: "Enabled" }], { supportsRecursiveReadOnly: false }),
      /not supported by the runtime/
    )
    assert.match(refusal([{ ...v, recursiveReadOnly: "Enabled" }]), /not read-only/)
  })

  it("I14: an image is mounted by the runtime", () => {
    const [mount] = mountsOf([{ name: "img", mountPath: "/i", subPath: "etc" }])
    assert.deepStrictEqual<unknown>([mount?.image, mount?.hostPath, mount?.imageSubPath, mount?.readonly], [
      { image: "sha256:1" },
      "",
      "etc",
      true
    ])
  })

  it("E13: ids are mapped on every mount", () => {
    const mapping = { hostId: 9, containerId: 0, length: 1 }
    const mounts = mountsOf([v], { userNamespace: { uids: [mapping], gids: [mapping] } })
    assert.deepStrictEqual<unknown>(mounts.map(({ uidMappings }) => uidMappings), [[mapping], [mapping], [mapping]])
  })

  it("what is wrong is named", () => {
    assert.strictEqual(
      refusal([{ name: "gone", mountPath: "/x" }]),
      "cannot find volume \"gone\" to mount into container \"c\""
    )
    assert.strictEqual(refusal([{ ...v, mountPropagation: "Odd" }]), "invalid MountPropagation mode: \"Odd\"")
  })

  it.each([
    { mount: { subPath: "a/b" }, want: "a/b" },
    { mount: { subPathExpr: "$(A)/x" }, want: "1/x" },
    { mount: {}, want: "" },
    { mount: { subPathExpr: "$(B)" }, want: "missing value for \"B\"" },
    { mount: { subPath: "/a" }, want: "error SubPath `/a` must not be an absolute path" },
    { mount: { subPath: "a/../b" }, want: "unable to provision SubPath `a/../b`: must not contain '..'" }
  ])("I11: subpath $want", ({ mount, want }) => {
    const result = subPathOf({ name: "v", mountPath: "/v", ...mount }, new Map([["A", "1"]]))
    assert.strictEqual(Result.isFailure(result) ? result.failure.message : result.success, want)
  })
})

describe("I17: block devices", () => {
  const devices = (devicePath: string, name = "b") =>
    containerDevices(
      { ...asking("c"), volumeDevices: [{ name, devicePath }] },
      new Map([["b", { devicePath: "/dev/loop1", readOnly: false }], ["r", {
        devicePath: "/dev/loop2",
        readOnly: true
      }]])
    )
  it("are passed by path", () => {
    assert.deepStrictEqual<unknown>(Result.getOrThrow(devices("/dev/x")), [
      { hostPath: "/dev/loop1", containerPath: "/dev/x", permissions: "mrw" }
    ])
    assert.strictEqual(Result.getOrThrow(devices("/dev/x", "r"))[0]?.permissions, "r")
  })
  it("what is wrong is named", () => {
    assert.strictEqual(
      Result.getOrThrow(Result.flip(devices("x"))).message,
      "error DevicePath `x` must be an absolute path"
    )
    assert.strictEqual(
      Result.getOrThrow(Result.flip(devices("/x", "z"))).message,
      "cannot find volume \"z\" to pass into container \"c\""
    )
  })
})

describe("K3: ports", () => {
  it("each distinct port once, sidecars included, none on the host's network", () => {
    const ports = [{ containerPort: 53, protocol: "UDP" }, { containerPort: 53, protocol: "UDP" }, {
      containerPort: 53
    }]
    const spec = {
      containers: [{ ...asking("c"), ports }],
      initContainers: [
        { ...sidecar("s"), ports: [{ containerPort: 1, protocol: "SCTP" }] },
        { ...asking("i"), ports: [{ containerPort: 2 }] }
      ]
    }
    assert.deepStrictEqual(portMappings(podWith(spec)).map((it) => [it.protocol, it.containerPort]), [
      [Protocol.UDP, 53],
      [Protocol.TCP, 53],
      [Protocol.SCTP, 1]
    ])
    assert.deepStrictEqual(portMappings(podWith({ ...spec, hostNetwork: true })), [])
  })
})

describe("D14, D15: paths", () => {
  it("are where other tools look for them", () => {
    const pod = podWith({})
    assert.strictEqual(podLogDirectory("/var/log/pods", pod), "/var/log/pods/default_p_u-1")
    assert.strictEqual(containerLogPath("c", 3), "c/3.log")
    assert.strictEqual(terminationLogPath("/r", "u", "c", "0a1b2c3d"), "/r/pods/u/containers/c/0a1b2c3d")
    assert.strictEqual(legacyLogLink("/l", pod, "c", "id"), "/l/p_default_c-id.log")
    const link = legacyLogLink("/l", podWith({}, { name: "n".repeat(253) }), "c", "f".repeat(64))
    assert.strictEqual(link.length, "/l/".length + 255)
    assert.isTrue(link.endsWith(".log"))
  })
})

describe("L15: resources", () => {
  const pod = podWith({ containers: [asking("a", { memory: "1Gi" }, { cpu: "500m" })], overhead: { cpu: "250m" } })
  const [container] = pod.spec.containers
  assert.isDefined(container)

  it("without a request the limit is requested", () => {
    const { cpuShares, cpuQuota } = containerResources(pod, container, defaultNodeSettings)
    assert.deepStrictEqual([cpuShares, cpuQuota], [512n, 50_000n])
  })

  it("without CFS quota there is none; exclusive CPUs are not throttled", () => {
    const free = containerResources(pod, container, { ...defaultNodeSettings, cpuCfsQuota: false })
    assert.deepStrictEqual([free.cpuPeriod, free.cpuQuota], [undefined, undefined])
    const pinned = containerResources(pod, container, defaultNodeSettings, { exclusiveCpus: true, cpusetCpus: "2-3" })
    assert.deepStrictEqual([pinned.cpuQuota, pinned.cpusetCpus], [-1n, "2-3"])
  })

  it("L3, L14: on v2 an OOM kill takes the whole container, and swap is set by its file", () => {
    const swap = { ...defaultNodeSettings.swap, controllerAvailable: true, behavior: "LimitedSwap" as const }
    const limited = { ...swap, nodeMemoryBytes: 2 ** 31, nodeSwapBytes: 2 ** 30 }
    const files = (over: Partial<typeof defaultNodeSettings>) =>
      containerResources(pod, container, { ...defaultNodeSettings, ...over }).unified
    assert.deepStrictEqual(files({}), { "memory.oom.group": "1" })
    assert.deepStrictEqual(files({ singleProcessOomKill: true }), {})
    assert.deepStrictEqual(files({ swap: limited }), { "memory.oom.group": "1", "memory.swap.max": "536870912" })
    assert.deepStrictEqual(files({ cgroupV2: false, swap: limited }), {})
    const memoryQos = { throttlingFactor: 0.5, allocatableBytes: 2 ** 31, pageBytes: 4096 }
    assert.deepStrictEqual(files({ singleProcessOomKill: true, memoryQos }), {
      "memory.min": "1073741824",
      "memory.high": "1610612736"
    })
  })

  it("D19: overhead is the sandbox's own", () => {
    assert.deepStrictEqual(overheadResources(pod, defaultNodeSettings).cpuShares, 256n)
    assert.deepStrictEqual<unknown>(overheadResources(podWith({}), defaultNodeSettings), {})
  })
})

describe("D14: last words", () => {
  it.each([
    { containers: 1, want: 4096 },
    { containers: 3, want: 4096 },
    { containers: 6, want: 2048 },
    { containers: 0, want: 4096 }
  ])("$containers containers → $want bytes each", ({ containers, want }) => {
    assert.strictEqual(messageBudget(containers), want)
  })

  it("the log speaks for a failed container that left nothing", () => {
    const run = { policy: "FallbackToLogsOnError", exitCode: 1, message: "" }
    assert.deepStrictEqual(
      [run, { ...run, exitCode: 0 }, { ...run, message: "x" }, { ...run, policy: "File" }].map(usesLogs),
      [true, false, false, false]
    )
  })

  it("80 lines, 2048 bytes", () => {
    const lines = Array.from({ length: 100 }, (_, i) => `line ${i}\n`)
    assert.strictEqual(logTail(lines.join("")), lines.slice(20).join(""))
    assert.strictEqual(logTail("x".repeat(5000)), "x".repeat(2048))
    assert.strictEqual(logTail("no end"), "no end")
  })

  it("no character is cut in half", () => {
    fc.assert(fc.property(fc.string({ unit: "grapheme", maxLength: 60 }), fc.nat(40), (text, bytes) => {
      const cut = firstBytes(text, bytes)
      assert.isTrue(text.startsWith(cut))
      assert.isAtMost(Buffer.byteLength(cut), bytes)
      assert.isTrue(Buffer.byteLength(cut) > bytes - 4 || cut === text)
    }))
  })
})
