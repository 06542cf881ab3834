import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import type { KubeletConfiguration } from "../../../src/domain/kubeletConfig/defaults.ts"
import { apiVersion, type FieldName, kind, KubeletConfigurationFile } from "../../../src/domain/kubeletConfig/file.ts"
import {
  type ConfigLayers,
  effectiveConfig,
  type FieldSetting,
  resolvePaths
} from "../../../src/domain/kubeletConfig/layering.ts"

const document = (fields: object) => ({ apiVersion, kind, ...fields })
const layers = (options: {
  readonly file?: object
  readonly dropIns?: ReadonlyArray<object>
  readonly flags?: ReadonlyArray<FieldSetting>
}): ConfigLayers => ({
  file: options.file === undefined ? undefined : { source: "/etc/k.yaml", document: document(options.file) },
  dropIns: (options.dropIns ?? []).map((fields, i) => ({ source: `/etc/k.d/${i}.conf`, document: document(fields) })),
  flags: options.flags ?? []
})
const configOf = (options: Parameters<typeof layers>[0]): KubeletConfiguration =>
  Result.getOrThrow(effectiveConfig(layers(options))).config
const errorOf = (of: ConfigLayers): string => {
  const result = effectiveConfig(of)
  assert.isTrue(Result.isFailure(result))
  return Result.isFailure(result) ? result.failure.message : ""
}

