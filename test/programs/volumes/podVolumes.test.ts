import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { configMaps, persistentVolumeClaims, persistentVolumes, secrets } from "../../../src/domain/k8s/resources.ts"
import type { Volume } from "../../../src/domain/k8s/volume.ts"
import { podWith } from "../../domain/volumes/pods.ts"
import { createPod, eventually, listing, make, makeConfigMap, makeSecret, root, settled, untilReady } from "./world.ts"

const volumesOf = (uid: string) => `${root}/pods/${uid}/volumes`
/** Names made of time and chance read the same in every run. */
const plain = (lines: ReadonlyArray<string>) => lines.map((line) => line.replaceAll(/\.\.\d{4}[\d_]+\.\d+/g, "..T"))

describe("PodVolumes: what pods get", () => {
  it.effect("I3: an emptyDir on disk is open to all, one in memory is a tmpfs of its size", () =>
    Effect.gen(function*() {
      const { host, start } = yield* make
      const agent = yield* start()
      yield* untilReady(
        agent,
        podWith([{ name: "d", emptyDir: {} }, { name: "m", emptyDir: { medium: "Memory", sizeLimit: "8Mi" } }])
      )
      assert.deepStrictEqual(listing(host, volumesOf("u1")), [
        `d 750 ${volumesOf("u1")}`,
        `d 750 ${volumesOf("u1")}/kubernetes.io~empty-dir`,
        `d 777 ${volumesOf("u1")}/kubernetes.io~empty-dir/d`,
        `d 1777 tmpfs ${volumesOf("u1")}/kubernetes.io~empty-dir/m`
      ])
      const tmpfs = host.table.mounts.at(-1)
      assert.deepStrictEqual(tmpfs?.fs.superOptions, ["rw", "size=8388608", "noswap"])
      const { volumes } = yield* agent.volumes.mounts("u1")
      assert.deepStrictEqual(volumes.get("d"), {
        hostPath: `${volumesOf("u1")}/kubernetes.io~empty-dir/d`,
        readOnly: false,
        selinuxRelabel: true
      })
    }))

  it.effect("I10: with an fsGroup an emptyDir belongs to it and hands it down", () =>
    Effect.gen(function*() {
      const { host, start } = yield* make
      yield* untilReady(
        yield* start(),
        podWith([{ name: "d", emptyDir: {} }], { securityContext: { fsGroup: 2000 } })
      )
      assert.include(listing(host, volumesOf("u1")), `d 2777 0:2000 ${volumesOf("u1")}/kubernetes.io~empty-dir/d`)
    }))

  it.effect("I5, golden: configmap-volume: files by way of ..data, with their mode", () =>
    Effect.gen(function*() {
      const { client, host, start } = yield* make
      yield* makeConfigMap(client, "vol", { a: "1", "b.txt": "two" })
      yield* untilReady(yield* start(), podWith([{ name: "v", configMap: { name: "vol", defaultMode: 0o640 } }]))
      const at = `${volumesOf("u1")}/kubernetes.io~configmap/v`
      assert.deepStrictEqual(plain(listing(host, at)), [
        `d 777 ${at}`,
        `d 755 ${at}/..T`,
        `f 640 ${at}/..T/a 1`,
        `f 640 ${at}/..T/b.txt two`,
        `l ${at}/..data → ..T`,
        `l ${at}/a → ..data/a`,
        `l ${at}/b.txt → ..data/b.txt`
      ])
    }))

  it.effect("I5: secrets never touch the disk, and belong to the fsGroup before anybody can see them", () =>
    Effect.gen(function*() {
      const { client, host, start } = yield* make
      yield* makeSecret(client, "s", { key: "hush" })
      yield* untilReady(
        yield* start(),
        podWith([{ name: "v", secret: { secretName: "s", defaultMode: 0o400 } }], { securityContext: { fsGroup: 5 } })
      )
      const at = `${volumesOf("u1")}/kubernetes.io~secret/v`
      assert.strictEqual(host.readText(`${at}/key`), "hush")
      assert.strictEqual(host.at(at).mount.fs.fsType, "tmpfs")
      assert.include(plain(listing(host, at)), `f 440 0:5 ${at}/..T/key hush`)
      assert.include(plain(listing(host, at)), `d 3777 0:5 tmpfs ${at}`)
    }))

  it.effect("golden: sa-token-default: the default projection holds token, namespace and CA", () =>
    Effect.gen(function*() {
      const { client, host, start } = yield* make
      const pod = yield* createPod(
        client,
        podWith([{
          name: "kube-api-access",
          projected: {
            sources: [
              { serviceAccountToken: { path: "token", expirationSeconds: 3607 } },
              { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
              { downwardAPI: { items: [{ path: "namespace", fieldRef: { fieldPath: "metadata.namespace" } }] } }
            ]
          }
        }])
      )
      yield* untilReady(yield* start(), pod)
      const at = `${volumesOf(pod.metadata.uid)}/kubernetes.io~projected/kube-api-access`
      assert.strictEqual(host.readText(`${at}/namespace`), "default")
      assert.isTrue(host.exists(`${at}/ca.crt`))
      assert.lengthOf(host.readText(`${at}/token`).split("."), 3)
    }))

  it.effect("I4, golden: hostpath-wrong-type: users read why", () =>
    Effect.gen(function*() {
      const { events, host, start } = yield* make
      host.makeDirectories("/etc")
      host.write("/etc/hostname", "n")
      const agent = yield* start()
      yield* agent.volumes.want(podWith([{ name: "a", hostPath: { path: "/etc/hostname", type: "Directory" } }]))
      yield* eventually(() => events.length > 0)
      assert.deepStrictEqual(events, [
        "FailedMount: MountVolume.SetUp failed for volume \"a\" : hostPath type check failed: /etc/hostname is not a directory"
      ])
    }))

  it.effect("I4: a missing hostPath directory is made, and stays when the pod goes", () =>
    Effect.gen(function*() {
      const { host, start } = yield* make
      const agent = yield* start()
      yield* untilReady(agent, podWith([{ name: "a", hostPath: { path: "/data/x", type: "DirectoryOrCreate" } }]))
      assert.include(listing(host, "/data"), "d 755 /data/x")
      host.write("/data/x/precious", "1")
      yield* agent.volumes.release("u1")
      assert.strictEqual(host.readText("/data/x/precious"), "1")
    }))

  it.effect("I13: local and NFS volumes behind claims are mounted once, and let go without their content", () =>
    Effect.gen(function*() {
      const { client, host, start } = yield* make
      host.makeDirectories("/disk")
      host.write("/disk/f", "1")
      host.addDevice("server:/export", "nfs")
      const here = { matchExpressions: [{ key: "zone", operator: "In", values: ["a"] }] }
      yield* bound(client, "local", {
        local: { path: "/disk" },
        nodeAffinity: { required: { nodeSelectorTerms: [here] } }
      })
      yield* bound(client, "share", { nfs: { server: "server", path: "/export" }, mountOptions: ["hard"] })
      const pod = podWith([
        { name: "l", persistentVolumeClaim: { claimName: "local" } },
        { name: "n", persistentVolumeClaim: { claimName: "share", readOnly: true } }
      ], { securityContext: { fsGroup: 7 } })
      const agent = yield* start()
      yield* untilReady(agent, pod)
      assert.strictEqual(host.readText(`${volumesOf("u1")}/kubernetes.io~local-volume/pv-local/f`), "1")
      assert.include(listing(host, "/disk"), "f 664 0:7 /disk/f 1")
      const share = host.at(`${volumesOf("u1")}/kubernetes.io~nfs/pv-share`).mount
      assert.deepStrictEqual([share.fs.fsType, share.options[0]], ["nfs", "ro"])
      yield* agent.volumes.release("u1")
      assert.lengthOf(host.table.mounts, 1)
      assert.strictEqual(host.readText("/disk/f"), "1")
    }))
})

describe("PodVolumes: a local volume of two pods", () => {
  it.effect("I20: its files stay the first one's, and the second one is told when they are not its own", () =>
    Effect.gen(function*() {
      const { client, events, host, start } = yield* make
      host.makeDirectories("/disk")
      host.write("/disk/f", "1")
      yield* bound(client, "local", { local: { path: "/disk" } })
      const agent = yield* start()
      const podOf = (uid: string, fsGroup: number) =>
        podWith([{ name: "l", persistentVolumeClaim: { claimName: "local" } }], { securityContext: { fsGroup } }, {
          uid
        })
      yield* untilReady(agent, podOf("u1", 7))
      yield* untilReady(agent, podOf("u2", 7))
      assert.isEmpty(events)
      yield* untilReady(agent, podOf("u3", 8))
      assert.deepStrictEqual(events, [
        "AlreadyMountedVolume: The requested fsGroup is 8, but the volume pv-local has GID 7. " +
        "The volume may not be shareable."
      ])
      assert.strictEqual(host.at("/disk/f").inode.gid, 7)
    }))
})

/** A claim and the volume it is bound to. */
const bound = Effect.fnUntraced(function*(client: Parameters<typeof makeSecret>[0], name: string, spec: object) {
  const claim = yield* client.create(persistentVolumeClaims, {
    metadata: { name, namespace: "default" },
    spec: { volumeName: `pv-${name}`, accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } }
  })
  yield* client.update(persistentVolumeClaims, { ...claim, status: { phase: "Bound" } }, { subresource: "status" })
  yield* client.create(persistentVolumes, {
    metadata: { name: `pv-${name}` },
    spec: {
      capacity: { storage: "1Gi" },
      accessModes: ["ReadWriteOnce"],
      claimRef: { namespace: "default", name, uid: claim.metadata.uid },
      ...spec
    }
  })
}, Effect.orDie)

