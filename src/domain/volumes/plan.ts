/**
 * One pod's volumes: from what is wanted, what lies on the node and what was tried, to what is to be done next. A
 * volume's operations are serial; different volumes go on beside each other. Nothing here is lost by a crash: what is
 * mounted is read from the node, the rest of the memory only paces retries.
 */
import { Data } from "effect"
import { claimSize, expansionStep } from "../csi/expansion.ts"
import type { VolumeView } from "../pod/model.ts"
import { type Wait, waitLeftMs } from "../waits.ts"
import { retryDelayMs } from "./backoff.ts"
import type { ClaimUse, Desired, DesiredVolume } from "./desired.ts"
import { type Payload, Supply } from "./payload.ts"
import { blockDevicesDir, mountsToRemove, pluginsDir, subPathsDir, volumesDir } from "./volumePaths.ts"

/** A directory (or, of a block volume, a link) below the pod's folder that belongs to a volume. */
export interface FoundVolume {
  readonly plugin: string
  readonly specName: string
  readonly path: string
  readonly block: boolean
}

/** What lies on the node for one pod. */
export interface FoundVolumes {
  readonly volumes: ReadonlyArray<FoundVolume>
  /** Mounts anywhere below the pod's folder, in mount order. */
  readonly mounts: ReadonlyArray<{ readonly mountPoint: string }>
  /** The folders that hold volumes, subpaths and markers exist, at least one of them. */
  readonly leftovers: boolean
}

export type VolumeAction = Data.TaggedEnum<{
  /** Reads the claims of which it is not known yet what lies behind them. */
  ReadClaims: { readonly claims: ReadonlyArray<ClaimUse> }
  /** Makes the volume usable, or brings what it shows up to date. Repeating it is harmless. */
  SetUp: { readonly volume: DesiredVolume; readonly payload: Payload | undefined; readonly version: string }
  /** Makes a volume in use larger; `reached`: the size it is known to have. */
  Expand: { readonly volume: DesiredVolume; readonly capacity: string; readonly reached: string | undefined }
  /** Gives up what is under way for a pod that nobody wants any more. */
  Cancel: { readonly lane: string }
  /** Unmounts the subpaths of all containers, innermost first, and removes their places. */
  TearDownSubPaths: { readonly mounts: ReadonlyArray<string> }
  /** Unmounts the volume and removes its place, and its content where the volume ends with the pod. */
  TearDown: { readonly volume: FoundVolume; readonly mounts: ReadonlyArray<string> }
  /** Removes the empty folders and the markers. */
  RemoveFolders: {}
}>
export const VolumeAction = Data.taggedEnum<VolumeAction>()

/** Something failed, so many times in a row for the same reason. */
export interface VolumeFailure {
  readonly message: string
  readonly failures: number
  /** When it last did. */
  readonly atMs: number
  /** What the set-up tried to bring in place; another version need not wait. Undefined: its content could not be had. */
  readonly version: string | undefined
}

export interface VolumeMemory {
  /** Version of the content that is in place; the volume is up. For the lane of its growth: the size it has. */
  readonly version?: string
  readonly failure?: VolumeFailure
  readonly busy?: VolumeAction["_tag"]
}

export interface VolumesMemory {
  /** By lane: see `laneOf`. */
  readonly lanes: Readonly<Record<string, VolumeMemory>>
  /** When the volumes were first wanted. */
  readonly sinceMs: number
  /** When claims were last read. */
  readonly claimsReadAtMs?: number
}

export interface VolumesInput {
  readonly rootDir: string
  readonly uid: string
  /** Undefined: all is to go. */
  readonly desired: Desired | undefined
  /** Of content volumes, by volume name. */
  readonly supplies: ReadonlyMap<string, Supply>
  /** Needed only when all is to go. */
  readonly found: FoundVolumes
  readonly memory: VolumesMemory
  /** How old the reading of a claim whose volume may grow may become. */
  readonly claimsAgeMs: number
  readonly nowMs: number
}

