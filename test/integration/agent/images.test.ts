/** Images as users meet them: a real registry that wants a password, and every way to have it. */
import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Context, Effect, FileSystem, Layer } from "effect"
import { execFile } from "node:child_process"
import { rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import * as TestContainerd from "../../fixture/containerd/TestContainerd.ts"
import * as TestRegistry from "../../fixture/containerd/TestRegistry.ts"
import * as ClusterServer from "../../fixture/node/ClusterServer.ts"
import { container, idle, pod } from "../../fixture/node/pods.ts"
import { eventually, layer as nodeLayer, TestNode } from "../../fixture/node/TestNode.ts"

/** The registry, by address and by the names of what is in it. */
class Images extends Context.Service<Images, {
  readonly address: string
  readonly open: string
  readonly bySecret: string
  readonly byPlugin: string
}>()("kubeffect/test/integration/agent/Images") {}

const pluginVersion = "credentialprovider.kubelet.k8s.io/v1"

/** Knows the password, of the images that it is configured for, and tells it to who shows a token of a service account. */
const pluginProgram = ({ username, password }: typeof TestRegistry.user) =>
  `#!/bin/sh
request=$(cat)
case "$request" in *'"serviceAccountToken":"'?*'"serviceAccountAnnotations":{"team":"blue"}'*) ;; *) exit 1 ;; esac
image=$(echo "$request" | sed 's/.*"image":"\\([^"]*\\)".*/\\1/')
cat <<EOF
{"kind":"CredentialProviderResponse","apiVersion":"${pluginVersion}","cacheKeyType":"Image",
 "auth":{"$image":{"username":"${username}","password":"${password}"}}}
EOF
`

const lockFile = join(tmpdir(), `kubeffect-images-${process.pid}.lock`)

const registries = Layer.effect(
  Images,
  Effect.gen(function*() {
    const [locked, unlocked] = yield* Effect.all([TestRegistry.make({ credentials: true }), TestRegistry.make()])
    const open = yield* unlocked.push("team/open:1")
    const bySecret = yield* locked.push("secret/app:1")
    const byPlugin = yield* locked.push("plugin/app:1")
    return Images.of({ address: locked.address, open, bySecret, byPlugin })
  })
)

const node = Layer.unwrap(Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const { address } = yield* Images
  const folder = yield* fs.makeTempDirectoryScoped({ prefix: "kubeffect-plugins-" })
  yield* fs.writeFileString(`${folder}/vault`, pluginProgram(TestRegistry.user), { mode: 0o755 })
  yield* fs.writeFileString(
    `${folder}/config.json`,
    JSON.stringify({
      apiVersion: "kubelet.config.k8s.io/v1",
      kind: "CredentialProviderConfig",
      providers: [{
        name: "vault",
        apiVersion: pluginVersion,
        matchImages: [`${address}/plugin`],
        defaultCacheDuration: "1m",
        tokenAttributes: {
          serviceAccountTokenAudience: "registry",
          cacheType: "ServiceAccount",
          requireServiceAccount: true,
          requiredServiceAccountAnnotationKeys: ["team"]
        }
      }]
    })
  )
  return nodeLayer({
    config: { serializeImagePulls: false, maxParallelImagePulls: 2 },
    flags: [
      `--image-credential-provider-config=${folder}/config.json`,
      `--image-credential-provider-bin-dir=${folder}`,
      `--lock-file=${lockFile}`,
      "--exit-on-lock-contention"
    ]
  })
}))

const under = node.pipe(
  Layer.provideMerge(registries),
  Layer.provideMerge(TestContainerd.layer),
  Layer.provideMerge(ClusterServer.memory),
  Layer.provideMerge(NodeServices.layer)
)

const secret = (name: string, address: string, password: string) => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, namespace: "default" },
  type: "kubernetes.io/dockerconfigjson",
  stringData: {
    ".dockerconfigjson": JSON.stringify({ auths: { [address]: { username: TestRegistry.user.username, password } } })
  }
})

const account = (
  name: string,
  more: Readonly<Record<string, unknown>>,
  annotations: Readonly<Record<string, string>> = {}
) => ({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace: "default", annotations }, ...more })

const podOf = (name: string, image: string, more: Readonly<Record<string, unknown>> = {}, policy = "IfNotPresent") =>
  pod(name, [container("c", idle, { image, imagePullPolicy: policy })], more)

const using = (...names: ReadonlyArray<string>) => ({ imagePullSecrets: names.map((name) => ({ name })) })

const waiting = (name: string, part: "reason" | "message") =>
  Effect.flatMap(
    TestNode,
    ({ ok }) => ok("get", "pod", name, "-o", `jsonpath={.status.containerStatuses[0].state.waiting.${part}}`)
  )

const events = (name: string) =>
  Effect.flatMap(TestNode, ({ ok }) =>
    ok(
      "get",
      "events",
      `--field-selector=involvedObject.name=${name}`,
      "-o",
      "jsonpath={range .items[*]}{.reason}{\": \"}{.message}{\"\\n\"}{end}"
    ))

