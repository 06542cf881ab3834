/** Every local kind of volume as a process in a container sees it, on containerd, by the `kubelet` command. */
import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import * as TestContainerd from "../../fixture/containerd/TestContainerd.ts"
import * as ClusterServer from "../../fixture/node/ClusterServer.ts"
import { container, idle, pod } from "../../fixture/node/pods.ts"
import { eventually, layer as nodeLayer, TestNode } from "../../fixture/node/TestNode.ts"

const started = Layer.effectDiscard(Effect.flatMap(TestNode, ({ start }) => start))
const under = Layer.provideMerge(started, nodeLayer()).pipe(
  Layer.provideMerge(TestContainerd.layer),
  Layer.provideMerge(ClusterServer.memory),
  Layer.provideMerge(NodeServices.layer)
)

const configMap = (data: Readonly<Record<string, string>>) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "m", namespace: "default" },
  data
})

const secret = {
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "s", namespace: "default" },
  stringData: { key: "hush", other: "more" }
}

const mounts = (...names: ReadonlyArray<string>) => names.map((name) => ({ name, mountPath: `/v/${name}` }))

/** What the shell prints when it looks at all of them; it goes to the log, and the test reads it there. */
const look = [
  "stat -c '%n %a %u:%g' /v/disk /v/memory /v/disk/new",
  "stat -Lc '%n %a %u:%g' /v/config/a /v/secret/key /v/down/labels /v/both/in/s /v/both/m",
  "cat /v/config/a /v/secret/key /v/both/in/s /v/both/m /v/host/f /v/file",
  "cat /v/down/labels; echo",
  "grep ' /v/' /proc/mounts | cut -d' ' -f2,3 | sort",
  "touch /v/config/x 2>&1"
]

const kinds = pod("kinds", [
  container("c", `echo x > /v/disk/new; ${look.join("; ")}; echo end; ${idle}`, {
    volumeMounts: [...mounts("disk", "memory", "config", "secret", "down", "both", "host"), {
      name: "file",
      mountPath: "/v/file"
    }]
  })
], {
  securityContext: { fsGroup: 2345 }
})

const volumesOf = (folder: string) => [
  { name: "disk", emptyDir: {} },
  { name: "memory", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } },
  { name: "config", configMap: { name: "m", defaultMode: 0o440 } },
  { name: "secret", secret: { secretName: "s", items: [{ key: "key", path: "key", mode: 0o400 }] } },
  { name: "down", downwardAPI: { items: [{ path: "labels", fieldRef: { fieldPath: "metadata.labels" } }] } },
  {
    name: "both",
    projected: {
      sources: [
        { secret: { name: "s", items: [{ key: "other", path: "in/s" }] } },
        { configMap: { name: "m", items: [{ key: "a", path: "m" }] } }
      ]
    }
  },
  { name: "host", hostPath: { path: `${folder}/shown`, type: "Directory" } },
  { name: "file", hostPath: { path: `${folder}/shown/f`, type: "File" } }
]

const shared = { accessModes: ["ReadWriteOnce"], storageClassName: "", volumeMode: "Filesystem" }

const bindClaim = Effect.fnUntraced(function*(name: string, ownerReferences: ReadonlyArray<unknown> = []) {
  const node = yield* TestNode
  yield* node.apply({
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name, namespace: "default", ownerReferences },
    spec: { ...shared, volumeName: `pv-${name}`, resources: { requests: { storage: "1Gi" } } }
  })
  const uid = yield* node.ok("get", "pvc", name, "-o", "jsonpath={.metadata.uid}")
  const bound = { spec: { claimRef: { namespace: "default", name, uid } } }
  yield* node.ok("patch", "pv", `pv-${name}`, "--type=merge", "-p", JSON.stringify(bound))
  const status = { status: { phase: "Bound", capacity: { storage: "1Gi" } } }
  yield* node.ok("patch", "pvc", name, "--subresource=status", "--type=merge", "-p", JSON.stringify(status))
})

