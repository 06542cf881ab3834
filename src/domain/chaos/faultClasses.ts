/** Every kind of fault that there is, by name. */
import { between, type Dice } from "./dice.ts"
import type { Blow, CallClass, Failing, Family, ServiceName, Verdict } from "./fault.ts"

const fail = (how: Failing) => (): Verdict => ({ _tag: "Fail", how })
const delay = (minMs: number, maxMs: number) => (dice: Dice): Verdict => ({
  _tag: "Delay",
  ms: between(dice, minMs, maxMs)
})
const stall = (minMs: number, maxMs: number) => (dice: Dice): Verdict => ({
  _tag: "Stall",
  ms: between(dice, minMs, maxMs)
})
const stale = (dice: Dice): Verdict => ({
  _tag: "Stale",
  changes: between(dice, 1, 60),
  lagMs: between(dice, 1000, 30_000)
})
const hang = (): Verdict => ({ _tag: "Hang" })
const loseReply = (): Verdict => ({ _tag: "LoseReply" })
const repeat = (): Verdict => ({ _tag: "Repeat" })
const swap = (): Verdict => ({ _tag: "Swap" })

const of = (family: Family, service: ServiceName, targets: CallClass["targets"]) =>
(
  methods: RegExp,
  probability: CallClass["probability"],
  verdict: CallClass["verdict"]
): CallClass => ({ family, service, methods, probability, targets, verdict })

/** Some of the containers, sandboxes, volumes: those that are struck are struck again and again. */
const shares = ["", "", "1/2", "2/2", "1/3", "2/3", "3/3"] as const

const api = of("api", "KubeApi", ["", "", "", "pods", "nodes", "leases", "configmaps"])
const cri = of("cri", "Cri", shares)
const oneOf = of("cri", "Cri", ["1/2", "2/2", "1/3", "2/3", "3/3"])
const hints = of("cri", "RuntimeEvents", [""])
/** The runtime runs the plugins when it makes and stops sandboxes. */
const cni = of("cni", "Cri", shares)
const csi = of("csi", "Csi", shares)
const files = of("host", "HostFiles", ["", "", "/volumes/", "/var/log/", "/containers/"])
const mounts = of("host", "Mounts", shares)
const cgroups = of("host", "Cgroups", shares)
const probes = of("probes", "Prober", [""])

const everything = /./
const requests = /^(get|list|create|update|patch|delete|watch)$/
const apiWrites = /^(create|update|patch|delete)$/
const changes =
  /^(runPodSandbox|stopPodSandbox|removePodSandbox|createContainer|startContainer|stopContainer|removeContainer)$/
const moreChanges = /^(pullImage|removeImage|updateContainerResources|updatePodSandboxResources|reopenContainerLog)$/
const reads = /^(list|podSandboxStatus|containerStatus)/
const fileWrites =
  /^(writeFile|writeFileAtomic|append|makeDirectory|symlink|rename|removeFile|removeTree|removeDirectory|chmod|chown)$/
const mountChanges = /^(mount|bind|remount|makeShared|unmount)$/
const groupChanges = /^(create|apply|destroy)$/
const volumeChanges = /^node(Stage|Unstage|Publish|Unpublish|Expand)Volume$/

const rare = [0.02, 0.2] as const
const often = [0.1, 0.6] as const
const always = [1, 1] as const

