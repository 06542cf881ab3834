/** A pod's life in the form in which a recording and a replay of it are compared. */
import type { PodStatus } from "../../../src/domain/k8s/podStatus.ts"
import type { RecordedEvent, Recording } from "../recording.ts"
import type { Replayed } from "../replayed.ts"
import { alike, alikeText, at, type Json, listAt, podAddress, type Replacement } from "./alike.ts"

export interface Call {
  readonly method: string
  readonly request: unknown
}

export interface Life {
  readonly calls: ReadonlyArray<Call>
  readonly statuses: ReadonlyArray<PodStatus>
  readonly beforeDeletion: unknown
  readonly final: unknown
  readonly events: ReadonlyArray<string>
  readonly inside: Readonly<Record<string, string>>
  readonly cgroups: Readonly<Record<string, Json>>
}

const changing: ReadonlySet<string> = new Set([
  "RunPodSandbox",
  "PullImage",
  "CreateContainer",
  "StartContainer",
  "ExecSync",
  "StopContainer",
  "StopPodSandbox",
  "UpdateContainerResources",
  "UpdatePodSandboxResources"
])

/** Bytes are base64 in JSON; what they say is compared, in an order of its own, for Go's is that of a hash map. */
const readableEnv = (request: unknown): unknown => {
  const config = at(request, "config")
  const envs = listAt(config, "envs")
  if (envs.length === 0) return request
  const read = envs.map((env) => ({
    key: String(at(env, "key")),
    value: Buffer.from(String(at(env, "value") ?? ""), "base64").toString()
  }))
  const sorted = read.toSorted((a, b) => a.key < b.key ? -1 : 1)
  return { ...Object(request), config: { ...Object(config), envs: sorted } }
}

/** The sandbox's own configuration is sent again with each container; it has been compared once. */
const withoutSandbox = (request: unknown): unknown => {
  const { sandbox_config: _, ...rest } = { ...Object(request) }
  return rest
}

const eventText = ({ fieldPath, message, reason, type }: RecordedEvent): string =>
  `${type} ${reason}${fieldPath === undefined || fieldPath === "" ? "" : ` (${fieldPath})`}: ${message}`

interface Raw {
  readonly calls: ReadonlyArray<Call>
  readonly statuses: ReadonlyArray<unknown>
  readonly beforeDeletion: number
  readonly events: ReadonlyArray<RecordedEvent>
  readonly inside: Readonly<Record<string, unknown>>
  readonly cgroups: Readonly<Record<string, Json>>
}

const lifeOf = (raw: Raw, replacements: ReadonlyArray<Replacement>): Life => {
  const statuses = raw.statuses.map((status) => alike(status, replacements)) as ReadonlyArray<PodStatus>
  return {
    calls: raw.calls
      .filter(({ method }) => changing.has(method))
      .map(({ method, request }) => ({
        method,
        request: alike(readableEnv(withoutSandbox(request)), replacements)
      })),
    statuses,
    beforeDeletion: statuses[raw.beforeDeletion - 1],
    final: statuses.at(-1),
    events: raw.events.map((event) => alikeText(eventText(event), replacements)),
    inside: Object.fromEntries(
      Object.entries(raw.inside).map(([name, view]) => [name, alikeText(String(view), replacements)])
    ),
    cgroups: Object.fromEntries(
      Object.entries(raw.cgroups).map(([path, files]) => [alikeText(path, replacements), files])
    )
  }
}

const imagesOf = ({ manifest }: Recording): ReadonlySet<unknown> =>
  new Set(
    ["containers", "initContainers"].flatMap((field) =>
      listAt(manifest.spec, field).map((container) => at(container, "image"))
    )
  )

/** The proxy logged every pod of the node: static ones, and what was left of earlier ones. */
const isAbout = (recording: Recording) => {
  const images = imagesOf(recording)
  return ({ method, request }: Call): boolean =>
    method === "PullImage"
      ? images.has(at(request, "image", "image"))
      : method === "RunPodSandbox"
      ? at(request, "config", "metadata", "name") === recording.case
      : /^<(sandbox|container)-/.test(String(at(request, "container_id") ?? at(request, "pod_sandbox_id")))
}

export const recordedLife = (recording: Recording): Life => {
  const statuses = recording.statuses.map(({ status }) => status)
  const deletedAtMs = recording.deletedAt_ms ?? Number.POSITIVE_INFINITY
  return lifeOf({
    calls: recording.calls.filter(isAbout(recording)),
    statuses,
    beforeDeletion: recording.statuses.filter(({ at_ms }) => at_ms <= deletedAtMs).length,
    events: recording.events,
    inside: Object.fromEntries(
      Object.entries(recording.inside ?? {}).filter(([name]) => !name.startsWith("then: "))
    ),
    cgroups: recording.cgroups ?? {}
    // In variables the recorded node's address was left as it was.
  }, [["192.0.2.2", "<host-ip>"], ...podAddress(statuses)])
}

export const replayedLife = (replayed: Replayed): Life =>
  lifeOf({ ...replayed, beforeDeletion: replayed.statusesBeforeDeletion }, [
    ...namesOfIds(replayed.calls),
    ...replayed.places,
    ...podAddress(replayed.statuses)
  ])

/** Sandboxes by their order, containers by name and attempt, as the recordings name them. */
const namesOfIds = (calls: Replayed["calls"]): ReadonlyArray<Replacement> => {
  let sandboxes = 0
  return calls.flatMap(({ method, request, response }): ReadonlyArray<Replacement> => {
    const sandbox = at(response, "pod_sandbox_id")
    if (method === "RunPodSandbox" && typeof sandbox === "string") return [[sandbox, `<sandbox-${sandboxes++}>`]]
    const container = at(response, "container_id")
    if (method !== "CreateContainer" || typeof container !== "string") return []
    const metadata = at(request, "config", "metadata")
    return [[container, `<container-${String(at(metadata, "name"))}-${String(at(metadata, "attempt") ?? 0)}>`]]
  })
}
