/**
 * What the agent remembers of devices over its own restart, in the kubelet's file and form, so that either takes over
 * from the other. The kubelet's checksum is one over Go's own notation of the data: it is neither checked nor made, and
 * the kubelet goes on without the file where it does not fit.
 */
import { Result, Schema } from "effect"
import { Base64 } from "effect/encoding"
import { optional } from "../k8s/fields.ts"
import type { DeviceHolding } from "./allocations.ts"

const nullable = <S extends Schema.Constraint>(schema: S) => optional(Schema.NullOr(schema))

const Entry = Schema.Struct({
  PodUID: Schema.String,
  ContainerName: Schema.String,
  ResourceName: Schema.String,
  /** By NUMA node; `-1` where a device is near to none. */
  DeviceIDs: nullable(Schema.Record(Schema.String, Schema.Array(Schema.String))),
  AllocResp: nullable(Schema.String)
})

const File = Schema.fromJsonString(Schema.Struct({
  Data: Schema.Struct({
    PodDeviceEntries: nullable(Schema.Array(Entry)),
    RegisteredDevices: nullable(Schema.Record(Schema.String, Schema.NullOr(Schema.Array(Schema.String))))
  }),
  Checksum: optional(Schema.Number)
}))

export interface DeviceCheckpoint {
  readonly holdings: ReadonlyArray<DeviceHolding>
  /** Ids of devices by resource: until its plugin is back, that the node has such a thing at all. */
  readonly registered: ReadonlyMap<string, ReadonlyArray<string>>
}

export const readCheckpoint = (text: string): Result.Result<DeviceCheckpoint, Schema.SchemaError> =>
  Result.map(Schema.decodeUnknownResult(File)(text), ({ Data: { PodDeviceEntries, RegisteredDevices } }) => ({
    holdings: (PodDeviceEntries ?? []).map((entry) => ({
      podUid: entry.PodUID,
      container: entry.ContainerName,
      resource: entry.ResourceName,
      ids: [...new Set(Object.values(entry.DeviceIDs ?? {}).flat())],
      response: Result.getOrElse(Base64.decode(entry.AllocResp ?? ""), () => new Uint8Array())
    })),
    registered: new Map(Object.entries(RegisteredDevices ?? {}).map(([resource, ids]) => [resource, ids ?? []]))
  }))

export const writeCheckpoint = ({ holdings, registered }: DeviceCheckpoint): string =>
  JSON.stringify({
    Data: {
      PodDeviceEntries: holdings.map(({ container, ids, podUid, resource, response }) => ({
        PodUID: podUid,
        ContainerName: container,
        ResourceName: resource,
        DeviceIDs: { "-1": ids },
        AllocResp: Base64.encode(response)
      })),
      RegisteredDevices: Object.fromEntries(registered)
    },
    Checksum: 0
  })
