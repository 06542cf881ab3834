/** Arithmetic on resource lists (name → quantity), as plain maps of `Quantity`. */
import type { ResourceList } from "../k8s/fields.ts"
import { add, formatQuantity, max, milliValueOf, type Quantity, quantityOf, valueOf } from "./quantity.ts"

/** A resource list that has been read. */
export type Amounts = ReadonlyMap<string, Quantity>

export const none: Amounts = new Map()

export const amountsOf = (list: ResourceList | undefined): Amounts =>
  list === undefined ? none : new Map(Object.entries(list).map(([name, text]) => [name, quantityOf(text)]))

export const listOf = (amounts: Amounts): ResourceList =>
  Object.fromEntries([...amounts].map(([name, quantity]) => [name, formatQuantity(quantity)]))

const merge = (a: Amounts, b: Amounts, combine: (x: Quantity, y: Quantity) => Quantity): Amounts => {
  if (b.size === 0) return a
  if (a.size === 0) return b
  const merged = new Map(a)
  for (const [name, quantity] of b) {
    const known = merged.get(name)
    merged.set(name, known === undefined ? quantity : combine(known, quantity))
  }
  return merged
}

export const sum = (a: Amounts, b: Amounts): Amounts => merge(a, b, add)
export const largest = (a: Amounts, b: Amounts): Amounts => merge(a, b, max)

/** Thousandths of one resource; 0 when absent. */
export const milliOf = (amounts: Amounts, name: string): number => {
  const quantity = amounts.get(name)
  return quantity === undefined ? 0 : Number(milliValueOf(quantity))
}

/** Whole units of one resource; 0 when absent. */
export const unitsOf = (amounts: Amounts, name: string): number => {
  const quantity = amounts.get(name)
  return quantity === undefined ? 0 : Number(valueOf(quantity))
}

export const isHugePages = (name: string): boolean => name.startsWith("hugepages-")
