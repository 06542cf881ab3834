/**
 * The network under a node under test: a folder of plugins that tests can break, a bridge of both families, and what the
 * host holds of it all.
 */
import { Context, Effect, Layer } from "effect"
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as TestContainerd from "../../fixture/containerd/TestContainerd.ts"
import { ip } from "./namespaces.ts"

const debianPlugins = "/usr/lib/cni"

export class Plugins extends Context.Service<Plugins, {
  readonly folder: string
  /** Puts a script of `sh` in the place of a plugin; `$REAL` is the plugin. */
  readonly replace: (type: string, script: string) => Effect.Effect<void>
  readonly remove: (type: string) => Effect.Effect<void>
  readonly restore: (type: string) => Effect.Effect<void>
  /** Files of the folder. */
  readonly list: () => ReadonlyArray<string>
}>()("kubeffect/test/integration/cni/Plugins") {}

export const plugins = Layer.effect(
  Plugins,
  Effect.gen(function*() {
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "kubeffect-plugins-"))),
      (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
    )
    const remove = (type: string) => Effect.sync(() => rmSync(join(folder, type), { force: true }))
    const restore = (type: string) =>
      Effect.andThen(remove(type), Effect.sync(() => symlinkSync(join(debianPlugins, type), join(folder, type))))
    yield* Effect.forEach(readdirSync(debianPlugins), restore, { discard: true })
    return Plugins.of({
      folder,
      remove,
      restore,
      list: () => readdirSync(folder),
      replace: (type, script) =>
        Effect.andThen(
          remove(type),
          Effect.sync(() => {
            writeFileSync(join(folder, type), `#!/bin/sh\nREAL=${join(debianPlugins, type)}\n${script}\n`)
            chmodSync(join(folder, type), 0o755)
          })
        )
    })
  })
)

/** A containerd whose pods have a network of both families, from plugins that can be broken. */
export const containerd = Layer.unwrap(
  Effect.map(Plugins, ({ folder }) => TestContainerd.layerWith({ cniBinDir: folder }))
)

interface Ground {
  readonly confDir: string
  readonly bridge: string
  /** `<prefix>.2` and so on are the addresses of pods. */
  readonly prefix: string
}

interface BridgeFile {
  readonly name: string
  readonly plugins: ReadonlyArray<{ readonly bridge: string; readonly ipam: { readonly ranges: Array<unknown> } }>
}

/** Gives the network of the containerd an IPv6 range, and a second network `extra` that pods can ask for by name. */
export const ground: Effect.Effect<Ground, never, TestContainerd.TestContainerd> = Effect.gen(function*() {
  const { directory } = yield* TestContainerd.TestContainerd
  const confDir = join(directory, "cni")
  const file = join(confDir, "10-kubeffect.conflist")
  const config: BridgeFile = JSON.parse(readFileSync(file, "utf8"))
  const [first] = config.plugins
  const subnet = /"subnet":"([\d.]+)\.0\/24"/.exec(JSON.stringify(first))?.[1] ?? ""
  const [, b = "0", c = "0"] = subnet.split(".")
  if (first?.ipam.ranges.length === 1) first.ipam.ranges.push([{ subnet: `fd77:${b}:${c}::/64` }])
  writeFileSync(file, JSON.stringify(config))
  writeFileSync(
    join(confDir, "50-extra.conflist"),
    JSON.stringify({
      cniVersion: "1.0.0",
      name: "extra",
      plugins: [{
        type: "bridge",
        bridge: first?.bridge,
        capabilities: { ips: true, mac: true },
        ipam: {
          type: "host-local",
          dataDir: join(directory, "leases"),
          ranges: [[{ subnet: `10.98.${c}.0/24` }]]
        }
      }]
    })
  )
  return { confDir, bridge: first?.bridge ?? "", prefix: subnet }
})

export interface Held {
  /** Addresses that are given out. */
  readonly leases: ReadonlyArray<string>
  /** Interfaces of pods on the bridge. */
  readonly ports: ReadonlyArray<string>
}

/** What the host holds for pods. */
export const held: Effect.Effect<Held, never, TestContainerd.TestContainerd> = Effect.gen(function*() {
  const { directory } = yield* TestContainerd.TestContainerd
  const { bridge } = yield* ground
  const leases = join(directory, "leases")
  const networks = existsSync(leases) ? readdirSync(leases) : []
  return {
    leases: networks.flatMap((network) => readdirSync(join(leases, network)).filter((name) => /^[\d.]+$|:/.test(name)))
      .sort(),
    ports: ip("-o", "link", "show").split("\n").filter((line) => line.includes(` master ${bridge} `))
  }
})