export interface VolumesPlan {
  readonly actions: ReadonlyArray<VolumeAction>
  /** Failures found without an action, for events: those of content that cannot be had. */
  readonly failures: ReadonlyArray<{ readonly volume: DesiredVolume; readonly message: string }>
  readonly memory: VolumesMemory
  readonly wakeAtMs: number | undefined
  readonly view: VolumeView
  /** Names of the volumes that are up. */
  readonly up: ReadonlySet<string>
  /** All is gone. */
  readonly released: boolean
}

/** How long a pod's volumes may take before users are told (parity I1). */
const patienceMs = 123_000

/**
 * Operations of one lane never overlap. Taking down has lanes of its own: it begins only when no set-up is under way, and
 * a set-up that failed is no reason to wait.
 */
export const laneOf = (action: VolumeAction): string =>
  VolumeAction.$match(action, {
    ReadClaims: () => "claims",
    SetUp: ({ volume }) => setUpLane(volume),
    Expand: ({ volume }) => growthLane(volume),
    Cancel: ({ lane }) => lane,
    TearDown: ({ volume }) => `down/${volume.path}`,
    TearDownSubPaths: () => "subpaths",
    RemoveFolders: () => "folders"
  })

const setUpLane = (volume: DesiredVolume): string => `up/${volume.specName}`

const growthLane = (volume: DesiredVolume): string => `grow/${volume.specName}`

const versionOf = (action: VolumeAction): string =>
  action._tag === "SetUp" ? action.version : action._tag === "Expand" ? action.capacity : ""

const retryWait = ({ atMs, failures }: VolumeFailure): Wait => ({ sinceMs: atMs, lengthMs: retryDelayMs(failures) })

class Draft {
  readonly actions: Array<VolumeAction> = []
  readonly lanes: Record<string, VolumeMemory>
  wakeAtMs: number | undefined

  constructor(memory: VolumesMemory) {
    this.lanes = { ...memory.lanes }
  }

  /** True while the wait lasts; then a look at its end is asked for. */
  waitsFor(wait: Wait, nowMs: number): boolean {
    const leftMs = waitLeftMs(wait, nowMs)
    if (leftMs > 0) this.wakeAtMs = Math.min(this.wakeAtMs ?? Number.POSITIVE_INFINITY, nowMs + leftMs)
    return leftMs > 0
  }

  /** Starts the action unless its lane is busy, or the very same has failed a moment ago. */
  start(action: VolumeAction, nowMs: number): void {
    const lane = laneOf(action)
    const memory = this.lanes[lane] ?? {}
    if (memory.busy !== undefined) return
    const { failure } = memory
    if (failure?.version === versionOf(action) && this.waitsFor(retryWait(failure), nowMs)) return
    this.lanes[lane] = { ...memory, busy: action._tag }
    this.actions.push(action)
  }
}

const failureAfter = (
  { failure: last }: VolumeMemory,
  now: Omit<VolumeFailure, "failures">
): VolumeFailure => ({ ...now, failures: 1 + (last?.version === now.version ? last?.failures ?? 0 : 0) })

/** `reached` of an `Expand`: there is nothing more to do for that size. */
export interface Outcome {
  readonly failure?: string
  readonly reached?: boolean
  readonly nowMs: number
}

/** The memory after an action ended: with a message when it failed. */
export const settle = (memory: VolumesMemory, action: VolumeAction, outcome: Outcome): VolumesMemory => {
  const lane = laneOf(action)
  const before = memory.lanes[lane] ?? {}
  const { busy: _, failure: __, ...rest } = before
  const lasts = action._tag === "SetUp" || (action._tag === "Expand" && outcome.reached === true)
  const done = lasts ? { ...rest, version: versionOf(action) } : rest
  const next = outcome.failure === undefined
    ? done
    : {
      ...rest,
      failure: failureAfter(before, { message: outcome.failure, version: versionOf(action), atMs: outcome.nowMs })
    }
  const read = action._tag === "ReadClaims" ? { claimsReadAtMs: outcome.nowMs } : {}
  return { ...memory, ...read, lanes: { ...memory.lanes, [lane]: next } }
}

