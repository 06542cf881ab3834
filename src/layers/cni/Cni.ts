/** CNI plugins: attaching a container to a network, detaching it, and what the specification has around that. */
import { Context, type Effect, Schema } from "effect"
import type { CachedAttachment } from "../../domain/cni/cachedAttachment.ts"
import type { Attachment, AttachmentName } from "../../domain/cni/execution.ts"
import type { NetworkList } from "../../domain/cni/networkList.ts"
import type { CniResult } from "../../domain/cni/result.ts"
import { Failure } from "../../domain/failure.ts"

/** A call of a plugin failed: `fault` says how, `reason` what a caller may do about it. */
export class CniError extends Schema.TaggedError<CniError>()("CniError", {
  /** The verb: `ADD`. */
  op: Schema.String,
  network: Schema.String,
  /** File that the network is from. */
  source: Schema.String,
  /** Type of the plugin; empty when it did not come to one. */
  plugin: Schema.String,
  /** The container; empty for verbs about none. */
  target: Schema.String,
  fault: Schema.Literals([
    "PluginMissing",
    "Refused",
    "Garbage",
    "TimedOut",
    "Killed",
    "NotStarted",
    "NoCommonVersion",
    "Storage"
  ]),
  reason: Failure,
  /** Of a plugin that refused; 0 otherwise. */
  code: Schema.Number,
  detail: Schema.String,
  stderr: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    const plugin = this.plugin === "" ? "" : ` plugin ${this.plugin}:`
    const target = this.target === "" ? "" : ` for ${this.target}`
    return `${this.op} of network ${this.network} (${this.source})${target}:${plugin} ${this.detail}`
  }
}

export class Cni extends Context.Service<Cni, {
  /**
   * Runs the network's plugins in order. Not idempotent, and one that failed may have done a part: whatever the error, call
   * `del` before trying again.
   */
  readonly add: (list: NetworkList, attachment: Attachment) => Effect.Effect<CniResult, CniError>
  /**
   * Undoes `add`, last plugin first, all of them even when one fails. Can be repeated, also for what was never there. As
   * long as it fails something may be left, and the record of the attachment stays.
   */
  readonly del: (list: NetworkList, attachment: Attachment) => Effect.Effect<void, CniError>
  /** Succeeds when the attachment is as `add` left it, and where the version or the network has no CHECK. */
  readonly check: (list: NetworkList, attachment: Attachment) => Effect.Effect<void, CniError>
  /** Returns everything of this network but the attachments named: by DEL what is on record, by GC what plugins know. */
  readonly gc: (list: NetworkList, valid: ReadonlyArray<AttachmentName>) => Effect.Effect<void, CniError>
  /** Succeeds when each plugin is ready for an `add`, and for versions without STATUS. */
  readonly status: (list: NetworkList) => Effect.Effect<void, CniError>
  /** The versions that a plugin speaks. */
  readonly versions: (type: string, binDirs?: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<string>, CniError>
  /** What is on record: every attachment that was added and not yet wholly taken down. */
  readonly attachments: Effect.Effect<ReadonlyArray<CachedAttachment>, CniError>
}>()("kubeffect/layers/cni/Cni") {}
