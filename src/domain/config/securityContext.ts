/** Who a container runs as and what it may do: the pod's security context under the container's (parity E7–E11). */
import type { MessageInitShape } from "@bufbuild/protobuf"
import { Result } from "effect"
import {
  type LinuxContainerSecurityContextSchema,
  SecurityProfile_ProfileType as ProfileType,
  type SecurityProfileSchema,
  SupplementalGroupsPolicy
} from "../../gen/cri/api_pb.ts"
import type { Container, SecurityContext, SecurityProfile, SELinuxOptions } from "../k8s/container.ts"
import type { Pod } from "../k8s/pod.ts"
import { ContainerConfigError, invalid, podText } from "./configError.ts"
import { maskedPaths, readonlyPaths } from "./maskedPaths.ts"
import { type NamespaceInput, namespaceOptions } from "./namespaces.ts"
import type { NodeSettings } from "./nodeSettings.ts"

type Profile = MessageInitShape<typeof SecurityProfileSchema>
type Outcome<A> = Result.Result<A, ContainerConfigError>

/** The user the image names: a number, or a name that only the runtime can resolve. */
export interface ImageUser {
  readonly uid?: number
  readonly username?: string
}

/** The pod's settings with the container's over them. */
export const effectiveSecurityContext = (pod: Pod, container: Container): SecurityContext => {
  const { seLinuxOptions, runAsUser, runAsGroup, runAsNonRoot } = pod.spec.securityContext ?? {}
  return {
    ...(seLinuxOptions === undefined ? {} : { seLinuxOptions }),
    ...(runAsUser === undefined ? {} : { runAsUser }),
    ...(runAsGroup === undefined ? {} : { runAsGroup }),
    ...(runAsNonRoot === undefined ? {} : { runAsNonRoot }),
    ...container.securityContext
  }
}

const runsAsRoot = (detail: string) => Result.fail(new ContainerConfigError({ problem: "RunAsRoot", detail }))

/** Refuses root where the pod promises not to be root, and names that might mean root. */
export const checkNonRoot = (pod: Pod, container: Container, user: ImageUser): Outcome<void> => {
  const { runAsNonRoot, runAsUser } = effectiveSecurityContext(pod, container)
  const where = `(pod: "${podText(pod)}", container: ${container.name})`
  if (runAsNonRoot !== true) return Result.succeed(undefined)
  if (runAsUser !== undefined) {
    return runAsUser === 0
      ? runsAsRoot(`container's runAsUser breaks non-root policy ${where}`)
      : Result.succeed(undefined)
  }
  if (user.uid === 0) return runsAsRoot(`container has runAsNonRoot and image will run as root ${where}`)
  if (user.uid === undefined && user.username !== undefined && user.username !== "") {
    return runsAsRoot(
      `container has runAsNonRoot and image has non-numeric user (${user.username}), ` +
        `cannot verify user is non-root ${where}`
    )
  }
  return Result.succeed(undefined)
}

const runtimeDefault: Profile = { profileType: ProfileType.RuntimeDefault }
const unconfined: Profile = { profileType: ProfileType.Unconfined }

const seccompOf = (pod: Pod, container: Container, node: NodeSettings): Outcome<Profile> => {
  const profile = container.securityContext?.seccompProfile ?? pod.spec.securityContext?.seccompProfile
  if (profile === undefined) return Result.succeed(node.seccompDefault ? runtimeDefault : unconfined)
  if (profile.type === "RuntimeDefault") return Result.succeed(runtimeDefault)
  if (profile.type !== "Localhost") return Result.succeed(unconfined)
  return profile.localhostProfile === undefined || profile.localhostProfile === ""
    ? Result.fail(invalid("localhostProfile must be set if seccompProfile type is Localhost."))
    : Result.succeed({
      profileType: ProfileType.Localhost,
      localhostRef: `${node.rootDir}/seccomp/${profile.localhostProfile}`
    })
}

const appArmorAnnotation = "container.apparmor.security.beta.kubernetes.io/"