/** The memory after what ran in the lane was given up half-way: nothing is known but that it runs no more. */
export const abandon = (memory: VolumesMemory, lane: string): VolumesMemory => {
  const { busy: _, ...rest } = memory.lanes[lane] ?? {}
  return { ...memory, lanes: { ...memory.lanes, [lane]: rest } }
}

const goList = (names: ReadonlyArray<string>): string => `[${names.join(" ")}]`

const viewOf = (input: VolumesInput, desired: Desired, up: ReadonlySet<string>, draft: Draft): VolumeView => {
  const names = [
    ...desired.volumes.map(({ name }) => name),
    ...desired.unprocessed.map(({ name }) => name),
    ...desired.pending
  ]
  const missing = names.filter((name) => !up.has(name)).sort()
  if (missing.length === 0) return { ready: true, message: "" }
  const [unprocessed] = desired.unprocessed
  const patience = { sinceMs: input.memory.sinceMs, lengthMs: patienceMs }
  if (unprocessed === undefined && draft.waitsFor(patience, input.nowMs)) return { ready: false, message: "" }
  const parts = [
    `unmounted volumes=${goList(missing)}`,
    "unattached volumes=[]",
    `failed to process volumes=${goList(desired.unprocessed.map(({ name }) => name))}`
  ]
  const cause = unprocessed?.message ?? "context deadline exceeded"
  return { ready: false, message: `Unable to attach or mount volumes: ${parts.join(", ")}: ${cause}` }
}

interface Complaint {
  readonly volume: DesiredVolume
  readonly message: string
}

/** Content that is in place stays when what it came from goes away; users hear of it again and again (parity I20). */
const complain = (draft: Draft, volume: DesiredVolume, message: string, nowMs: number): ReadonlyArray<Complaint> => {
  const lane = setUpLane(volume)
  const memory = draft.lanes[lane] ?? {}
  const known = memory.failure?.message === message ? memory.failure : undefined
  if (known !== undefined && draft.waitsFor(retryWait(known), nowMs)) return []
  const failure = failureAfter(memory, { message, version: undefined, atMs: nowMs })
  draft.lanes[lane] = { ...memory, failure }
  draft.waitsFor(retryWait(failure), nowMs)
  return [{ volume, message }]
}

const fixed: Supply = Supply.Ready({ payload: new Map(), version: "" })

/** One volume: set it up, bring it up to date, or say why not. */
const advance = (draft: Draft, volume: DesiredVolume, input: VolumesInput): ReadonlyArray<Complaint> => {
  const hasContent = volume.source._tag === "Content"
  const supply = hasContent ? input.supplies.get(volume.name) ?? Supply.Waiting() : fixed
  const memory = draft.lanes[setUpLane(volume)] ?? {}
  if (supply._tag === "Waiting" || memory.busy !== undefined) return []
  if (supply._tag === "Failed") return complain(draft, volume, supply.message, input.nowMs)
  const { payload, version } = supply
  if (memory.version === version && memory.failure === undefined) return []
  draft.start(VolumeAction.SetUp({ volume, payload: hasContent ? payload : undefined, version }), input.nowMs)
  return []
}

/** Claims that are not known yet are read at once, those whose volumes may grow when their time has come. */
const readClaims = (draft: Draft, desired: Desired, { claimsAgeMs, memory, nowMs }: VolumesInput): void => {
  const young = { sinceMs: memory.claimsReadAtMs ?? nowMs, lengthMs: claimsAgeMs }
  const due = desired.growing.length > 0 && !draft.waitsFor(young, nowMs)
  const claims = [...desired.unread, ...(due ? desired.growing : [])]
  if (claims.length > 0) draft.start(VolumeAction.ReadClaims({ claims }), nowMs)
}