describe("KubeletConfiguration", () => {
  it("A2: the format has the 125 fields of 1.36", () =>
    assert.strictEqual(Object.keys(KubeletConfigurationFile.fields).length, 125 + 2))

  it("A4: with a file the listener is closed", () => {
    const { authentication, authorization, readOnlyPort } = configOf({ file: {} })
    assert.deepStrictEqual(authentication, {
      x509: { clientCAFile: "" },
      webhook: { enabled: true, cacheTTL: 120_000 },
      anonymous: { enabled: false }
    })
    assert.strictEqual(authorization.mode, "Webhook")
    assert.strictEqual(readOnlyPort, 0)
  })

  it("A4: without a file the open defaults of old apply", () => {
    const { authentication, authorization, readOnlyPort } = configOf({})
    assert.isTrue(authentication.anonymous.enabled)
    assert.isFalse(authentication.webhook.enabled)
    assert.strictEqual(authorization.mode, "AlwaysAllow")
    assert.strictEqual(readOnlyPort, 10255)
  })

  it.each<{ field: FieldName; want: unknown; id: string }>([
    { field: "address", want: "0.0.0.0", id: "A4" },
    { field: "port", want: 10250, id: "A4" },
    { field: "healthzBindAddress", want: "127.0.0.1", id: "A4" },
    { field: "healthzPort", want: 10248, id: "A4" },
    { field: "kubeAPIQPS", want: 50, id: "A5" },
    { field: "kubeAPIBurst", want: 100, id: "A5" },
    { field: "eventRecordQPS", want: 50, id: "A5" },
    { field: "eventBurst", want: 100, id: "A5" },
    { field: "registryPullQPS", want: 5, id: "A5" },
    { field: "registryBurst", want: 10, id: "A5" },
    { field: "syncFrequency", want: 60_000, id: "A6" },
    { field: "fileCheckFrequency", want: 20_000, id: "A6" },
    { field: "httpCheckFrequency", want: 20_000, id: "A6" },
    { field: "nodeStatusUpdateFrequency", want: 10_000, id: "A6" },
    { field: "nodeStatusReportFrequency", want: 300_000, id: "A6" },
    { field: "nodeLeaseDurationSeconds", want: 40, id: "A6" },
    { field: "runtimeRequestTimeout", want: 120_000, id: "A6" },
    { field: "volumeStatsAggPeriod", want: 60_000, id: "A6" },
    { field: "cpuManagerReconcilePeriod", want: 10_000, id: "A6" },
    { field: "streamingConnectionIdleTimeout", want: 14_400_000, id: "A6" },
    { field: "maxPods", want: 110, id: "A7" },
    { field: "podsPerCore", want: 0, id: "A7" },
    { field: "podPidsLimit", want: -1, id: "A7" },
    { field: "cpuCFSQuota", want: true, id: "A7" },
    { field: "cpuCFSQuotaPeriod", want: 100, id: "A7" },
    { field: "cgroupsPerQOS", want: true, id: "A7" },
    { field: "cgroupDriver", want: "cgroupfs", id: "A7" },
    { field: "enforceNodeAllocatable", want: ["pods"], id: "A7" },
    { field: "failSwapOn", want: true, id: "A7" },
    { field: "failCgroupV1", want: true, id: "A7" },
    { field: "oomScoreAdj", want: -999, id: "A7" },
    { field: "maxOpenFiles", want: 1_000_000, id: "A7" },
    { field: "hairpinMode", want: "promiscuous-bridge", id: "A7" },
    { field: "resolvConf", want: "/etc/resolv.conf", id: "A7" }
  ])("$id: $field defaults to $want", ({ field, want }) => assert.deepEqual(configOf({ file: {} })[field], want))

  it("A6: reports as often as it updates when only the update frequency is set", () =>
    assert.strictEqual(configOf({ file: { nodeStatusUpdateFrequency: "7s" } }).nodeStatusReportFrequency, 7000))

  it("asking for parallel pulls turns serial pulls off", () =>
    assert.isFalse(configOf({ file: { maxParallelImagePulls: 4 } }).serializeImagePulls))

  it("M1: one eviction threshold drops the built-in ones, unless they are to be merged", () => {
    assert.deepEqual(configOf({ file: { evictionHard: { "pid.available": "5%" } } }).evictionHard, {
      "pid.available": "5%"
    })
    const merged = configOf({
      file: { evictionHard: { "memory.available": "1Gi" }, mergeDefaultEvictionSettings: true }
    })
    assert.strictEqual(merged.evictionHard["memory.available"], "1Gi")
    assert.strictEqual(merged.evictionHard["nodefs.available"], "10%")
  })

  it("A1: flags win over drop-ins, which win over the file", () => {
    const config = configOf({
      file: { maxPods: 1, port: 1001, podsPerCore: 1 },
      dropIns: [{ maxPods: 2, port: 1002 }, { port: 1003 }],
      flags: [{ path: ["maxPods"], value: 3 }]
    })
    assert.deepEqual([config.maxPods, config.port, config.podsPerCore], [3, 1003, 1])
  })

  it("A1: gates of the file survive a flag that names others", () => {
    const { gates } = Result.getOrThrow(effectiveConfig(layers({
      file: { featureGates: { EventedPLEG: true, MemoryQoS: true } },
      flags: [{ path: ["featureGates"], value: { MemoryQoS: false }, addsToMap: true }]
    })))
    assert.deepEqual([gates.enabled("EventedPLEG"), gates.enabled("MemoryQoS")], [true, false])
  })

  it("A3: drop-ins are merge patches: maps by key, lists whole, null deletes", () => {
    const config = configOf({
      file: {
        systemReserved: { cpu: "1", memory: "1Gi" },
        clusterDNS: ["10.0.0.1", "10.0.0.2"],
        maxPods: 7,
        authentication: { anonymous: { enabled: true } }
      },
      dropIns: [{
        systemReserved: { memory: "2Gi" },
        clusterDNS: ["10.0.0.3"],
        maxPods: null,
        authentication: { webhook: { enabled: false } }
      }]
    })
    assert.deepEqual(config.systemReserved, { cpu: "1", memory: "2Gi" })
    assert.deepEqual(config.clusterDNS, ["10.0.0.3"])
    assert.strictEqual(config.maxPods, 110)
    assert.isTrue(config.authentication.anonymous.enabled)
    assert.isFalse(config.authentication.webhook.enabled)
  })

  it("says which fields were set", () =>
    assert.deepEqual(
      [
        ...Result.getOrThrow(effectiveConfig(layers({ file: { maxPods: 3 }, flags: [{ path: ["port"], value: 4 }] })))
          .set
      ],
      ["port", "maxPods"]
    ))

  it("A2: paths of a file are relative to its folder, others stay", () =>
    assert.deepEqual(
      resolvePaths(
        document({
          staticPodPath: "manifests",
          tlsCertFile: "",
          authentication: { x509: { clientCAFile: "ca.crt" } },
          clusterDomain: "x"
        }),
        (path) => `/etc/${path}`
      ),
      document({
        staticPodPath: "/etc/manifests",
        tlsCertFile: "",
        authentication: { x509: { clientCAFile: "/etc/ca.crt" } },
        clusterDomain: "x"
      })
    ))
})