const ready = (...names: ReadonlyArray<string>) =>
  Effect.flatMap(
    TestNode,
    ({ ok }) => ok("wait", ...names.map((name) => `pod/${name}`), "--for=condition=Ready", "--timeout=30s")
  )

layer(under, { timeout: "120 seconds", excludeTestServices: true })("images from a registry", (it) => {
  it.effect("N4, N6: a pull secret, the service account's, a plugin and an open registry, all at once", () =>
    Effect.gen(function*() {
      const { apply, ok, start } = yield* TestNode
      const images = yield* Images
      yield* start
      const { password } = TestRegistry.user
      yield* eventually(Effect.asVoid(ok("get", "serviceaccount", "default")))
      yield* apply(
        secret("good", images.address, password),
        secret("bad", images.address, "wrong"),
        account("puller", using("good")),
        account("builder", {}, { team: "blue" })
      )
      yield* apply(
        podOf("denied", images.bySecret, using("bad"), "Always"),
        // The image may be there by another pod's pull before this one looks.
        podOf("by-secret", images.bySecret, using("absent", "bad", "good"), "Always"),
        podOf("by-account", images.bySecret, { serviceAccountName: "puller" }, "Always"),
        podOf("by-plugin", images.byPlugin, { serviceAccountName: "builder" }),
        podOf("open", images.open, {}, "Always")
      )
      yield* ready("by-secret", "by-account", "by-plugin", "open")
      const told = yield* events("by-secret")
      assert.include(
        told,
        "FailedToRetrieveImagePullSecret: Unable to retrieve some image pull secrets (absent); attempting to pull the image may not succeed."
      )
      assert.match(
        told,
        /Pulled: Successfully pulled image "\S+" in \S+ \(\S+ including waiting\)\. Image size: \d+ bytes\./
      )
    }))

  it.effect("N1, N2: a wrong password is ErrImagePull, then ImagePullBackOff with what the registry said", () =>
    Effect.gen(function*() {
      yield* eventually(
        Effect.map(waiting("denied", "reason"), (reason) => assert.strictEqual(reason, "ImagePullBackOff"))
      )
      const { bySecret } = yield* Images
      const message = yield* waiting("denied", "message")
      assert.match(
        message,
        new RegExp(`^Back-off pulling image "${bySecret}": ErrImagePull: .*(401|authorization failed)`)
      )
      const told = yield* events("denied")
      assert.include(told, `Failed: Failed to pull image "${bySecret}": `)
      assert.include(told, "Failed: Error: ErrImagePull")
      assert.include(told, `BackOff: Back-off pulling image "${bySecret}"`)
      assert.include(told, "Failed: Error: ImagePullBackOff")
    }))

  it.effect("N1, N7: Never takes what is there from those who may have it, and from nobody else", () =>
    Effect.gen(function*() {
      const { apply } = yield* TestNode
      const { bySecret } = yield* Images
      yield* apply(
        podOf("friend", bySecret, using("good"), "Never"),
        podOf("stranger", bySecret, {}, "Never"),
        podOf("missing", "localhost:1/nothing:1", {}, "Never"),
        podOf("misnamed", "Not A Name")
      )
      yield* ready("friend")
      assert.include(
        yield* events("friend"),
        `Pulled: Container image "${bySecret}" already present on machine and can be accessed by the pod`
      )
      for (const name of ["stranger", "missing"]) {
        yield* eventually(
          Effect.map(waiting(name, "reason"), (reason) => assert.strictEqual(reason, "ErrImageNeverPull"))
        )
      }
      assert.strictEqual(
        yield* waiting("stranger", "message"),
        `Container image "${bySecret}" is not present with pull policy of Never`
      )
      yield* eventually(
        Effect.map(waiting("misnamed", "reason"), (reason) => assert.strictEqual(reason, "InvalidImageName"))
      )
    }))

  it.effect("N2, N4: the password is put right, and the next try after the back-off succeeds", () =>
    Effect.gen(function*() {
      const { apply } = yield* TestNode
      const { address } = yield* Images
      yield* apply(secret("bad", address, TestRegistry.user.password))
      yield* ready("denied")
    }))

  it.effect("L7: the node says that its pods are held to what it can give", () =>
    Effect.gen(function*() {
      assert.include(yield* events("n1"), "NodeAllocatableEnforced: Updated Node Allocatable limit across pods")
    }))

  it.effect("A15: the agent ends when another process wants its lock, which then has it", () =>
    Effect.gen(function*() {
      yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(lockFile)))
      // Ends once it has had the lock.
      yield* Effect.promise((signal) => promisify(execFile)("flock", ["--exclusive", lockFile, "true"], { signal }))
        .pipe(
          Effect.timeout("10 seconds")
        )
      const { log } = yield* TestNode
      assert.include(yield* log, "another process wants the lock")
    }))
})
