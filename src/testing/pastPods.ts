/** What lists of pods said in the past: a server whose cache is behind says it again. */
import * as resources from "../domain/k8s/resources.ts"
import type { ApiResource } from "../domain/k8s/resources.ts"
import type { KubeList, KubeObject, Selection } from "../layers/api/KubeApi.ts"
import type { Change } from "../layers/api/memory/history.ts"
import type { MemoryApi } from "../layers/api/memory/MemoryApi.ts"

/** Changes that are kept. */
const keptMax = 500

const nodeOf = (object: KubeObject): string => {
  const { spec } = object
  const node: unknown = typeof spec === "object" && spec !== null ? Reflect.get(spec, "nodeName") : undefined
  return typeof node === "string" ? node : ""
}

/** Takes the last changes back, newest first. */
const before = (now: ReadonlyArray<KubeObject>, undone: ReadonlyArray<Change>): ReadonlyArray<KubeObject> => {
  const objects = new Map(now.map((object) => [object.metadata.uid ?? "", object]))
  for (const change of undone.toReversed()) {
    const uid = change.object.metadata.uid ?? ""
    if (change.before === undefined) objects.delete(uid)
    else objects.set(uid, change.before)
  }
  return [...objects.values()]
}

export const pastPods = (api: MemoryApi) => {
  const kept: Array<Change> = []
  api.onChange(({ plural }, change) => {
    if (plural !== "pods") return
    kept.push(change)
    if (kept.length > keptMax) kept.shift()
  })
  return (resource: ApiResource, { fieldSelector = "" }: Selection, changes: number): KubeList | undefined => {
    const undone = kept.slice(-changes)
    const [first] = undone
    if (resource.plural !== "pods" || first === undefined) return undefined
    const node = /^spec\.nodeName=(.*)$/.exec(fieldSelector)?.[1]
    return {
      resourceVersion: String(first.revision - 1),
      items: before(api.objects(resources.pods), undone).filter((pod) => node === undefined || nodeOf(pod) === node)
    }
  }
}
