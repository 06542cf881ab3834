/** The mutants, each a bug that the kubelet once had or has. */
import type { Mutant, Patch } from "./Mutant.ts"

const one = (file: string, find: string, replace: string): ReadonlyArray<Patch> => [{ file, find, replace }]

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "stale-list",
    issue: 59848,
    saw: "after a restart of the kubelet a pod of a StatefulSet ran on two nodes",
    patches: one(
      "programs/api/reflector.ts",
      "yield* api.list(resource, selection)",
      `yield* api.list(resource, { ...selection, resourceVersion: "0" })`
    ),
    pods: "moving",
    kinds: "agent-crash,api-stale-list",
    nodes: 2
  },
  {
    name: "twice-after-a-timeout",
    issue: 122585,
    saw: "two instances of a container ran, because the start of the first was not answered in time",
    patches: [
      ...one(
        "programs/pods/actions/startContainer.ts",
        "yield* view.noteContainer(pod.metadata.uid, action.sandboxId, containerId)",
        ""
      ),
      ...one(
        "programs/pods/actions/startContainer.ts",
        `yield* tell({ type: "Normal", reason: "Started"`,
        `yield* view.noteContainer(pod.metadata.uid, action.sandboxId, containerId)
  yield* tell({ type: "Normal", reason: "Started"`
      ),
      ...one(
        "domain/pod/startStep.ts",
        "restartCount: nextCount(newest, statuses.get(slot.name)),",
        "restartCount: nextCount(newest, statuses.get(slot.name)) + (draft.memory.startFailures[slot.name]?.tries ?? 0),"
      )
    ],
    pods: "server,pair",
    kinds: "cri-lost-reply,events-lost,events-stalled"
  },
  {
    name: "hung-container-hides-the-rest",
    issue: 94829,
    saw: "one container that did not answer made the whole node NotReady",
    patches: one(
      "programs/runtime/RuntimeView.ts",
      "const listed = listing(",
      `for (const { id } of containers.containers) {
      yield* Effect.ignore(cri.containerStatus({ containerId: id }, { timeoutMs: 600_000 }))
    }
    const listed = listing(`
    ),
    pods: "server,pair",
    kinds: "cri-container-hang",
    minutes: 3
  },
  {
    name: "ready-lost-with-the-agent",
    issue: 100277,
    saw: "pods were not ready for a while after each restart of the kubelet",
    patches: one(
      "domain/pod/scene.ts",
      "return old?.containerID === containerIdText(scene, record.id) ? old : undefined",
      "return old?.containerID === containerIdText(scene, record.id) && false ? old : undefined"
    ),
    pods: "probed",
    kinds: "agent-crash"
  },
  {
    name: "gone-before-its-containers",
    issue: 88613,
    saw: "the object of a pod was deleted while its containers still ran",
    patches: [
      ...one("domain/pod/windDown.ts", "if (anyAlive || busy.start", "if (busy.start"),
      ...one(
        "domain/pod/windDown.ts",
        " || Object.keys(busy.kills).length > 0) return false\n  const [next]",
        ") return false\n  const [next]"
      ),
      ...one("domain/pod/windDown.ts", "if (next === undefined) return true", "if (next !== null) return true")
    ],
    pods: "deaf,server",
    kinds: "cri-slow,cri-error"
  },
  {
    name: "end-taken-back",
    issue: 58711,
    saw: "a pod that had Failed was told to have Succeeded, by a kubelet that knew nothing of its containers any more",
    patches: [
      ...one("domain/pod/status.ts", "if (isTerminalPhase(pod.status?.phase)) return pod.status.phase", ""),
      ...one("domain/pod/ended.ts", "exitCode: 137", "exitCode: 0"),
      ...one("domain/pod/ended.ts", `: "Failed"),`, `: "Succeeded"),`),
      ...one("programs/pods/makeWorker.ts", "lastStatus: apiPod?.status", "lastStatus: undefined")
    ],
    pods: "failing",
    kinds: "agent-crash,records-pruned"
  },
  {
    name: "ended-pods-start-again",
    issue: 37447,
    saw: "upon restart the kubelet started all pods, those that had ended included",
    patches: [
      ...one("domain/pod/status.ts", "if (isTerminalPhase(pod.status?.phase)) return pod.status.phase", ""),
      ...one(
        "domain/pod/plan.ts",
        "if (isTerminalPhase(pod.status?.phase) || isTerminalPhase(",
        "if (isTerminalPhase("
      ),
      ...one("programs/pods/makeWorker.ts", "lastStatus: apiPod?.status", "lastStatus: undefined")
    ],
    pods: "failing,job,retried",
    kinds: "agent-crash,records-pruned"
  },
  {
    name: "init-runs-again",
    issue: 67261,
    saw: "init containers ran again when their records had been pruned",
    patches: one(
      "domain/pod/initOrder.ts",
      "if (isInitialized(scene)) return",
      "if (isInitialized(scene) && scene.init.every((slot) => currentOf(scene, slot.name) !== undefined)) return"
    ),
    pods: "ordered,mixed",
    kinds: "records-pruned,agent-crash"
  },
  {
    name: "restarts-forgotten",
    issue: 4121,
    saw: "the count of restarts went down when records of dead containers were removed",
    patches: [
      ...one(
        "domain/pod/containerStatus.ts",
        "restartCount: Math.max(newest.restartCount, old?.restartCount ?? 0)",
        "restartCount: newest.restartCount"
      ),
      ...one("domain/pod/startStep.ts", "const shown = status?.restartCount ?? 0", "const shown = 0")
    ],
    pods: "crashing,server",
    kinds: "records-pruned,agent-crash,container-killed"
  },
  {
    name: "back-off-forgotten",
    issue: 57291,
    saw: "a crashing container was restarted at once: the kubelet had forgotten its back-off",
    patches: one(
      "domain/pod/crashLoop.ts",
      "return derivedEntry(exited, recordsOf(scene, slot.name)[1], node.maxRestartDelayMs)",
      "return node.maxRestartDelayMs < 0 ? derivedEntry(exited, recordsOf(scene, slot.name)[1], 0) : undefined"
    ),
    pods: "crashing",
    kinds: "agent-crash"
  },
  {
    name: "deletes-a-namesake",
    issue: 25169,
    saw: "the last DELETE of a pod removed the new pod of that name",
    patches: one("programs/status/statusCalls.ts", "{ gracePeriodSeconds: 0, uid }", "{ gracePeriodSeconds: 0 }"),
    pods: "moving",
    kinds: "api-lost-reply,api-slow",
    nodes: 2
  },
  {
    name: "volumes-left-behind",
    issue: 60987,
    saw: "orphaned pod found, but volume paths are still present on disk",
    patches: one("programs/pods/podWorker.ts", "yield* volumes.release(uid)\n", "\n"),
    pods: "volumes",
    kinds: "agent-crash,mount-error"
  },
  {
    name: "stops-once",
    issue: 51835,
    saw: "a pod was Terminating for ever, because a stop that failed was not tried again",
    patches: one(
      "domain/pod/draft.ts",
      "lengthMs: retryGapMs(last.tries)",
      "lengthMs: retryGapMs(last.tries) + 1e12"
    ),
    pods: "server,deaf",
    kinds: "cri-error,cri-unavailable"
  },
  {
    name: "unmounts-once",
    issue: 27651,
    saw: "a volume that was busy once was never unmounted",
    patches: one(
      "domain/volumes/plan.ts",
      "if (failure?.version === versionOf(action) && this.waitsFor(retryWait(failure), nowMs)) return",
      "if (failure?.version === versionOf(action)) return"
    ),
    pods: "volumes",
    kinds: "unmount-busy,mount-error"
  },
  {
    name: "events-are-all",
    issue: 67923,
    saw: "the exit of a container was missed, and its pod was Running for ever",
    patches: one(
      "programs/runtime/runtimeWatch.ts",
      "Effect.flatMap((changed) => Effect.forEach(changed, wake, { discard: true })),",
      "Effect.asVoid,"
    ),
    pods: "job,crashing",
    kinds: "events-lost,events-stalled,container-killed"
  },
  {
    name: "never-lists-again",
    issue: 25759,
    saw: "too old resource version: pods were stuck until the kubelet was restarted",
    patches: one("programs/api/reflector.ts", "if (expired) version = undefined", ""),
    pods: "server",
    kinds: "api-compaction"
  },
  {
    name: "content-read-once",
    issue: 30189,
    saw: "volumes did not follow their ConfigMaps",
    patches: one(
      "programs/volumes/objectStore.ts",
      `value._tag === "Found" && value.value.immutable === true`,
      `value._tag === "Found"`
    ),
    pods: "config",
    kinds: "api-watch-cut"
  },
  {
    name: "ended-pods-take-room",
    issue: 104560,
    saw: "pods were refused as OutOfcpu for the room of pods that had ended",
    patches: one(
      "programs/pods/Admission.ts",
      "Effect.map(isOver(gate, pod), (over) => !over)",
      "Effect.map(isOver(gate, pod), (over) => !over || over)"
    ),
    pods: "bulky",
    kinds: "api-slow"
  },
  {
    name: "strangers-to-a-new-agent",
    issue: 105523,
    saw: "pods that ran were refused as OutOfcpu after a restart of the kubelet",
    patches: [
      ...one(
        "programs/pods/Admission.ts",
        "const verdict: Verdict = begun ?",
        "const verdict: Verdict = begun && gate.admitted.size < 0 ?"
      ),
      ...one(
        "programs/pods/Admission.ts",
        "Effect.map(isOver(gate, pod), (over) => !over)",
        "Effect.map(isOver(gate, pod), (over) => !over || over)"
      )
    ],
    pods: "bulky",
    kinds: "agent-crash"
  },
  {
    name: "unmounts-what-it-does-not-know-yet",
    issue: 120150,
    saw: "a restart while the API server was away unmounted volumes of running pods",
    patches: [
      ...one("programs/volumes/orphanFolders.ts", "if (!(yield* registry.allSourcesHeard)) return", ""),
      ...one("programs/volumes/orphanFolders.ts", "!running.has(uid)", "uid !== String(running.size)")
    ],
    pods: "volumes,config",
    kinds: "agent-crash,api-partition,api-hang,api-slow"
  },
  {
    name: "unmounts-too-early",
    issue: 113979,
    saw: "volumes of a pod that was Terminating went while its containers ran",
    patches: one(
      "programs/pods/podWorker.ts",
      `if (next.stage !== "terminated") {`,
      `if (next.stage === "terminating") yield* Effect.forkDetach(volumes.release(desired.pod.metadata.uid))
  if (next.stage !== "terminated") {`
    ),
    pods: "volumes",
    kinds: "agent-crash,cri-slow"
  },
  {
    name: "sidecars-first",
    issue: 120620,
    saw: "sidecars were stopped together with the containers that need them",
    patches: one(
      "domain/pod/windDown.ts",
      "if (mustWait(slot, alive))",
      "if (mustWait(slot, alive) && alive.length < 0)"
    ),
    pods: "ordered",
    kinds: "cri-slow"
  },
  {
    name: "groups-left-behind",
    issue: 41644,
    saw: "control groups of deleted pods piled up",
    patches: one(
      "programs/pods/podCgroups.ts",
      "if (config.cgroupsPerQos) yield* cgroups.destroy(cgroupOf(pod, node))",
      "if (config.cgroupsPerQos) yield* Effect.ignore(cgroups.destroy(cgroupOf(pod, node)))"
    ),
    pods: "server",
    kinds: "cgroup-busy,cgroup-error"
  },
  {
    name: "one-sandbox-and-no-more",
    issue: 79398,
    saw: "a pod that never restarts did not get a second sandbox, although nothing of it had run",
    patches: one("domain/pod/sandboxStep.ts", "if (!ran) return true", ""),
    pods: "job,mixed",
    kinds: "sandbox-lost,cri-lost-reply,machine-reboot"
  },
  {
    name: "runs-what-never-restarts",
    issue: 8878,
    saw: "containers of pods that never restart ran again when their records were gone",
    patches: one(
      "domain/pod/scene.ts",
      "return !hasRun(scene, slot) || isRestartInPlace(old?.lastState?.terminated) ||",
      "return old !== null || isRestartInPlace(old?.lastState?.terminated) ||"
    ),
    pods: "mixed",
    kinds: "records-pruned"
  },
  {
    name: "created-is-as-good-as-run",
    issue: 118321,
    saw: "a pod was Pending for ever: its container had been created, and not started",
    patches: one(
      "domain/pod/scene.ts",
      `case "Created":
      return true`,
      `case "Created":
      return false`
    ),
    pods: "server,pair,job",
    kinds: "agent-crash,cri-error"
  },
  {
    name: "volume-data-goes-first",
    issue: 101911,
    saw: "a CSI volume was never unmounted: what was known of it was deleted first",
    patches: [
      ...one(
        "programs/csi/takeDown.ts",
        "const unpublish = Effect.gen(function*() {",
        "const unpublish = Effect.gen(function*() {\n    yield* removeFile(`${path}/vol_data.json`)"
      )
    ],
    pods: "csi",
    kinds: "csi-error,csi-unavailable,csi-hang"
  }
]
