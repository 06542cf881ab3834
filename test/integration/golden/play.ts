/**
 * Plays one recording again: makes its objects and its pod, does to it what was done to the recorded one at the same
 * time, looks at it from inside and outside, deletes it and waits until nothing of it is left.
 */
import { Clock, Effect, Schedule } from "effect"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { PodStatus } from "../../../src/domain/k8s/podStatus.ts"
import { configMaps, events, pods, secrets, services } from "../../../src/domain/k8s/resources.ts"
import { KubeApi, type KubeObject } from "../../../src/layers/api/KubeApi.ts"
import { Cri } from "../../../src/layers/cri/Cri.ts"
import { distinct } from "../../domain/pod/summary.ts"
import { at, listAt } from "../../golden/compare/alike.ts"
import { recordedLife } from "../../golden/compare/life.ts"
import { callsOf, type Recording } from "../../golden/recording.ts"
import type { Replayed } from "../../golden/replayed.ts"
import { cgroupsLeft, cgroupValues } from "./cgroupValues.ts"
import { GoldenNode, hostDns } from "./GoldenNode.ts"
import { thenDo } from "./then.ts"

const namespace = "default"
const resourceOf: Readonly<Record<string, typeof pods>> = {
  ConfigMap: configMaps,
  Secret: secrets,
  Service: services
}

/** The recorded service got this address of the API server; env shows it. */
const withAddress = (object: KubeObject): KubeObject =>
  object.kind === "Service" ? { ...object, spec: { ...Object(object["spec"]), clusterIP: "10.96.242.213" } } : object

const createAll = Effect.fnUntraced(function*(recording: Recording) {
  const api = yield* KubeApi
  for (const extra of recording.extra ?? []) {
    const object = withAddress({ ...extra, metadata: { ...Object(extra["metadata"]), namespace } })
    const resource = resourceOf[object.kind ?? ""]
    if (resource === undefined) return yield* Effect.die(new Error(`${recording.case}: no resource ${object.kind}`))
    // There already when a case is played a second time.
    const target = { namespace, name: object.metadata.name ?? "" }
    if (!(yield* Effect.isSuccess(api.get(resource, target)))) yield* api.create(resource, object)
  }
  return yield* api.create(pods, {
    ...recording.manifest,
    metadata: { ...recording.manifest.metadata, namespace }
  })
})

const lines = (statuses: ReadonlyArray<unknown>): ReadonlyArray<string> =>
  distinct(statuses as ReadonlyArray<PodStatus>).map(({ line }) => line)

const statusesOf = (uid: string) =>
  Effect.map(GoldenNode, ({ versions }) => versions(uid).map(({ object }) => object["status"]))

const timesIn = (list: ReadonlyArray<string>, line: string | undefined) => list.filter((it) => it === line).length

interface Began {
  readonly uid: string
  readonly begin: number
}

/**
 * Until the pod has come to look as the recorded one did at that time, and the time has come or it looks otherwise again.
 * What never comes to look so is a difference, and not waited for long.
 */
const until = Effect.fnUntraced(function*(recording: Recording, { begin, uid }: Began, atMs: number) {
  const then = recording.statuses.filter((status) => status.at_ms <= atMs).length
  const recorded = lines(recordedLife(recording).statuses.slice(0, then))
  const wanted = recorded.at(-1)
  yield* Effect.gen(function*() {
    const ours = lines(yield* statusesOf(uid))
    const reached = timesIn(ours, wanted) >= timesIn(recorded, wanted)
    const now = yield* Clock.currentTimeMillis
    if (!reached || (now < begin + atMs && ours.at(-1) === wanted)) return yield* Effect.fail("not yet")
  }).pipe(
    Effect.retry(Schedule.spaced("30 millis").pipe(Schedule.upTo({ duration: `${2 * atMs + 15_000} millis` }))),
    Effect.ignore
  )
})

const lookInside = Effect.fnUntraced(function*(recording: Recording, uid: string) {
  const cri = yield* Cri
  const command = listAt(callsOf(recording, "Exec")[0]?.request, "cmd").map(String)
  const status = (yield* statusesOf(uid)).at(-1)
  const views: Record<string, string> = {}
  for (const name of Object.keys(recording.inside ?? {})) {
    const id = listAt(status, "containerStatuses").flatMap((one) =>
      at(one, "name") === name ? [String(at(one, "containerID")).replace("containerd://", "")] : []
    )[0]
    if (id === undefined || command.length === 0) {
      continue
    }
    // A container that is busy starting may refuse the first time; what the last try says is shown as what was seen.
    views[name] = yield* cri.execSync({ containerId: id, cmd: command, timeout: 10n }).pipe(
      Effect.map(({ stdout }) =>
        Buffer.from(stdout).toString()
      ),
      Effect.retry({ times: 2 }),
      Effect.catch((error) => Effect.succeed(error.message))
    )
  }
  return views
})

const exists = (name: string) =>
  Effect.gen(function*() {
    const api = yield* KubeApi
    return yield* Effect.isSuccess(api.get(pods, { namespace, name }))
  })

