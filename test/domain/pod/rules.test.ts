/** The rules that `plan` is made of, one table each. */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import {
  crashLoopMessage,
  crashWait,
  derivedEntry,
  isImageFailure,
  nextEntry,
  retryDelayMs
} from "../../../src/domain/pod/backoff.ts"
import { endGraceSeconds, graceMs, killGraceSeconds } from "../../../src/domain/pod/grace.ts"
import type { KillReason, ObservedContainer, ObservedSandbox } from "../../../src/domain/pod/model.ts"
import { mayRestart, restartsAfter, ruleAction } from "../../../src/domain/pod/restart.ts"
import { sandboxNeed } from "../../../src/domain/pod/sandbox.ts"
import { type Slot, slotOf } from "../../../src/domain/pod/spec.ts"
import { container, exited, observed, podOf, sandbox, t0 } from "./fixtures.ts"

const slot = (fields: Partial<Slot["container"]> = {}, kind: Slot["kind"] = "regular"): Slot => ({
  name: "c",
  kind,
  index: 0,
  container: container("c", fields)
})

describe("D11: crash back-off", () => {
  const maxMs = 300_000
  it("the first restart is immediate, then the wait doubles from 10 s to 300 s", () => {
    let entry: ReturnType<typeof nextEntry> | undefined
    let nowMs = 0
    const waits: Array<number> = []
    for (let i = 0; i < 8; i++) {
      const lengthMs = crashWait(entry, nowMs, maxMs)?.lengthMs ?? 0
      const untilMs = nowMs + lengthMs
      waits.push(lengthMs / 1000)
      entry = nextEntry(entry, { finishedAtMs: nowMs, nowMs: untilMs }, maxMs)
      nowMs = untilMs + 1
    }
    assert.deepStrictEqual(waits, [0, 10, 20, 40, 80, 160, 300, 300])
  })
  it.each([
    { finishedAtMs: 600_000, want: { sinceMs: 600_000, lengthMs: maxMs }, why: "used until twice the cap ago" },
    { finishedAtMs: 600_001, want: undefined, why: "a container that ran for longer starts anew" }
  ])("an entry not needed for 10 min is forgotten: $why", ({ finishedAtMs, want }) => {
    assert.deepStrictEqual(crashWait({ delayMs: maxMs, lastMs: 0 }, finishedAtMs, maxMs), want)
  })
  it("the node's cap holds from the first wait on", () => {
    assert.strictEqual(nextEntry(undefined, { finishedAtMs: 0, nowMs: 0 }, 1000).delayMs, 1000)
  })
  const run = (restartCount: number, createdAtMs: number): ObservedContainer =>
    exited("c", 1, { restartCount, createdAtMs: t0 + createdAtMs, finishedAtMs: t0 + createdAtMs + 100 })
  it.each([
    { newest: run(0, 0), previous: undefined, want: undefined, why: "it never restarted" },
    { newest: run(1, 0), previous: undefined, want: 10_000, why: "the first restart opened the entry" },
    { newest: run(4, 0), previous: undefined, want: 80_000, why: "by the number of restarts" },
    { newest: run(40, 0), previous: undefined, want: 300_000, why: "capped" },
    { newest: run(4, 20_200), previous: run(3, 0), want: 40_000, why: "the last wait was 20 s" },
    { newest: run(9, 150), previous: run(8, 0), want: 10_000, why: "the last restart did not wait" },
    {
      newest: run(4, -60_000),
      previous: run(3, 0),
      want: 80_000,
      why: "by their number: the clock was set back between"
    }
  ])("after a restart of the agent it is derived: $why", ({ newest, previous, want }) => {
    assert.strictEqual(derivedEntry(newest, previous, maxMs)?.delayMs, want)
  })
  it("the message names delay, container and pod", () => {
    assert.strictEqual(
      crashLoopMessage("1m20s", "c", "web_default(u1)"),
      "back-off 1m20s restarting failed container=c pod=web_default(u1)"
    )
  })
})

