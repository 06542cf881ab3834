/** What a node runs with that nobody configured: the values of the kubelet of 1.36. */
import { assert, it } from "@effect/vitest"
import { withDefaults } from "../../../src/domain/kubeletConfig/defaults.ts"
import { apiVersion, kind } from "../../../src/domain/kubeletConfig/file.ts"

const defaults = withDefaults({ apiVersion, kind })

const minute = 60_000

it("A5: rates", () => {
  assert.include(defaults, {
    kubeAPIQPS: 50,
    kubeAPIBurst: 100,
    eventRecordQPS: 50,
    eventBurst: 100,
    registryPullQPS: 5,
    registryBurst: 10
  })
  assert.strictEqual(
    withDefaults({ apiVersion, kind, eventRecordQPS: 0 }).eventRecordQPS,
    0,
    "0 means no limit and is no absence"
  )
})

it("A6: periods, in milliseconds", () =>
  assert.include(defaults, {
    syncFrequency: minute,
    fileCheckFrequency: 20_000,
    httpCheckFrequency: 20_000,
    nodeStatusUpdateFrequency: 10_000,
    nodeStatusReportFrequency: 5 * minute,
    nodeLeaseDurationSeconds: 40,
    runtimeRequestTimeout: 2 * minute,
    volumeStatsAggPeriod: minute,
    cpuManagerReconcilePeriod: 10_000,
    streamingConnectionIdleTimeout: 240 * minute
  }))

it("A7: resources", () => {
  assert.include(defaults, {
    maxPods: 110,
    podsPerCore: 0,
    podPidsLimit: -1,
    cpuCFSQuota: true,
    cpuCFSQuotaPeriod: 100,
    cgroupsPerQOS: true,
    cgroupDriver: "cgroupfs",
    failSwapOn: true,
    failCgroupV1: true,
    oomScoreAdj: -999,
    maxOpenFiles: 1_000_000,
    hairpinMode: "promiscuous-bridge",
    resolvConf: "/etc/resolv.conf"
  })
  assert.deepStrictEqual(defaults.enforceNodeAllocatable, ["pods"])
})
