/** What a `kubeffect kubelet …` command line asks for: options, settings of configuration fields, and things to say. */
import { Result, Schema } from "effect"
import { parseGoDuration } from "../../domain/kubeletConfig/goDuration.ts"
import type { FieldSetting } from "../../domain/kubeletConfig/layering.ts"
import { nodeLabelProblems } from "../../domain/kubeletConfig/nodeLabels.ts"
import { kubeletFlags, type OptionName, optionsWithoutEffect } from "./flagTable.ts"
import { flagValue } from "./flagValues.ts"

/** The command line cannot be followed. */
export class UsageError extends Schema.TaggedError<UsageError>()("UsageError", { problem: Schema.String }) {
  override get message(): string {
    return this.problem
  }
}

/** Settings that only the command line has. Empty text means not given. */
export interface KubeletOptions {
  readonly config: string
  readonly configDir: string
  readonly kubeconfig: string
  readonly bootstrapKubeconfig: string
  readonly hostnameOverride: string
  readonly nodeIps: ReadonlyArray<string>
  readonly certDir: string
  readonly rootDir: string
  readonly externalCloud: boolean
  readonly nodeLabels: Readonly<Record<string, string>>
  readonly lockFile: string
  readonly exitOnLockContention: boolean
  readonly imageCredentialProviderConfig: string
  readonly imageCredentialProviderBinDir: string
  readonly runtimeCgroups: string
  readonly minimumContainerTtlMs: number
  readonly maximumDeadContainersPerContainer: number
  readonly maximumDeadContainers: number
  readonly registerSchedulable: boolean
  /** Who makes the networks of pods. */
  readonly networkMode: "runtime" | "agent"
}

export interface Invocation {
  readonly options: KubeletOptions
  readonly settings: ReadonlyArray<FieldSetting>
  /** Flags given that have no effect, one sentence each. */
  readonly warnings: ReadonlyArray<string>
}

type Values = Partial<Record<OptionName, unknown>>

/** From the texts that each flag was given; flags that were not given are absent or have none. */
export const invocation = (
  given: Readonly<Record<string, ReadonlyArray<string>>>
): Result.Result<Invocation, UsageError> => {
  const values: Values = {}
  const settings: Array<FieldSetting> = []
  const warnings: Array<string> = []
  for (const row of kubeletFlags) {
    const texts = given[row.name] ?? []
    if (texts.length === 0) continue
    const value = flagValue(row, texts)
    if (Result.isFailure(value)) return Result.fail(new UsageError({ problem: value.failure }))
    switch (row.target._tag) {
      case "Option":
        values[row.target.option] = value.success
        warnings.push(...idleOption(row.name, row.target.option))
        break
      case "Field":
        // Gates of the file survive flags that name others (parity A1).
        settings.push({ path: row.target.path, value: value.success, addsToMap: row.type === "switchMap" })
        break
      case "Ignored":
        warnings.push(`--${row.name} has no effect: ${row.target.why}`)
    }
  }
  return Result.map(optionsFrom(values), (options) => ({ options, settings, warnings }))
}

const idleOption = (flag: string, option: OptionName): ReadonlyArray<string> => {
  const why = optionsWithoutEffect[option]
  return why === undefined ? [] : [`--${flag} has no effect: ${why}`]
}

const text = (value: unknown, otherwise = ""): string => typeof value === "string" ? value : otherwise
const number = (value: unknown, otherwise: number): number => typeof value === "number" ? value : otherwise
const isRecord = (value: unknown): value is Record<string, string> => typeof value === "object" && value !== null

const optionsFrom = (values: Values): Result.Result<KubeletOptions, UsageError> => {
  const fail = (problem: string) => Result.fail(new UsageError({ problem }))
  const cloudProvider = text(values.cloudProvider)
  if (cloudProvider !== "" && cloudProvider !== "external") {
    return fail(`unknown cloud provider "${cloudProvider}" for "--cloud-provider" flag: only external is left`)
  }
  const nodeLabels = isRecord(values.nodeLabels) ? values.nodeLabels : {}
  const labelProblems = nodeLabelProblems(nodeLabels)
  if (labelProblems.length > 0) return fail(`--node-labels: ${labelProblems.join("; ")}`)
  const nodeIps = text(values.nodeIp).split(",").map((ip) => ip.trim()).filter((ip) => ip !== "")
  if (nodeIps.length > 2) return fail(`--node-ip takes one address, or an IPv4 and an IPv6 address`)
  if (text(values.bootstrapKubeconfig) !== "" && text(values.kubeconfig) === "") {
    return fail("--bootstrap-kubeconfig needs --kubeconfig")
  }
  if (values.exitOnLockContention === true && text(values.lockFile) === "") {
    return fail("--exit-on-lock-contention needs --lock-file")
  }
  const networkMode = text(values.networkMode, "runtime")
  if (networkMode !== "runtime" && networkMode !== "agent") {
    return fail(`--network-mode is runtime or agent, not "${networkMode}"`)
  }

  const rootDir = text(values.rootDir) || "/var/lib/kubelet"
  return Result.succeed({
    config: text(values.config),
    configDir: text(values.configDir),
    kubeconfig: text(values.kubeconfig),
    bootstrapKubeconfig: text(values.bootstrapKubeconfig),
    hostnameOverride: text(values.hostnameOverride),
    nodeIps,
    certDir: text(values.certDir) || `${rootDir}/pki`,
    rootDir,
    externalCloud: cloudProvider === "external",
    nodeLabels,
    lockFile: text(values.lockFile),
    exitOnLockContention: values.exitOnLockContention === true,
    imageCredentialProviderConfig: text(values.imageCredentialProviderConfig),
    imageCredentialProviderBinDir: text(values.imageCredentialProviderBinDir),
    runtimeCgroups: text(values.runtimeCgroups),
    minimumContainerTtlMs: parseGoDuration(text(values.minimumContainerTtl, "0")) ?? 0,
    maximumDeadContainersPerContainer: number(values.maximumDeadContainersPerContainer, 1),
    maximumDeadContainers: number(values.maximumDeadContainers, -1),
    registerSchedulable: values.registerSchedulable !== false,
    networkMode
  })
}
