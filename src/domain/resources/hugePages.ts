/** Huge pages: resource names (`hugepages-2Mi`) against the kernel's names of page sizes (`2MB`), and limits (L8). */
import { quantityOf, valueOf } from "./quantity.ts"
import { type Amounts, isHugePages, unitsOf } from "./resourceLists.ts"

const units = ["B", "KB", "MB", "GB", "TB", "PB"]

/** `2MB` for 2 × 1024², as files of the hugetlb controller are named. */
export const pageSizeName = (bytes: bigint): string => {
  let size = bytes
  let unit = 0
  while (unit < units.length - 1 && size >= 1024n && size % 1024n === 0n) {
    size /= 1024n
    unit++
  }
  return `${size}${units[unit]}`
}

/** `2MB` for `hugepages-2Mi`. */
export const pageSizeOfResource = (resource: string): string =>
  pageSizeName(valueOf(quantityOf(resource.slice("hugepages-".length))))

/** A limit for every page size the host has, 0 where none is asked for; sizes the host lacks are left out. */
export const hugePageLimits = (
  limits: Amounts,
  hostPageSizes: ReadonlyArray<string>
): ReadonlyArray<{ readonly pageSize: string; readonly limitBytes: number }> => {
  const asked = new Map(
    [...limits.keys()].filter(isHugePages).map((name) => [pageSizeOfResource(name), unitsOf(limits, name)])
  )
  return hostPageSizes.map((pageSize) => ({ pageSize, limitBytes: asked.get(pageSize) ?? 0 }))
}
