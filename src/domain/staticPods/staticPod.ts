/**
 * Static pods: from a manifest on the node to a pod as if the API had sent it (parity C4), and from there to the mirror
 * pod that shows it at the API server (parity C5).
 */
import { Result, Schema } from "effect"
import { decodePod } from "../k8s/decode.ts"
import { isObject } from "../k8s/json.ts"
import type { Pod, PodSpec } from "../k8s/pod.ts"
import { defaultPod } from "../k8s/podDefaults.ts"

export const annotationConfigSource = "kubernetes.io/config.source"
export const annotationConfigSeen = "kubernetes.io/config.seen"
export const annotationConfigHash = "kubernetes.io/config.hash"
export const annotationConfigMirror = "kubernetes.io/config.mirror"

/** A manifest is no pod that a node can run by itself. `detail` names the field. */
export class MalformedManifest extends Schema.TaggedError<MalformedManifest>()("MalformedManifest", {
  /** Path or URL of the manifest. */
  origin: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `static pod manifest ${this.origin}: ${this.detail}`
  }
}

/** 32-bit FNV-1a from a chosen start, so that four of them make an id. */
const fnv1a = (text: string, start: number): number => {
  let hash = start
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 16_777_619)
  return hash >>> 0
}

/** 32 hex digits that change with the manifest's contents, its file and the node; the same after every restart. */
export const staticUid = (contents: string, origin: string, nodeName: string): string =>
  [0x811c9dc5, 0x01234567, 0x89abcdef, 0x2545f491]
    .map((start) => fnv1a(`${nodeName}\u0000${origin}\u0000${contents}`, start).toString(16).padStart(8, "0"))
    .join("")

/** First reference of the spec to an object of the API, which a node cannot resolve for a static pod. */
export const apiReference = (spec: PodSpec): string | undefined => {
  if ((spec.serviceAccountName ?? "") !== "") return "spec.serviceAccountName"
  if ((spec.resourceClaims ?? []).length > 0) return "spec.resourceClaims"
  for (const volume of spec.volumes ?? []) {
    for (const kind of ["configMap", "secret", "persistentVolumeClaim", "ephemeral", "projected"] as const) {
      if (volume[kind] !== undefined) return `spec.volumes[${volume.name}].${kind}`
    }
  }
  for (const container of [...(spec.initContainers ?? []), ...spec.containers]) {
    for (const source of container.envFrom ?? []) {
      if (source.configMapRef !== undefined) return `container ${container.name}: envFrom.configMapRef`
      if (source.secretRef !== undefined) return `container ${container.name}: envFrom.secretRef`
    }
    for (const variable of container.env ?? []) {
      if (variable.valueFrom?.configMapKeyRef !== undefined) return `container ${container.name}: env ${variable.name}`
      if (variable.valueFrom?.secretKeyRef !== undefined) return `container ${container.name}: env ${variable.name}`
    }
  }
  return undefined
}

export interface StaticOrigin {
  readonly source: "file" | "http"
  /** Path or URL. */
  readonly origin: string
  /** The manifest's text, of which the UID is made. */
  readonly contents: string
  readonly nodeName: string
  /** RFC 3339, for the annotation `config.seen`. */
  readonly seen: string
}

/** The toleration that keeps node taints from evicting what the API did not place. */
const tolerateAll = { operator: "Exists", effect: "NoExecute" }

/** One parsed manifest as the pod that this node runs. */
export const staticPod = (manifest: unknown, from: StaticOrigin): Result.Result<Pod, MalformedManifest> => {
  const bad = (detail: string) => Result.fail(new MalformedManifest({ origin: from.origin, detail }))
  if (!isObject(manifest)) return bad("is no object")
  if (manifest["kind"] !== "Pod") return bad(`kind: wants Pod, has ${JSON.stringify(manifest["kind"] ?? null)}`)
  if (manifest["apiVersion"] !== "v1") {
    return bad(`apiVersion: wants v1, has ${JSON.stringify(manifest["apiVersion"] ?? null)}`)
  }
  const { metadata, spec } = manifest
  if (!isObject(metadata) || typeof metadata["name"] !== "string" || metadata["name"] === "") {
    return bad("metadata.name: is required")
  }
  if (!isObject(spec)) return bad("spec: is required")
  const uid = typeof metadata["uid"] === "string" && metadata["uid"] !== ""
    ? metadata["uid"]
    : staticUid(from.contents, from.origin, from.nodeName)
  const tolerations = Array.isArray(spec["tolerations"]) ? spec["tolerations"] : []
  // What an API server would have filled in before a kubelet sees the pod.
  const decoded = decodePod(defaultPod({
    ...manifest,
    metadata: {
      ...metadata,
      name: `${metadata["name"]}-${from.nodeName.toLowerCase()}`,
      namespace: typeof metadata["namespace"] === "string" ? metadata["namespace"] : "default",
      uid,
      creationTimestamp: from.seen,
      annotations: {
        ...(isObject(metadata["annotations"]) ? metadata["annotations"] : {}),
        [annotationConfigHash]: uid,
        [annotationConfigSource]: from.source,
        [annotationConfigSeen]: from.seen
      }
    },
    spec: {
      ...spec,
      nodeName: from.nodeName,
      ...(from.source === "file" ? { tolerations: [...tolerations, tolerateAll] } : {})
    },
    status: { phase: "Pending" }
  }))
  if (Result.isFailure(decoded)) return bad(decoded.failure.detail)
  const pod = decoded.success
  if (pod.spec.containers.length === 0) return bad("spec.containers: is required")
  const reference = apiReference(pod.spec)
  return reference === undefined ? Result.succeed(pod) : bad(`${reference}: a static pod cannot refer to API objects`)
}

/** The mirror pod to create for a static pod. */
export const mirrorPodOf = (pod: Pod, nodeUid: string | undefined): Pod => {
  const { creationTimestamp: _created, uid: _uid, ...metadata } = pod.metadata
  const annotations = pod.metadata.annotations ?? {}
  const { status: _status, ...rest } = pod
  return {
    ...rest,
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      ...metadata,
      uid: "",
      annotations: { ...annotations, [annotationConfigMirror]: annotations[annotationConfigHash] ?? "" },
      ...(nodeUid === undefined ? {} : {
        ownerReferences: [{
          apiVersion: "v1",
          kind: "Node",
          name: pod.spec.nodeName ?? "",
          uid: nodeUid,
          controller: true
        }]
      })
    }
  }
}

/** True while the mirror shows just this static pod. */
export const isMirrorCurrent = (mirror: Pod, pod: Pod): boolean =>
  mirror.metadata.deletionTimestamp === undefined &&
  mirror.metadata.annotations?.[annotationConfigMirror] === pod.metadata.annotations?.[annotationConfigHash]
