/**
 * CNI without programs: networks give addresses out of the ranges of their configuration and remember who has them. A
 * plugin that is not named is not installed.
 */
import { Effect, Layer } from "effect"
import { addressText, nextAddress, rangeSets } from "../../domain/cni/addressPool.ts"
import type { CachedAttachment } from "../../domain/cni/cachedAttachment.ts"
import { type Attachment, attachmentProblem, type CniVerb, sameAttachment } from "../../domain/cni/execution.ts"
import { type CniFault, refusalReason } from "../../domain/cni/failure.ts"
import type { NetworkList } from "../../domain/cni/networkList.ts"
import type { CniResult } from "../../domain/cni/result.ts"
import { agreedVersion, hasCheck, supportedVersions } from "../../domain/cni/version.ts"
import { NotFound, Permanent, Retryable, Uncertain } from "../../domain/failure.ts"
import { Cni, CniError } from "./Cni.ts"

export interface SimNetworks {
  /** Installed plugins, with the versions they speak. */
  readonly plugins: Map<string, ReadonlyArray<string>>
  /** What goes wrong with a plugin's next runs of a verb: `bridge ADD`. Stays until it is deleted. */
  readonly faults: Map<string, { readonly fault: CniFault; readonly code: number; readonly msg: string }>
  readonly records: Array<CachedAttachment>
}

const debianPlugins = ["bridge", "ptp", "macvlan", "host-local", "portmap", "bandwidth", "tuning", "loopback"]

export const makeHandle = (): SimNetworks => ({
  plugins: new Map(debianPlugins.map((type) => [type, supportedVersions.filter((version) => version !== "1.1.0")])),
  faults: new Map(),
  records: []
})

const errorOf = (
  op: CniVerb,
  list: NetworkList,
  rest: Partial<CniError> & Pick<CniError, "fault" | "reason" | "detail">
) => new CniError({ op, network: list.name, source: list.source, plugin: "", target: "", code: 0, stderr: "", ...rest })

/** The plugins of a network, and the one that gives it addresses. */
const typesOf = (list: NetworkList): ReadonlyArray<string> =>
  list.plugins.flatMap(({ fields, type }) => {
    const ipam = fields["ipam"]
    const inner = typeof ipam === "object" && ipam !== null && "type" in ipam ? ipam.type : undefined
    return typeof inner === "string" ? [type, inner] : [type]
  })

const addressed = (sim: SimNetworks, list: NetworkList, attachment: Attachment): CniResult | undefined => {
  const taken = new Set(
    sim.records.flatMap((record) =>
      record.list.name === list.name ? record.result.ips.map(({ address }) => address.split("/")[0] ?? "") : []
    )
  )
  const sets = list.plugins.flatMap(({ fields }) => rangeSets(fields["ipam"]))
  const given = sets.map((set) => nextAddress(set, taken))
  if (given.some((one) => one === undefined)) return undefined
  const bridge = list.plugins[0]?.fields["bridge"]
  return {
    interfaces: [
      ...(typeof bridge === "string" ? [{ name: bridge }] : []),
      { name: attachment.ifname, sandbox: attachment.netns }
    ],
    ips: given.flatMap((one) =>
      one === undefined ? [] : [{
        address: `${one.address}/${one.range.prefixLength}`,
        gateway: addressText(one.range.family, one.range.gateway),
        interface: typeof bridge === "string" ? 1 : 0
      }]
    ),
    routes: [],
    dns: {}
  }
}

