import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { nodes, podCertificateRequests } from "../../../src/domain/k8s/resources.ts"
import { formatTime } from "../../../src/domain/k8s/time.ts"
import type { KubeApi, KubeObject } from "../../../src/layers/api/KubeApi.ts"
import { podWith } from "../../domain/volumes/pods.ts"
import { createPod, eventually, make, root, settled, untilReady } from "./world.ts"

const pem = (body: string) => `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`

const projection = {
  signerName: "example.com/signer",
  keyType: "ED25519",
  credentialBundlePath: "bundle.pem",
  certificateChainPath: "chain.pem"
}

const started = Effect.gen(function*() {
  const world = yield* make
  yield* world.client.create(nodes, { metadata: { name: "n1" } })
  const pod = yield* createPod(
    world.client,
    podWith([{ name: "v", projected: { sources: [{ podCertificate: projection }] } }])
  )
  const agent = yield* world.start()
  yield* agent.volumes.want(pod)
  const requests = Effect.map(world.client.list(podCertificateRequests), ({ items }) => items)
  const untilAsked = (count: number) =>
    Effect.gen(function*() {
      let items: ReadonlyArray<KubeObject> = []
      for (let turn = 0; turn < 200 && items.length < count; turn++) {
        yield* settled
        items = yield* requests
      }
      assert.lengthOf(items, count)
      return items
    })
  const file = (name: string) => `${root}/pods/${pod.metadata.uid}/volumes/kubernetes.io~projected/v/${name}`
  return { ...world, agent, file, pod, requests, untilAsked }
})

const answer = (client: KubeApi["Service"], request: KubeObject | undefined, status: object) =>
  client.update(podCertificateRequests, { metadata: {}, ...request, status }, { subresource: "status" })

const condition = (type: string) => [{
  type,
  status: "True",
  reason: "Because",
  message: "so",
  lastTransitionTime: formatTime(0)
}]

describe("I9: projected certificates of pods", () => {
  it.effect("asked of the signer with a proof, shown with the key, renewed when the signer said", () =>
    Effect.gen(function*() {
      const { agent, client, file, host, pod, untilAsked } = yield* started
      const [request] = yield* untilAsked(1)
      assert.deepInclude(request?.["spec"], {
        signerName: "example.com/signer",
        podName: pod.metadata.name,
        podUID: pod.metadata.uid,
        serviceAccountName: "default",
        nodeName: "n1"
      })
      assert.isFalse((yield* agent.volumes.state(pod.metadata.uid)).ready, "a pod waits for its certificate")
      yield* answer(client, request, {
        conditions: condition("Issued"),
        certificateChain: `for you\n${pem("AA")}${pem("BB")}`,
        beginRefreshAt: formatTime(3_600_000)
      })
      yield* untilReady(agent, pod)
      assert.strictEqual(host.readText(file("chain.pem")), pem("AA") + pem("BB"))
      const key = host.readText(file("bundle.pem")).replace(pem("AA") + pem("BB"), "")
      assert.match(key, /^-----BEGIN PRIVATE KEY-----/)
      yield* TestClock.adjust("3500 seconds")
      yield* settled
      yield* untilAsked(1)
      yield* TestClock.adjust("401 seconds")
      const second = (yield* untilAsked(2)).find(({ metadata }) => metadata.name !== request?.metadata.name)
      yield* answer(client, second, {
        conditions: condition("Issued"),
        certificateChain: pem("CC"),
        beginRefreshAt: formatTime(9_000_000)
      })
      yield* eventually(() => host.readText(file("chain.pem")) === pem("CC"))
      assert.notInclude(host.readText(file("bundle.pem")), key, "a new key for each certificate")
    }))

  it.effect("a refusal is final, and told", () =>
    Effect.gen(function*() {
      const { client, events, untilAsked } = yield* started
      const [request] = yield* untilAsked(1)
      yield* answer(client, request, { conditions: condition("Denied") })
      yield* eventually(() => events.length > 0)
      assert.include(events[0], "PodCertificateRequest was permanently denied: reason=\"Because\" message=\"so\"")
      yield* TestClock.adjust("1 hour")
      yield* untilAsked(1)
    }))
})
