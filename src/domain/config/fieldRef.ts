/** Fields of a pod by path, for variables and downward API files (parity E3, I12). */
import { Result } from "effect"
import type { StringMap } from "../k8s/fields.ts"
import type { Pod } from "../k8s/pod.ts"
import { type ContainerConfigError, invalid } from "./configError.ts"
import { goQuote } from "./goText.ts"

/** What a pod's own object does not say reliably while its sandbox is starting. */
export interface FieldFacts {
  readonly podIPs: ReadonlyArray<string>
  readonly hostIPs: ReadonlyArray<string>
}

/** `key="value"` lines, sorted by key. */
export const formatMap = (map: StringMap | undefined): string =>
  Object.keys(map ?? {}).sort().map((key) => `${key}=${goQuote(map?.[key] ?? "")}`).join("\n")

const subscript = /^metadata\.(labels|annotations)\['(.*)'\]$/

const scalar = (path: string, pod: Pod, facts: FieldFacts): string | undefined => {
  switch (path) {
    case "metadata.name":
      return pod.metadata.name
    case "metadata.namespace":
      return pod.metadata.namespace
    case "metadata.uid":
      return pod.metadata.uid
    case "metadata.labels":
      return formatMap(pod.metadata.labels)
    case "metadata.annotations":
      return formatMap(pod.metadata.annotations)
    case "spec.nodeName":
      return pod.spec.nodeName ?? ""
    case "spec.serviceAccountName":
      return pod.spec.serviceAccountName ?? ""
    case "status.hostIP":
      return facts.hostIPs[0] ?? ""
    case "status.hostIPs":
      return facts.hostIPs.join(",")
    case "status.podIP":
      return facts.podIPs[0] ?? ""
    case "status.podIPs":
      return facts.podIPs.join(",")
    default:
      return undefined
  }
}

/** The text of a field; an absent label or annotation is the empty text. */
export const fieldText = (path: string, pod: Pod, facts: FieldFacts): Result.Result<string, ContainerConfigError> => {
  const [, map, key] = subscript.exec(path) ?? []
  if (map !== undefined && key !== undefined) {
    const entries = (map === "labels" ? pod.metadata.labels : pod.metadata.annotations) ?? {}
    return Result.succeed(Object.hasOwn(entries, key) ? entries[key] ?? "" : "")
  }
  const value = scalar(path, pod, facts)
  return value === undefined ? Result.fail(invalid(`unsupported fieldPath: ${path}`)) : Result.succeed(value)
}
