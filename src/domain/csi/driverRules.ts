/** What a CSIDriver object says of its driver, and what holds for a driver without one (parity J5). */
import type { Pod } from "../k8s/pod.ts"
import type { CSIDriver } from "../k8s/storage.ts"
import type { DesiredVolume } from "../volumes/desired.ts"

export interface DriverRules {
  readonly attachRequired: boolean
  readonly podInfoOnMount: boolean
  readonly lifecycleModes: ReadonlyArray<string>
  readonly fsGroupPolicy: string
  readonly tokenRequests: ReadonlyArray<{ readonly audience: string; readonly expirationSeconds: number | undefined }>
  readonly tokensInSecrets: boolean
  readonly requiresRepublish: boolean
  /** How often the limit of volumes is asked for; undefined: only when the driver registers. */
  readonly allocatableUpdateMs: number | undefined
}

/** The API server allows no less. */
const leastUpdateMs = 10_000

/** `undefined`: the driver has no such object. */
export const driverRules = (object: CSIDriver | undefined): DriverRules => {
  const {
    attachRequired = true,
    fsGroupPolicy = "ReadWriteOnceWithFSType",
    nodeAllocatableUpdatePeriodSeconds: seconds,
    podInfoOnMount = false,
    requiresRepublish = false,
    serviceAccountTokenInSecrets = false,
    tokenRequests = [],
    volumeLifecycleModes = ["Persistent"]
  } = object?.spec ?? {}
  return {
    attachRequired,
    podInfoOnMount,
    lifecycleModes: volumeLifecycleModes.length === 0 ? ["Persistent"] : volumeLifecycleModes,
    fsGroupPolicy,
    tokenRequests: tokenRequests.map(({ audience = "", expirationSeconds }) => ({ audience, expirationSeconds })),
    tokensInSecrets: serviceAccountTokenInSecrets,
    requiresRepublish,
    allocatableUpdateMs: seconds === undefined ? undefined : Math.max(seconds * 1000, leastUpdateMs)
  }
}

export type LifecycleMode = "Persistent" | "Ephemeral"

/** Why the driver does not serve volumes of this kind; undefined when it does. */
export const lifecycleProblem = (rules: DriverRules, mode: LifecycleMode, driver: string): string | undefined =>
  rules.lifecycleModes.includes(mode)
    ? undefined
    : `volume mode "${mode}" not supported by driver ${driver} (only supports [${
      rules.lifecycleModes.map((one) => `"${one}"`).join(" ")
    }])`

/** Told to drivers that ask for it. */
export const podInfo = (rules: DriverRules, pod: Pod, mode: LifecycleMode): Readonly<Record<string, string>> =>
  rules.podInfoOnMount
    ? {
      "csi.storage.k8s.io/pod.name": pod.metadata.name,
      "csi.storage.k8s.io/pod.namespace": pod.metadata.namespace,
      "csi.storage.k8s.io/pod.uid": pod.metadata.uid,
      "csi.storage.k8s.io/serviceAccount.name": pod.spec.serviceAccountName ?? "",
      "csi.storage.k8s.io/ephemeral": mode === "Ephemeral" ? "true" : "false"
    }
    : {}

export const tokensKey = "csi.storage.k8s.io/serviceAccount.tokens"

export interface IssuedToken {
  readonly audience: string
  readonly token: string
  readonly expirationTimestamp: string
}

export const tokensText = (tokens: ReadonlyArray<IssuedToken>): string =>
  JSON.stringify(
    Object.fromEntries(
      tokens.map(({ audience, expirationTimestamp, token }) => [audience, { token, expirationTimestamp }])
    )
  )

/**
 * Whether the agent gives the volume's files to the pod's fsGroup itself. A driver that can mount for a group
 * (VOLUME_MOUNT_GROUP) is told the group instead.
 */
export const ownsByGroup = (
  rules: DriverRules,
  volume: Pick<DesiredVolume, "readOnly" | "source">,
  fsGroup: number | undefined
): boolean => {
  if (fsGroup === undefined || volume.readOnly || rules.fsGroupPolicy === "None") return false
  if (rules.fsGroupPolicy === "File") return true
  const { source } = volume
  // Only a file system of one node can be changed without others seeing it.
  if (source._tag === "CsiInline") return (source.source.fsType ?? "") !== ""
  if (source._tag !== "Csi" || (source.source.fsType ?? "") === "") return false
  return source.accessModes.some((mode) => mode === "ReadWriteOnce" || mode === "ReadWriteOncePod")
}
