import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Metric, Ref, References, Result } from "effect"
import { TestClock } from "effect/testing"
import { Lookup } from "../../../src/domain/config/lookups.ts"
import { Permanent } from "../../../src/domain/failure.ts"
import type { CredentialAnswer, CredentialRequest } from "../../../src/domain/images/credentialAnswers.ts"
import type { CredentialProvider } from "../../../src/domain/images/credentialProviders.ts"
import { intentText, readRecord, recordFile } from "../../../src/domain/images/pullRecords.ts"
import type { Pod } from "../../../src/domain/k8s/pod.ts"
import { KubeApi } from "../../../src/layers/api/KubeApi.ts"
import { CredentialPluginError } from "../../../src/layers/credentials/CredentialPlugins.ts"
import * as CredentialPluginsSim from "../../../src/layers/credentials/CredentialPluginsSim.ts"
import * as CriSim from "../../../src/layers/cri/CriSim.ts"
import * as HostFilesMemory from "../../../src/layers/host/HostFilesMemory.ts"
import type { AgentSettings } from "../../../src/programs/AgentConfig.ts"
import { EventRecorder } from "../../../src/programs/events/EventRecorder.ts"
import * as Credentials from "../../../src/programs/images/Credentials.ts"
import { ImagePuller } from "../../../src/programs/images/ImagePuller.ts"
import * as ImagePullerLayer from "../../../src/programs/images/ImagePuller.ts"
import * as PluginCredentials from "../../../src/programs/images/PluginCredentials.ts"
import { PullRecords } from "../../../src/programs/images/PullRecords.ts"
import * as PullRecordsLayer from "../../../src/programs/images/PullRecords.ts"
import { ObjectCache } from "../../../src/programs/volumes/ObjectCache.ts"
import { agentConfig } from "../../fixture/agentSettings.ts"

const image = "r.io/team/app:1"
const password = "open sesame"

const podOf = (name: string, more: Partial<Pod["spec"]> = {}): Pod => ({
  metadata: { name, namespace: "shop", uid: `uid-${name}` },
  spec: { containers: [{ name: "c", image }], ...more }
})

/** Pull secrets by name: the password that each holds. */
const passwords: Readonly<Record<string, string>> = { good: password, twin: password, bad: "wrong" }
const secretOf = (name: string) => ({
  metadata: { name, namespace: "shop", uid: `secret-${name}` },
  type: "kubernetes.io/dockerconfigjson",
  data: {
    ".dockerconfigjson": btoa(JSON.stringify({ auths: { "r.io": { username: "u", password: passwords[name] } } }))
  }
})

const provider = (more: Partial<CredentialProvider> = {}): CredentialProvider => ({
  name: "vault",
  matchImages: ["r.io"],
  defaultCacheMs: 60_000,
  apiVersion: "credentialprovider.kubelet.k8s.io/v1",
  args: [],
  env: {},
  ...more
})
const answer: CredentialAnswer = { cacheKeyType: "Registry", auth: { "r.io": { username: "u", password } } }
const pluginOf = (
  more: Partial<CredentialProvider> = {},
  give: CredentialPluginsSim.SimPlugin["answer"] = () => Effect.succeed(answer)
): CredentialPluginsSim.SimPlugin => ({ provider: provider(more), answer: give, asked: [] })

interface Options {
  readonly settings?: Partial<AgentSettings>
  readonly plugins?: ReadonlyArray<CredentialPluginsSim.SimPlugin>
  readonly host?: HostFilesMemory.MemoryHost
  readonly runtime?: CriSim.SimRuntime
}

