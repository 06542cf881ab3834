/** The objects of one kind, found by name, by namespace and, for pods, by node; listed in the order of their names. */
import { at, textOf } from "../../../domain/k8s/json.ts"
import type { KubeObject } from "../KubeApi.ts"
import { keyOf } from "./revision.ts"

export const nodeOf = (object: KubeObject): string => textOf(at(object, "spec", "nodeName"))

const compare = (a: string, b: string): number => a < b ? -1 : a > b ? 1 : 0

/** A map of sets that forgets the empty ones. */
class Index {
  readonly #keys = new Map<string, Map<string, KubeObject>>()

  get(value: string): ReadonlyMap<string, KubeObject> | undefined {
    return this.#keys.get(value)
  }

  set(value: string, key: string, object: KubeObject): void {
    const keys = this.#keys.get(value)
    if (keys === undefined) this.#keys.set(value, new Map([[key, object]]))
    else keys.set(key, object)
  }

  delete(value: string, key: string): void {
    const keys = this.#keys.get(value)
    keys?.delete(key)
    if (keys?.size === 0) this.#keys.delete(value)
  }
}

export class Collection {
  readonly #objects = new Map<string, KubeObject>()
  readonly #namespaces = new Index()
  readonly #nodes = new Index()
  readonly #byNode: boolean
  #order: ReadonlyArray<string> | undefined

  constructor(options: { readonly byNode: boolean }) {
    this.#byNode = options.byNode
  }

  get size(): number {
    return this.#objects.size
  }

  get(key: string): KubeObject | undefined {
    return this.#objects.get(key)
  }

  put(object: KubeObject): void {
    const key = keyOf(object)
    const before = this.#objects.get(key)
    if (before === undefined) this.#order = undefined
    this.#objects.set(key, object)
    this.#namespaces.set(object.metadata.namespace ?? "", key, object)
    if (!this.#byNode) return
    if (before !== undefined && nodeOf(before) !== nodeOf(object)) this.#nodes.delete(nodeOf(before), key)
    this.#nodes.set(nodeOf(object), key, object)
  }

  remove(object: KubeObject): void {
    const key = keyOf(object)
    if (!this.#objects.delete(key)) return
    this.#order = undefined
    this.#namespaces.delete(object.metadata.namespace ?? "", key)
    if (this.#byNode) this.#nodes.delete(nodeOf(object), key)
  }

  /** How many pods a node has. */
  countOnNode(node: string): number {
    return this.#nodes.get(node)?.size ?? 0
  }

  countIn(namespace: string): number {
    return this.#namespaces.get(namespace)?.size ?? 0
  }

  /** The objects of a node or a namespace, or all; by name. */
  list(within: { readonly namespace?: string; readonly node?: string } = {}): ReadonlyArray<KubeObject> {
    const { namespace, node } = within
    if (node !== undefined && this.#byNode) {
      const found = this.#sorted(this.#nodes.get(node))
      return namespace === undefined ? found : found.filter(({ metadata }) => metadata.namespace === namespace)
    }
    if (namespace !== undefined) return this.#sorted(this.#namespaces.get(namespace))
    this.#order ??= [...this.#objects.keys()].sort(compare)
    return this.#order.flatMap((key) => this.#objects.get(key) ?? [])
  }

  #sorted(objects: ReadonlyMap<string, KubeObject> | undefined): ReadonlyArray<KubeObject> {
    if (objects === undefined) return []
    return [...objects].sort(([a], [b]) => compare(a, b)).map(([, object]) => object)
  }
}
