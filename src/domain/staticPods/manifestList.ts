/** The pods of a manifest that may hold one or a list of them, as static pods from a URL do (parity C4). */
import { Result } from "effect"
import { isObject, listOf } from "../k8s/json.ts"
import type { Pod } from "../k8s/pod.ts"
import { type MalformedManifest, type StaticOrigin, staticPod } from "./staticPod.ts"

const listKinds = new Set(["PodList", "List"])

/** Items of a list carry no kind of their own when the list says it for them. */
const asPod = (item: unknown): unknown => isObject(item) ? { apiVersion: "v1", kind: "Pod", ...item } : item

/** One that is no good refuses the whole: what the server meant to say is not known. */
export const staticPods = (
  manifest: unknown,
  from: StaticOrigin
): Result.Result<ReadonlyArray<Pod>, MalformedManifest> => {
  if (!isObject(manifest) || !listKinds.has(String(manifest["kind"]))) {
    return Result.map(staticPod(manifest, from), (pod) => [pod])
  }
  const pods: Array<Pod> = []
  for (const item of listOf(manifest["items"])) {
    // Each by its own content, so that a change of one does not restart the others.
    const pod = staticPod(asPod(item), { ...from, contents: JSON.stringify(item) })
    if (Result.isFailure(pod)) return Result.fail(pod.failure)
    pods.push(pod.success)
  }
  return Result.succeed(pods)
}