const remove = Effect.fnUntraced(function*(name: string) {
  const api = yield* KubeApi
  yield* Effect.exit(api.delete(pods, { namespace, name }))
  yield* Effect.gen(function*() {
    if (yield* exists(name)) return yield* Effect.fail("still there")
  }).pipe(Effect.retry(Schedule.spaced("50 millis").pipe(Schedule.upTo({ duration: "30 seconds" }))), Effect.ignore)
})

/** What nobody needs any more: asked when the pod object is gone, and once more by the caller when dead ones were swept. */
export const leftOf = Effect.fnUntraced(function*(name: string, uid: string) {
  const cri = yield* Cri
  const node = yield* GoldenNode
  const labelSelector = { "io.kubernetes.pod.uid": uid }
  const { containers } = yield* cri.listContainers({ filter: { labelSelector } })
  const { items } = yield* cri.listPodSandbox({ filter: { labelSelector } })
  const folder = join(node.rootDir, "pods", uid)
  const mounts = readFileSync("/proc/self/mounts", "utf8").split("\n").filter((line) => line.includes(folder))
  return [
    ...(yield* exists(name)) ? ["the pod object"] : [],
    ...containers.map(({ metadata }) => `container ${metadata?.name ?? ""}`),
    ...items.map(() => "a sandbox"),
    ...mounts.map((line) => `mount ${line.split(" ")[1]?.replace(folder, "<pod>") ?? ""}`),
    ...existsSync(folder) ? ["its folder"] : [],
    ...cgroupsLeft(node.cgroup, uid).length === 0 ? [] : ["its cgroup"]
  ]
})

const eventsOf = Effect.fnUntraced(function*(uid: string) {
  const api = yield* KubeApi
  const { items } = yield* api.list(events, { namespace })
  return items.filter((event) => at(event, "involvedObject", "uid") === uid).map((event) => ({
    type: String(event["type"]),
    reason: String(event["reason"]),
    message: String(event["message"]),
    fieldPath: String(at(event, "involvedObject", "fieldPath") ?? "")
  }))
})

/** Those of the pod's sandboxes and containers, found by what made them. */
const callsAbout = (calls: GoldenNode["Service"]["calls"], uid: string): Replayed["calls"] => {
  const ids = new Set<unknown>()
  return calls.filter(({ request, response }) => {
    const own = [
      at(request, "config", "metadata", "uid"),
      at(request, "sandbox_config", "metadata", "uid"),
      at(request, "container_id"),
      at(request, "pod_sandbox_id")
    ].some((value) => value === uid || ids.has(value))
    const made = at(response, "pod_sandbox_id") ?? at(response, "container_id")
    if (own && made !== undefined) ids.add(made)
    return own
  })
}

/** Of a pod that has ended, they are about to go: that is waited for, where they were gone in the recording. */
const cgroupsNow = Effect.fnUntraced(function*(recording: Recording, uid: string) {
  const { cgroup } = yield* GoldenNode
  const read = Effect.sync(() => cgroupValues(cgroup, uid))
  if (Object.keys(recording.cgroups ?? {}).length > 0) return yield* read
  return yield* read.pipe(
    Effect.repeat({
      schedule: Schedule.spaced("100 millis").pipe(Schedule.upTo({ duration: "10 seconds" })),
      until: (found) => Object.keys(found).length === 0
    }),
    Effect.andThen(read)
  )
})

export const play = Effect.fn("play")(function*(recording: Recording) {
  const node = yield* GoldenNode
  const name = recording.case
  const begin = yield* Clock.currentTimeMillis
  const uid = (yield* createAll(recording)).metadata.uid ?? ""
  const looks = callsOf(recording, "Exec")
  yield* until(recording, { begin, uid }, looks[0]?.at_ms ?? 0)
  const inside = looks.length === 0 ? {} : yield* lookInside(recording, uid)
  const cgroupsThen = cgroupValues(node.cgroup, uid)
  yield* thenDo(recording)
  const deletedAtMs = recording.deletedAt_ms ?? 0
  yield* until(recording, { begin, uid }, deletedAtMs)
  const cgroups = looks.length === 0 ? yield* cgroupsNow(recording, uid) : cgroupsThen
  const statusesBeforeDeletion = node.versions(uid).length
  yield* remove(name)
  const statuses = yield* statusesOf(uid)
  return {
    uid,
    replayed: {
      calls: callsAbout(node.calls, uid),
      statuses,
      statusesBeforeDeletion,
      events: yield* eventsOf(uid),
      inside,
      cgroups,
      left: [],
      places: [
        [uid, "<uid>"],
        [node.podLogsDir, "/var/log/pods"],
        [node.rootDir, "<dir>/run/kubelet"],
        [node.cgroup, ""],
        [hostDns, "<host-dns>"],
        [String(at(statuses.at(-1), "hostIP") ?? ""), "<host-ip>"]
      ]
    } satisfies Replayed
  }
})
