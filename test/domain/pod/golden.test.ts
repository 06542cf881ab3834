/**
 * The order of statuses that the Go kubelet gave 60 pods (test/golden), against ours for pods that do the same. Each of
 * its statuses must come up here too, in its order; ours may show more in between. What differs is listed with a reason.
 */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { readFileSync } from "node:fs"
import type { Container } from "../../../src/domain/k8s/container.ts"
import { decodePod } from "../../../src/domain/k8s/decode.ts"
import type { Pod } from "../../../src/domain/k8s/pod.ts"
import type { PodStatus } from "../../../src/domain/k8s/podStatus.ts"
import { deletion, type Run, simulate } from "./simulator.ts"
import { distinct } from "./summary.ts"

interface Recording {
  readonly manifest: { readonly metadata: object; readonly spec: object }
  readonly statuses: ReadonlyArray<{ readonly at_ms: number; readonly status: PodStatus }>
  readonly deletedAt_ms: number | null
}

const read = (name: string): Recording =>
  JSON.parse(readFileSync(new URL(`../../golden/${name}.json`, import.meta.url), "utf8")) as Recording

/** As the API server does: what is limited and not requested is requested. */
const withRequests = (given: Container): Container => {
  const { limits, requests } = given.resources ?? {}
  return limits === undefined ? given : { ...given, resources: { limits, requests: { ...limits, ...requests } } }
}

const podOf = (recording: Recording): Pod => {
  const { metadata, spec } = recording.manifest
  const pod = Result.getOrThrow(decodePod({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { ...metadata, namespace: "default", uid: "<uid>", generation: 1 },
    spec
  }))
  return { ...pod, spec: { ...pod.spec, containers: pod.spec.containers.map(withRequests) } }
}

interface Case {
  readonly name: string
  readonly runs?: (name: string, run: number) => Run
  readonly changes?: ReadonlyArray<{ readonly atMs: number; readonly apply: (pod: Pod) => Pod }>
  readonly volumesReadyAtMs?: number
  /** In place of the recording's, where ours is quicker and would get further until then. */
  readonly deletedAtMs?: number
  /** Lines of the recording that do not come up here, and why that is right. */
  readonly except?: ReadonlyArray<{ readonly line: RegExp; readonly why: string }>
}

const forever: Run = {}
const quick = (exitCode: number): Run => ({ forMs: 200, exitCode })

const pendingSandboxGone = {
  line: /^Pending .*gen=2 Sandbox=False/,
  why: "a pod that never ran is Failed in the same status that tells its sandbox is gone"
}

const oneStep = {
  line: /^Running .*gen=1 Sandbox=False Init=True.PodCompleted/,
  why: "that the sandbox has gone and that the pod is Succeeded comes in one status"
}

const cases: ReadonlyArray<Case> = [
  { name: "simple" },
  { name: "two-containers" },
  { name: "init-two", runs: (name) => name === "c" ? forever : quick(0) },
  { name: "init-fails-always", runs: () => quick(4), except: [pendingSandboxGone] },
  { name: "init-fails-never", runs: () => quick(4) },
  {
    name: "sidecar",
    runs: (name) =>
      name === "i2"
        ? quick(0)
        : name === "side"
        ? { probes: [{ atMs: 800, verdict: { startup: "success" } }] }
        : forever,
    except: [{
      line: /side: running last - started x0/,
      why: "a container without a readiness probe is ready as soon as it has started, in one status"
    }]
  },
  { name: "sidecar-job", runs: (name) => name === "c" ? { forMs: 1000 } : forever, except: [oneStep] },
  { name: "crashloop", runs: () => quick(1) },
  { name: "exit-0-onfailure", runs: () => quick(0) },
  { name: "exit-3-never", runs: () => quick(3) },
  { name: "exit-3-onfailure", runs: () => quick(3) },
  { name: "restart-rule", runs: () => ({ forMs: 1000, exitCode: 42 }) },
  { name: "one-of-two-done", runs: (name) => name === "a" ? { forMs: 10 } : forever },
  {
    name: "bad-image",
    runs: () => ({ fails: { reason: "ErrImagePull", message: "nope" } }),
    except: [pendingSandboxGone]
  },
  { name: "bad-command", runs: () => ({ startError: "no such file" }) },
  {
    name: "never-pull-missing",
    runs: () => ({ fails: { reason: "ErrImageNeverPull", message: "nope" } }),
    except: [pendingSandboxGone]
  },
  {
    name: "missing-configmap-key",
    runs: () => ({ fails: { reason: "CreateContainerConfigError", message: "nope" } }),
    except: [pendingSandboxGone]
  },
  { name: "missing-configmap-volume", volumesReadyAtMs: 1e9, except: [pendingSandboxGone] },
  { name: "missing-pvc", volumesReadyAtMs: 1e9, except: [pendingSandboxGone] },
  {
    name: "missing-secret-env",
    runs: () => ({ fails: { reason: "CreateContainerConfigError", message: "nope" } }),
    except: [pendingSandboxGone]
  },
  {
    name: "invalid-image-name",
    runs: () => ({ fails: { reason: "InvalidImageName", message: "nope" } }),
    except: [pendingSandboxGone]
  },
  {
    name: "nonroot-violated",
    runs: () => ({ fails: { reason: "CreateContainerConfigError", message: "nope" } }),
    except: [pendingSandboxGone]
  },
  { name: "deadline" },
  { name: "prestop-exec", runs: () => ({ termMs: 1100 }) },
  { name: "prestop-fails" },
  { name: "prestop-sleep" },
  { name: "poststart-fails", runs: () => ({ hookError: "exited with 9" }), deletedAtMs: 9000 },
  { name: "liveness-exec", runs: () => ({ probes: [{ atMs: 4000, verdict: { liveness: "failure" } }] }) },
  { name: "startup-slow", runs: () => ({ probes: [{ atMs: 3000, verdict: { startup: "failure" } }] }) },
  { name: "readiness-gate" },
  {
    name: "readiness-http-404",
    runs: () => ({ termExitCode: 2, probes: [{ atMs: 500, verdict: { readiness: "success" } }] })
  },
  {
    name: "readiness-http-ok",
    runs: () => ({ termExitCode: 2, probes: [{ atMs: 1000, verdict: { readiness: "success" } }] })
  },
  {
    name: "tcp-readiness",
    runs: () => ({ termExitCode: 2, probes: [{ atMs: 1000, verdict: { readiness: "success" } }] })
  },
  {
    name: "ephemeral",
    runs: (name) => name === "c" ? forever : { forMs: 500, exitCode: 5 },
    changes: [{
      atMs: 2300,
      apply: (pod) => ({
        ...pod,
        metadata: { ...pod.metadata, generation: 2 },
        spec: { ...pod.spec, ephemeralContainers: [{ name: "debugger-clntx", image: "busybox:1" }] }
      })
    }]
  },
  {
    name: "image-change",
    changes: [{
      atMs: 2300,
      apply: (pod) => ({
        ...pod,
        metadata: { ...pod.metadata, generation: 2 },
        spec: { ...pod.spec, containers: pod.spec.containers.map((c) => ({ ...c, image: "localhost/busybox:1" })) }
      })
    }]
  },
  { name: "ignores-term", runs: () => ({ ignoresTerm: true }) },
  { name: "oom", runs: () => ({ forMs: 200, exitCode: 137, reason: "OOMKilled" }) },
  { name: "termination-message", runs: () => ({ ...quick(2), message: "done" }) },
  { name: "termination-fallback", runs: () => ({ ...quick(2), message: "line 100" }) },
  { name: "host-namespaces" },
  { name: "burstable" },
  { name: "guaranteed" },
  { name: "pod-level-resources" },
  { name: "hostpath-wrong-type", volumesReadyAtMs: 1e9, except: [pendingSandboxGone] },
  { name: "bandwidth" },
  { name: "configmap-volume" },
  { name: "dns-hosts" },
  { name: "emptydir-kinds" },
  { name: "env-kinds" },
  {
    name: "hostpath-kinds",
    runs: () => ({ fails: { reason: "CreateContainerError", message: "nope" } }),
    except: [pendingSandboxGone]
  },
  { name: "host-port" },
  { name: "privileged" },
  { name: "projected" },
  { name: "secret-volume" },
  { name: "security" },
  { name: "service-links" },
  { name: "share-pid" },
  { name: "tty-stdin", runs: () => ({ ignoresTerm: true }) }
]