describe("N2, C11: pace of retries", () => {
  it.each([
    { reason: "ErrImagePull", tries: 1, want: 10_000 },
    { reason: "ErrImagePull", tries: 2, want: 20_000 },
    { reason: "ImagePullBackOff", tries: 6, want: 300_000 },
    { reason: "ErrImagePull", tries: 9999, want: 300_000 },
    { reason: "CreateContainerConfigError", tries: 1, want: 1000 },
    { reason: "CreateContainerConfigError", tries: 9, want: 10_000 },
    { reason: "InvalidImageName", tries: 0, want: 1000 }
  ])("$reason, try $tries: $want ms", ({ reason, tries, want }) => {
    assert.strictEqual(retryDelayMs(reason, tries), want)
  })
  it("failures of the registry are those that back off like crashes", () => {
    assert.isTrue(isImageFailure("RegistryUnavailable"))
    assert.isFalse(isImageFailure("ErrImageNeverPull"))
  })
})

describe("D9, D10: restart policy and rules", () => {
  const onExit = (action: string, operator: string, ...values: Array<number>) => ({
    action,
    exitCodes: { operator, values }
  })
  it.each<{ pod: string; slot: Slot; code: number; want: boolean; why: string }>([
    { pod: "Always", slot: slot(), code: 0, want: true, why: "Always" },
    { pod: "OnFailure", slot: slot(), code: 0, want: false, why: "done" },
    { pod: "OnFailure", slot: slot(), code: 1, want: true, why: "failed" },
    { pod: "Never", slot: slot(), code: 1, want: false, why: "Never" },
    { pod: "Never", slot: slot({ restartPolicy: "OnFailure" }), code: 1, want: true, why: "its own policy" },
    { pod: "Always", slot: slot({ restartPolicy: "Never" }), code: 1, want: false, why: "its own policy" },
    {
      pod: "Never",
      slot: slot({ restartPolicy: "Never", restartPolicyRules: [onExit("Restart", "In", 42)] }),
      code: 42,
      want: true,
      why: "a rule that fits"
    },
    {
      pod: "Never",
      slot: slot({ restartPolicy: "Never", restartPolicyRules: [onExit("Restart", "In", 42)] }),
      code: 1,
      want: false,
      why: "no rule fits"
    },
    {
      pod: "Never",
      slot: slot({ restartPolicy: "Never", restartPolicyRules: [onExit("Restart", "NotIn", 42)] }),
      code: 1,
      want: true,
      why: "NotIn"
    },
    {
      pod: "Never",
      slot: slot({ restartPolicyRules: [onExit("Explode", "In", 42)] }),
      code: 42,
      want: false,
      why: "an unknown action is passed over"
    },
    { pod: "Always", slot: slot({}, "init"), code: 0, want: false, why: "an init container that is done" },
    { pod: "Never", slot: slot({}, "sidecar"), code: 0, want: true, why: "sidecars always restart" },
    { pod: "Always", slot: slot({}, "ephemeral"), code: 1, want: false, why: "ephemeral ones never do" }
  ])("$pod, exit $code → $want: $why", ({ code, pod, slot, want }) => {
    assert.strictEqual(restartsAfter(podOf({ restartPolicy: pod }), slot, code), want)
  })
  it("the first rule that fits decides", () => {
    const rules = [onExit("Restart", "In", 1), onExit("RestartAllContainers", "In", 1, 2)]
    assert.strictEqual(ruleAction(slot({ restartPolicyRules: rules }), 1), "Restart")
    assert.strictEqual(ruleAction(slot({ restartPolicyRules: rules }), 2), "RestartAllContainers")
    assert.isUndefined(ruleAction(slot({ restartPolicyRules: rules }), 3))
  })
  it("a container with rules may restart although its policy is Never", () => {
    const pod = podOf({ restartPolicy: "Never" })
    assert.isFalse(mayRestart(pod, slot()))
    assert.isTrue(mayRestart(pod, slot({ restartPolicyRules: [onExit("Restart", "In", 1)] })))
  })
})