const lookMore = [
  "cat /disk/f",
  "echo kept > /scratch/kept",
  "stat -c '%n %a' /data/deep /data/expr",
  "stat -Lc 'token %a %u' /token/t",
  "cut -d. -f2 /token/t | tr '_-' '/+' | sed 's/$/===/' | base64 -d 2>/dev/null | " +
  "sed 's/.*\"aud\":\\[\"\\([a-z]*\\)\".*/aud \\1/'"
]

const more = pod("more", [
  container("c", `${lookMore.join("; ")}; echo; echo end; ${idle}`, {
    env: [{ name: "WHICH", value: "expr" }],
    volumeMounts: [
      { name: "disk", mountPath: "/disk" },
      { name: "scratch", mountPath: "/scratch" },
      { name: "data", mountPath: "/data/deep", subPath: "a/b" },
      { name: "data", mountPath: "/data/expr", subPathExpr: "$(WHICH)" },
      { name: "token", mountPath: "/token" }
    ]
  })
], {
  securityContext: { runAsUser: 1234 },
  volumes: [
    { name: "disk", persistentVolumeClaim: { claimName: "disk" } },
    {
      name: "scratch",
      ephemeral: { volumeClaimTemplate: { spec: { ...shared, resources: { requests: { storage: "1Gi" } } } } }
    },
    { name: "data", emptyDir: {} },
    {
      name: "token",
      projected: { sources: [{ serviceAccountToken: { path: "t", audience: "vault", expirationSeconds: 600 } }] }
    }
  ]
})

const logOf = Effect.fnUntraced(function*(name: string) {
  const node = yield* TestNode
  return yield* node.ok("logs", name)
})

/** Reads two files of one ConfigMap without a pause, and tells when they are not of one version, and of each version. */
const reader = [
  "last=",
  "while true; do d=$(readlink /v/m/..data)",
  "a=$(cat /v/m/$d/a 2>/dev/null); b=$(cat /v/m/$d/b 2>/dev/null)",
  "if [ \"$d\" = \"$(readlink /v/m/..data)\" ] && [ \"$a\" != \"$b\" ]; then echo torn $a $b; fi",
  "c=$(cat /v/m/a); if [ -z \"$c\" ]; then echo torn empty; fi",
  "if [ \"$c\" != \"$last\" ]; then echo saw $c; last=$c; fi; done"
].join("; ")

