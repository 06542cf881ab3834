import { assert, describe, it } from "@effect/vitest"
import { Lookup } from "../../../src/domain/config/lookups.ts"
import type { ConfigMap } from "../../../src/domain/k8s/configMap.ts"
import type { PodSpec } from "../../../src/domain/k8s/pod.ts"
import type { Secret } from "../../../src/domain/k8s/secret.ts"
import type { Volume } from "../../../src/domain/k8s/volume.ts"
import { desiredVolumes } from "../../../src/domain/volumes/desired.ts"
import { type ContentInputs, pathProblem, type Supply, supplyOf } from "../../../src/domain/volumes/payload.ts"
import { podWith } from "./pods.ts"

const secret: Secret = { metadata: { name: "s", uid: "su", resourceVersion: "1" }, data: { a: "YQ==", b: "Yg==" } }
const config: ConfigMap = {
  metadata: { name: "m", uid: "mu", resourceVersion: "2" },
  data: { x: "1" },
  binaryData: { y: "/w==" }
}

const known: Omit<ContentInputs, "pod"> = {
  secret: (name) => name === "s" ? Lookup.Found({ value: secret }) : Lookup.Missing(),
  configMap: (name) => name === "m" ? Lookup.Found({ value: config }) : Lookup.Missing(),
  token: ({ audience }) => Lookup.Found({ value: { token: `t-${audience}`, expiresAtMs: 5 } }),
  trust: () => Lookup.Missing(),
  certificate: () => undefined,
  allocatable: { cpu: "4", memory: "1Gi" }
}

const supply = (volume: Volume, given: { inputs?: Partial<ContentInputs>; spec?: Partial<PodSpec> } = {}): Supply => {
  const pod = podWith([volume], given.spec, { labels: { l: "1" } })
  const [desired] = desiredVolumes(pod, new Map()).volumes
  if (desired?.source._tag !== "Content") throw new Error("no content volume")
  return supplyOf(desired.source, { ...known, pod, ...given.inputs })
}

/** path → mode and text, or what stands in the way. */
const told = (result: Supply): unknown => {
  switch (result._tag) {
    case "Waiting":
      return "waiting"
    case "Failed":
      return result.message
    case "Ready":
      return Object.fromEntries(
        [...result.payload].map(([path, { content, mode, uid }]) => [
          path,
          `${mode.toString(8)} ${new TextDecoder().decode(content)}${uid === undefined ? "" : ` of ${uid}`}`
        ])
      )
  }
}

const rows: ReadonlyArray<
  { why: string; volume: Omit<Volume, "name">; want: unknown; inputs?: Partial<ContentInputs> }
> = [
  { why: "all keys of a Secret, mode 0644", volume: { secret: { secretName: "s" } }, want: { a: "644 a", b: "644 b" } },
  {
    why: "chosen keys under their paths, own mode over default mode",
    volume: {
      secret: {
        secretName: "s",
        defaultMode: 0o400,
        items: [{ key: "a", path: "d/e" }, { key: "b", path: "f", mode: 0o600 }]
      }
    },
    want: { "d/e": "400 a", f: "600 b" }
  },
  {
    why: "golden: a missing Secret",
    volume: { secret: { secretName: "absent" } },
    want: "secret \"absent\" not found"
  },
  {
    why: "golden: a missing ConfigMap",
    volume: { configMap: { name: "absent" } },
    want: "configmap \"absent\" not found"
  },
  { why: "missing but optional is empty", volume: { configMap: { name: "absent", optional: true } }, want: {} },
  {
    why: "a missing key of a Secret",
    volume: { secret: { secretName: "s", items: [{ key: "z", path: "z" }] } },
    want: "references non-existent secret key: z"
  },
  {
    why: "a missing key of a ConfigMap",
    volume: { configMap: { name: "m", items: [{ key: "z", path: "z" }] } },
    want: "references non-existent config key: z"
  },
  {
    why: "a missing key of an optional one is left out",
    volume: { configMap: { name: "m", optional: true, items: [{ key: "z", path: "z" }, { key: "x", path: "x" }] } },
    want: { x: "644 1" }
  },
  { why: "binary data is decoded", volume: { configMap: { name: "m" } }, want: { x: "644 1", y: "644 \ufffd" } },
  {
    why: "not answered yet",
    volume: { secret: { secretName: "s" } },
    inputs: { secret: () => undefined },
    want: "waiting"
  },
  {
    why: "refused by the server",
    volume: { secret: { secretName: "s" } },
    inputs: { secret: () => Lookup.Failed({ message: "no" }) },
    want: "no"
  },
  {
    why: "I12: labels as key=\"value\" lines, requests by name",
    volume: {
      downwardAPI: {
        items: [
          { path: "labels", fieldRef: { fieldPath: "metadata.labels" } },
          { path: "cpu", resourceFieldRef: { containerName: "c", resource: "limits.cpu" } }
        ]
      }
    },
    want: { labels: "644 l=\"1\"", cpu: "644 4" }
  },
  {
    why: "projected: all sources in one, the later wins",
    volume: {
      projected: {
        sources: [{ secret: { name: "s" } }, { configMap: { name: "m", items: [{ key: "x", path: "a" }] } }]
      }
    },
    want: { a: "644 1", b: "644 b" }
  },
  {
    why: "projected: several failures are listed",
    volume: { projected: { sources: [{ secret: { name: "q" } }, { configMap: { name: "r" } }] } },
    want: "[secret \"q\" not found, configmap \"r\" not found]"
  },
  {
    why: "a path that climbs out",
    volume: { secret: { secretName: "s", items: [{ key: "a", path: "../x" }] } },
    want: "invalid path: must not contain '..': ../x"
  }
]

