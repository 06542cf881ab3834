/**
 * Every sandbox and container that the Go kubelet 1.36 asked for in the recordings, built again from the manifest and
 * compared field by field. What differs on purpose is listed below with its reason.
 */
import { create, type DescMessage, type MessageInitShape, toJson } from "@bufbuild/protobuf"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { containerConfig } from "../../../src/domain/config/containerConfig.ts"
import { containerEnv } from "../../../src/domain/config/env.ts"
import { envReferences, Lookup } from "../../../src/domain/config/lookups.ts"
import type { MountedVolume } from "../../../src/domain/config/mounts.ts"
import { defaultNodeSettings, type NodeSettings } from "../../../src/domain/config/nodeSettings.ts"
import { sandboxConfig } from "../../../src/domain/config/sandboxConfig.ts"
import type { ConfigMap } from "../../../src/domain/k8s/configMap.ts"
import type { Container } from "../../../src/domain/k8s/container.ts"
import { decodePod } from "../../../src/domain/k8s/decode.ts"
import type { Pod } from "../../../src/domain/k8s/pod.ts"
import { defaultPod } from "../../../src/domain/k8s/podDefaults.ts"
import type { Secret } from "../../../src/domain/k8s/secret.ts"
import type { Service } from "../../../src/domain/k8s/service.ts"
import type { Volume } from "../../../src/domain/k8s/volume.ts"
import { ContainerConfigSchema, PodSandboxConfigSchema } from "../../../src/gen/cri/api_pb.ts"
import { callsOf, readRecording, recordedCases, type Recording } from "../../golden/recording.ts"

const node: NodeSettings = {
  ...defaultNodeSettings,
  rootDir: "<dir>/run/kubelet",
  hostIPs: ["192.0.2.2"],
  allocatable: { cpu: "2", memory: "24000000Ki" },
  memoryCapacityBytes: 24_581_684 * 1024,
  dns: { servers: [], domain: "", hostResolvConf: "nameserver <host-dns>\n" },
  cgroupV2: false,
  hugePageSizes: ["2MB", "1GB"],
  swap: { behavior: "NoSwap", controllerAvailable: true, nodeMemoryBytes: 24_581_684 * 1024, nodeSwapBytes: 0 }
}

const podOf = ({ manifest }: Recording): Pod => {
  const filled = defaultPod({
    ...manifest,
    metadata: { ...manifest.metadata, namespace: "default", uid: "<uid>" }
  })
  return Result.getOrThrow(decodePod(filled))
}

/** Messages compare as the JSON of their proto: original names, no zero values, numbers as text. */
const comparable = (json: unknown): unknown => {
  if (typeof json === "number") return `${json}`
  if (Array.isArray(json)) return json.map(comparable)
  if (typeof json !== "object" || json === null) return json
  return Object.fromEntries(Object.entries(json).sort().map(([key, value]) => [key, comparable(value)]))
}

const messageJson = <D extends DescMessage>(schema: D, init: MessageInitShape<D>): unknown =>
  comparable(toJson(schema, create(schema, init), { useProtoFieldName: true }))

type Record_ = Readonly<Record<string, unknown>>

const configOf = (request: Record_): Record_ => request["config"] as Record_

const plugins: ReadonlyArray<readonly [keyof Volume, string]> = [
  ["emptyDir", "kubernetes.io~empty-dir"],
  ["configMap", "kubernetes.io~configmap"],
  ["secret", "kubernetes.io~secret"],
  ["projected", "kubernetes.io~projected"]
]

const mounted = (volume: Volume): MountedVolume => {
  const [, folder] = plugins.find(([kind]) => volume[kind] !== undefined) ?? ["", "?"]
  return {
    hostPath: volume.hostPath?.path ?? `${node.rootDir}/pods/<uid>/volumes/${folder}/${volume.name}`,
    readOnly: folder !== "kubernetes.io~empty-dir" && volume.hostPath === undefined,
    selinuxRelabel: true
  }
}

