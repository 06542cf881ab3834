/** The variables of a container: order, references, sources, and what is said when one is missing. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { containerEnv, type EnvInput } from "../../../src/domain/config/env.ts"
import { parseEnvFile } from "../../../src/domain/config/envFile.ts"
import { envReferences, fileKey, Lookup, noLookups, podReferences } from "../../../src/domain/config/lookups.ts"
import { serviceEnv } from "../../../src/domain/config/serviceEnv.ts"
import type { Container, EnvVar } from "../../../src/domain/k8s/container.ts"
import type { PodSpec } from "../../../src/domain/k8s/pod.ts"
import type { Service } from "../../../src/domain/k8s/service.ts"
import { asking, podWith } from "../resources/pods.ts"

const secret = (data: Readonly<Record<string, string>>) =>
  Lookup.Found({
    value: {
      metadata: { name: "s" },
      data: Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString("base64")]))
    }
  })

const inputOf = (
  container: Partial<Container>,
  over: Partial<EnvInput> = {},
  spec: Partial<PodSpec> = {}
): EnvInput => {
  const full = { ...asking("c", { memory: "33Mi", cpu: "250m" }), ...container }
  return {
    pod: podWith({ enableServiceLinks: false, nodeName: "n1", containers: [full], ...spec }, {
      labels: { app: "envs", "a/b": "slash" },
      annotations: { note: "hi" }
    }),
    container: full,
    lookups: noLookups,
    services: [],
    allocatable: { cpu: "2", memory: "1Gi", "ephemeral-storage": "10Gi" },
    podIPs: ["10.0.0.1", "fd00::1"],
    hostIPs: ["192.0.2.2"],
    ...over
  }
}

const env = (container: Partial<Container>, over: Partial<EnvInput> = {}, spec: Partial<PodSpec> = {}) =>
  Object.fromEntries(Result.getOrThrow(containerEnv(inputOf(container, over, spec))))

const failure = (container: Partial<Container>, over: Partial<EnvInput> = {}, spec: Partial<PodSpec> = {}) => {
  const error = Result.getOrThrow(Result.flip(containerEnv(inputOf(container, over, spec))))
  return [error.problem, error.message]
}

const field = (fieldPath: string): ReadonlyArray<EnvVar> => [{ name: "X", valueFrom: { fieldRef: { fieldPath } } }]
const resource = (name: string, divisor?: string): ReadonlyArray<EnvVar> => [{
  name: "X",
  valueFrom: { resourceFieldRef: { resource: name, ...(divisor === undefined ? {} : { divisor }) } }
}]

const service = (name: string, namespace: string, spec: Service["spec"]): Service => ({
  metadata: { name, namespace },
  ...(spec === undefined ? {} : { spec })
})
const api = service("kubernetes", "default", { clusterIP: "10.96.0.1", ports: [{ name: "https", port: 443 }] })

describe("E1: order", () => {
  it("a variable sees the ones before it, and services, never later ones", () => {
    assert.deepStrictEqual(
      env({
        env: [
          { name: "EARLY", value: "$(LATE)" },
          { name: "LATE", value: "x$(EARLY)" },
          { name: "HOST", value: "$(KUBERNETES_SERVICE_HOST)" },
          { name: "EARLY", value: "again $(EARLY)" }
        ]
      }, { services: [api] })["LATE"],
      "x$(LATE)"
    )
  })

  it("later sources win, and env wins over all", () => {
    const lookups = {
      ...noLookups,
      configMaps: new Map([["m", Lookup.Found({ value: { metadata: { name: "m" }, data: { A: "map", B: "map" } } })]]),
      secrets: new Map([["s", secret({ B: "secret", C: "secret" })]])
    }
    const container = {
      envFrom: [{ configMapRef: { name: "m" } }, { secretRef: { name: "s" } }, {
        prefix: "P_",
        secretRef: { name: "s" }
      }],
      env: [{ name: "C", value: "$(A)" }]
    }
    assert.deepStrictEqual(env(container, { lookups }), {
      A: "map",
      B: "secret",
      C: "map",
      P_B: "secret",
      P_C: "secret"
    })
  })

  it("services do not overwrite what the container sets", () => {
    const set = env({ env: [{ name: "KUBERNETES_SERVICE_HOST", value: "own" }] }, { services: [api] })
    assert.strictEqual(set["KUBERNETES_SERVICE_HOST"], "own")
    assert.strictEqual(set["KUBERNETES_SERVICE_PORT"], "443")
  })
})

describe("E3: fields and resources", () => {
  it.each([
    { path: "metadata.name", want: "p" },
    { path: "metadata.namespace", want: "default" },
    { path: "metadata.uid", want: "u-1" },
    { path: "metadata.labels['app']", want: "envs" },
    { path: "metadata.labels['a/b']", want: "slash" },
    { path: "metadata.labels['none']", want: "" },
    { path: "metadata.annotations['note']", want: "hi" },
    { path: "metadata.labels", want: "a/b=\"slash\"\napp=\"envs\"" },
    { path: "spec.nodeName", want: "n1" },
    { path: "spec.serviceAccountName", want: "" },
    { path: "status.podIP", want: "10.0.0.1" },
    { path: "status.podIPs", want: "10.0.0.1,fd00::1" },
    { path: "status.hostIP", want: "192.0.2.2" },
    { path: "status.hostIPs", want: "192.0.2.2" }
  ])("$path → $want", ({ path, want }) => assert.strictEqual(env({ env: field(path) })["X"], want))

  it.each([
    { name: "limits.cpu", divisor: undefined, want: "2", why: "no limit: what the node has" },
    { name: "limits.cpu", divisor: "1m", want: "2000", why: "in thousandths" },
    { name: "requests.cpu", divisor: undefined, want: "1", why: "rounded up" },
    { name: "requests.cpu", divisor: "0", want: "1", why: "a divisor of nought is one" },
    { name: "requests.memory", divisor: "1Mi", want: "33", why: "in mebibytes" },
    { name: "requests.memory", divisor: "1G", want: "1", why: "rounded up" },
    { name: "limits.memory", divisor: "1Mi", want: "1024", why: "no limit" },
    { name: "limits.ephemeral-storage", divisor: "1Gi", want: "10", why: "no limit" },
    { name: "requests.ephemeral-storage", divisor: "1", want: "0", why: "requests have no default" },
    { name: "limits.hugepages-2Mi", divisor: "1", want: "0", why: "huge pages are never shared out" }
  ])("$name in $divisor → $want: $why", ({ name, divisor, want }) => {
    assert.strictEqual(env({ env: resource(name, divisor) })["X"], want)
  })

  it("KEP-2837: the pod's limit caps what a container may think it has", () => {
    assert.strictEqual(
      env({ env: resource("limits.memory", "1Mi") }, {}, { resources: { limits: { memory: "64Mi" } } })["X"],
      "64"
    )
  })
})

describe("E3: what is missing", () => {
  const key = (kind: "secretKeyRef" | "configMapKeyRef", optional: boolean): ReadonlyArray<EnvVar> => [{
    name: "X",
    valueFrom: { [kind]: { name: "n", key: "k", optional } }
  }]
  const empty = {
    ...noLookups,
    secrets: new Map([["n", secret({})]]),
    configMaps: new Map([["n", Lookup.Found({ value: { metadata: { name: "n" } } })]])
  }

  it.each([
    { container: { env: key("secretKeyRef", false) }, want: ["MissingObject", "secret \"n\" not found"] },
    { container: { env: key("configMapKeyRef", false) }, want: ["MissingObject", "configmap \"n\" not found"] },
    { container: { envFrom: [{ secretRef: { name: "n" } }] }, want: ["MissingObject", "secret \"n\" not found"] },
    { container: { envFrom: [{ configMapRef: { name: "n" } }] }, want: ["MissingObject", "configmap \"n\" not found"] },
    { container: { env: field("spec.other") }, want: ["Invalid", "unsupported fieldPath: spec.other"] },
    { container: { env: resource("limits.gpu") }, want: ["Invalid", "unsupported container resource : limits.gpu"] },
    {
      container: {
        env: [{ name: "X", valueFrom: { resourceFieldRef: { containerName: "z", resource: "limits.cpu" } } }]
      },
      want: ["Invalid", "container z not found"]
    }
  ])("$want.1", ({ container, want }) => assert.deepStrictEqual(failure(container), want))

  it.each([
    { kind: "secretKeyRef" as const, want: "couldn't find key k in Secret default/n" },
    { kind: "configMapKeyRef" as const, want: "couldn't find key k in ConfigMap default/n" }
  ])("$want", ({ kind, want }) => {
    assert.deepStrictEqual(failure({ env: key(kind, false) }, { lookups: empty }), ["MissingKey", want])
    assert.deepStrictEqual(env({ env: key(kind, true) }, { lookups: empty }), {})
  })

  it("optional and absent leaves the variable out", () => {
    const optional = { envFrom: [{ secretRef: { name: "n", optional: true } }], env: key("configMapKeyRef", true) }
    assert.deepStrictEqual(env(optional), {})
  })

  it("a lookup that failed is told as it was, even if optional", () => {
    const lookups = { ...noLookups, secrets: new Map([["n", Lookup.Failed({ message: "no route" })]]) }
    assert.deepStrictEqual(failure({ env: key("secretKeyRef", true) }, { lookups }), ["LookupFailed", "no route"])
  })

  it("service links must be decided", () => {
    const { enableServiceLinks: _, ...spec } = inputOf({}).pod.spec
    const input = { ...inputOf({}), pod: { ...inputOf({}).pod, spec } }
    assert.strictEqual(
      Result.getOrThrow(Result.flip(containerEnv(input))).message,
      "nil pod.spec.enableServiceLinks encountered, cannot construct envvars"
    )
  })
})

describe("E2: services", () => {
  const web = service("my-svc", "default", {
    clusterIP: "10.1.1.1",
    ports: [{ name: "web", port: 80 }, { name: "dns", port: 53, protocol: "UDP" }]
  })
  const names = (services: ReadonlyArray<Service>, namespace: string, enableServiceLinks: boolean) =>
    serviceEnv(services, { namespace, enableServiceLinks }).map(([name]) => name)

  it("own services if asked for, the API server's always", () => {
    assert.isTrue(names([web, api], "default", true).includes("MY_SVC_PORT_53_UDP_ADDR"))
    assert.isFalse(names([web, api], "default", false).some((name) => name.startsWith("MY_SVC")))
    assert.isTrue(names([web, api], "other", true).includes("KUBERNETES_SERVICE_HOST"))
  })

  it("a service of its own hides the API server's", () => {
    const own = service("kubernetes", "other", { clusterIP: "10.9.9.9", ports: [{ port: 1 }] })
    const hosts = (services: ReadonlyArray<Service>) =>
      serviceEnv(services, { namespace: "other", enableServiceLinks: true })
        .filter(([name]) => name === "KUBERNETES_SERVICE_HOST")
    assert.deepStrictEqual(hosts([api, own]), [["KUBERNETES_SERVICE_HOST", "10.9.9.9"]])
    assert.deepStrictEqual(hosts([own, api]), [["KUBERNETES_SERVICE_HOST", "10.9.9.9"]])
  })

  it("headless services have no address to tell", () => {
    const headless = [
      service("a", "default", { clusterIP: "None", ports: [{ port: 1 }] }),
      service("b", "default", { type: "ExternalName" }),
      service("c", "default", undefined)
    ]
    assert.deepStrictEqual(names(headless, "default", true), [])
  })

  it("IPv6 addresses are bracketed in URLs only", () => {
    const six = service("six", "default", { clusterIP: "fd00::9", ports: [{ port: 80 }] })
    const vars = Object.fromEntries(serviceEnv([six], { namespace: "default", enableServiceLinks: true }))
    assert.deepStrictEqual([vars["SIX_PORT"], vars["SIX_SERVICE_HOST"]], ["tcp://[fd00::9]:80", "fd00::9"])
  })
})

describe("E3: files of variables", () => {
  const entries = (text: string) => Object.fromEntries(Result.getOrThrow(parseEnvFile(text)))
  it.each([
    { text: "A='x'\nB=''\n", want: { A: "x", B: "" }, why: "lines" },
    { text: "# c\n\n  A='x' # note", want: { A: "x" }, why: "comments and blanks" },
    { text: "A='1\n2'\nB='3'", want: { A: "1\n2", B: "3" }, why: "a value over two lines" },
    { text: "A='1'\nA='2'", want: { A: "2" }, why: "the later wins" },
    { text: "A='$(B) \\n'", want: { A: "$(B) \\n" }, why: "nothing inside quotes is special" },
    { text: "", want: {}, why: "empty" }
  ])("$why", ({ text, want }) => assert.deepStrictEqual<unknown>(entries(text), want))

  it.each([
    { text: "A=x", why: "not quoted" },
    { text: "A=\"x\"", why: "other quotes" },
    { text: "1A='x'", why: "no name" },
    { text: "A='x", why: "never closed" },
    { text: `${"K".repeat(129)}='x'`, why: "key too long" },
    { text: `A='${"x".repeat(32 * 1024 + 1)}'`, why: "value too long" },
    { text: `#${"x".repeat(64 * 1024)}`, why: "file too long" }
  ])("refuses: $why", ({ text }) => assert.isTrue(Result.isFailure(parseEnvFile(text))))

  it("a key of a file becomes a variable", () => {
    const ref = { volumeName: "v", path: "f.env", key: "A" }
    const container = { env: [{ name: "X", valueFrom: { fileKeyRef: ref } }] }
    const lookups = { ...noLookups, files: new Map([[fileKey("v", "f.env"), Lookup.Found({ value: "A='1'" })]]) }
    assert.deepStrictEqual(env(container, { lookups }), { X: "1" })
    assert.strictEqual(failure(container)[0], "MissingObject")
    assert.deepStrictEqual(envReferences({ ...asking("c"), ...container }).files, [{ volumeName: "v", path: "f.env" }])
  })
})

describe("Q4: what a pod refers to", () => {
  it("is found in every corner of its spec", () => {
    const { secrets, configMaps } = podReferences(podWith({
      containers: [{ name: "c", envFrom: [{ secretRef: { name: "s1" } }] }],
      initContainers: [{ name: "i", env: [{ name: "X", valueFrom: { configMapKeyRef: { name: "m1", key: "k" } } }] }],
      imagePullSecrets: [{ name: "s2" }, {}],
      volumes: [
        { name: "a", secret: { secretName: "s3" } },
        { name: "b", configMap: { name: "m2" } },
        { name: "c", projected: { sources: [{ secret: { name: "s4" } }, { configMap: { name: "m3" } }] } },
        { name: "d", csi: { driver: "x", nodePublishSecretRef: { name: "s5" } } }
      ]
    }))
    assert.deepStrictEqual([[...secrets].sort(), [...configMaps].sort()], [["s1", "s2", "s3", "s4", "s5"], [
      "m1",
      "m2",
      "m3"
    ]])
  })
})