/** What stands before every verb: plugins that are there, do what they are asked, and agree on a version. */
const gateOf = (sim: SimNetworks) => {
  /** Every plugin is there and lets the verb pass. */
  const through = Effect.fnUntraced(function*(op: CniVerb, list: NetworkList, target: string) {
    for (const type of typesOf(list)) {
      const about = { plugin: type, target }
      if (!sim.plugins.has(type)) {
        const detail = `there is no program ${type}`
        return yield* errorOf(op, list, { ...about, fault: "PluginMissing", reason: new Retryable({}), detail })
      }
      const planned = sim.faults.get(`${type} ${op}`)
      if (planned === undefined) continue
      const reason = planned.fault === "Refused" ? refusalReason(planned.code) : new Uncertain()
      return yield* errorOf(op, list, { ...about, ...planned, reason, detail: planned.msg })
    }
    const speak = [...new Set(typesOf(list))].map((type) => sim.plugins.get(type) ?? [])
    const version = agreedVersion(list.versions, speak)
    if (version !== undefined) return version
    return yield* errorOf(op, list, {
      target,
      fault: "NoCommonVersion",
      reason: new Permanent(),
      detail: `offers ${list.versions.join(" ")}`
    })
  })

  const checked = Effect.fnUntraced(function*(op: CniVerb, list: NetworkList, attachment: Attachment) {
    const detail = attachmentProblem(attachment)
    if (detail === undefined) return yield* through(op, list, attachment.containerId)
    return yield* errorOf(op, list, {
      target: attachment.containerId,
      fault: "Refused",
      reason: new Permanent(),
      detail
    })
  })

  return { through, checked }
}

const versionsOf = (sim: SimNetworks) =>
  Effect.fn("Cni.versions")(function*(type: string) {
    const known = sim.plugins.get(type)
    if (known !== undefined) return known
    const nowhere = { source: "", name: "", versions: [], disableCheck: false, disableGc: false, plugins: [] }
    return yield* errorOf("VERSION", nowhere, {
      plugin: type,
      fault: "PluginMissing",
      reason: new Retryable({}),
      detail: `there is no program ${type}`
    })
  })

const make = (sim: SimNetworks): Cni["Service"] => {
  const { checked, through } = gateOf(sim)

  const find = (list: NetworkList, attachment: Attachment) =>
    sim.records.find((record) => record.list.name === list.name && sameAttachment(record.attachment, attachment))

  const add = Effect.fn("Cni.add")(function*(list: NetworkList, attachment: Attachment) {
    yield* checked("ADD", list, attachment)
    const target = attachment.containerId
    if (find(list, attachment) !== undefined) {
      const detail = `interface ${attachment.ifname} is there already`
      return yield* errorOf("ADD", list, { target, fault: "Refused", reason: new Retryable({}), code: 999, detail })
    }
    const result = addressed(sim, list, attachment)
    if (result === undefined) {
      const detail = "no IP addresses available in range set"
      return yield* errorOf("ADD", list, { target, fault: "Refused", reason: new Retryable({}), code: 999, detail })
    }
    sim.records.push({ list, attachment, result })
    return result
  })

  const del = Effect.fn("Cni.del")(function*(list: NetworkList, attachment: Attachment) {
    yield* checked("DEL", list, attachment)
    const record = find(list, attachment)
    if (record !== undefined) sim.records.splice(sim.records.indexOf(record), 1)
  })

  return {
    add,
    del,
    check: Effect.fn("Cni.check")(function*(list, attachment) {
      const version = yield* checked("CHECK", list, attachment)
      if (list.disableCheck || !hasCheck(version) || find(list, attachment) !== undefined) return
      return yield* errorOf("CHECK", list, {
        target: attachment.containerId,
        fault: "Refused",
        reason: new NotFound(),
        detail: `interface ${attachment.ifname} is not on record`
      })
    }),
    gc: Effect.fn("Cni.gc")(function*(list, valid) {
      yield* through("GC", list, "")
      const stale = sim.records.filter(({ attachment, list: { name } }) =>
        name === list.name && !valid.some((each) => sameAttachment(each, attachment))
      )
      for (const record of stale) sim.records.splice(sim.records.indexOf(record), 1)
    }),
    status: Effect.fn("Cni.status")(function*(list) {
      yield* through("STATUS", list, "")
    }),
    versions: versionsOf(sim),
    attachments: Effect.sync(() => [...sim.records])
  }
}

export const layer = (sim: SimNetworks = makeHandle()): Layer.Layer<Cni> => Layer.sync(Cni, () => Cni.of(make(sim)))
