/**
 * The host ids of pods with a user namespace of their own (`hostUsers: false`, KEP-127, parity E13). A pod's block is
 * written into its folder before its sandbox is made, and is free again when the folder is gone.
 */
import { Context, Effect, Layer, Option, Schema, Semaphore } from "effect"
import type { UserNamespaceMappings } from "../../domain/config/namespaces.ts"
import { podDir, userNamespacePath } from "../../domain/config/podPaths.ts"
import {
  allocateIds,
  type BadIdRange,
  defaultIdRange,
  type IdRange,
  mappingsFile,
  parseMappingsFile,
  parseSubids
} from "../../domain/config/userNamespaces.ts"
import type { Pod } from "../../domain/k8s/pod.ts"
import { type HostFileError, HostFiles } from "../../layers/host/HostFiles.ts"
import { type ProcessError, Processes } from "../../layers/host/Processes.ts"
import { AgentConfig } from "../AgentConfig.ts"
import { RuntimeHealth } from "../runtime/RuntimeHealth.ts"

/** The pod cannot have a user namespace of its own here. */
export class UserNamespaceError
  extends Schema.TaggedError<UserNamespaceError>()("UserNamespaceError", { detail: Schema.String })
{
  override get message(): string {
    return this.detail
  }
}

type Failure = UserNamespaceError | BadIdRange | HostFileError | ProcessError

export class UserNamespaces extends Context.Service<UserNamespaces, {
  /** The pod's ids, the same each time; undefined for pods with the users of the host. Its folder has to be there. */
  readonly mappingsOf: (
    pod: Pod,
    runtimeHandler: string
  ) => Effect.Effect<UserNamespaceMappings | undefined, Failure>
}>()("kubeffect/programs/pods/UserNamespaces") {}

const subidsTimeoutMs = 10_000

/** What the machine's administrator has set aside for pods; without a word of it, what lies above the host's own ids. */
const readRange = Effect.gen(function*(): Effect.fn.Return<IdRange, Failure, AgentConfig | Processes> {
  const { idsPerUserNamespace, maxPods } = yield* AgentConfig
  const processes = yield* Processes
  const ask = (args: ReadonlyArray<string>) =>
    processes.run({ command: "getsubids", args, timeoutMs: subidsTimeoutMs }).pipe(
      // A user that does not exist is told by the exit code, and has nothing set aside.
      Effect.map(({ exitCode, stdout }) => exitCode === 0 ? stdout : ""),
      Effect.catchReason("ProcessError", "NotFound", () => Effect.succeed(""))
    )
  const [users, groups] = yield* Effect.all([ask(["kubelet"]), ask(["-g", "kubelet"])])
  if (users === "" && groups === "") return defaultIdRange(maxPods, idsPerUserNamespace)
  if (users !== groups) {
    const detail = "the user \"kubelet\" has other subordinate group ids than user ids"
    return yield* new UserNamespaceError({ detail })
  }
  return yield* Effect.fromResult(parseSubids(users, maxPods, idsPerUserNamespace))
})

const read = Effect.fnUntraced(function*(rootDir: string, uid: string) {
  const files = yield* HostFiles
  const text = yield* files.readText(userNamespacePath(rootDir, uid)).pipe(
    Effect.catchReason("HostFileError", "NotFound", () => Effect.succeed(undefined))
  )
  return text === undefined ? undefined : yield* Effect.fromResult(parseMappingsFile(text))
})

/** What all pods that have a folder hold. A file that cannot be read stops everybody: its ids might be given twice. */
const taken = Effect.fnUntraced(function*(rootDir: string) {
  const files = yield* HostFiles
  const uids = yield* files.readDirectory(podDir(rootDir, "")).pipe(
    Effect.catchReason("HostFileError", "NotFound", () => Effect.succeed([]))
  )
  const held = yield* Effect.forEach(uids, (uid) => read(rootDir, uid))
  return held.filter((mappings) => mappings !== undefined)
})

const allocate = Effect.fnUntraced(function*(rootDir: string, uid: string, range: IdRange) {
  const files = yield* HostFiles
  const free = allocateIds(range, yield* taken(rootDir))
  if (Option.isNone(free)) {
    return yield* new UserNamespaceError({ detail: "could not find an empty slot to allocate a user namespace" })
  }
  yield* files.writeFileAtomic(userNamespacePath(rootDir, uid), mappingsFile(free.value), { mode: 0o644 })
  return free.value
})

const unsupported = (handler: string): UserNamespaceError =>
  new UserNamespaceError({
    detail: handler === ""
      ? "can't set hostUsers: false, runtime does not support user namespaces"
      : `can't set hostUsers: false, RuntimeClass handler ${JSON.stringify(handler)} does not support user namespaces`
  })

export const layer: Layer.Layer<UserNamespaces, never, AgentConfig | HostFiles | Processes | RuntimeHealth> = Layer
  .effect(
    UserNamespaces,
    Effect.gen(function*() {
      const services = yield* Effect.context<AgentConfig | HostFiles | Processes>()
      const { rootDir } = yield* AgentConfig
      const health = yield* RuntimeHealth
      const one = yield* Semaphore.make(1)
      let range: IdRange | undefined
      const mappingsOf = Effect.fn("UserNamespaces.mappingsOf")(function*(pod: Pod, runtimeHandler: string) {
        if (pod.spec.hostUsers !== false) return undefined
        const known = yield* read(rootDir, pod.metadata.uid)
        if (known !== undefined) return known
        const { handlers } = yield* health.status
        if (!handlers.some(({ name, userNamespaces }) => name === runtimeHandler && userNamespaces)) {
          return yield* unsupported(runtimeHandler)
        }
        range ??= yield* readRange
        return yield* allocate(rootDir, pod.metadata.uid, range)
      })
      return UserNamespaces.of({
        mappingsOf: (pod, runtimeHandler) =>
          Effect.provide(Semaphore.withPermits(one, 1)(mappingsOf(pod, runtimeHandler)), services)
      })
    })
  )
