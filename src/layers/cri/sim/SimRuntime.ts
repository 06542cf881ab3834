/**
 * The state of one node's simulated runtime, and how time changes it. It outlives the agents that use it, has no fibers
 * and no clock: whoever uses it says what time it is, and everything that was due until then has happened.
 */
import { createHash } from "node:crypto"
import type { NetworkReply, NetworkRequest } from "../../../domain/probes/network.ts"
import { type Timer, TimerHeap } from "../../../domain/timerHeap.ts"
import { Addresses } from "./addresses.ts"
import { fullName, ImageStore } from "./images.ts"
import { logLine } from "./logLine.ts"
import { answerOf, standingAnswer } from "./network.ts"
import { defaults, type SimOptions } from "./options.ts"
import { advance, type Output, type OutputStream, type Progress, terminate } from "./program.ts"
import type { ContainerRecord, EventKind, RuntimeHappening, SandboxRecord, Woken } from "./records.ts"
import { infer } from "./script.ts"

export interface RecordedCall {
  readonly atMs: number
  readonly method: string
  readonly target: string
}

export interface PendingWrite {
  readonly path: string
  text: string
  readonly append: boolean
}

/** However short its life, a process is there for some milliseconds. */
const spawnMs = 5
const programsMax = 1000
const oomNoticeMs = 100
const defaultMemoryBytes = 8 * 2 ** 20
const hogBytesPerSecond = 400 * 2 ** 20

const wake = (target: Woken, atMs: number): void => target(atMs)

const nobody: ReadonlyArray<never> = []

export class SimRuntime {
  readonly options: SimOptions
  readonly sandboxes = new Map<string, SandboxRecord>()
  readonly containers = new Map<string, ContainerRecord>()
  /** Names taken by what exists and by calls under way, with whose they are. */
  readonly names = new Map<string, string>()
  readonly images = new ImageStore()
  readonly addresses: Addresses
  readonly calls: Array<RecordedCall> = []
  /** What processes wrote and nobody has put on the host yet. */
  writes: Array<PendingWrite> = []
  readonly listeners = new Set<(happening: RuntimeHappening) => void>()
  /** Told what the container of that id prints, as it prints it. */
  readonly readers = new Map<string, Set<(stream: OutputStream, text: string) => void>>()
  /** Told when a timer is earlier than all others. */
  readonly alarms = new Set<() => void>()
  /** Conditions of `Status`; a text is why it does not hold. */
  readonly conditions: { runtime: string | undefined; network: string | undefined } = {
    runtime: undefined,
    network: undefined
  }
  /** Ready sandboxes by each of their addresses. */
  readonly #reachable = new Map<string, SandboxRecord>()
  readonly #timers = new TimerHeap<Woken>()
  /** Nothing happens by itself before. */
  #quietUntil = Infinity
  /** How much was published; as long as it is the same, everybody who listened still does. */
  #published = 0
  readonly #programs = new Map<string, ReturnType<typeof infer>>()
  #ids = 0

  constructor(options: Partial<SimOptions> = {}) {
    this.options = { ...defaults, ...options }
    this.addresses = new Addresses(this.options.podCidrs)
    for (const name of this.options.images) {
      const answer = this.options.registry(fullName(name))
      if (answer._tag !== "Image") throw new Error(`the registry has no image ${name} to begin with`)
      this.images.add(fullName(name), answer, name.includes("/pause:"))
    }
  }

  newId(): string {
    this.#ids += 1
    return createHash("sha256").update(`${this.options.node}/${this.#ids}`).digest("hex")
  }

  /** When something happens next by itself. */
  get nextAt(): number | undefined {
    return this.#timers.next()
  }

