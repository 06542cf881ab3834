/**
 * Every way in which pods live otherwise here than under the recorded kubelet, and why. The replay fails on a difference
 * that no row explains, and on a row that explains nothing; docs/differences.md is made of this table.
 */
import type { Aspect } from "./compare/compare.ts"

/** `not done` is a debt; all else is meant to stay. */
export type Kind = "better" | "not done" | "machine" | "runtime version"

export interface Explanation {
  readonly cases: "all" | ReadonlyArray<string>
  readonly aspects: ReadonlyArray<Aspect>
  /** Finds the texts of the differences; `theirs → ours`, or `missing:` and `extra:` as seen from the recording. */
  readonly matches: RegExp
  /** What differs, for readers of the page. */
  readonly what: string
  readonly reason: string
  readonly kind: Kind
  /** Depends on moments of a run: it may explain nothing this time. */
  readonly sometimes?: true
  /** Only on containerd of this version; absent: on all. */
  readonly containerd?: "1.6" | "2.1"
}

const beforeAndAfter: ReadonlyArray<Aspect> = ["status before deletion", "final status"]

export const explanations: ReadonlyArray<Explanation> = [
  {
    cases: "all",
    aspects: ["status order"],
    matches: /^extra: (Running|Pending) .*: terminated\(/,
    what: "one more status when a container, or the sandbox, has ended",
    reason:
      "What has ended is told when it ends. The kubelet's worker looks again when the last call to stop it returned.",
    kind: "better"
  },
  {
    cases: ["two-containers", "one-of-two-done", "burstable", "pod-level-resources", "share-pid"],
    aspects: ["status order"],
    matches: /^extra: Pending .* a: (running|terminated).* b: waiting\(ContainerCreating\)/,
    what: "the first container is told as running while the second is being started",
    reason: "Each start is told at once; the kubelet tells them when all are made.",
    kind: "better"
  },
  {
    cases: "all",
    aspects: ["status order"],
    matches: /^missing: Pending  gen=2 Sandbox=False /,
    what: "no Pending status without a sandbox before Failed",
    reason: "A pod that never ran is Failed in the same status that tells that its sandbox is gone.",
    kind: "better"
  },
  {
    cases: "all",
    aspects: ["status order"],
    matches: /^extra: .*waiting\((CrashLoopBackOff|ImagePullBackOff|ErrImagePull)\)/,
    what: "the wait before a restart or a pull is told when it begins",
    reason: "The kubelet finds out that it has to wait when it tries again, ten and more seconds later.",
    kind: "better"
  },
  {
    cases: "all",
    aspects: ["status before deletion"],
    matches:
      /\.(state\.(terminated|waiting(\.reason|\.message)?)|lastState\.terminated\.containerID): .*(→ nothing|[bB]ack-off|BackOff|ErrImagePull|containerd:)/,
    what: "at the moment of deletion a container is already waiting",
    reason: "Follows from telling the wait when it begins.",
    kind: "better"
  },
  {
    cases: ["init-fails-always", "crashloop", "exit-3-onfailure", "restart-rule"],
    aspects: ["status order"],
    matches: /^missing: .*: terminated\(\d+ Error\) last terminated/,
    what: "that a container has ended and that it has to wait come in one status",
    reason: "Follows from telling the wait when it begins; the end alone is told when it was seen before that.",
    kind: "better",
    sometimes: true
  },
  {
    cases: ["sidecar"],
    aspects: ["status order"],
    matches: /^missing: .*side: running last - started x0/,
    what: "no status in which a sidecar has started and is not ready",
    reason: "A container without a readiness probe is ready when it has started, so both are told in one status.",
    kind: "better"
  },
  {
    cases: "all",
    aspects: ["status order"],
    matches: /^missing: .*: running last/,
    what: "a container that runs for less than a second is not always told as running",
    reason: "It had ended before anybody could look at it, there or here.",
    kind: "machine",
    sometimes: true
  },
  {
    cases: ["one-of-two-done", "termination-message", "termination-fallback", "exit-0-onfailure", "exit-3-never"],
    aspects: ["status order"],
    matches: /^extra: (Running|Pending) .*: running last - ready started x0/,
    what: "a container that ends at once is sometimes told as running before",
    reason: "It was caught alive, which the recorded one was not.",
    kind: "machine",
    sometimes: true
  },
  {
    cases: "all",
    aspects: ["status order"],
    matches: /^missing: Running .*\((PodFailed|PodCompleted)\).* c: terminated/,
    what: "the end of a pod that lives for less than a second is told in other steps",
    reason: "It was never seen running, so it stays Pending until it has ended; or end and phase come in one status.",
    kind: "machine",
    sometimes: true
  },
  {
    cases: "all",
    aspects: beforeAndAfter,
    matches: /^resources\.limits: \{"memory":"9007199254740988Ki"\} → nothing/,
    what: "no memory limit in the resources of a pod that has none",
    reason: "The kubelet shows the largest number that cgroup v1 has for \"no limit\" as if it were one.",
    kind: "better"
  },
  {
    cases: ["burstable"],
    aspects: ["final status"],
    matches: /^resources\.(requests\.cpu: nothing → "100m"|limits: nothing → \{"memory":"128Mi"\})/,
    what: "a finished pod keeps showing the resources that it had",
    reason: "The kubelet reads them from cgroups, which are gone by then.",
    kind: "better"
  },
  {
    cases: "all",
    aspects: ["final status"],
    matches: /\.lastState\.terminated\.containerID: /,
    what: "the last state is that of the container before the last",
    reason: "In the kubelet's final status state and last state are one and the same container.",
    kind: "better"
  },
  {
    cases: ["bad-command"],
    aspects: beforeAndAfter,
    matches: /\.terminated\.startedAt: "<time>" → null/,
    what: "no start time for a process that never started",
    reason: "The kubelet shows the runtime's zero as the first second of 1970.",
    kind: "better"
  },
  {
    cases: "all",
    aspects: ["calls"],
    matches: /^missing: StopPodSandbox <sandbox-0>/,
    what: "a sandbox is stopped once",
    reason: "The kubelet stops it again although it has been stopped.",
    kind: "better"
  },
  {
    cases: ["init-fails-never"],
    aspects: ["events"],
    matches: /^event missing: Normal Killing \(spec\.initContainers\{i1\}\)/,
    what: "no event Killing for a container that has ended by itself",
    reason: "There is nothing to kill.",
    kind: "better"
  },
  {
    cases: ["missing-configmap-volume", "missing-pvc", "hostpath-wrong-type"],
    aspects: ["cgroups"],
    matches: /→ nothing$/,
    what: "no cgroup for a pod whose volumes are missing",
    reason: "It is made when there is something to run in it.",
    kind: "better"
  },
  {
    cases: ["hostpath-kinds"],
    aspects: ["calls"],
    matches: /^extra: CreateContainer c/,
    what: "the creation of a container that the runtime refuses is tried again sooner",
    reason: "After a second, doubling to ten; the kubelet's worker comes round every twelve.",
    kind: "better"
  },
  {
    cases: ["readiness-http-404", "readiness-http-ok", "tcp-readiness"],
    aspects: ["events"],
    matches: /Warning Unhealthy .*Readiness probe failed: .*connection refused$/,
    what: "whether the first readiness probe comes too early",
    reason: "The image `agnhost` cannot be had offline; its stand-in, a script, needs another time to listen.",
    kind: "machine",
    sometimes: true
  },
  {
    cases: ["readiness-http-404", "readiness-http-ok", "tcp-readiness"],
    aspects: ["inside"],
    matches: /ps (missing|extra): .*agnhost/,
    what: "the first process is a shell that runs `/agnhost`",
    reason: "The image `agnhost` cannot be had offline; its stand-in is a script.",
    kind: "machine"
  },
  {
    cases: ["bad-image"],
    aspects: ["events", "status before deletion"],
    matches: /registry\.invalid/,
    what: "the text of a failed pull names another name server",
    reason: "The message is the runtime's, and has the address of this machine's resolver in it.",
    kind: "machine"
  },
  {
    cases: ["secret-volume", "projected"],
    aspects: ["inside"],
    matches: /mounts (missing|extra): tmpfs \/v tmpfs ro,relatime,size=\d+k,noswap/,
    what: "the size of the tmpfs under secrets",
    reason: "It is the node's memory, and this machine's differs.",
    kind: "machine",
    sometimes: true
  },
  {
    cases: ["projected"],
    aspects: ["inside"],
    matches: /files (missing|extra): .* token$/,
    what: "the length of a service account token",
    reason: "The API server in memory signs with a shorter key.",
    kind: "machine"
  },
  {
    cases: ["crashloop"],
    aspects: ["calls", "status order", "status before deletion", "events", "inside", "cgroups"],
    matches:
      /nobody could look|ready|running|started|Ready|terminated|StopContainer <container-c-3>|Killing|<container-c-3>/,
    what: "whether a container that lives for half a second is caught alive, and so has to be stopped",
    reason: "The recorded one was seen alive, and had ended by itself when its pod was deleted.",
    kind: "machine",
    sometimes: true
  },
  {
    cases: "all",
    aspects: beforeAndAfter,
    matches: /\.user: \{"linux":.*\} → nothing$/,
    what: "no user in container statuses",
    reason: "This runtime does not say whom a container runs as.",
    kind: "runtime version",
    containerd: "1.6"
  },
  {
    cases: ["bad-command"],
    aspects: ["status before deletion", "final status", "events"],
    matches: /exec: \\?"\/no\/such\/binary\\?": stat/,
    what: "messages about a command that is not there end in `: unknown`",
    reason: "The message is the runtime's.",
    kind: "runtime version",
    containerd: "1.6"
  }
]
