import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { isMirrorCurrent, mirrorPodOf, staticPod } from "../../../src/domain/staticPods/staticPod.ts"

const from = {
  source: "file" as const,
  origin: "/etc/kubernetes/manifests/web.yaml",
  contents: "text",
  nodeName: "Node-1",
  seen: "2026-01-01T00:00:00Z"
}
const manifest = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web" },
  spec: { containers: [{ name: "c", image: "web:1" }] }
}
const pod = Result.getOrThrow(staticPod(manifest, from))

describe("C4: static pods", () => {
  it("name, namespace, node, source and toleration are filled in", () => {
    assert.strictEqual(pod.metadata.name, "web-node-1")
    assert.strictEqual(pod.metadata.namespace, "default")
    assert.strictEqual(pod.spec.nodeName, "Node-1")
    assert.strictEqual(pod.metadata.annotations?.["kubernetes.io/config.source"], "file")
    assert.strictEqual(pod.metadata.annotations?.["kubernetes.io/config.hash"], pod.metadata.uid)
    assert.deepStrictEqual(pod.spec.tolerations, [{ operator: "Exists", effect: "NoExecute" }])
    // As the API server would have it, in containers too.
    assert.strictEqual(pod.spec.restartPolicy, "Always")
    assert.strictEqual(pod.spec.containers[0]?.terminationMessagePath, "/dev/termination-log")
  })

  it("the UID is stable for a file and changes with its contents", () => {
    const again = Result.getOrThrow(staticPod(manifest, { ...from, seen: "2027-01-01T00:00:00Z" }))
    const edited = Result.getOrThrow(staticPod(manifest, { ...from, contents: "other" }))
    assert.match(pod.metadata.uid, /^[0-9a-f]{32}$/)
    assert.strictEqual(again.metadata.uid, pod.metadata.uid)
    assert.notStrictEqual(edited.metadata.uid, pod.metadata.uid)
  })

  it.each([
    { manifest: "text", detail: "is no object" },
    { manifest: { ...manifest, kind: "Deployment" }, detail: "kind: wants Pod, has \"Deployment\"" },
    { manifest: { ...manifest, metadata: {} }, detail: "metadata.name: is required" },
    { manifest: { ...manifest, spec: { containers: [] } }, detail: "spec.containers: is required" },
    {
      manifest: { ...manifest, spec: { ...manifest.spec, volumes: [{ name: "v", secret: { secretName: "s" } }] } },
      detail: "spec.volumes[v].secret: a static pod cannot refer to API objects"
    }
  ])("a bad manifest is refused by file and field: $detail", ({ detail, manifest }) => {
    const refused = staticPod(manifest, from)
    assert.isTrue(Result.isFailure(refused))
    if (Result.isFailure(refused)) {
      assert.strictEqual(refused.failure.message, `static pod manifest ${from.origin}: ${detail}`)
    }
  })
})

describe("C5: mirror pods", () => {
  it("a mirror carries the hash and belongs to the node", () => {
    const mirror = mirrorPodOf(pod, "node-uid")
    assert.strictEqual(mirror.metadata.annotations?.["kubernetes.io/config.mirror"], pod.metadata.uid)
    assert.deepStrictEqual(mirror.metadata.ownerReferences, [
      { apiVersion: "v1", kind: "Node", name: "Node-1", uid: "node-uid", controller: true }
    ])
    assert.isTrue(isMirrorCurrent(mirror, pod))
  })

  it("a mirror that is being deleted or shows another pod is not current", () => {
    const mirror = mirrorPodOf(pod, undefined)
    const deleted = { ...mirror, metadata: { ...mirror.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } }
    const edited = Result.getOrThrow(staticPod(manifest, { ...from, contents: "other" }))
    assert.isFalse(isMirrorCurrent(deleted, pod))
    assert.isFalse(isMirrorCurrent(mirror, edited))
  })
})