/** A registry that wants the password for everything below `r.io`, and an agent's part that pulls from it. */
const make = Effect.fnUntraced(function*(options: Options = {}) {
  const host = options.host ?? new HostFilesMemory.MemoryHost()
  const runtime = options.runtime ?? CriSim.make({
    recordCalls: true,
    registry: (name, shown) =>
      name.startsWith("r.io/") && shown?.password !== password
        ? { _tag: "Denied" }
        : { _tag: "Image", sizeBytes: 20 * 2 ** 20, pullMs: 2000 }
  })
  const told = yield* Ref.make<ReadonlyArray<string>>([])
  const below = Layer.mergeAll(
    CriSim.layer(runtime).pipe(Layer.provideMerge(HostFilesMemory.layer(host))),
    agentConfig(options.settings ?? {}),
    CredentialPluginsSim.layer(options.plugins),
    Layer.mock(KubeApi)({
      get: (_, { name, namespace = "" }) =>
        Effect.succeed({ metadata: { name, namespace, uid: `sa-${name}`, annotations: { "x.io/role": "builder" } } }),
      create: (_, object) =>
        Effect.succeed({
          ...object,
          status: { token: `jwt-${JSON.stringify(object["spec"])}`, expirationTimestamp: "1970-01-01T01:00:00Z" }
        })
    }),
    Layer.mock(EventRecorder)({
      recordPod: (_, { message, reason }) => Ref.update(told, (all) => [...all, `${reason}: ${message}`])
    }),
    Layer.mock(ObjectCache)({
      lookup: (_, { secrets }) =>
        Effect.succeed({
          secrets: new Map(
            [...secrets].map((name) => [
              name,
              Object.hasOwn(passwords, name) ? Lookup.Found({ value: secretOf(name) }) : Lookup.Missing()
            ])
          ),
          configMaps: new Map()
        })
    })
  )
  const context = yield* Layer.build(
    ImagePullerLayer.layer.pipe(
      Layer.provideMerge(Layer.mergeAll(Credentials.layer, PullRecordsLayer.layer)),
      Layer.provideMerge(PluginCredentials.layer),
      Layer.provideMerge(below)
    )
  )
  const puller = yield* Effect.provideContext(ImagePuller, context)
  const records = yield* Effect.provideContext(PullRecords, context)
  const ensure = (pod: Pod, imagePullPolicy = "IfNotPresent") =>
    Effect.gen(function*() {
      const container = { ...pod.spec.containers[0], name: "c", imagePullPolicy }
      const wish = { pod, container, kind: "regular" as const, annotations: {}, sandboxConfig: {} }
      const fiber = yield* Effect.forkChild(Effect.result(puller.ensure(wish)))
      yield* TestClock.adjust("30 seconds")
      const result = yield* Fiber.join(fiber)
      return Result.isSuccess(result) ? "ok" : `${result.failure.reason}: ${result.failure.message}`
    })
  const pulls = () => runtime.calls.filter(({ method }) => method === "PullImage").length
  return { host, runtime, ensure, pulls, records, events: Ref.get(told) }
})

const withSecret = (name: string, ...secrets: ReadonlyArray<string>) =>
  podOf(name, { imagePullSecrets: secrets.map((secret) => ({ name: secret })) })

describe("image access", () => {
  it.effect("N4: each credential is tried until one opens the registry; a missing secret is only told of", () =>
    Effect.gen(function*() {
      const node = yield* make()
      assert.strictEqual(yield* node.ensure(withSecret("a", "absent", "bad", "good")), "ok")
      assert.strictEqual(node.pulls(), 2)
      assert.include(
        yield* node.events,
        "FailedToRetrieveImagePullSecret: Unable to retrieve some image pull secrets (absent); " +
          "attempting to pull the image may not succeed."
      )
      const denied = yield* node.ensure(withSecret("b", "bad"))
      assert.include(denied, "ErrImagePull: failed to pull and unpack image \"r.io/team/app:1\"")
    }))

  it.effect("N4: the node's own Docker configuration is for every pod", () =>
    Effect.gen(function*() {
      const host = new HostFilesMemory.MemoryHost()
      host.makeDirectories("/var/lib/kubelet")
      host.write(
        "/var/lib/kubelet/config.json",
        JSON.stringify({ auths: { "r.io": { auth: btoa(`u:${password}`) } } })
      )
      const node = yield* make({ host })
      assert.strictEqual(yield* node.ensure(podOf("a")), "ok")
      assert.strictEqual(yield* node.ensure(podOf("b")), "ok")
      assert.strictEqual(node.pulls(), 1)
    }))

  it.effect("N8: kubelet_image_pull_duration_seconds counts a pull under the size of its image", () =>
    Effect.gen(function*() {
      const counted = Effect.map(
        Metric.snapshot,
        (all) =>
          all.flatMap((metric) =>
            metric.id === "kubelet_image_pull_duration_seconds" && metric.type === "Histogram" &&
              metric.attributes?.["image_size_in_bytes"] === "10MB-100MB"
              ? [metric.state.count]
              : []
          )[0] ?? 0
      )
      const before = yield* counted
      const node = yield* make()
      yield* node.ensure(withSecret("a", "good"))
      assert.strictEqual((yield* counted) - before, 1)
    }))
})