/** The field of the container, of the pod, or the annotation that came before both. */
export const appArmorProfile = (pod: Pod, container: Container): SecurityProfile | undefined => {
  const field = container.securityContext?.appArmorProfile
  if (field !== undefined) return field
  const legacy = pod.metadata.annotations?.[appArmorAnnotation + container.name]
  if (legacy === undefined || legacy === "") return pod.spec.securityContext?.appArmorProfile
  if (legacy === "runtime/default") return { type: "RuntimeDefault" }
  if (legacy === "unconfined") return { type: "Unconfined" }
  return { type: "Localhost", localhostProfile: legacy.replace(/^localhost\//, "") }
}

type ContextInit = MessageInitShape<typeof LinuxContainerSecurityContextSchema>

/** Both the field and the deprecated text, which older runtimes read. */
const appArmorFields = (profile: SecurityProfile | undefined): Pick<ContextInit, "apparmor" | "apparmorProfile"> => {
  if (profile === undefined) return {}
  if (profile.type === "RuntimeDefault") return { apparmor: runtimeDefault, apparmorProfile: "runtime/default" }
  if (profile.type === "Unconfined") return { apparmor: unconfined, apparmorProfile: "unconfined" }
  const name = profile.localhostProfile ?? ""
  return {
    apparmor: { profileType: ProfileType.Localhost, localhostRef: name },
    apparmorProfile: `localhost/${name}`
  }
}

export const seLinuxInit = ({ user = "", role = "", type = "", level = "" }: SELinuxOptions) => ({
  user,
  role,
  type,
  level
})

/** fsGroup first, then the groups of mounted volumes, then what the pod lists. */
export const supplementalGroups = (pod: Pod, volumeGroups: ReadonlyArray<number>): ReadonlyArray<bigint> => {
  const { fsGroup, supplementalGroups: listed = [] } = pod.spec.securityContext ?? {}
  return [...(fsGroup === undefined ? [] : [fsGroup]), ...volumeGroups, ...listed].map(BigInt)
}

export const groupsPolicy = (pod: Pod): SupplementalGroupsPolicy =>
  pod.spec.securityContext?.supplementalGroupsPolicy === "Strict"
    ? SupplementalGroupsPolicy.Strict
    : SupplementalGroupsPolicy.Merge

const userFields = (
  runAsUser: number | undefined,
  user: ImageUser
): Pick<ContextInit, "runAsUser" | "runAsUsername"> => {
  const uid = runAsUser ?? user.uid
  if (uid !== undefined) return { runAsUser: { value: BigInt(uid) } }
  return user.username === undefined ? {} : { runAsUsername: user.username }
}

/** The whole security context of a container for the runtime. */
export const containerSecurityContext = (input: {
  readonly pod: Pod
  readonly container: Container
  readonly node: NodeSettings
  readonly user: ImageUser
  readonly namespaces: NamespaceInput
  readonly volumeGroups: ReadonlyArray<number>
}): Outcome<ContextInit> => {
  const { pod, container, node, user } = input
  const effective = effectiveSecurityContext(pod, container)
  const { capabilities, seLinuxOptions, runAsGroup, procMount } = effective
  return Result.map(seccompOf(pod, container, node), (seccomp): ContextInit => ({
    ...(capabilities === undefined ? {} : {
      capabilities: { addCapabilities: [...capabilities.add ?? []], dropCapabilities: [...capabilities.drop ?? []] }
    }),
    privileged: effective.privileged ?? false,
    namespaceOptions: namespaceOptions(pod, input.namespaces),
    ...(seLinuxOptions === undefined ? {} : { selinuxOptions: seLinuxInit(seLinuxOptions) }),
    ...userFields(effective.runAsUser, user),
    ...(runAsGroup === undefined ? {} : { runAsGroup: { value: BigInt(runAsGroup) } }),
    readonlyRootfs: effective.readOnlyRootFilesystem ?? false,
    supplementalGroups: [...supplementalGroups(pod, input.volumeGroups)],
    supplementalGroupsPolicy: groupsPolicy(pod),
    noNewPrivs: effective.allowPrivilegeEscalation === false,
    maskedPaths: [...maskedPaths(procMount, node.thermalThrottlePaths)],
    readonlyPaths: [...readonlyPaths(procMount)],
    seccomp,
    ...appArmorFields(appArmorProfile(pod, container))
  }))
}