describe("PodVolumes: waiting and changing", () => {
  it.effect("golden: missing-configmap-volume: heard at 0, 0.5, 1.5, 3.5 s; ready at once when it comes", () =>
    Effect.gen(function*() {
      const { client, events, start } = yield* make
      const agent = yield* start()
      const pod = podWith([{ name: "v", configMap: { name: "absent" } }])
      yield* agent.volumes.want(pod)
      yield* eventually(() => events.length === 1)
      for (const wait of [500, 1000, 2000]) yield* TestClock.adjust(wait)
      yield* settled
      assert.deepStrictEqual(
        events,
        Array.from(
          { length: 4 },
          () => "FailedMount: MountVolume.SetUp failed for volume \"v\" : configmap \"absent\" not found"
        )
      )
      yield* makeConfigMap(client, "absent", { a: "1" })
      yield* untilReady(agent, pod)
    }))

  it.effect("golden: missing-pvc: the pod's state says what cannot be processed; read again until it is bound", () =>
    Effect.gen(function*() {
      const { client, start } = yield* make
      const agent = yield* start()
      const pod = podWith([{ name: "v", persistentVolumeClaim: { claimName: "late" } }])
      yield* agent.volumes.want(pod)
      yield* settled
      assert.strictEqual(
        (yield* agent.volumes.state("u1")).message,
        "Unable to attach or mount volumes: unmounted volumes=[v], unattached volumes=[], failed to process volumes=[v]: " +
          "error processing PVC default/late: failed to fetch PVC from API server: persistentvolumeclaims \"late\" not found"
      )
      yield* bound(client, "late", { hostPath: { path: "/x" } })
      yield* TestClock.adjust(500)
      yield* untilReady(agent, pod)
    }))

  it.effect("I6: a changed object is in the running pod's files at once, without a tick of the clock", () =>
    Effect.gen(function*() {
      const { client, host, start } = yield* make
      yield* makeConfigMap(client, "m", { a: "1", b: "1" })
      const pod = podWith([{ name: "v", configMap: { name: "m" } }])
      yield* untilReady(yield* start(), pod)
      const at = `${volumesOf("u1")}/kubernetes.io~configmap/v`
      yield* client.patch(configMaps, { namespace: "default", name: "m" }, {
        type: "merge",
        body: { data: { a: "2", b: null, c: "3" } }
      })
      yield* eventually(() => host.readText(`${at}/a`) === "2")
      yield* settled
      assert.deepStrictEqual([...host.at(at).inode.entries.keys()].filter((name) => !name.startsWith("..")).sort(), [
        "a",
        "c"
      ])
      assert.lengthOf(
        [...host.at(at).inode.entries.keys()].filter((name) => name.startsWith("..2") || name.startsWith("..1")),
        1
      )
    }))

  it.effect("I12: labels of the pod are refreshed when the pod changes", () =>
    Effect.gen(function*() {
      const { host, start } = yield* make
      const volume: Volume = {
        name: "v",
        downwardAPI: { items: [{ path: "labels", fieldRef: { fieldPath: "metadata.labels" } }] }
      }
      const agent = yield* start()
      yield* untilReady(agent, podWith([volume], {}, { labels: { a: "1" } }))
      const file = `${volumesOf("u1")}/kubernetes.io~downward-api/v/labels`
      assert.strictEqual(host.readText(file), "a=\"1\"")
      yield* agent.volumes.want(podWith([volume], {}, { labels: { a: "2" } }))
      yield* eventually(() => host.readText(file) === "a=\"2\"")
    }))

  it.effect("I6: thirty pods that share a Secret cost one watch, which ends with the last of them", () =>
    Effect.gen(function*() {
      const { api, client, start, watches } = yield* make
      yield* makeSecret(client, "s", { a: "1" })
      const agent = yield* start()
      const uids = Array.from({ length: 30 }, (_, index) => `u${index}`)
      for (const uid of uids) {
        yield* untilReady(agent, podWith([{ name: "v", secret: { secretName: "s" } }], {}, { uid }))
      }
      assert.deepStrictEqual(watches, ["secrets metadata.name=s"])
      yield* Effect.forEach(uids, agent.volumes.release, { concurrency: "unbounded" })
      // The last watch has ended: a server that closes all has none to tell, so nobody comes back.
      yield* api.closeWatches
      yield* TestClock.adjust("1 minute")
      assert.lengthOf(watches, 1)
    }))

  it.effect("I6: an immutable Secret is not watched", () =>
    Effect.gen(function*() {
      const { api, client, start, watches } = yield* make
      yield* makeSecret(client, "s", { a: "1" }, { immutable: true })
      yield* untilReady(yield* start(), podWith([{ name: "v", secret: { secretName: "s" } }]))
      yield* api.closeWatches
      yield* TestClock.adjust("1 minute")
      assert.isAtMost(watches.length, 1)
    }))

  it.effect("I6: a Secret that is deleted stays in the files of pods that have it", () =>
    Effect.gen(function*() {
      const { client, events, host, start } = yield* make
      yield* makeSecret(client, "s", { a: "1" })
      const agent = yield* start()
      yield* untilReady(agent, podWith([{ name: "v", secret: { secretName: "s" } }]))
      yield* client.delete(secrets, { namespace: "default", name: "s" })
      yield* eventually(() => events.some((event) => event.includes("secret \"s\" not found")))
      assert.strictEqual(host.readText(`${volumesOf("u1")}/kubernetes.io~secret/v/a`), "1")
      assert.isTrue((yield* agent.volumes.state("u1")).ready)
    }))

  it.effect("I7: a token is renewed at four fifths of its life, in place", () =>
    Effect.gen(function*() {
      const { client, host, start, tokenRequests } = yield* make
      const pod = yield* createPod(
        client,
        podWith([{
          name: "v",
          projected: { sources: [{ serviceAccountToken: { path: "token", expirationSeconds: 3600, audience: "x" } }] }
        }])
      )
      yield* untilReady(yield* start(), pod)
      const file = `${volumesOf(pod.metadata.uid)}/kubernetes.io~projected/v/token`
      const first = host.readText(file)
      yield* TestClock.adjust(2_860_000)
      yield* settled
      assert.strictEqual(tokenRequests(), 1)
      yield* TestClock.adjust(20_000)
      yield* eventually(() => host.readText(file) !== first)
      assert.strictEqual(tokenRequests(), 2)
    }))

  it.effect("a full disk is told, and heals by itself", () =>
    Effect.gen(function*() {
      const { events, host, start } = yield* make
      host.limit("/", { inodes: host.at("/").inode.fs.usedInodes + 2 })
      const agent = yield* start()
      const pod = podWith([{ name: "d", emptyDir: {} }])
      yield* agent.volumes.want(pod)
      yield* eventually(() => events.length > 0)
      assert.include(events[0], "no space left on device")
      host.limit("/", { inodes: 1_000_000 })
      yield* TestClock.adjust(500)
      yield* untilReady(agent, pod)
    }))

  it.effect("a pod of a manifest whose UID breaks a path never gets a folder", () =>
    Effect.gen(function*() {
      const { host, start } = yield* make
      const agent = yield* start()
      yield* agent.volumes.want(podWith([{ name: "d", emptyDir: {} }], {}, { uid: "../../evil" }))
      yield* settled
      assert.deepInclude(yield* agent.volumes.state("../../evil"), { ready: false })
      assert.isFalse(host.exists(`${root}/pods`))
      assert.isFalse(host.exists("/var/lib/evil"))
    }))
})