describe("I5: what a content volume shows", () => {
  it.each(rows)(
    "$why",
    ({ inputs = {}, volume, want }) => assert.deepStrictEqual(told(supply({ name: "v", ...volume }, { inputs })), want)
  )

  it("the version follows the objects, so that an update is noticed", () => {
    const version = (resourceVersion: string) => {
      const value = { ...secret, metadata: { ...secret.metadata, resourceVersion } }
      const result = supply({ name: "v", secret: { secretName: "s" } }, {
        inputs: { secret: () => Lookup.Found({ value }) }
      })
      return result._tag === "Ready" ? result.version : ""
    }
    assert.notStrictEqual(version("1"), version("2"))
    assert.strictEqual(version("1"), version("1"))
  })
})

describe("I7: the mode of a token", () => {
  const volume: Volume = {
    name: "v",
    projected: { sources: [{ serviceAccountToken: { path: "token", audience: "x" } }] }
  }
  const user = (runAsUser?: number) => ({
    name: "n",
    ...(runAsUser === undefined ? {} : { securityContext: { runAsUser } })
  })
  it.each([
    { why: "nobody known: like the rest", spec: {}, want: "644 t-x" },
    { why: "an fsGroup", spec: { securityContext: { fsGroup: 3 } }, want: "600 t-x" },
    { why: "one user of the pod", spec: { securityContext: { runAsUser: 7 } }, want: "600 t-x of 7" }
  ])("$why → $want", ({ spec, want }) => assert.deepStrictEqual(told(supply(volume, { spec })), { token: want }))
  it.each([
    { why: "all containers one user", users: [7, 7], want: "600 t-x of 7" },
    { why: "two users", users: [7, 8], want: "644 t-x" },
    { why: "one container names none", users: [7, undefined], want: "644 t-x" }
  ])("$why → $want", ({ users, want }) => {
    const volumeMounts = [{ name: "v", mountPath: "/v" }]
    const containers = users.map((one) => ({ ...user(one), volumeMounts }))
    assert.deepStrictEqual(told(supply(volume, { spec: { containers } })), { token: want })
  })
})

describe("escapes are refused", () => {
  it.each([
    { path: "", ok: false, why: "nothing" },
    { path: "/a", ok: false, why: "absolute" },
    { path: "a/../b", ok: false, why: "climbs" },
    { path: "..data", ok: false, why: "would shadow the link" },
    { path: "..a/b", ok: false, why: "hidden from cleaning" },
    { path: "a/..b", ok: true, why: "a strange but harmless name" },
    { path: `${"x".repeat(256)}`, ok: false, why: "longer than a name may be" },
    { path: "a\0b", ok: false, why: "no name" }
  ])("$path: $why", ({ ok, path }) => assert.strictEqual(pathProblem(path) === undefined, ok))
})