describe("KubeletConfiguration errors name file and field", () => {
  it.each<{ of: ConfigLayers; want: string }>([
    { of: layers({ file: { foo: 1 } }), want: `kubelet config /etc/k.yaml: unknown field "foo"` },
    {
      of: layers({ file: { authentication: { anonymus: {} } } }),
      want: `kubelet config /etc/k.yaml: unknown field "authentication.anonymus"`
    },
    {
      of: layers({ file: {}, dropIns: [{}, { bar: 1 }] }),
      want: `kubelet config /etc/k.d/1.conf: unknown field "bar"`
    },
    { of: layers({ file: { maxPods: "many" } }), want: "kubelet config /etc/k.yaml: maxPods: " },
    { of: layers({ file: { syncFrequency: "soon" } }), want: `/etc/k.yaml: syncFrequency: invalid duration "soon"` },
    {
      of: { file: { source: "/x", document: { kind: "Pod", apiVersion: "v1" } }, dropIns: [], flags: [] },
      want: `kubelet config /x: apiVersion "v1", kind "Pod": want apiVersion`
    },
    {
      of: layers({ file: { featureGates: { NoSuchGate: true } } }),
      want: "kubelet config /etc/k.yaml: unrecognized feature gate: NoSuchGate"
    },
    {
      of: layers({ flags: [{ path: ["featureGates"], value: { SidecarContainers: false } }] }),
      want: "kubelet config flags: cannot set feature gate SidecarContainers to false, feature is locked to true"
    }
  ])("$want", ({ of, want }) => assert.include(errorOf(of), want))

  it("all problems of a file are reported at once", () =>
    assert.strictEqual(errorOf(layers({ file: { foo: 1, maxPods: "x", bar: 2 } })).split("\n").length, 3))
})

describe("A8: validation", () => {
  it.each<{ fields: object; want: string }>([
    { fields: { runOnce: true }, want: "runOnce" },
    { fields: { imageGCLowThresholdPercent: 85 }, want: "imageGCLowThresholdPercent (--image-gc-low-threshold) 85" },
    { fields: { imageGCHighThresholdPercent: 101 }, want: "imageGCHighThresholdPercent" },
    { fields: { containerLogMaxFiles: 1 }, want: "containerLogMaxFiles" },
    { fields: { serializeImagePulls: true, maxParallelImagePulls: 2 }, want: "maxParallelImagePulls cannot be larger" },
    { fields: { reservedSystemCPUs: "0-1", kubeReservedCgroup: "/k" }, want: "reservedSystemCPUs (--reserved-cpus)" },
    {
      fields: { shutdownGracePeriod: "10s", shutdownGracePeriodCriticalPods: "20s" },
      want: "shutdownGracePeriodCriticalPods 20s must be <= shutdownGracePeriod 10s"
    },
    { fields: { shutdownGracePeriod: "500ms" }, want: "shutdownGracePeriod 500ms must be either zero" },
    { fields: { enforceNodeAllocatable: ["podz"] }, want: `"podz" must be one of` },
    { fields: { enforceNodeAllocatable: ["kube-reserved"] }, want: "needs kubeReservedCgroup" },
    { fields: { enforceNodeAllocatable: ["none", "pods"] }, want: `beside "none"` },
    { fields: { crashLoopBackOff: { maxContainerRestartPeriod: "500ms" } }, want: "between 1s and 300s" },
    { fields: { crashLoopBackOff: { maxContainerRestartPeriod: "5m1s" } }, want: "between 1s and 300s" },
    { fields: { podLogsDir: "logs" }, want: "absolute" },
    { fields: { podLogsDir: "/var/../logs" }, want: "normalized" },
    { fields: { podLogsDir: "/var/lögs" }, want: "ASCII" },
    { fields: { containerLogMonitorInterval: "2s" }, want: "at least 3s" },
    { fields: { qosReserved: { memory: "50%" } }, want: "requires feature gate QOSReserved" },
    { fields: { oomScoreAdj: -1001 }, want: "oomScoreAdj" },
    { fields: { port: 70000 }, want: "port (--port) 70000 must be between 1 and 65535" },
    { fields: { registerWithTaints: [{ key: "a", effect: "Never" }] }, want: "registerWithTaints" },
    { fields: { systemCgroups: "/sys" }, want: "cgroupRoot" }
  ])("$fields: $want", ({ fields, want }) => {
    const message = errorOf(layers({ file: fields }))
    assert.include(message, "kubelet config /etc/k.yaml: invalid configuration: ")
    assert.include(message, want)
  })

  it("a configuration in ordinary use is fine", () =>
    assert.strictEqual(
      configOf({
        file: {
          cgroupDriver: "systemd",
          shutdownGracePeriod: "30s",
          shutdownGracePeriodCriticalPods: "10s",
          podLogsDir: "/var/log/pods",
          enforceNodeAllocatable: ["pods", "kube-reserved"],
          kubeReservedCgroup: "/kube"
        }
      }).cgroupDriver,
      "systemd"
    ))
})
