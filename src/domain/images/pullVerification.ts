/**
 * Whether a pod has to show that it may pull an image that is already there (parity N7, KEP-2535): by policy first, then
 * by what earlier pulls of that image were made with.
 */
import { Result } from "effect"
import { type ImageName, parseImageName, repositoryOf } from "./imageName.ts"
import type { SourcedAuth } from "./keyring.ts"
import { authHash, credentialsUsed, type PullCredentials, type PulledRecord } from "./pullRecords.ts"

export type VerificationPolicy =
  | { readonly kind: "NeverVerify" | "NeverVerifyPreloadedImages" | "AlwaysVerify" }
  | { readonly kind: "NeverVerifyAllowlistedImages"; readonly allowlist: ReadonlyArray<string> }

/** The policy by its name in the configuration, which has been checked. */
export const verificationPolicy = (kind: string, allowlist: ReadonlyArray<string>): VerificationPolicy => {
  if (kind === "NeverVerifyAllowlistedImages") return { kind, allowlist }
  return kind === "NeverVerify" || kind === "AlwaysVerify" ? { kind } : { kind: "NeverVerifyPreloadedImages" }
}

const matchesPattern = (repository: string, pattern: string): boolean =>
  pattern.endsWith("/*") ? repository.startsWith(pattern.slice(0, -1)) : repository === pattern

/** `pulledByAgent`: there is a record of a pull, or of one that was under way. */
export const needsVerification = (policy: VerificationPolicy, name: ImageName, pulledByAgent: boolean): boolean => {
  switch (policy.kind) {
    case "NeverVerify":
      return false
    case "NeverVerifyPreloadedImages":
      return pulledByAgent
    case "NeverVerifyAllowlistedImages":
      return !policy.allowlist.some((pattern) => matchesPattern(repositoryOf(name), pattern))
    case "AlwaysVerify":
      return true
  }
}

/** What is wrong with a pattern of the allow-list: a full name without tag, or the beginning of names with `/*`. */
export const allowlistProblem = (pattern: string): string | undefined => {
  if (pattern !== pattern.trim()) return `leading/trailing spaces are not allowed: ${pattern}`
  const isWildcard = pattern.endsWith("/*")
  const text = isWildcard ? pattern.slice(0, -1) : pattern
  if (text === "") return `the supplied pattern is too short: ${pattern}`
  if (text.includes("*")) {
    return `not a valid wildcard pattern, only patterns ending with '/*' are allowed: ${pattern}`
  }
  if (isWildcard) return text.length === 1 ? "at least registry hostname is required" : undefined
  const parsed = parseImageName(text)
  if (Result.isFailure(parsed)) return `failed to parse as an image name: ${parsed.failure.detail}`
  return repositoryOf(parsed.success) === text
    ? undefined
    : `neither tag nor digest is accepted in an image reference: ${pattern}`
}

/** As the metric names it. */
export type Verdict = "credentialPolicyAllowed" | "credentialRecordFound" | "mustAuthenticate"

export interface Judgement {
  readonly verdict: Verdict
  /** Credentials to remember, too: a secret of another name with the same content, or with new content. */
  readonly learned?: PullCredentials
}

/** More secrets of one image than this are not learned of in passing: namespaces come and go. */
const learnLimit = 100

const allowed: Judgement = { verdict: "credentialPolicyAllowed" }
const found: Judgement = { verdict: "credentialRecordFound" }
const refused: Judgement = { verdict: "mustAuthenticate" }

/** By a secret of the same content, or by the same secret whatever its content is by now. */
const bySecret = (known: PullCredentials, shown: ReadonlyArray<SourcedAuth>): Judgement | undefined => {
  const secrets = known.kubernetesSecrets ?? []
  for (const one of shown) {
    const { source } = one
    if (source._tag !== "Secret") continue
    const hash = authHash(one.auth)
    for (const secret of secrets) {
      const sameHash = secret.credentialHash !== "" && secret.credentialHash === hash
      const sameObject = secret.uid === source.uid && secret.namespace === source.namespace &&
        secret.name === source.name
      if (!sameHash && !sameObject) continue
      const isNews = !(sameHash && sameObject) && secrets.length < learnLimit
      return isNews ? { ...found, learned: credentialsUsed(one) } : found
    }
  }
  return undefined
}

const byAccount = (known: PullCredentials, shown: ReadonlyArray<SourcedAuth>): boolean =>
  shown.some(({ source }) =>
    source._tag === "ServiceAccount" &&
    (known.kubernetesServiceAccounts ?? []).some(({ name, namespace, uid }) =>
      uid === source.uid && namespace === source.namespace && name === source.name
    )
  )

/** `shown`: the pod's own credentials for the image. */
export const judge = (
  policy: VerificationPolicy,
  { intended, name, record, shown }: {
    readonly name: ImageName
    readonly record: PulledRecord | undefined
    /** A pull of this name is under way, or was when the agent last stopped. */
    readonly intended: boolean
    readonly shown: ReadonlyArray<SourcedAuth>
  }
): Judgement => {
  if (!needsVerification(policy, name, record !== undefined || intended)) return allowed
  const repository = repositoryOf(name)
  const known = record !== undefined && Object.hasOwn(record.credentialMapping, repository)
    ? record.credentialMapping[repository]
    : undefined
  if (known === undefined) return refused
  if (known.nodePodsAccessible === true) return found
  return bySecret(known, shown) ?? (byAccount(known, shown) ? found : refused)
}
