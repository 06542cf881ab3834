/**
 * Kills the agent at every point at which it waits, one run for each: before a call, after it, before what a stream
 * tells, after a timer. Between two such points nothing of it can be seen from outside, so there are no others to die at.
 */
import { Clock, Effect, Exit } from "effect"
import * as resources from "../domain/k8s/resources.ts"
import type { AwaitPoint } from "./AgentControl.ts"
import { runSim } from "./runSim.ts"
import { type Violation, watchWorld } from "./watchWorld.ts"
import * as World from "./World.ts"

export interface AwaitOptions {
  readonly seed: number
  /** Every how many-th point is died at; default 1, all of them. */
  readonly stride?: number
  /** Told of each point that was died at. */
  readonly onVisit?: (visited: number, chosen: number) => void
}

export interface AwaitReport {
  readonly points: ReadonlyArray<AwaitPoint>
  /** Points that were chosen, and those at which the agent did die. */
  readonly chosen: number
  readonly visited: number
  readonly broken: ReadonlyArray<{ readonly point: AwaitPoint; readonly violation: Violation }>
}

const idle = "trap 'exit 0' TERM; while true; do sleep 1; done"

const container = (name: string, more: Readonly<Record<string, unknown>> = {}) => ({
  name,
  image: "docker.io/library/busybox:1.36",
  command: ["sh", "-c", idle],
  volumeMounts: [{ name: "scratch", mountPath: "/scratch" }, { name: "secret", mountPath: "/secret" }],
  ...more
})

const probe = { exec: { command: ["true"] }, periodSeconds: 2 }

const podSpec = {
  nodeName: "n1",
  terminationGracePeriodSeconds: 5,
  volumes: [{ name: "scratch", emptyDir: {} }, { name: "secret", secret: { secretName: "s" } }],
  containers: [container("probed", { readinessProbe: probe, livenessProbe: probe }), container("plain")]
}

const secretName = { namespace: "default", name: "s" }
const encoded = (text: string): string => btoa(text)
/** A start of the agent or a lost call may take minutes; nothing takes longer than this. */
const patienceMs = 10 * 60_000
const restartMs = 1000

/** What the pod is shown of its secret. */
const shown = (world: World.World): string => {
  const { host } = world.node("n1")
  const path = `/var/lib/kubelet/pods/${world.pod("p").object()?.metadata.uid}/volumes/kubernetes.io~secret/secret/text`
  return host.exists(path) ? host.readText(path) : ""
}

/** A pod with volumes, a probe and two containers is made, runs, sees its secret change, and is deleted. */
const story = Effect.fnUntraced(function*(seed: number, kept: Kept, dies: (point: AwaitPoint) => boolean) {
  const world = yield* World.make({ seed, nodes: ["n1"] })
  const watch = watchWorld(world, yield* Clock.Clock, [])
  kept.found = watch.found
  const node = world.node("n1")
  yield* world.client.create(resources.secrets, { metadata: secretName, data: { text: encoded("old") } })
  node.onAwait(dies)
  yield* node.start
  const supervisor = Effect.gen(function*() {
    yield* Effect.sleep(restartMs)
    if (!node.running()) yield* node.start
  })
  yield* Effect.forkScoped(Effect.forever(supervisor))
  const pod = yield* world.createPod("p", podSpec)
  yield* pod.reaches("Ready", patienceMs)
  yield* world.client.patch(resources.secrets, secretName, { type: "merge", body: { data: { text: encoded("new") } } })
  yield* world.until("the secret is shown", () => shown(world) === "new" ? "" : `"${shown(world)}"`, patienceMs)
  yield* Effect.sleep(5000)
  watch.atRest()
  yield* pod.remove()
  yield* pod.reaches("Gone", patienceMs)
  node.onAwait(undefined)
  yield* Effect.sleep(5 * 60_000)
  watch.atEnd()
}, Effect.scoped)

interface Kept {
  found: () => Violation | undefined
}

const play = (seed: number, dies: (point: AwaitPoint) => boolean): Violation | undefined => {
  const kept: Kept = { found: () => undefined }
  const { elapsedMs, exit } = runSim(story(seed, kept, dies), { seed, untilMs: 60 * 60_000 })
  const found = kept.found()
  if (found !== undefined || (exit !== undefined && Exit.isSuccess(exit))) return found
  return { invariant: "convergence", message: exit === undefined ? "no end" : String(exit.cause), atMs: elapsedMs }
}

export const visitAwaitPoints = ({ onVisit, seed, stride = 1 }: AwaitOptions): AwaitReport => {
  const points: Array<AwaitPoint> = []
  const broken: Array<AwaitReport["broken"][number]> = []
  const note = (point: AwaitPoint | undefined, violation: Violation | undefined) => {
    if (point !== undefined && violation !== undefined) broken.push({ point, violation })
  }
  const calm = play(seed, (point) => points.push(point) < 0)
  note(points[0], calm)
  const chosen = points.filter((_, index) => index % stride === 0)
  let visited = 0
  for (const point of chosen) {
    // Up to here the run is the same as the one without a death: the same seed, the same numbers.
    note(
      point,
      play(seed, ({ number }) => {
        if (number === point.number) visited += 1
        return number === point.number
      })
    )
    onVisit?.(visited, chosen.length)
  }
  return { points, chosen: chosen.length, visited, broken }
}
