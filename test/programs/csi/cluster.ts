/** Claims, their volumes and drivers for the worlds of CSI tests. */
import { Effect } from "effect"
import type { Node } from "../../../src/domain/k8s/node.ts"
import { csiDrivers, persistentVolumeClaims, persistentVolumes } from "../../../src/domain/k8s/resources.ts"
import type { Volume } from "../../../src/domain/k8s/volume.ts"
import type { KubeApi, KubeObject } from "../../../src/layers/api/KubeApi.ts"
import * as CsiSim from "../../../src/layers/csi/CsiSim.ts"
import type { DriverSettings } from "../../../src/layers/csi/sim/driver.ts"
import { makeWith, root } from "../volumes/world.ts"

export const driverName = "folders.example.com"

export const simDriver = (settings: Partial<DriverSettings> = {}): CsiSim.SimDriver =>
  CsiSim.makeDriver({
    name: driverName,
    nodeId: "n",
    maxVolumes: 0,
    topology: {},
    abilities: ["STAGE_UNSTAGE_VOLUME", "EXPAND_VOLUME", "GET_VOLUME_STATS"],
    backing: "/backing",
    ...settings
  })

/** Its CSIDriver object. */
export const describeDriver = (
  client: KubeApi["Service"],
  name: string,
  spec: Readonly<Record<string, unknown>> = {}
) =>
  Effect.orDie(client.create(csiDrivers, {
    metadata: { name },
    spec: { attachRequired: false, volumeLifecycleModes: ["Persistent", "Ephemeral"], ...spec }
  }))

/** A world with these drivers, each with its CSIDriver object; nothing has to be attached. */
export const makeCsiWorld = Effect.fnUntraced(function*(
  drivers: ReadonlyArray<CsiSim.SimDriver>,
  spec: Readonly<Record<string, unknown>> = {},
  node?: Node
) {
  const sockets: CsiSim.SimDrivers = new Map(
    drivers.map((driver, index) => [`${root}/plugins/d${index}/csi.sock`, driver])
  )
  const world = yield* makeWith(sockets, node)
  world.host.makeDirectories("/backing")
  for (const { settings: { name } } of drivers) yield* describeDriver(world.client, name, spec)
  return { ...world, sockets }
})

interface ClaimOptions {
  readonly driver?: string
  readonly status?: Readonly<Record<string, unknown>>
  readonly spec?: Readonly<Record<string, unknown>>
  readonly csi?: Readonly<Record<string, unknown>>
}

/** A claim of 1Gi bound to `pv-<name>` of handle `h-<name>`. */
export const bindClaim = Effect.fnUntraced(
  function*(client: KubeApi["Service"], name: string, options: ClaimOptions = {}) {
    const shared = { accessModes: ["ReadWriteOnce"], volumeMode: "Filesystem", ...options.spec }
    const claim = yield* client.create(persistentVolumeClaims, {
      metadata: { name, namespace: "default" },
      spec: { ...shared, volumeName: `pv-${name}`, resources: { requests: { storage: "1Gi" } } }
    })
    yield* client.create(persistentVolumes, {
      metadata: { name: `pv-${name}` },
      spec: {
        ...shared,
        capacity: { storage: "1Gi" },
        claimRef: { namespace: "default", name, uid: claim.metadata.uid },
        csi: { driver: options.driver ?? driverName, volumeHandle: `h-${name}`, fsType: "ext4", ...options.csi }
      }
    })
    const status = { phase: "Bound", capacity: { storage: "1Gi" }, ...options.status }
    yield* client.update(persistentVolumeClaims, { ...claim, status }, { subresource: "status" })
  },
  Effect.orDie
)

export const claimVolume = (name: string): Volume => ({ name, persistentVolumeClaim: { claimName: name } })

/** The controller has made the disk larger: now it is the node's turn. */
export const growDisk = Effect.fnUntraced(function*(client: KubeApi["Service"], name: string, storage: string) {
  const claim = { namespace: "default", name }
  yield* client.patch(persistentVolumes, { name: `pv-${name}` }, {
    type: "merge",
    body: { spec: { capacity: { storage } } }
  })
  yield* client.patch(persistentVolumeClaims, claim, {
    type: "merge",
    body: { spec: { resources: { requests: { storage } } } }
  })
  yield* client.patch(persistentVolumeClaims, claim, {
    type: "merge",
    body: {
      status: {
        allocatedResources: { storage },
        allocatedResourceStatuses: { storage: "NodeResizePending" },
        conditions: [{ type: "FileSystemResizePending", status: "True" }]
      }
    }
  }, { subresource: "status" })
}, Effect.orDie)

export const statusOf = (client: KubeApi["Service"], name: string) =>
  client.get(persistentVolumeClaims, { namespace: "default", name }).pipe(
    Effect.map((claim: KubeObject & { readonly status?: Readonly<Record<string, unknown>> }) => claim.status ?? {}),
    Effect.orDie
  )

export const volumeCalls = ({ calls }: CsiSim.SimDriver): ReadonlyArray<string> =>
  calls.map(({ method }) => method).filter((name) => name.endsWith("Volume"))