describe("PodVolumes: what they hold", () => {
  it.effect("I19: trees on the node's disk are counted, what lies in memory too but not as ephemeral storage", () =>
    Effect.gen(function*() {
      const { client, host, start } = yield* make
      yield* bound(client, "local", { hostPath: { path: "/data" } })
      const agent = yield* start()
      yield* untilReady(
        agent,
        podWith([
          { name: "d", emptyDir: { sizeLimit: "1Mi" } },
          { name: "m", emptyDir: { medium: "Memory", sizeLimit: "8Mi" } },
          { name: "h", persistentVolumeClaim: { claimName: "local" } }
        ])
      )
      host.write(`${volumesOf("u1")}/kubernetes.io~empty-dir/d/f`, new Uint8Array(5000))
      const usage = yield* agent.volumes.usage("u1")
      assert.deepStrictEqual(
        usage.map(({ ephemeral, inodesUsed, name, sizeLimitBytes, usedBytes }) => [
          name,
          usedBytes,
          inodesUsed,
          ephemeral,
          sizeLimitBytes
        ]),
        [["d", 8192, 2, true, 1_048_576], ["m", 0, 1, false, 8_388_608]]
      )
      assert.strictEqual(usage[1]?.capacityBytes, 8_388_608)
    }))
})

describe("PodVolumes: the end", () => {
  const everything = (): ReadonlyArray<Volume> => [
    { name: "d", emptyDir: {} },
    { name: "m", emptyDir: { medium: "Memory" } },
    { name: "c", configMap: { name: "m" } },
    { name: "s", secret: { secretName: "s" } }
  ]

  it.effect("I2: all is unmounted and removed, nothing is left of the pod's volumes", () =>
    Effect.gen(function*() {
      const { client, host, start } = yield* make
      yield* makeConfigMap(client, "m", { a: "1" })
      yield* makeSecret(client, "s", { a: "1" })
      const agent = yield* start()
      yield* untilReady(agent, podWith(everything()))
      host.write(`${volumesOf("u1")}/kubernetes.io~empty-dir/d/left`, "1")
      yield* agent.volumes.release("u1")
      assert.deepStrictEqual(listing(host, `${root}/pods/u1`), [`d 750 ${root}/pods/u1`])
      assert.lengthOf(host.table.mounts, 1)
    }))

  it.effect("a busy mount holds the end up until it is let go", () =>
    Effect.gen(function*() {
      const { host, start } = yield* make
      const agent = yield* start()
      yield* untilReady(agent, podWith([{ name: "m", emptyDir: { medium: "Memory" } }]))
      const at = `${volumesOf("u1")}/kubernetes.io~empty-dir/m`
      host.setBusy(at, true)
      const release = yield* Effect.forkChild(agent.volumes.release("u1"))
      yield* settled
      assert.lengthOf(host.table.mounts, 2)
      host.setBusy(at, false)
      yield* TestClock.adjust(500)
      yield* Fiber.join(release)
      assert.lengthOf(host.table.mounts, 1)
    }))

  it.effect("a set-up under way is given up first, and what it made goes too", () =>
    Effect.gen(function*() {
      const { host, start } = yield* make
      for (const callsLeft of [4, 8, 10]) {
        const slow = yield* start({ callsLeft })
        yield* slow.volumes.want(podWith([{ name: "m", emptyDir: { medium: "Memory" } }]))
        yield* settled
        slow.fuse.callsLeft = Number.POSITIVE_INFINITY
        yield* slow.volumes.release("u1")
        assert.lengthOf(host.table.mounts, 1)
        assert.deepStrictEqual(listing(host, `${root}/pods/u1`).slice(1), [])
        yield* slow.stop
      }
    }))

  it.effect("I2: what an agent that is gone left is taken down without being wanted before", () =>
    Effect.gen(function*() {
      const { client, host, start } = yield* make
      yield* makeSecret(client, "s", { a: "1" })
      yield* makeConfigMap(client, "m", { a: "1" })
      const first = yield* start()
      yield* untilReady(first, podWith(everything()))
      yield* first.stop
      const second = yield* start()
      assert.deepStrictEqual(yield* second.volumes.onDisk, ["u1"])
      yield* second.volumes.release("u1")
      assert.lengthOf(host.table.mounts, 1)
      assert.deepStrictEqual(listing(host, `${root}/pods/u1`).slice(1), [])
    }))

  it.effect("an agent that starts anew leaves the volumes of running pods as they are", () =>
    Effect.gen(function*() {
      const { client, host, start } = yield* make
      yield* makeSecret(client, "s", { a: "1" })
      yield* makeConfigMap(client, "m", { a: "1" })
      const first = yield* start()
      yield* untilReady(first, podWith(everything()))
      // The pod has made its directory its own.
      host.at(`${volumesOf("u1")}/kubernetes.io~empty-dir/d`).inode.mode = 0o700
      const before = listing(host, `${root}/pods/u1`)
      const mounts = host.mountPoints()
      yield* first.stop
      yield* untilReady(yield* start(), podWith(everything()))
      yield* settled
      assert.deepStrictEqual(listing(host, `${root}/pods/u1`), before)
      assert.deepStrictEqual(host.mountPoints(), mounts)
    }))

  it.effect("after a reboot what lay in memory is made anew", () =>
    Effect.gen(function*() {
      const { client, host, start } = yield* make
      yield* makeSecret(client, "s", { a: "1" })
      yield* makeConfigMap(client, "m", { a: "1" })
      const first = yield* start()
      yield* untilReady(first, podWith(everything()))
      yield* first.stop
      host.reboot()
      yield* untilReady(yield* start(), podWith(everything()))
      yield* settled
      assert.strictEqual(host.readText(`${volumesOf("u1")}/kubernetes.io~secret/s/a`), "1")
      assert.strictEqual(host.at(`${volumesOf("u1")}/kubernetes.io~secret/s`).mount.fs.fsType, "tmpfs")
    }))
})
