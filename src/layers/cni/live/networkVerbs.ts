/** The verbs on a whole network, made of runs of single plugins: their order, the result they hand on, what is kept. */
import { Effect, Result } from "effect"
import {
  type Attachment,
  type AttachmentName,
  type CniVerb,
  type PluginInput,
  sameAttachment
} from "../../../domain/cni/execution.ts"
import type { NetworkList, NetworkPlugin } from "../../../domain/cni/networkList.ts"
import { type CniResult, decodeResult, emptyResult } from "../../../domain/cni/result.ts"
import { agreedVersion, hasCheck, hasGcAndStatus } from "../../../domain/cni/version.ts"
import { NotFound, Permanent, Uncertain } from "../../../domain/failure.ts"
import { type Cni, CniError } from "../Cni.ts"
import type { AttachmentRecords } from "./attachmentRecords.ts"

/** Gives what the plugin printed; undefined when that was nothing. */
export type PluginRun = (
  verb: CniVerb,
  plugin: NetworkPlugin,
  call: Omit<PluginInput, "plugin"> & { readonly attachment?: Attachment }
) => Effect.Effect<unknown, CniError>

interface Parts {
  readonly runPlugin: PluginRun
  /** Fails when the attachment must not be asked for. */
  readonly checked: (verb: CniVerb, list: NetworkList, attachment: Attachment) => Effect.Effect<void, CniError>
  readonly versions: Cni["Service"]["versions"]
  readonly records: AttachmentRecords
}

const errorOf = (
  op: CniVerb,
  list: NetworkList,
  rest: Partial<CniError> & Pick<CniError, "fault" | "reason" | "detail">
) => new CniError({ op, network: list.name, source: list.source, plugin: "", target: "", code: 0, stderr: "", ...rest })

/** Runs all, and fails with the first error when they have run. */
const allThenFail = <A>(items: Iterable<A>, run: (item: A) => Effect.Effect<unknown, CniError>) =>
  Effect.flatMap(
    Effect.forEach(items, (item) => Effect.result(run(item))),
    (results) => {
      const failure = results.find(Result.isFailure)
      return failure === undefined ? Effect.void : Effect.fail(failure.failure)
    }
  )

/** Most networks offer one version: plugins that do not speak it say so themselves. */
const versionFor = (versions: Cni["Service"]["versions"]) =>
  Effect.fnUntraced(function*(verb: CniVerb, list: NetworkList) {
    const [only] = list.versions
    if (only !== undefined && list.versions.length === 1) return only
    const ofPlugins = yield* Effect.forEach(list.plugins, ({ type }) => versions(type, list.binDirs))
    const agreed = agreedVersion(list.versions, ofPlugins)
    if (agreed !== undefined) return agreed
    const spoken = list.plugins.map(({ type }, index) => `${type} ${ofPlugins[index]?.join(" ")}`).join("; ")
    return yield* errorOf(verb, list, {
      fault: "NoCommonVersion",
      reason: new Permanent(),
      detail: `offers ${list.versions.join(" ")}, its plugins support: ${spoken}`
    })
  })

const adding = ({ checked, records, runPlugin, versions }: Parts) =>
  Effect.fn("Cni.add")(function*(list: NetworkList, attachment: Attachment) {
    yield* checked("ADD", list, attachment)
    const version = yield* versionFor(versions)("ADD", list)
    let result: CniResult | undefined
    for (const plugin of list.plugins) {
      const answer = yield* runPlugin("ADD", plugin, {
        list,
        version,
        attachment,
        capabilityArgs: attachment.capabilityArgs,
        ...(result === undefined ? {} : { prevResult: result })
      })
      if (answer === undefined) continue
      result = yield* Effect.mapError(Effect.fromResult(decodeResult(answer)), (detail) =>
        errorOf("ADD", list, {
          plugin: plugin.type,
          target: attachment.containerId,
          fault: "Garbage",
          reason: new Uncertain(),
          detail: `its output is no CNI result: ${detail}`
        }))
    }
    const final = result ?? emptyResult
    yield* records.write({ list, attachment, result: final }, version)
    return final
  })

const deleting = ({ checked, records, runPlugin, versions }: Parts) =>
  Effect.fn("Cni.del")(function*(list: NetworkList, attachment: Attachment) {
    yield* checked("DEL", list, attachment)
    const version = yield* versionFor(versions)("DEL", list)
    const record = yield* records.read("DEL", list, attachment)
    yield* allThenFail([...list.plugins].reverse(), (plugin) =>
      runPlugin("DEL", plugin, {
        list,
        version,
        attachment,
        capabilityArgs: attachment.capabilityArgs,
        ...(record !== undefined && hasCheck(version) ? { prevResult: record.result } : {})
      }))
    yield* records.remove(list, attachment)
  })

const checking = ({ checked, records, runPlugin, versions }: Parts) =>
  Effect.fn("Cni.check")(function*(list: NetworkList, attachment: Attachment) {
    yield* checked("CHECK", list, attachment)
    const version = yield* versionFor(versions)("CHECK", list)
    if (list.disableCheck || !hasCheck(version)) return
    const record = yield* records.read("CHECK", list, attachment)
    if (record === undefined) {
      return yield* errorOf("CHECK", list, {
        target: attachment.containerId,
        fault: "Refused",
        reason: new NotFound(),
        detail: `interface ${attachment.ifname} is not on record`
      })
    }
    yield* Effect.forEach(list.plugins, (plugin) =>
      runPlugin("CHECK", plugin, {
        list,
        version,
        attachment,
        capabilityArgs: attachment.capabilityArgs,
        prevResult: record.result
      }), { discard: true })
  })

export const networkVerbs = (parts: Parts): Cni["Service"] => {
  const { records, runPlugin, versions } = parts
  const version = versionFor(versions)
  const del = deleting(parts)

  const gc = Effect.fn("Cni.gc")(function*(list: NetworkList, valid: ReadonlyArray<AttachmentName>) {
    const stale = (yield* records.all).filter((record) =>
      record.list.name === list.name && !valid.some((name) => sameAttachment(name, record.attachment))
    )
    const returned = yield* Effect.result(allThenFail(stale, (record) => del(record.list, record.attachment)))
    const agreed = yield* version("GC", list)
    if (!list.disableGc && hasGcAndStatus(agreed)) {
      yield* allThenFail(
        list.plugins,
        (plugin) => runPlugin("GC", plugin, { list, version: agreed, validAttachments: valid })
      )
    }
    return yield* Effect.fromResult(returned)
  })

  const status = Effect.fn("Cni.status")(function*(list: NetworkList) {
    const agreed = yield* version("STATUS", list)
    if (!hasGcAndStatus(agreed)) return
    yield* Effect.forEach(list.plugins, (plugin) => runPlugin("STATUS", plugin, { list, version: agreed }), {
      discard: true
    })
  })

  return { add: adding(parts), del, check: checking(parts), gc, status, versions, attachments: records.all }
}
