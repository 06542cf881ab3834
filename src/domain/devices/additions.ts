/** What plugins answered to the giving out of devices, as it is asked of the runtime; and as it is kept. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf"
import {
  type ContainerAllocateResponse,
  ContainerAllocateResponseSchema
} from "../../gen/deviceplugin/deviceplugin_pb.ts"
import type { PluginAdditions } from "../config/containerConfig.ts"

/** The form in which an answer is written down. */
export const encodeResponse = (response: ContainerAllocateResponse | undefined): Uint8Array =>
  toBinary(ContainerAllocateResponseSchema, response ?? create(ContainerAllocateResponseSchema))

/** Of all resources of a container. Where two answers name the same variable or path, the first stands. */
export const additionsOf = (responses: ReadonlyArray<Uint8Array>): PluginAdditions => {
  const all = responses.map((bytes) => fromBinary(ContainerAllocateResponseSchema, bytes))
  const first = <A>(list: ReadonlyArray<A>, key: (item: A) => string): ReadonlyArray<A> =>
    [
      ...new Map([...list].reverse().map((item) => [key(item), item])).values()
    ].reverse()
  const merged = (field: "envs" | "annotations") => Object.assign({}, ...all.map((one) => one[field]).reverse())
  return {
    env: merged("envs"),
    annotations: merged("annotations"),
    mounts: first(all.flatMap(({ mounts }) => mounts), ({ containerPath }) => containerPath).map((mount) => ({
      containerPath: mount.containerPath,
      hostPath: mount.hostPath,
      readonly: mount.readOnly
    })),
    devices: first(all.flatMap(({ devices }) => devices), ({ containerPath }) => containerPath).map((device) => ({
      containerPath: device.containerPath,
      hostPath: device.hostPath,
      permissions: device.permissions
    })),
    cdiDevices: first(all.flatMap(({ cdiDevices }) => cdiDevices), ({ name }) => name).map(({ name }) => name)
  }
}
