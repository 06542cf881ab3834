import { assert, describe, it } from "@effect/vitest"
import { kernelProblem, kernelSettings, unlike } from "../../../src/domain/process/kernelSettings.ts"
import { notificationsOf } from "../../../src/domain/process/watchdog.ts"

describe("A15: the kernel's settings", () => {
  it("only those that differ are of interest, and those that cannot be read are left alone", () => {
    const right = new Map(kernelSettings.map(({ name, wanted }) => [name, wanted]))
    assert.deepStrictEqual(unlike(right), [])
    assert.deepStrictEqual(unlike(new Map()), [])
    assert.deepStrictEqual(unlike(new Map([...right, ["kernel/panic", 0]])).map(kernelProblem), [
      "invalid kernel flag: kernel/panic, expected value: 10, actual value: 0"
    ])
  })
})

describe("A15: what systemd asks for", () => {
  it.each([
    { env: {}, want: { wanted: false, watchdogMs: undefined }, why: "nobody listens" },
    {
      env: { WATCHDOG_USEC: "1000000" },
      want: { wanted: false, watchdogMs: undefined },
      why: "a watchdog without a socket"
    },
    { env: { NOTIFY_SOCKET: "/n" }, want: { wanted: true, watchdogMs: undefined }, why: "ready only" },
    {
      env: { NOTIFY_SOCKET: "@n", WATCHDOG_USEC: "30000000" },
      want: { wanted: true, watchdogMs: 15_000 },
      why: "half of what it waits"
    },
    {
      env: { NOTIFY_SOCKET: "/n", WATCHDOG_USEC: "2000000", WATCHDOG_PID: "7" },
      want: { wanted: true, watchdogMs: 1000 },
      why: "meant for this process"
    },
    {
      env: { NOTIFY_SOCKET: "/n", WATCHDOG_USEC: "2000000", WATCHDOG_PID: "8" },
      want: { wanted: true, watchdogMs: undefined },
      why: "meant for another"
    }
  ])("$why", ({ env, want }) => assert.deepStrictEqual(notificationsOf(env, 7), want))
})