  /** Lets everything happen that was due until `now`, each at its own time. */
  settle(now: number): void {
    if (now < this.#quietUntil) return
    while (this.#timers.take(now, wake)) { /* each at its own time */ }
    this.#quietUntil = this.nextAt ?? Infinity
  }

  after(at: number, target: Woken): Timer<Woken> {
    const first = this.nextAt
    const timer = this.#timers.add(at, target)
    this.#quietUntil = Math.min(this.#quietUntil, at)
    if (first === undefined || at < first) { for (const ring of this.alarms) ring() }
    return timer
  }

  cancel(timer: Timer<Woken> | undefined): void {
    if (timer !== undefined) this.#timers.cancel(timer)
  }

  publish(kind: EventKind, sandbox: SandboxRecord, container: ContainerRecord | undefined, atMs: number): void {
    this.#published += 1
    const happening = { kind, id: container?.id ?? sandbox.id, sandbox, container, atMs }
    for (const listener of this.listeners) listener(happening)
  }

  /** What a command does; thousands of containers have the same one. */
  programs(command: ReadonlyArray<string>): ReturnType<typeof infer> {
    const key = JSON.stringify(command)
    const known = this.#programs.get(key)
    if (known !== undefined) return known
    if (this.#programs.size >= programsMax) this.#programs.clear()
    const inferred = infer(command)
    this.#programs.set(key, inferred)
    return inferred
  }

  /** Makes the log file if it is not there. */
  touchLog(container: ContainerRecord): void {
    this.#write(container.logPath, "", true)
  }

  /** The program of a created container begins to run. */
  start(container: ContainerRecord, now: number): void {
    container.state = "Running"
    container.startedAtMs = Math.max(1, now)
    this.touchLog(container)
    this.publish("Started", container.sandbox, container, now)
    const progress = advance(container.process, now, this.#output(container, now))
    if (progress._tag !== "Exited") this.#follow(container, now, progress)
    else container.timer = this.after(now + spawnMs, (at) => this.#follow(container, at, progress))
    this.watchMemory(container, now)
  }

  /** SIGTERM, or the container's own stop signal. */
  signal(container: ContainerRecord, now: number): void {
    if (container.state !== "Running") return
    const progress = terminate(container.process, now, container.isInit)
    if (progress !== undefined) this.#follow(container, now, progress)
  }

  kill(container: ContainerRecord, now: number): void {
    if (container.state === "Running") this.exit(container, now, { exitCode: 137 })
  }

  exit(container: ContainerRecord, now: number, how: { readonly exitCode: number; readonly reason?: string }): void {
    this.cancel(container.timer)
    this.cancel(container.oomTimer)
    container.timer = undefined
    container.oomTimer = undefined
    this.#endLines(container, now)
    container.state = "Exited"
    container.finishedAtMs = Math.max(now, container.startedAtMs)
    container.exitCode = how.exitCode
    container.reason = how.reason ?? (how.exitCode === 0 ? "Completed" : "Error")
    this.publish("Stopped", container.sandbox, container, now)
    const { waiters } = container
    container.waiters = undefined
    for (const waiter of waiters ?? []) waiter(now)
  }

  /** It could not be started. */
  failStart(container: ContainerRecord, now: number, message: string): void {
    container.startedAtMs = now
    container.message = message
    this.exit(container, now, { exitCode: 128, reason: "StartError" })
  }

  memoryBytes(container: ContainerRecord, now: number): number {
    if (container.state !== "Running") return 0
    const { memoryBytes = defaultMemoryBytes } = container.script
    return Math.floor(memoryBytes + growthOf(container) * (now - container.startedAtMs) / 1000)
  }

  /** Notes when the container will reach its limit; again after the limit changed. */
  watchMemory(container: ContainerRecord, now: number): void {
    this.cancel(container.oomTimer)
    container.oomTimer = undefined
    const limit = Number(container.resources?.memoryLimitInBytes ?? 0n)
    if (limit <= 0 || container.state !== "Running") return
    const missing = limit - this.memoryBytes(container, now)
    const growth = growthOf(container)
    if (missing > 0 && growth <= 0) return
    const at = now + Math.max(oomNoticeMs, Math.ceil(missing / growth * 1000) || 0)
    container.oomTimer = this.after(at, (time) => this.exit(container, time, { exitCode: 137, reason: "OOMKilled" }))
  }

  /** It is up, with the address it was given. */
  addSandbox(sandbox: SandboxRecord, now: number): void {
    this.sandboxes.set(sandbox.id, sandbox)
    for (const ip of sandbox.address?.ips ?? []) this.#reachable.set(ip, sandbox)
    this.publish("Created", sandbox, undefined, now)
    this.publish("Started", sandbox, undefined, now)
  }

  /** What answers at the address at any time, for a simulated prober; undefined where nobody is. */
  readonly network = (host: string, request: NetworkRequest): (now: number) => NetworkReply | undefined => {
    let standing: NetworkReply | undefined
    let standingSince = -1
    return (now) => {
      this.settle(now)
      if (standingSince !== this.#published) {
        const sandbox = this.#reachable.get(host)
        standing = sandbox === undefined ? undefined : standingAnswer(sandbox)
        standingSince = this.#published
      }
      return standing ?? this.#answer(host, request, now)
    }
  }

  /** Stops everything in the sandbox and takes its address away. */
  stopSandbox(sandbox: SandboxRecord, now: number): void {
    for (const container of sandbox.containers) this.kill(container, now)
    if (!sandbox.ready) return
    this.loseSandbox(sandbox, now)
    for (const ip of sandbox.address?.ips ?? []) this.#reachable.delete(ip)
    if (sandbox.address !== undefined) this.addresses.free(sandbox.address.index)
    sandbox.address = undefined
  }

  /** Its own process is gone; the containers are not. */
  loseSandbox(sandbox: SandboxRecord, now: number): void {
    sandbox.ready = false
    this.publish("Stopped", sandbox, undefined, now)
  }

  forgetContainer(container: ContainerRecord, now: number): void {
    this.kill(container, now)
    this.containers.delete(container.id)
    container.sandbox.containers.delete(container)
    this.names.delete(containerName(container))
    this.publish("Deleted", container.sandbox, container, now)
  }

  forgetSandbox(sandbox: SandboxRecord, now: number): void {
    this.stopSandbox(sandbox, now)
    for (const container of sandbox.containers) this.forgetContainer(container, now)
    this.sandboxes.delete(sandbox.id)
    this.names.delete(sandboxName(sandbox))
    this.publish("Deleted", sandbox, undefined, now)
  }

  /** The machine lost power and is up again: nothing runs, everything is still listed. */
  reboot(now: number): void {
    for (const container of this.containers.values()) {
      if (container.state === "Running") this.exit(container, now, { exitCode: 255, reason: "Unknown" })
    }
    for (const sandbox of this.sandboxes.values()) this.stopSandbox(sandbox, now)
  }

  #answer(host: string, request: NetworkRequest, now: number): NetworkReply | undefined {
    const sandbox = this.#reachable.get(host)
    if (sandbox !== undefined) return answerOf([sandbox], request, now)
    if (!this.options.hostAddresses.includes(host)) return undefined
    const onHost = [...this.sandboxes.values()].filter(({ address, ready }) => ready && address === undefined)
    return answerOf(onHost, request, now)
  }

  #advance(container: ContainerRecord, now: number): void {
    container.timer = undefined
    if (container.state === "Running") {
      this.#follow(container, now, advance(container.process, now, this.#output(container, now)))
    }
  }

  #follow(container: ContainerRecord, now: number, progress: Progress): void {
    this.cancel(container.timer)
    container.timer = undefined
    switch (progress._tag) {
      case "Exited":
        return this.exit(container, now, { exitCode: progress.code })
      case "Sleeping":
        container.timer = this.after(progress.until, (at) => this.#advance(container, at))
        return
      case "Forever":
        return
    }
  }

  #output(container: ContainerRecord, now: number): Output {
    return {
      print: (stream, text) => this.#print(container, now, stream, text),
      write: (path, text, append) => {
        const host = hostPath(container, path)
        if (host !== undefined) this.#write(host, text, append)
      }
    }
  }

  #print(container: ContainerRecord, now: number, stream: OutputStream, text: string): void {
    for (const read of this.readers.get(container.id) ?? nobody) read(stream, text)
    const lines = ((container.openLines?.[stream] ?? "") + text).split("\n")
    const open = lines.pop() ?? ""
    if (container.openLines !== undefined || open !== "") {
      container.openLines ??= { stdout: "", stderr: "" }
      container.openLines[stream] = open
    }
    this.#write(container.logPath, lines.map((line) => logLine(now, stream, line)).join(""), true)
  }

  #endLines(container: ContainerRecord, now: number): void {
    for (const stream of ["stdout", "stderr"] as const) {
      const open = container.openLines?.[stream] ?? ""
      if (open !== "") this.#write(container.logPath, logLine(now, stream, open), true)
    }
    container.openLines = undefined
  }

