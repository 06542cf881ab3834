/** How a node tells the cluster of its drivers: CSINode, an annotation and topology labels of its Node (parity J2). */
import type { CSINodeDriver } from "../k8s/storage.ts"

/** What a driver says of the node it runs on. */
export interface DriverNode {
  readonly name: string
  readonly nodeId: string
  /** 0 or less: no limit of its own. */
  readonly maxVolumes: number
  readonly topology: Readonly<Record<string, string>>
}

export const nodeIdAnnotation = "csi.volume.kubernetes.io/nodeid"

/** Kubernetes counts volumes in 32 bits. */
const maxCount = 2 ** 31 - 1

export const driverEntry = ({ maxVolumes, name, nodeId, topology }: DriverNode): CSINodeDriver => ({
  name,
  nodeID: nodeId,
  topologyKeys: Object.keys(topology).sort(),
  ...(maxVolumes > 0 ? { allocatable: { count: Math.min(maxVolumes, maxCount) } } : {})
})

/** The entries with this one among them, the very same list when it already is. */
export const withDriver = (
  drivers: ReadonlyArray<CSINodeDriver>,
  entry: CSINodeDriver
): ReadonlyArray<CSINodeDriver> => {
  const known = drivers.find(({ name }) => name === entry.name)
  if (known !== undefined && JSON.stringify(driverFields(known)) === JSON.stringify(driverFields(entry))) return drivers
  return [...drivers.filter(({ name }) => name !== entry.name), entry]
}

export const withoutDriver = (
  drivers: ReadonlyArray<CSINodeDriver>,
  name: string
): ReadonlyArray<CSINodeDriver> =>
  drivers.some((driver) => driver.name === name) ? drivers.filter((driver) => driver.name !== name) : drivers

const driverFields = ({ allocatable, name, nodeID, topologyKeys = [] }: CSINodeDriver) => [
  name,
  nodeID,
  [...topologyKeys].sort(),
  allocatable?.count
]

const parseIds = (text: string | undefined): Readonly<Record<string, string>> => {
  const ids = new Map<string, string>()
  // `{"driver":"id"}`: read without a parser that throws, for the annotation is anybody's to write.
  for (const [, name, id] of (text ?? "").matchAll(/"((?:[^"\\]|\\.)*)"\s*:\s*"((?:[^"\\]|\\.)*)"/g)) {
    if (name !== undefined && id !== undefined) ids.set(name, id)
  }
  return Object.fromEntries(ids)
}

/** The annotation with the driver's node id in it, or without. */
export const nodeIdsText = (text: string | undefined, driver: string, nodeId: string | undefined): string => {
  const { [driver]: _, ...others } = parseIds(text)
  const all = nodeId === undefined ? others : { ...others, [driver]: nodeId }
  return JSON.stringify(Object.fromEntries(Object.entries(all).toSorted(([one], [other]) => (one < other ? -1 : 1))))
}

/** A label that another driver or person set otherwise is not overwritten: pods may lie where it says. */
export const topologyClash = (
  labels: Readonly<Record<string, string>>,
  topology: Readonly<Record<string, string>>
): string | undefined =>
  Object.entries(topology)
    .filter(([key, value]) => Object.hasOwn(labels, key) && labels[key] !== value)
    .map(([key, value]) =>
      `detected topology value collision: driver reported "${key}":"${value}" but existing label is "${key}":"${
        labels[key]
      }"`
    )[0]
