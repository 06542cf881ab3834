/**
 * One world of simulated nodes: `bench/sim/worlds.ts <nodes> <pods of each> <virtual minutes> <probed|plain>`. Says as one
 * line of JSON how long it took until all pods were Ready, what that took of memory, and how quickly time went by then.
 */
import { Effect } from "effect"
import { at } from "../../src/domain/k8s/json.ts"
import * as resources from "../../src/domain/k8s/resources.ts"
import { runSim } from "../../src/testing/runSim.ts"
import * as World from "../../src/testing/World.ts"

const [nodes = 1, pods = 30, minutes = 10] = process.argv.slice(2, 5).map(Number)
const probed = process.argv[5] === "probed"

const mib = (bytes: number): number => Math.round(bytes / 2 ** 20)

const cpuMs = (): number => {
  const { system, user } = process.cpuUsage()
  return (user + system) / 1000
}

/** A readiness probe over HTTP as most have it, tried every ten seconds. */
const probe = { readinessProbe: { httpGet: { path: "/healthz", port: 8080 } } }

const specOn = (nodeName: string) => ({
  nodeName,
  containers: [{
    name: "server",
    image: "registry.example/server:1",
    ports: [{ containerPort: 8080 }],
    ...(probed ? probe : {})
  }]
})

const isReady = (pod: unknown): boolean => {
  const conditions = at(pod, "status", "conditions")
  return at(pod, "status", "phase") === "Running" && Array.isArray(conditions) &&
    conditions.some((one: unknown) => at(one, "type") === "Ready" && at(one, "status") === "True")
}

const names = Array.from({ length: nodes }, (_, index) => `n${index + 1}`)
const begun = { wallMs: performance.now(), cpuMs: cpuMs() }

const scenario = Effect.gen(function*() {
  const world = yield* World.make({ seed: 1, nodes: names })
  yield* Effect.forEach(world.nodes, (node) => node.start, { discard: true })
  for (const name of names) {
    for (let pod = 1; pod <= pods; pod += 1) yield* world.createPod(`${name}-${pod}`, specOn(name))
  }
  const missing = () => {
    const ready = world.api.objects(resources.pods).filter(isReady).length
    return ready === nodes * pods ? "" : `${ready} of ${nodes * pods} ready`
  }
  yield* world.until("all pods are ready", missing, 600_000)
  const ready = { wallMs: performance.now(), cpuMs: cpuMs() }
  yield* Effect.sleep(minutes * 60_000)
  const left = missing()
  const run = { wallMs: performance.now() - ready.wallMs, cpuMs: cpuMs() - ready.cpuMs }
  return {
    nodes,
    podsEach: pods,
    probed,
    readySeconds: Math.round((ready.wallMs - begun.wallMs) / 1000),
    readyCpuSeconds: Math.round((ready.cpuMs - begun.cpuMs) / 1000),
    virtualMinutes: minutes,
    wallSeconds: Math.round(run.wallMs / 100) / 10,
    virtualToWall: Math.round(minutes * 60_000 / run.wallMs),
    virtualToCpu: Math.round(minutes * 60_000 / run.cpuMs),
    rssMiB: mib(process.memoryUsage.rss()),
    peakRssMiB: mib(process.resourceUsage().maxRSS * 1024),
    stillReady: left === "",
    hash: world.trace.hash
  }
}).pipe(Effect.scoped)

// Races are for the chaos runs to find: here fibers are only interleaved where they wait.
const { exit } = runSim(scenario, { seed: 1, untilMs: Number.MAX_SAFE_INTEGER, preemption: 0 })
if (exit === undefined || exit._tag === "Failure") throw new Error(`the world did not come to its end: ${String(exit)}`)
console.log(JSON.stringify(exit.value))