describe("N1: what images are asked for", () => {
  it.effect.each([
    { policy: "Always", there: true, want: "always unknown true", why: "it is pulled anyhow" },
    { policy: "IfNotPresent", there: false, want: "ifnotpresent false true", why: "it is not there" },
    { policy: "IfNotPresent", there: true, want: "ifnotpresent true false", why: "it is there" },
    { policy: "Never", there: true, want: "never true false", why: "it is there" },
    { policy: "Never", there: false, want: "never false unknown", why: "nobody may find out" }
  ])("N1: $policy is counted as $want: $why", ({ policy, there, want }) =>
    Effect.gen(function*() {
      const counted = Effect.map(Metric.snapshot, (all) =>
        all.flatMap(({ attributes, id, state }) =>
          id === "kubelet_image_manager_ensure_image_requests_total" &&
            want === ["pull_policy", "present_locally", "pull_required"].map((label) =>
                attributes?.[label]
              ).join(" ") &&
            "count" in state
            ? [Number(state.count)]
            : []
        )[0] ?? 0)
      const before = yield* counted
      const node = yield* make()
      if (there) {
        node.runtime.images.add(image, { _tag: "Image", sizeBytes: 1 })
      }
      yield* node.ensure(withSecret("a", "good"), policy)
      assert.strictEqual((yield* counted) - before, 1)
      const inspected = node.runtime.calls.filter(({ method }) =>
        method === "ImageStatus"
      ).length
      if (policy === "Always") assert.strictEqual(inspected, 1, "after the pull, for the size")
    }))
})