export const callClasses: Readonly<Record<string, CallClass>> = {
  "api-partition": api(everything, always, fail("unavailable")),
  "api-unavailable": api(requests, often, fail("unavailable")),
  "api-internal-error": api(requests, often, fail("internal")),
  "api-throttled": api(requests, often, fail("throttled")),
  "api-conflict": api(/^(update|patch)$/, rare, fail("conflict")),
  "api-slow": api(requests, often, delay(100, 8000)),
  "api-hang": api(requests, rare, hang),
  "api-lost-reply": api(apiWrites, often, loseReply),
  "api-stale-list": api(/^list$/, always, stale),
  "api-watch-cut": api(/^watch event$/, rare, fail("unavailable")),
  "api-watch-expired": api(/^watch( event)?$/, rare, fail("expired")),
  "api-watch-late": api(/^watch event$/, often, delay(100, 5000)),
  "api-watch-repeated": api(/^watch event$/, often, repeat),
  "api-watch-stalled": api(/^watch$/, often, stall(30_000, 600_000)),
  "cri-error": cri(changes, often, fail("failed")),
  "cri-unavailable": cri(everything, always, fail("unavailable")),
  "cri-read-error": cri(reads, rare, fail("unavailable")),
  "cri-slow": cri(everything, often, delay(50, 5000)),
  "cri-hang": cri(changes, rare, hang),
  "cri-status-hang": cri(/^(status|version|list|podSandboxStatus|containerStatus)/, rare, hang),
  "cri-container-hang": oneOf(/^(podSandboxStatus|containerStatus|execSync)$/, always, hang),
  "cri-lost-reply": cri(changes, often, loseReply),
  "cri-lost-reply-more": cri(moreChanges, often, loseReply),
  "cri-pull-error": cri(/^pullImage$/, often, fail("failed")),
  "cri-pull-slow": cri(/^pullImage$/, often, delay(1000, 40_000)),
  "cri-exec-error": cri(/^execSync$/, often, fail("failed")),
  "events-lost": hints(/event/, often, fail("lost")),
  "events-repeated": hints(/event/, often, repeat),
  "events-late": hints(/event/, often, delay(10, 3000)),
  "events-reordered": hints(/event/, often, swap),
  "events-stalled": hints(/^listen$/, often, stall(10_000, 120_000)),
  "cni-add-error": cni(/^runPodSandbox$/, often, fail("network")),
  "cni-add-slow": cni(/^runPodSandbox$/, often, delay(1000, 30_000)),
  "cni-add-lost-reply": cni(/^runPodSandbox$/, often, loseReply),
  "cni-del-error": cni(/^stopPodSandbox$/, often, fail("network")),
  "csi-error": csi(/^node/, often, fail("failed")),
  "csi-unavailable": csi(everything, always, fail("unavailable")),
  "csi-hang": csi(volumeChanges, rare, hang),
  "csi-slow": csi(everything, often, delay(50, 10_000)),
  "csi-lost-reply": csi(volumeChanges, often, loseReply),
  "disk-full": files(/^(writeFile|writeFileAtomic|append|makeDirectory|symlink)$/, always, fail("full")),
  "disk-error": files(everything, rare, fail("failed")),
  "disk-torn-write": files(/^(writeFile|append)$/, often, fail("torn")),
  "disk-slow": files(fileWrites, often, delay(10, 2000)),
  "disk-lost-reply": files(fileWrites, rare, loseReply),
  "mount-error": mounts(/^(mount|bind|remount|makeShared)$/, often, fail("failed")),
  "mount-lost-reply": mounts(mountChanges, often, loseReply),
  "unmount-busy": mounts(/^unmount$/, often, fail("busy")),
  "mount-table-unreadable": mounts(/^(list|isMountPoint)$/, rare, fail("failed")),
  "cgroup-error": cgroups(groupChanges, often, fail("failed")),
  "cgroup-busy": cgroups(/^destroy$/, often, fail("busy")),
  "cgroup-lost-reply": cgroups(groupChanges, often, loseReply),
  "probe-error": probes(everything, often, fail("failed")),
  "probe-slow": probes(everything, often, delay(100, 3000))
}

export const blows: Readonly<Record<Blow, Family>> = {
  "agent-crash": "agent",
  "api-restart": "api",
  "api-compaction": "api",
  "clock-back": "machine",
  "clock-forward": "machine",
  "container-killed": "machine",
  "container-oom": "machine",
  "machine-reboot": "machine",
  "network-not-ready": "cni",
  "records-pruned": "machine",
  "runtime-not-ready": "cri",
  "sandbox-lost": "machine"
}

export const families: ReadonlyArray<Family> = ["agent", "api", "cni", "cri", "csi", "host", "machine", "probes"]

const isBlow = (name: string): name is Blow => Object.hasOwn(blows, name)

/** The kinds that families or names choose, in a fixed order. */
export const chosenKinds = (words: ReadonlyArray<string>) => {
  const wanted = (name: string, family: Family) => words.includes(name) || words.includes(family)
  return {
    calls: Object.entries(callClasses).flatMap(([name, { family }]) => wanted(name, family) ? [name] : []),
    blows: Object.entries(blows).flatMap(([name, family]) => isBlow(name) && wanted(name, family) ? [name] : [])
  }
}

/** Words that name no family and no kind. */
export const unknownKinds = (words: ReadonlyArray<string>): ReadonlyArray<string> =>
  words.filter((word) =>
    !Object.hasOwn(callClasses, word) && !isBlow(word) && !families.some((family) => family === word)
  )