  #write(path: string, text: string, append: boolean): void {
    if (path === "") return
    const last = this.writes.at(-1)
    if (append && last?.path === path) last.text += text
    else this.writes.push({ path, text, append })
  }
}

const growthOf = ({ process, script }: ContainerRecord): number =>
  script.memoryGrowthBytes ?? (process.program.hog === true ? hogBytesPerSecond : 0)

/** Where a path of the container lies on the host; undefined for its own layer and what it may not write. */
const hostPath = (container: ContainerRecord, path: string): string | undefined => {
  const mount = container.mounts
    .filter(({ containerPath, hostPath }) =>
      hostPath !== "" && (path === containerPath || path.startsWith(`${containerPath}/`))
    )
    .toSorted((a, b) => b.containerPath.length - a.containerPath.length)[0]
  return mount === undefined || mount.readonly ? undefined : mount.hostPath + path.slice(mount.containerPath.length)
}

/** containerd's unique names, which keep two of a kind apart. */
export const sandboxName = (sandbox: Pick<SandboxRecord, "name" | "namespace" | "uid" | "attempt">): string =>
  [sandbox.name, sandbox.namespace, sandbox.uid, sandbox.attempt].join("_")

export const containerName = (
  container: Pick<ContainerRecord, "name" | "attempt"> & {
    readonly sandbox: Pick<SandboxRecord, "name" | "namespace" | "uid">
  }
): string => {
  const { attempt, name, sandbox } = container
  return [name, sandbox.name, sandbox.namespace, sandbox.uid, attempt].join("_")
}
