/** Real network namespaces and bridges that go with the scope. */
import { Effect, type Scope } from "effect"
import { execFileSync } from "node:child_process"

export const ip = (...args: ReadonlyArray<string>): string => execFileSync("ip", args, { encoding: "utf8" })

let count = 0

export const uniqueName = (prefix: string) => `${prefix}${process.pid}-${count++}`

/** Path of a new namespace. */
export const namespace: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => {
    const name = uniqueName("kfcni")
    ip("netns", "add", name)
    return name
  }),
  (name) => Effect.sync(() => ip("netns", "delete", name))
).pipe(Effect.map((name) => `/run/netns/${name}`))

/** Removes the bridge with the scope, if anybody made it. */
export const bridgeName = (prefix: string): Effect.Effect<string, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => uniqueName(prefix)),
    (name) =>
      Effect.sync(() => {
        if (ip("-o", "link", "show", "type", "bridge").includes(`: ${name}:`)) ip("link", "delete", name)
      })
  )
