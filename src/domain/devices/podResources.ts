/** Who has which device, as monitoring agents ask for it (parity O11): one entry for each device, as the kubelet does. */
import type { MessageInitShape } from "@bufbuild/protobuf"
import type { ContainerDevicesSchema, PodResourcesSchema } from "../../gen/podresources/podresources_pb.ts"
import type { Pod } from "../k8s/pod.ts"
import type { DeviceHolding } from "./allocations.ts"
import { type DeviceResources, healthyDevices } from "./plugins.ts"

type DevicesInit = MessageInitShape<typeof ContainerDevicesSchema>
export type PodResourcesInit = MessageInitShape<typeof PodResourcesSchema>

const entry = (resourceName: string, id: string, numaNodes: ReadonlyArray<number>): DevicesInit => ({
  resourceName,
  deviceIds: [id],
  ...(numaNodes.length === 0 ? {} : { topology: { nodes: numaNodes.map((node) => ({ ID: BigInt(node) })) } })
})

/** Containers that run beside each other: init containers that end hold nothing for long. */
export const podResources = (
  { metadata, spec }: Pod,
  holdings: ReadonlyArray<DeviceHolding>,
  resources: DeviceResources
): PodResourcesInit => {
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always")
  const devicesOf = (container: string) =>
    holdings
      .filter((held) => held.podUid === metadata.uid && held.container === container)
      .flatMap(({ ids, resource }) =>
        ids.map((id) => entry(resource, id, resources.get(resource)?.devices.get(id)?.numaNodes ?? []))
      )
  return {
    name: metadata.name,
    namespace: metadata.namespace,
    containers: [...sidecars, ...spec.containers].map(({ name }) => ({ name, devices: devicesOf(name) }))
  }
}

/** All devices that pods may have, whoever has them now. */
export const allocatableDevices = (resources: DeviceResources): ReadonlyArray<DevicesInit> =>
  [...resources].flatMap(([name, resource]) =>
    healthyDevices(resource).map(({ id, numaNodes }) => entry(name, id, numaNodes))
  )
