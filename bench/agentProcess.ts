/** The agent as it is in use: a process of its own, on a real runtime, with a kubeconfig for an API server over TLS. */
import { Effect, FileSystem, Stream } from "effect"
import { spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import type { Place } from "../src/cli/up/place.ts"
import { nodes } from "../src/domain/k8s/resources.ts"
import { KubeApi, type KubeObject } from "../src/layers/api/KubeApi.ts"
import { serve } from "../src/layers/api/memory/ApiServerHttp.ts"
import { kubeconfig } from "../src/layers/api/memory/kubeconfig.ts"
import type { MemoryApi } from "../src/layers/api/memory/MemoryApi.ts"

export const nodeName = "bench"

/** Starts it; killed at the end of the scope. Gives its process id. */
export const startAgent = Effect.fnUntraced(function*(api: MemoryApi, token: string, place: Place, endpoint: string) {
  const fs = yield* FileSystem.FileSystem
  const { certificateAuthority = "", url } = yield* serve(api, { tls: true })
  yield* fs.writeFileString(place.kubeconfig, kubeconfig({ url, certificateAuthority }, { token }))
  const config = join(place.directory, "kubelet.yaml")
  yield* fs.writeFileString(
    config,
    JSON.stringify({
      apiVersion: "kubelet.config.k8s.io/v1beta1",
      kind: "KubeletConfiguration",
      address: "127.0.0.1",
      port: place.nodePort,
      healthzPort: 0,
      podLogsDir: `${place.directory}/logs`,
      cgroupRoot: place.cgroup,
      containerRuntimeEndpoint: endpoint,
      failSwapOn: false,
      failCgroupV1: false,
      evictionHard: {},
      enforceNodeAllocatable: ["none"]
    })
  )
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn(join(import.meta.dirname, "../bin/kubeffect"), [
        "kubelet",
        `--config=${config}`,
        `--kubeconfig=${place.kubeconfig}`,
        `--root-dir=${place.directory}/node`,
        `--hostname-override=${nodeName}`,
        "--node-ip=127.0.0.1"
      ], { stdio: ["ignore", "ignore", "inherit"] })
    ),
    (process) => Effect.sync(() => process.kill("SIGKILL"))
  )
  yield* whenReady
  return child.pid ?? 0
})

const conditionsOf = (status: unknown): ReadonlyArray<unknown> =>
  typeof status === "object" && status !== null && "conditions" in status && Array.isArray(status.conditions)
    ? status.conditions
    : []

const readyCondition = (condition: unknown): boolean =>
  typeof condition === "object" && condition !== null && "type" in condition && "status" in condition &&
  condition.type === "Ready" && condition.status === "True"

/** A node or a pod that says it is ready. */
export const isReady = ({ status }: KubeObject): boolean => conditionsOf(status).some(readyCondition)

const whenReady = Effect.gen(function*() {
  const api = yield* KubeApi
  const { items, resourceVersion } = yield* api.list(nodes)
  const changes = Stream.map(api.watch(nodes, { resourceVersion }), ({ object }) => object)
  yield* Stream.fromIterable(items).pipe(Stream.concat(changes), Stream.filter(isReady), Stream.runHead)
})

export interface Usage {
  readonly cpuMs: number
  readonly rssMb: number
}

const ticksPerSecond = 100

/** What the process has used so far. */
export const usageOf = (pid: number): Usage => {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /, "").split(" ")
  const ticks = Number(fields[11]) + Number(fields[12])
  const rssKb = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "0"
  return { cpuMs: ticks * 1000 / ticksPerSecond, rssMb: Number(rssKb) / 1024 }
}
