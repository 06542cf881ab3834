/** How the directory of an emptyDir, or of the volumes that wrap one, is backed (parity I3, I5). */
import { Result } from "effect"
import type { Pod } from "../k8s/pod.ts"
import { isLimitDeclared, podLimits, podRequests } from "../resources/podResources.ts"
import { quantityOf, valueOf } from "../resources/quantity.ts"
import { isHugePages, unitsOf } from "../resources/resourceLists.ts"

export type Medium = "Default" | "Memory" | "HugePages"

/** What to mount on the directory; nothing for one on the node's disk. */
export interface Backing {
  readonly fsType: string
  readonly source: string
  readonly options: ReadonlyArray<string>
}

/** `noswap` came with Linux 6.4; without it the mount is refused. */
export const supportsNoswap = (kernelVersion: string): boolean => {
  const [major = 0, minor = 0] = kernelVersion.split(".").map((part) => Number.parseInt(part, 10))
  return major > 6 || (major === 6 && minor >= 4)
}

export interface MemoryNode {
  readonly kernelVersion: string
  /** What the node gives to pods. */
  readonly allocatableMemoryBytes: number
}

/** The smallest of: what pods may use at all, what this pod may use, what the volume asks for. */
export const memorySizeBytes = (pod: Pod, sizeLimitBytes: number | undefined, node: MemoryNode): number => {
  const ofPod = isLimitDeclared(pod, "memory") ? unitsOf(podLimits(pod), "memory") : 0
  const bounds = [node.allocatableMemoryBytes, ofPod, sizeLimitBytes ?? 0].filter((bytes) => bytes > 0)
  return bounds.length === 0 ? 0 : Math.min(...bounds)
}

export const memoryBacking = (pod: Pod, sizeLimitBytes: number | undefined, node: MemoryNode): Backing => {
  const size = memorySizeBytes(pod, sizeLimitBytes, node)
  return {
    fsType: "tmpfs",
    source: "tmpfs",
    options: [...(size > 0 ? [`size=${size}`] : []), ...(supportsNoswap(node.kernelVersion) ? ["noswap"] : [])]
  }
}

const resourcePrefix = "hugepages-"
const mediumPrefix = "HugePages-"

/** The page size of a medium `HugePages` is the one that the pod requests; `HugePages-2Mi` names it itself. */
const pageSizeOf = (pod: Pod, medium: string): Result.Result<string, string> => {
  const requested = [...podRequests(pod).keys()].filter(isHugePages).map((name) => name.slice(resourcePrefix.length))
  if (medium.startsWith(mediumPrefix)) {
    const size = medium.slice(mediumPrefix.length)
    const wanted = valueOf(quantityOf(size))
    return requested.some((one) => valueOf(quantityOf(one)) === wanted)
      ? Result.succeed(size)
      : Result.fail(`medium ${medium} is not requested by any container of the pod`)
  }
  const [size, other] = requested
  if (size === undefined) return Result.fail("containers of the pod request no huge pages")
  return other === undefined
    ? Result.succeed(size)
    : Result.fail("medium HugePages is ambiguous: containers of the pod request several page sizes")
}

export const mediumOf = (medium: string): Medium | undefined => {
  if (medium === "") return "Default"
  if (medium === "Memory") return "Memory"
  return medium === "HugePages" || medium.startsWith(mediumPrefix) ? "HugePages" : undefined
}

/** Nothing to mount for the disk; a message when the pod asks for what cannot be. */
export const emptyDirBacking = (
  pod: Pod,
  emptyDir: { readonly medium: string; readonly sizeLimitBytes: number | undefined },
  node: MemoryNode
): Result.Result<Backing | undefined, string> => {
  switch (mediumOf(emptyDir.medium)) {
    case "Default":
      return Result.succeed(undefined)
    case "Memory":
      return Result.succeed(memoryBacking(pod, emptyDir.sizeLimitBytes, node))
    case "HugePages":
      return Result.map(pageSizeOf(pod, emptyDir.medium), (size) => ({
        fsType: "hugetlbfs",
        source: "nodev",
        options: [`pagesize=${size}`]
      }))
    case undefined:
      return Result.fail(`unknown storage medium "${emptyDir.medium}"`)
  }
}