/** A volume that is up and smaller than it should be is made larger under its pod (parity I18). */
const grow = (draft: Draft, volume: DesiredVolume, nowMs: number): void => {
  const { growth } = volume
  const memory = draft.lanes[setUpLane(volume)]
  if (growth === undefined || memory?.version === undefined || memory.busy !== undefined) return
  const lane = growthLane(volume)
  const known = draft.lanes[lane] ?? {}
  // What the claim says at first is what the volume was mounted with; later its word may be another node's doing.
  const reached = known.version ?? claimSize(growth.claim)
  if (reached !== undefined) draft.lanes[lane] = { ...known, version: reached }
  const step = expansionStep(growth, reached, volume)
  if (step._tag === "Done" || step._tag === "Wait") return
  draft.start(VolumeAction.Expand({ volume, capacity: growth.capacity, reached }), nowMs)
}

const planWanted = (input: VolumesInput, desired: Desired): VolumesPlan => {
  const draft = new Draft(input.memory)
  readClaims(draft, desired, input)
  const failures = desired.volumes.flatMap((volume) => advance(draft, volume, input))
  const up = new Set(
    desired.volumes.filter((volume) => draft.lanes[setUpLane(volume)]?.version !== undefined).map(({ name }) => name)
  )
  for (const volume of desired.volumes) grow(draft, volume, input.nowMs)
  const view = viewOf(input, desired, up, draft)
  const memory = { ...input.memory, lanes: draft.lanes }
  return { actions: draft.actions, failures, memory, wakeAtMs: draft.wakeAtMs, view, up, released: false }
}

/** Subpaths first (they hold the volumes busy), then the volumes, then the folders. */
const takeDown = (draft: Draft, { found, nowMs, rootDir, uid }: VolumesInput): void => {
  const subPaths = mountsToRemove(found.mounts, subPathsDir(rootDir, uid))
  if (subPaths.length > 0) return draft.start(VolumeAction.TearDownSubPaths({ mounts: subPaths }), nowMs)
  for (const volume of found.volumes) {
    const mounts = mountsToRemove(found.mounts, volume.path)
    draft.start(VolumeAction.TearDown({ volume, mounts }), nowMs)
  }
  if (found.volumes.length === 0 && found.leftovers) draft.start(VolumeAction.RemoveFolders(), nowMs)
}

/** What is done for pods that are wanted. */
const making: ReadonlySet<string> = new Set<VolumeAction["_tag"]>(["SetUp", "ReadClaims", "Expand"])

const isIdle = ({ lanes }: Draft): boolean => Object.values(lanes).every(({ busy }) => busy === undefined)

const planRelease = (input: VolumesInput): VolumesPlan => {
  const draft = new Draft(input.memory)
  const underWay = Object.entries(draft.lanes).filter(([, { busy }]) => busy !== undefined && making.has(busy))
  for (const [lane] of underWay) draft.actions.push(VolumeAction.Cancel({ lane }))
  if (underWay.length === 0) takeDown(draft, input)
  const { leftovers, volumes } = input.found
  return {
    actions: draft.actions,
    failures: [],
    memory: { ...input.memory, lanes: draft.lanes },
    wakeAtMs: draft.wakeAtMs,
    view: { ready: false, message: "" },
    up: new Set(),
    // A lane may outlast its volume's place: a driver unstages after that, and who is released waits for nobody.
    released: isIdle(draft) && volumes.length === 0 && !leftovers
  }
}

/** Patience began before the clock was set back: it begins anew, because nothing ends it but its time. */
const withPatience = (memory: VolumesMemory, nowMs: number): VolumesMemory =>
  memory.sinceMs > nowMs ? { ...memory, sinceMs: nowMs } : memory

export const planVolumes = (input: VolumesInput): VolumesPlan =>
  input.desired === undefined
    ? planRelease(input)
    : planWanted({ ...input, memory: withPatience(input.memory, input.nowMs) }, input.desired)

/** Folders of a pod that exist for its volumes alone. */
export const volumeFolders = (rootDir: string, uid: string): ReadonlyArray<string> => [
  subPathsDir(rootDir, uid),
  volumesDir(rootDir, uid),
  blockDevicesDir(rootDir, uid),
  pluginsDir(rootDir, uid)
]
