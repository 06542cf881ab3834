/** Starting, stopping and removing containers of the simulated runtime. */
import { Effect } from "effect"
import { GrpcCode } from "../Cri.ts"
import { type Call, findContainer, type Method, now, pause, refuse, tooLate, work } from "./call.ts"
import type { ContainerRecord, Woken } from "./records.ts"
import type { SimRuntime } from "./SimRuntime.ts"

const stateWords = { Created: "CREATED", Starting: "CREATED", Running: "RUNNING", Exited: "EXITED" }

export const startContainer: Method<"startContainer"> = (runtime) =>
  Effect.fnUntraced(function*({ containerId }, call) {
    const container = yield* findContainer(runtime, call, containerId)
    if (container.state !== "Created") {
      const detail = `failed to set starting state for container "${containerId}": ` +
        `container is in CONTAINER_${stateWords[container.state]} state`
      return yield* refuse(call, GrpcCode.Unknown, detail)
    }
    if (!container.sandbox.ready) {
      return yield* refuse(call, GrpcCode.Unknown, `sandbox container "${container.sandbox.id}" is not running`)
    }
    container.state = "Starting"
    yield* work(call, runtime.options.latencies.startContainer).pipe(
      Effect.andThen(pause(call, container.script.startDelayMs ?? 0)),
      Effect.onError(() => Effect.sync(() => (container.state = "Created")))
    )
    if (!container.sandbox.ready || !runtime.containers.has(containerId)) {
      const detail = "failed to create containerd task: the sandbox was stopped during the call"
      runtime.failStart(container, yield* now, detail)
      return yield* refuse(call, GrpcCode.Unknown, detail)
    }
    const { startError } = container.process.program
    if (startError !== undefined) {
      const detail = "failed to create containerd task: failed to create shim task: OCI runtime create failed: " +
        `runc create failed: unable to start container process: ${startError}`
      runtime.failStart(container, yield* now, detail)
      return yield* refuse(call, GrpcCode.Unknown, detail)
    }
    runtime.start(container, yield* now)
    return {}
  })

export const stopContainer: Method<"stopContainer"> = (runtime) =>
  Effect.fnUntraced(function*({ containerId, timeout }, call) {
    const container = runtime.containers.get(containerId)
    if (container?.state !== "Running") return {}
    const graceMs = Math.max(0, Number(timeout)) * 1000
    if (graceMs > 0) {
      const signalledAt = yield* now
      runtime.signal(container, signalledAt)
      yield* exitOf(runtime, call, container, signalledAt + graceMs)
    }
    runtime.kill(container, yield* now)
    yield* work(call, runtime.options.latencies.stopContainer)
    return {}
  })

export const removeContainer: Method<"removeContainer"> = (runtime) =>
  Effect.fnUntraced(function*({ containerId }, call) {
    const container = runtime.containers.get(containerId)
    if (container === undefined) return {}
    if (container.state === "Starting") {
      const detail = `failed to set removing state for container "${containerId}": ` +
        "container is in starting state, can't be removed"
      return yield* refuse(call, GrpcCode.Unknown, detail)
    }
    yield* work(call, runtime.options.latencies.removeContainer)
    if (runtime.containers.has(containerId)) runtime.forgetContainer(container, yield* now)
    return {}
  })

/** Waits until the container has ended, or until the time is over; fails at the deadline of the call. */
const exitOf = (runtime: SimRuntime, call: Call, container: ContainerRecord, until: number) =>
  Effect.callback<void, ReturnType<typeof tooLate>>((resume) => {
    if (container.state !== "Running") return resume(Effect.void)
    const late = call.deadlineAt < until
    const forget = () => {
      runtime.cancel(timer)
      container.waiters = container.waiters?.filter((waiter) => waiter !== exited)
    }
    const exited: Woken = () => {
      runtime.cancel(timer)
      resume(Effect.void)
    }
    const timer = runtime.after(late ? call.deadlineAt : until, () => {
      forget()
      resume(late ? Effect.fail(tooLate(call)) : Effect.void)
    })
    container.waiters ??= []
    container.waiters.push(exited)
    return Effect.sync(forget)
  })
