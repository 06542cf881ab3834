/** Looks at everything a pod's network needs, from the runtime down to the kernel, and says what stands and what is missing. */
import { Effect, Result } from "effect"
import { bad, type Finding, good, note } from "../../domain/cni/findings.ts"
import { isObject, textOf } from "../../domain/cni/json.ts"
import { isShimList, missingProgram, programsOf } from "../../domain/cni/networkFolder.ts"
import type { NetworkList } from "../../domain/cni/networkList.ts"
import { type CniFolders, runtimeFolders } from "../../domain/cni/runtimeFolders.ts"
import { hasGcAndStatus } from "../../domain/cni/version.ts"
import { Cni } from "../../layers/cni/Cni.ts"
import { Cri } from "../../layers/cri/Cri.ts"
import { HostFiles } from "../../layers/host/HostFiles.ts"
import { type NetworkSurvey, surveyNetworks } from "./networkFiles.ts"

/** The word of the runtime, and where it says that its network is. */
const askRuntime = Effect.fnUntraced(function*(otherwise: CniFolders) {
  const cri = yield* Cri
  const answer = yield* Effect.result(cri.status({ verbose: true }))
  if (Result.isFailure(answer)) {
    const findings = [bad(`the runtime does not answer: ${answer.failure.message}`, "start it, or name its endpoint")]
    return { findings, folders: otherwise }
  }
  const { info, status } = answer.success
  const conditions = (status?.conditions ?? []).map(({ message, reason, status: holds, type }) =>
    holds ? good(`the runtime says ${type}`) : bad(`the runtime says ${type}=false: ${reason}: ${message}`)
  )
  const told = runtimeFolders(info)
  const where = told === undefined
    ? note(`the runtime does not say where its network is configured: looking into ${otherwise.confDir}`)
    : good(`the runtime reads ${told.confDir} and has plugins in ${told.binDirs.join(", ")}`)
  return { findings: [...conditions, where], folders: told ?? otherwise }
})

const filesFound = ({ chosen, files, problems }: NetworkSurvey): ReadonlyArray<Finding> => [
  ...files.map(({ network, path }) => {
    if (Result.isFailure(network)) return bad(network.failure.message, "correct the file, or move it away")
    const { name, plugins, versions } = network.success
    if (isShimList(network.success)) return good(`${path}: leads the runtime to the agent (--network-mode=agent)`)
    const line = `${path}: network ${name}, cniVersion ${versions.join(" ")}, ${
      plugins.map(({ type }) => type).join(" → ")
    }`
    return path === chosen?.source ? good(`${line}: the network of pods`) : note(`${line}: not the first, by name only`)
  }),
  ...(files.length === 0
    ? problems.map((problem) => bad(problem, "install a network add-on, or write a .conflist"))
    : [])
]

/** The plugins of the network: there, of its version, ready. */
const pluginsFound = Effect.fnUntraced(
  function*(list: NetworkList, missing: ReadonlyArray<string>, binDirs: CniFolders["binDirs"]) {
    const cni = yield* Cni
    const programs = [...new Set(list.plugins.flatMap(programsOf))]
    const each = yield* Effect.forEach(programs, (program) =>
      Effect.gen(function*() {
        if (missing.includes(program)) {
          return bad(missingProgram(list, program, binDirs), "install it (Debian: containernetworking-plugins)")
        }
        const versions = yield* Effect.result(cni.versions(program, binDirs))
        if (Result.isFailure(versions)) return bad(versions.failure.message)
        return versions.success.some((version) => list.versions.includes(version))
          ? good(`plugin ${program} speaks ${versions.success.join(" ")}`)
          : bad(`plugin ${program} speaks ${versions.success.join(" ")}, not ${list.versions.join(" ")}`)
      }))
    if (missing.length > 0) return each
    if (!list.versions.some(hasGcAndStatus)) {
      return [
        ...each,
        note(`cniVersion ${list.versions.join(" ")} has no STATUS: plugins cannot say whether they are ready`)
      ]
    }
    const status = yield* Effect.result(cni.status(list))
    return [
      ...each,
      Result.isFailure(status) ? bad(status.failure.message) : good("all plugins say that they are ready")
    ]
  }
)

const text = Effect.fnUntraced(function*(path: string) {
  const files = yield* HostFiles
  return yield* Effect.map(Effect.orElseSucceed(files.readText(path), () => ""), (content) => content.trim())
})

/** What the kernel must let pass. */
const kernelFound = Effect.fnUntraced(function*(list: NetworkList) {
  const files = yield* HostFiles
  const config = JSON.stringify(list.plugins.map(({ fields }) => fields))
  const forwards = yield* Effect.forEach(
    [
      { path: "/proc/sys/net/ipv4/ip_forward", name: "net.ipv4.ip_forward", wanted: true },
      {
        path: "/proc/sys/net/ipv6/conf/all/forwarding",
        name: "net.ipv6.conf.all.forwarding",
        wanted: /"(subnet|address)":"[0-9a-f]*:/.test(config)
      }
    ].filter(({ wanted }) => wanted),
    ({ name, path }) =>
      Effect.map(text(path), (value) =>
        value === "1"
          ? good(`${name} is 1`)
          : bad(`${name} is ${value === "" ? "not there" : value}: pods reach nothing outside`, `sysctl -w ${name}=1`))
  )
  const bridges = list.plugins.flatMap(({ fields, type }) =>
    type === "bridge" ? [textOf(isObject(fields) ? fields["bridge"] : undefined) || "cni0"] : []
  )
  const links = yield* Effect.forEach(bridges, (bridge) =>
    Effect.gen(function*() {
      if (!(yield* files.exists(`/sys/class/net/${bridge}`))) return note(`bridge ${bridge} is made with the first pod`)
      const state = yield* text(`/sys/class/net/${bridge}/operstate`)
      const ports = yield* Effect.orElseSucceed(files.readDirectory(`/sys/class/net/${bridge}/brif`), () => [])
      return good(`bridge ${bridge} is ${state}, with ${ports.length} pods on it`)
    }))
  return [...forwards, ...links]
})

/** `otherwise`: where to look when the runtime does not tell. */
export const examineNetwork = Effect.fn("examineNetwork")(function*(otherwise: CniFolders) {
  const runtime = yield* askRuntime(otherwise)
  const survey = yield* Effect.result(surveyNetworks(runtime.folders))
  if (Result.isFailure(survey)) return [...runtime.findings, bad(survey.failure.message)]
  const { chosen, missing } = survey.success
  const files = filesFound(survey.success)
  if (chosen === undefined) return [...runtime.findings, ...files]
  return [
    ...runtime.findings,
    ...files,
    ...(yield* pluginsFound(chosen, missing, runtime.folders.binDirs)),
    ...(yield* kernelFound(chosen))
  ]
})