describe("credential plugins", () => {
  it.effect("N6: a plugin is asked once for what it keeps, and again when the time is over", () =>
    Effect.gen(function*() {
      const plugin = pluginOf()
      const node = yield* make({ plugins: [plugin] })
      yield* node.ensure(podOf("a"), "Always")
      yield* node.ensure(podOf("b"), "Always")
      assert.deepStrictEqual(plugin.asked, [{ image: "r.io/team/app" }])
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* node.ensure(podOf("c"), "Always"), "ok")
      assert.strictEqual(plugin.asked.length, 2)
    }))

  it.effect("N6: pods that want one image at a time share one run", () =>
    Effect.gen(function*() {
      const plugin = pluginOf({}, () => Effect.delay(Effect.succeed(answer), "5 seconds"))
      const node = yield* make({ plugins: [plugin], settings: { serializeImagePulls: false } })
      const both = yield* Effect.all([node.ensure(podOf("a"), "Always"), node.ensure(podOf("b"), "Always")], {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(both, ["ok", "ok"])
      assert.strictEqual(plugin.asked.length, 1)
    }))

  it.effect("N6: a pod that goes at whatever moment leaves no run behind that others wait for in vain", () =>
    Effect.gen(function*() {
      for (let turns = 0; turns < 60; turns++) {
        const node = yield* make({ plugins: [pluginOf()] })
        const gone = yield* Effect.forkChild(
          Effect.provideService(node.ensure(podOf("a"), "Always"), References.MaxOpsBeforeYield, 5),
          { startImmediately: true }
        )
        for (let turn = 0; turn < turns; turn++) yield* Effect.yieldNow
        yield* Fiber.interrupt(gone)
        const other = yield* Effect.forkChild(node.ensure(podOf("b"), "Always"))
        for (let second = 0; second < 100 && other.pollUnsafe() === undefined; second++) {
          yield* TestClock.adjust("1 second")
        }
        assert.isDefined(other.pollUnsafe(), `the first was gone after ${turns} turns`)
        assert.strictEqual(yield* Fiber.join(other), "ok")
      }
    }))

  it.effect("N6: with tokenAttributes it sees the account's token and annotations; without an account it is left out", () =>
    Effect.gen(function*() {
      const plugin = pluginOf({
        token: {
          audience: "r.io",
          cacheType: "ServiceAccount",
          requireServiceAccount: true,
          requiredAnnotations: ["x.io/role"],
          optionalAnnotations: []
        }
      })
      const node = yield* make({ plugins: [plugin] })
      assert.include(yield* node.ensure(podOf("static"), "Always"), "ErrImagePull")
      assert.strictEqual(plugin.asked.length, 0)
      assert.strictEqual(yield* node.ensure(podOf("a", { serviceAccountName: "ci" }), "Always"), "ok")
      const { account, image: asked }: CredentialRequest = plugin.asked[0] ?? assert.fail("never asked")
      assert.strictEqual(asked, "r.io/team/app")
      assert.deepStrictEqual(account?.coordinates, { uid: "sa-ci", namespace: "shop", name: "ci" })
      assert.deepStrictEqual(account?.annotations, { "x.io/role": "builder" })
      assert.include(account?.token, "\"audiences\":[\"r.io\"]")
      assert.include(account?.token, "uid-a")
    }))

  it.effect("N6: one that fails is counted and left out; the pod's own secret still does", () =>
    Effect.gen(function*() {
      const failing = pluginOf(
        {},
        ({ image }) =>
          Effect.fail(new CredentialPluginError({ plugin: "vault", image, reason: new Permanent(), detail: "broken" }))
      )
      const node = yield* make({ plugins: [failing] })
      assert.strictEqual(yield* node.ensure(withSecret("a", "good"), "Always"), "ok")
      const counted = (yield* Metric.snapshot).filter(({ id }) => id.startsWith("kubelet_credential_provider_plugin_"))
      assert.sameMembers(counted.map(({ attributes, id }) => `${id} ${attributes?.["plugin_name"]}`), [
        "kubelet_credential_provider_plugin_errors_total vault",
        "kubelet_credential_provider_plugin_duration vault"
      ])
    }))
})

describe("N7: images that were pulled with a secret", () => {
  it.effect("N7: another pod must show its own right; Never says that there is no image", () =>
    Effect.gen(function*() {
      const node = yield* make()
      assert.strictEqual(yield* node.ensure(withSecret("a", "good")), "ok")
      assert.include(yield* node.ensure(podOf("stranger")), "ErrImagePull")
      assert.strictEqual(
        yield* node.ensure(podOf("stranger"), "Never"),
        "ErrImageNeverPull: Container image \"r.io/team/app:1\" is not present with pull policy of Never"
      )
      const pulls = node.pulls()
      assert.strictEqual(yield* node.ensure(withSecret("b", "twin"), "Never"), "ok", "the same content will do")
      assert.strictEqual(node.pulls(), pulls)
      const file = `/var/lib/kubelet/image_manager/pulled/${recordFile(node.runtime.images.find(image)?.id ?? "")}`
      const known = readRecord(node.host.readText(file))?.credentialMapping["r.io/team/app"]
      assert.deepStrictEqual(known?.kubernetesSecrets?.map(({ name }) => name), ["good", "twin"])
    }))

  it.effect("N7: a pull that a crash cut short: what it brought is known, its credentials must be shown again", () =>
    Effect.gen(function*() {
      const host = new HostFilesMemory.MemoryHost()
      const intent = `/var/lib/kubelet/image_manager/pulling/${recordFile(image)}`
      host.makeDirectories("/var/lib/kubelet/image_manager/pulling")
      host.write(intent, intentText(image))
      const runtime = CriSim.make({ recordCalls: true, images: [] })
      runtime.images.add(image, { _tag: "Image", sizeBytes: 1 })
      const node = yield* make({ host, runtime })
      assert.include(yield* node.ensure(withSecret("a", "good"), "Never"), "ErrImageNeverPull")
      assert.isFalse(host.exists(intent))
    }))

  it.effect("N7: the next agent knows it too", () =>
    Effect.gen(function*() {
      const first = yield* make()
      yield* first.ensure(withSecret("a", "good"))
      const second = yield* make({ host: first.host, runtime: first.runtime })
      assert.include(yield* second.ensure(podOf("stranger")), "ErrImagePull")
      const pulls = second.pulls()
      assert.strictEqual(yield* second.ensure(withSecret("a", "good")), "ok")
      assert.strictEqual(second.pulls(), pulls)
    }))

  it.effect("N7: what nobody pulled here is free under the default policy, and not under AlwaysVerify", () =>
    Effect.gen(function*() {
      const preloaded = yield* make()
      preloaded.runtime.images.add(image, { _tag: "Image", sizeBytes: 1 })
      assert.strictEqual(yield* preloaded.ensure(podOf("a"), "Never"), "ok")
      const strict = yield* make({ settings: { imagePullVerification: { kind: "AlwaysVerify" } } })
      strict.runtime.images.add(image, { _tag: "Image", sizeBytes: 1 })
      assert.include(yield* strict.ensure(podOf("a"), "Never"), "ErrImageNeverPull")
      assert.strictEqual(yield* strict.ensure(withSecret("b", "good")), "ok")
    }))

  it.effect("N7: with the gate off nothing is asked and nothing written", () =>
    Effect.gen(function*() {
      const node = yield* make({ settings: { imagePullVerification: undefined } })
      yield* node.ensure(withSecret("a", "good"))
      assert.strictEqual(yield* node.ensure(podOf("stranger")), "ok")
      assert.include(yield* node.events, "Pulled: Container image \"r.io/team/app:1\" already present on machine")
      assert.isFalse(node.host.exists("/var/lib/kubelet/image_manager"))
    }))

  it.effect("N7: a record is read once, and anew after records were pruned", () =>
    Effect.gen(function*() {
      const node = yield* make()
      yield* node.ensure(withSecret("a", "good"))
      const file = `/var/lib/kubelet/image_manager/pulled/${recordFile(node.runtime.images.find(image)?.id ?? "")}`
      node.host.removeFile(file)
      assert.include(yield* node.ensure(podOf("stranger"), "Never"), "ErrImageNeverPull")
      yield* node.records.prune
      assert.strictEqual(yield* node.ensure(podOf("stranger"), "Never"), "ok", "as if it had come with the node")
    }))

  it.effect("N7: a record that cannot be read lets nobody in, until it can be read", () =>
    Effect.gen(function*() {
      const node = yield* make()
      node.runtime.images.add(image, { _tag: "Image", sizeBytes: 1 })
      const file = `/var/lib/kubelet/image_manager/pulled/${recordFile(node.runtime.images.find(image)?.id ?? "")}`
      node.host.makeDirectories(file)
      assert.include(yield* node.ensure(podOf("a"), "Never"), "ErrImageNeverPull")
      assert.include(yield* node.ensure(podOf("a"), "Never"), "ErrImageNeverPull")
      node.host.removeDirectory(file)
      assert.strictEqual(yield* node.ensure(podOf("a"), "Never"), "ok")
    }))

  it.effect("N7: records of images that are gone are forgotten", () =>
    Effect.gen(function*() {
      const node = yield* make()
      yield* node.ensure(withSecret("a", "good"))
      const file = `/var/lib/kubelet/image_manager/pulled/${recordFile(node.runtime.images.find(image)?.id ?? "")}`
      yield* node.records.prune
      assert.isTrue(node.host.exists(file))
      node.runtime.images.remove(image)
      yield* node.records.prune
      assert.isFalse(node.host.exists(file))
    }))
})
