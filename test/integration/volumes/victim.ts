/**
 * A process that makes one pod's volumes and takes them down again, for ever, until it is killed. The pod, its objects
 * and the place are the same in every life; the CSI driver is a process of its own, and lives on.
 */
import { Effect, Schedule } from "effect"
import type { KubeApi } from "../../../src/layers/api/KubeApi.ts"
import * as CsiLive from "../../../src/layers/csi/CsiLive.ts"
import { podWith } from "../../domain/volumes/pods.ts"
import { bindClaim, claimVolume, describeDriver, driverName } from "../../programs/csi/cluster.ts"
import { makeConfigMap, makeOn, makeSecret } from "../../programs/volumes/world.ts"
import { realHost } from "./ground.ts"

export const pod = podWith([
  { name: "d", emptyDir: {} },
  { name: "m", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } },
  { name: "c", configMap: { name: "m" } },
  { name: "s", secret: { secretName: "s" } },
  claimVolume("k"),
  { name: "i", csi: { driver: driverName } }
], { securityContext: { fsGroup: 5 } })

export const container = pod.spec.containers[0] ?? { name: "c" }
export const subPaths = new Map([[0, "x/y"], [2, "a"], [4, "in"]])

export const makeObjects = Effect.fnUntraced(function*(client: KubeApi["Service"]) {
  yield* makeConfigMap(client, "m", { a: "1" })
  yield* makeSecret(client, "s", { k: "hush" })
  yield* describeDriver(client, driverName, { podInfoOnMount: true })
  yield* bindClaim(client, "k")
})

export const worldOn = (root: string, socket: string) =>
  makeOn({ layer: realHost, root, csi: { layer: CsiLive.layer(), names: new Map([[socket, driverName]]) } })

type Agent = Effect.Success<ReturnType<Effect.Success<ReturnType<typeof worldOn>>["start"]>>

/** Wants the volumes and waits, in real time, until they are there. */
export const comeUp = Effect.fnUntraced(function*({ volumes }: Agent) {
  yield* volumes.want(pod)
  yield* volumes.state(pod.metadata.uid).pipe(
    Effect.flatMap(({ ready }) => (ready ? Effect.void : Effect.fail("not yet"))),
    Effect.retry({ times: 5000, schedule: Schedule.spaced(2) })
  )
  return yield* volumes.subPaths(pod, container, subPaths)
})

export const live = Effect.fnUntraced(function*(root: string, socket: string) {
  const { client, start } = yield* worldOn(root, socket)
  yield* makeObjects(client)
  const agent = yield* start()
  process.stdout.write("begun\n")
  while (true) {
    yield* comeUp(agent)
    yield* agent.volumes.release(pod.metadata.uid)
  }
}, Effect.scoped)