describe("D1: when a pod needs a new sandbox", () => {
  it.each<{ sandboxes: ReadonlyArray<ObservedSandbox>; hostNetwork?: boolean; want: string; why: string }>([
    { sandboxes: [], want: "First", why: "there is none" },
    { sandboxes: [sandbox()], want: "Usable", why: "it is ready and has an address" },
    { sandboxes: [sandbox({ ready: false })], want: "Changed 1", why: "not ready" },
    { sandboxes: [sandbox({ ips: [] })], want: "Changed 1", why: "no address" },
    { sandboxes: [sandbox({ ips: [], hostNetwork: true })], hostNetwork: true, want: "Usable", why: "host network" },
    { sandboxes: [sandbox({ hostNetwork: true })], want: "Changed 1", why: "another network than asked for" },
    { sandboxes: [sandbox({ id: "s3", attempt: 3 }), sandbox()], want: "Changed 4", why: "two are ready" },
    { sandboxes: [sandbox({ id: "s1", attempt: 1 }), sandbox({ ready: false })], want: "Usable", why: "old ones rest" }
  ])("$want: $why", ({ hostNetwork = false, sandboxes, want }) => {
    const need = sandboxNeed(podOf({ hostNetwork }), observed([], sandboxes))
    assert.strictEqual(need._tag === "Changed" ? `Changed ${need.attempt}` : need._tag, want)
  })
})

describe("D12, H6: kill grace", () => {
  const probes = {
    livenessProbe: { terminationGracePeriodSeconds: 7 },
    startupProbe: { terminationGracePeriodSeconds: 9 }
  }
  it.each<{ grace?: number; deletion?: number; why: KillReason; want: number }>([
    { why: "DefinitionChanged", want: 30 },
    { grace: 5, why: "DefinitionChanged", want: 5 },
    { grace: 5, why: "LivenessFailed", want: 7 },
    { grace: 5, why: "StartupFailed", want: 9 },
    { grace: 5, deletion: 3, why: "LivenessFailed", want: 3 },
    { grace: 0, why: "PodTerminating", want: 0 }
  ])("spec $grace, deletion $deletion, $why: $want s", ({ deletion, grace, want, why }) => {
    const { terminationGracePeriodSeconds: _, ...spec } = podOf().spec
    const pod = {
      ...podOf({}, deletion === undefined ? {} : { meta: { deletionGracePeriodSeconds: deletion } }),
      spec: grace === undefined ? spec : { ...spec, terminationGracePeriodSeconds: grace }
    }
    assert.strictEqual(killGraceSeconds(pod, slot(probes), why), want)
  })
  it.each([
    { own: undefined, deletion: undefined, want: 30 },
    { own: 1, deletion: undefined, want: 1 },
    { own: 20, deletion: 5, want: 5 },
    { own: 3, deletion: 5, want: 3 }
  ])("C10: the end's own grace $own and the deletion's $deletion: $want s", ({ deletion, own, want }) => {
    const pod = podOf({}, deletion === undefined ? {} : { meta: { deletionGracePeriodSeconds: deletion } })
    const termination = own === undefined
      ? { why: "Deleted" as const }
      : { why: "Evicted" as const, gracePeriodSeconds: own }
    assert.strictEqual(endGraceSeconds(pod, termination), want)
  })
  it("is never less than 2 s, however much has gone by", () => {
    fc.assert(fc.property(fc.integer(), fc.nat(), (seconds, elapsed) => graceMs(seconds, elapsed) >= 2000))
    assert.strictEqual(graceMs(30, 12_000), 18_000)
  })
})

it("containers are found by name, whatever their kind", () => {
  const pod = podOf({
    initContainers: [container("i"), container("s", { restartPolicy: "Always" })],
    ephemeralContainers: [container("e")]
  })
  assert.deepStrictEqual(["i", "s", "c", "e", "x"].map((name) => slotOf(pod, name)?.kind), [
    "init",
    "sidecar",
    "regular",
    "ephemeral",
    undefined
  ])
})
