/** What lies beside a mounted CSI volume, so that it can be taken down by any agent of any time (parity J3, J7). */
import { Option, Schema } from "effect"

export const VolumeData = Schema.Struct({
  volumeHandle: Schema.String,
  driverName: Schema.String,
  /** Absent beside a staged volume. */
  specVolID: Schema.optionalKey(Schema.String),
  nodeName: Schema.optionalKey(Schema.String),
  attachmentID: Schema.optionalKey(Schema.String),
  /** `Persistent` or `Ephemeral`; absent beside a staged or a block volume. */
  volumeLifecycleMode: Schema.optionalKey(Schema.String),
  seLinuxMountContext: Schema.optionalKey(Schema.String)
})
export interface VolumeData extends Schema.Schema.Type<typeof VolumeData> {}

const decode = Schema.decodeUnknownOption(Schema.fromJsonString(VolumeData))

/** Undefined for what is not such a file, or half of one. */
export const parseVolumeData = (text: string): VolumeData | undefined => Option.getOrUndefined(decode(text))

/** Keys in order, as the kubelet writes them. */
export const volumeDataText = (data: VolumeData): string =>
  JSON.stringify(
    Object.fromEntries(Object.entries(data).toSorted(([one], [other]) => (one < other ? -1 : 1)))
  )