const subPathsOf = (container: Container): ReadonlyMap<number, string> =>
  new Map(
    (container.volumeMounts ?? []).flatMap(({ name, subPath }, index): ReadonlyArray<[number, string]> =>
      subPath === undefined
        ? []
        : [[index, `${node.rootDir}/pods/<uid>/volume-subpaths/${name}/${container.name}/${index}`]]
    )
  )

const kubernetes: Service = {
  metadata: { name: "kubernetes", namespace: "default" },
  spec: { clusterIP: "10.96.0.1", ports: [{ name: "https", port: 443, protocol: "TCP" }] }
}

const extrasOf = (recording: Recording, kind: string): ReadonlyArray<Record_> =>
  (recording.extra ?? []).filter((object) => object["kind"] === kind)

const nameOf = (object: Record_): string => String((object["metadata"] as Record_)["name"])

const servicesOf = (recording: Recording): ReadonlyArray<Service> => [
  kubernetes,
  // The address is the API server's choice at creation.
  ...extrasOf(recording, "Service").map((service) => ({
    metadata: { name: nameOf(service), namespace: "default" },
    spec: { ...(service["spec"] as Service["spec"]), clusterIP: "10.96.242.213" }
  }))
]

const base64 = (text: string) => Buffer.from(text).toString("base64")

const secretsOf = (recording: Recording): ReadonlyMap<string, Lookup<Secret>> =>
  new Map(
    extrasOf(recording, "Secret").map((secret) => {
      const texts = Object.entries(secret["stringData"] as Record<string, string>)
      const data = Object.fromEntries(texts.map(([key, text]) => [key, base64(text)]))
      return [nameOf(secret), Lookup.Found({ value: { metadata: { name: nameOf(secret) }, data } })]
    })
  )

const configMapsOf = (recording: Recording): ReadonlyMap<string, Lookup<ConfigMap>> =>
  new Map(
    extrasOf(recording, "ConfigMap").map((map) => [
      nameOf(map),
      Lookup.Found({
        value: { metadata: { name: nameOf(map) }, data: map["data"] as Record<string, string> }
      })
    ])
  )

const podIPsOf = (recording: Recording): ReadonlyArray<string> => {
  const known = recording.statuses.flatMap(({ status }) =>
    status["podIP"] === undefined ? [] : [String(status["podIP"])]
  )
  return known.length === 0 ? ["10.88.0.2"] : [known[known.length - 1] ?? ""]
}

/** The container of a request: of the manifest, changed or added later as the case says. */
const containerOf = (pod: Pod, config: Record_): Container => {
  const name = String((config["metadata"] as Record_)["name"])
  const image = String((config["image"] as Record_)["user_specified_image"])
  const declared = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find((it) => it.name === name)
  const added = {
    name,
    command: config["command"] as ReadonlyArray<string>,
    terminationMessagePath: "/dev/termination-log",
    terminationMessagePolicy: "File"
  }
  return { ...(declared ?? added), image }
}

const envInput = (recording: Recording, pod: Pod, container: Container) => ({
  pod,
  container,
  lookups: { secrets: secretsOf(recording), configMaps: configMapsOf(recording), files: new Map() },
  services: servicesOf(recording),
  allocatable: node.allocatable,
  podIPs: podIPsOf(recording),
  hostIPs: node.hostIPs
})

const builtContainer = (recording: Recording, recorded: Record_) => {
  const pod = podOf(recording)
  const container = containerOf(pod, recorded)
  const security = (recorded["linux"] as Record_)["security_context"] as Record_
  const target = (security["namespace_options"] as Record_)["target_id"]
  const mounts = recorded["mounts"] as ReadonlyArray<Record_>
  const terminationLog = mounts.find((mount) => mount["container_path"] === container.terminationMessagePath)
  return containerConfig({
    pod,
    container,
    node,
    restartCount: Number((recorded["metadata"] as Record_)["attempt"] ?? 0),
    image: { ref: String((recorded["image"] as Record_)["image"]), user: { uid: 0 } },
    env: Result.getOrThrow(containerEnv(envInput(recording, pod, container))),
    volumes: new Map((pod.spec.volumes ?? []).map((volume) => [volume.name, mounted(volume)])),
    subPaths: subPathsOf(container),
    blockVolumes: new Map(),
    podIPs: podIPsOf(recording),
    terminationToken: String(terminationLog?.["host_path"]).slice(-8),
    volumeGroups: [],
    namespaces: typeof target === "string" ? { targetContainerId: target } : {},
    supportsRecursiveReadOnly: false
  })
}

