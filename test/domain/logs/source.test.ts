import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import type { ContainerState } from "../../../src/domain/k8s/podStatus.ts"
import { logSource, runtimeIdOf } from "../../../src/domain/logs/source.ts"

const dead = (containerID: string): ContainerState => ({ terminated: { exitCode: 1, containerID } })
const running: ContainerState = { running: {} }
const waiting = (reason: string): ContainerState => ({ waiting: { reason } })

describe("whose log is read", () => {
  it.each([
    { state: running, last: undefined, previous: false, want: "containerd://now", why: "it runs" },
    { state: dead("containerd://d"), last: undefined, previous: false, want: "containerd://d", why: "it has ended" },
    {
      state: dead(""),
      last: dead("containerd://l"),
      previous: false,
      want: "containerd://l",
      why: "never started again"
    },
    {
      state: waiting("CrashLoopBackOff"),
      last: dead("containerd://l"),
      previous: false,
      want: "containerd://l",
      why: "back-off"
    },
    { state: running, last: dead("containerd://l"), previous: true, want: "containerd://l", why: "the one before" }
  ])("O4: $want when $why", ({ last, previous, state, want }) => {
    const status = {
      containerStatuses: [{ name: "c", containerID: "containerd://now", state, ...(last && { lastState: last }) }]
    }
    assert.deepStrictEqual(logSource("p", "c", status, previous), Result.succeed(want))
  })

  it.each([
    { state: running, previous: true, want: `previous terminated container "c" in pod "p" not found` },
    { state: dead(""), previous: false, want: `container "c" in pod "p" is terminated` },
    {
      state: waiting("ContainerCreating"),
      previous: false,
      want: `container "c" in pod "p" is waiting to start: ContainerCreating`
    },
    {
      state: waiting("ErrImagePull"),
      previous: false,
      want: `container "c" in pod "p" is waiting to start: image can't be pulled`
    },
    {
      state: waiting("ImagePullBackOff"),
      previous: false,
      want: `container "c" in pod "p" is waiting to start: trying and failing to pull image`
    },
    { state: {}, previous: false, want: `container "c" in pod "p" is waiting to start - no logs yet` }
  ])("O4: $want", ({ previous, state, want }) => {
    assert.deepStrictEqual(
      logSource("p", "c", { initContainerStatuses: [{ name: "c", state }] }, previous),
      Result.fail(want)
    )
  })

  it("O4: a container without a status is not available", () => {
    assert.deepStrictEqual(
      logSource("p", "c", undefined, false),
      Result.fail(`container "c" in pod "p" is not available`)
    )
  })

  it("takes the scheme off an id", () => {
    assert.strictEqual(runtimeIdOf("containerd://abc"), "abc")
    assert.strictEqual(runtimeIdOf("abc"), "abc")
  })
})