layer(under, { timeout: "120 seconds", excludeTestServices: true })("volumes from inside a container", (it) => {
  it.effect(
    "I3–I5, I10, I12: every local kind has its content, modes, owners and file system",
    () =>
      Effect.gen(function*() {
        const node = yield* TestNode
        mkdirSync(`${node.folder}/shown`)
        writeFileSync(`${node.folder}/shown/f`, "of-the-host\n")
        const { metadata, spec, ...rest } = kinds
        yield* node.apply(configMap({ a: "one\n" }), secret, {
          ...rest,
          metadata: { ...metadata, labels: { app: "web" } },
          spec: { ...spec, volumes: volumesOf(node.folder) }
        })
        const log = yield* eventually(
          Effect.map(logOf("kinds"), (text) => {
            assert.include(text, "end")
            return text
          }),
          60
        )
        const lines = log.split("\n")
        for (
          const line of [
            "/v/disk 2777 0:2345",
            "/v/memory 3777 0:2345",
            "/v/disk/new 644 0:2345",
            "/v/config/a 440 0:2345",
            "/v/secret/key 440 0:2345",
            "/v/down/labels 644 0:2345",
            "/v/both/in/s 644 0:2345",
            "/v/both/m 644 0:2345",
            "of-the-host",
            "one",
            "app=\"web\"",
            "/v/memory tmpfs",
            "/v/secret tmpfs",
            "/v/both tmpfs"
          ]
        ) assert.include(lines, line)
        assert.include(log, "hush")
        assert.notInclude(lines, "/v/disk tmpfs")
        assert.notInclude(lines, "/v/config tmpfs")
        assert.include(log, "Read-only file system")
      }),
    120_000
  )

  it.effect(
    "I7, I11, I13, I15: tokens, subpaths, a local volume and an ephemeral claim; escapes stay outside",
    () =>
      Effect.gen(function*() {
        const node = yield* TestNode
        for (const name of ["local", "scratch"]) mkdirSync(`${node.folder}/${name}`)
        chmodSync(`${node.folder}/scratch`, 0o777)
        writeFileSync(`${node.folder}/local/f`, "of-the-disk\n")
        const volumeOf = (claim: string, source: object) => [
          {
            apiVersion: "v1",
            kind: "PersistentVolume",
            metadata: { name: `pv-${claim}` },
            spec: {
              ...shared,
              capacity: { storage: "1Gi" },
              claimRef: { namespace: "default", name: claim },
              ...source
            }
          }
        ]
        const here = { key: "kubernetes.io/os", operator: "In", values: ["linux"] }
        yield* node.apply(
          ...volumeOf("disk", {
            local: { path: `${node.folder}/local` },
            nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [here] }] } }
          }),
          ...volumeOf("more-scratch", { hostPath: { path: `${node.folder}/scratch` } }),
          more
        )
        const uid = yield* node.ok("get", "pod", "more", "-o", "jsonpath={.metadata.uid}")
        const owner = { apiVersion: "v1", kind: "Pod", name: "more", uid, controller: true }
        // What controllers of the cluster do: make the ephemeral claim, and bind both.
        yield* bindClaim("disk")
        yield* bindClaim("more-scratch", [owner])
        const lines = yield* eventually(
          Effect.map(logOf("more"), (text) => {
            assert.include(text, "end")
            return text.split("\n")
          }),
          60
        )
        for (const line of ["of-the-disk", "/data/deep 777", "/data/expr 777", "token 600 1234", "aud vault"]) {
          assert.include(lines, line)
        }
        assert.strictEqual(readFileSync(`${node.folder}/scratch/kept`, "utf8"), "kept\n")
        // A pod whose part of a volume lies outside of it never starts, and its user reads why.
        yield* node.apply(
          pod("escape", [container("c", idle, { volumeMounts: [{ name: "d", mountPath: "/d", subPath: "out/x" }] })], {
            initContainers: [
              container("i", "ln -s / /d/out", { volumeMounts: [{ name: "d", mountPath: "/d" }] })
            ],
            volumes: [{ name: "d", emptyDir: {} }]
          })
        )
        yield* eventually(Effect.map(node.ok("get", "pod", "escape", "-o", "json"), (text) => {
          assert.include(text, "failed to prepare subPath for volumeMount \\\"d\\\" of container \\\"c\\\"")
        }))
      }),
    120_000
  )

  it.effect(
    "I6: a reader that loops sees each change within a second, and never half of one",
    () =>
      Effect.gen(function*() {
        const node = yield* TestNode
        const both = (value: string) => configMap({ a: value, b: value })
        yield* node.apply(
          both("v0"),
          pod("looping", [container("c", reader, { volumeMounts: mounts("m") })], {
            volumes: [{ name: "m", configMap: { name: "m" } }]
          })
        )
        yield* eventually(Effect.map(logOf("looping"), (text) => assert.include(text, "saw v0")), 60)
        const delays: Array<number> = []
        for (const value of ["v1", "v2", "v3"]) {
          yield* node.apply(both(value))
          const before = Date.now()
          yield* eventually(Effect.map(logOf("looping"), (text) => assert.include(text, `saw ${value}`)), 20)
          delays.push(Date.now() - before)
        }
        assert.notInclude(yield* logOf("looping"), "torn")
        assert.isBelow([...delays].sort((one, other) => one - other)[1] ?? 0, 1000, `seen after ${delays} ms`)
      }),
    120_000
  )
})