/** Go sends variables in the order of a hash map, so only the set of them can be compared. */
const sortedEnv = (json: unknown): unknown => {
  const config = json as Record_
  const envs = config["envs"] as ReadonlyArray<{ key: string }> | undefined
  return envs === undefined ? json : { ...config, envs: [...envs].sort((a, b) => a.key < b.key ? -1 : 1) }
}

describe("requests of the Go kubelet 1.36, built again", () => {
  for (const name of recordedCases) {
    const recording = readRecording(name)
    for (const [index, call] of callsOf(recording, "RunPodSandbox").entries()) {
      it(`D2: ${name}, sandbox ${index}`, () => {
        const annotations = { "kubernetes.io/config.source": "api", "kubernetes.io/config.seen": "<time>" }
        const attempt = Number((configOf(call.request)["metadata"] as Record_)["attempt"] ?? 0)
        const { config } = Result.getOrThrow(sandboxConfig({ pod: podOf(recording), node, attempt, annotations }))
        assert.deepStrictEqual(messageJson(PodSandboxConfigSchema, config), comparable(configOf(call.request)))
      })
    }
    for (const [index, call] of callsOf(recording, "CreateContainer").entries()) {
      it(`D21: ${name}, container ${index}`, () => {
        const recorded = configOf(call.request)
        const built = Result.getOrThrow(builtContainer(recording, recorded))
        assert.deepStrictEqual(
          sortedEnv(messageJson(ContainerConfigSchema, built)),
          sortedEnv(comparable(recorded))
        )
      })
    }
  }
})

describe("messages of the Go kubelet 1.36", () => {
  const waitingMessage = (recording: Recording, reason: string): string | undefined => {
    for (const { status } of recording.statuses) {
      const statuses = (status["containerStatuses"] ?? []) as ReadonlyArray<{ state?: { waiting?: Record_ } }>
      const waiting = statuses.map(({ state }) => state?.waiting).find((it) => it?.["reason"] === reason)
      if (waiting !== undefined) return String(waiting["message"])
    }
    return undefined
  }

  it.each(["missing-configmap-key", "missing-secret-env", "nonroot-violated"])("E3, E7: %s", (name) => {
    const recording = readRecording(name)
    const pod = podOf(recording)
    const [container] = pod.spec.containers
    assert.isDefined(container)
    const built = Result.flatMap(containerEnv(envInput(recording, pod, container)), (env) =>
      containerConfig({
        pod,
        container,
        node,
        restartCount: 0,
        image: { ref: "sha256:0", user: { uid: 0 } },
        env,
        volumes: new Map(),
        subPaths: new Map(),
        blockVolumes: new Map(),
        podIPs: ["10.88.0.2"],
        terminationToken: "00000000",
        volumeGroups: [],
        namespaces: {},
        supportsRecursiveReadOnly: false
      }))
    assert.strictEqual(
      Result.getOrThrow(Result.flip(built)).message,
      waitingMessage(recording, "CreateContainerConfigError")
    )
  })

  it("E4: every MissingClusterDNS event", () => {
    for (const name of recordedCases) {
      const recording = readRecording(name)
      const recorded = recording.events.filter(({ reason }) => reason === "MissingClusterDNS").map((it) => it.message)
      if (callsOf(recording, "RunPodSandbox").length === 0) continue
      const { warnings } = Result.getOrThrow(sandboxConfig({ pod: podOf(recording), node, attempt: 0 }))
      assert.deepStrictEqual(warnings.map(({ message }) => message), recorded, name)
    }
  })

  it("E3: what env-kinds refers to is found before it is needed", () => {
    const [container] = podOf(readRecording("env-kinds")).spec.containers
    assert.isDefined(container)
    const { secrets, configMaps } = envReferences(container)
    assert.deepStrictEqual([[...secrets], [...configMaps]], [["envs"], ["env", "none"]])
  })
})