const statusesOf = ({ changes = [], runs, volumesReadyAtMs, ...given }: Case, recording: Recording) => {
  const deletedAtMs = given.deletedAtMs ?? recording.deletedAt_ms
  return simulate({
    pod: podOf(recording),
    ...(runs === undefined ? {} : { runs }),
    ...(volumesReadyAtMs === undefined ? {} : { volumesReadyAtMs }),
    changes: [...changes, ...(deletedAtMs === null ? [] : [deletion(deletedAtMs)])],
    endMs: (deletedAtMs ?? 20_000) + 60_000
  })
}

/** Fields that are of the run, not of the rules, made alike; those that come later there than here, dropped. */
const plain = (value: unknown, key = ""): unknown => {
  if (key === "lastProbeTime" || key === "podIP" || key === "podIPs") return undefined
  if (["startedAt", "finishedAt", "startTime", "lastTransitionTime"].includes(key)) {
    return value === null
      ? undefined
      : "<time>"
  }
  if (key === "image" || key === "user") return `<${key}>`
  if (["imageID", "containerID", "ip", "hostIP"].includes(key)) return value === "" ? "" : `<${key}>`
  // What went wrong is told by the runtime, and the probes and hooks of the scripts are not real.
  if (key === "message" && typeof value === "string" && !value.startsWith("containers with")) return "<message>"
  if (Array.isArray(value)) return value.map((item) => plain(item))
  if (typeof value !== "object" || value === null) return value
  const fields = Object.entries(value).map(([name, field]) => [name, plain(field, name)] as const)
  const kept = Object.fromEntries(fields.filter(([, field]) => field !== undefined))
  return kept
}

/** Resources of a pod that runs were read back from cgroup v1 there, where no limit is a very large one. */
const comparable = ({ resources, ...status }: PodStatus): unknown =>
  plain(status.phase === "Pending" ? { ...status, resources } : status)

describe("golden statuses", () => {
  it.each(cases)("$name", (given) => {
    const recording = read(given.name)
    const ours = distinct(statusesOf(given, recording).statuses.map(({ status }) => status))
    const theirs = distinct(recording.statuses.slice(1).map(({ status }) => status))
      .filter(({ line }) => given.except?.some((except) => except.line.test(line)) !== true)
    const lines = ours.map(({ line }) => line)
    let from = 0
    for (const { line, status } of theirs) {
      const at = lines.indexOf(line, from)
      assert.isAtLeast(at, from, `missing after ${from}:\n${line}\n--- ours:\n${lines.join("\n")}`)
      from = at
      assert.deepStrictEqual(comparable(ours[at]?.status ?? {}), comparable(status))
    }
    assert.strictEqual(from, ours.length - 1, `ours goes on:\n${lines.slice(from + 1).join("\n")}`)
  })
})
