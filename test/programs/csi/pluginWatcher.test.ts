import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import type { PluginInfo } from "../../../src/layers/csi/PluginRegistration.ts"
import * as PluginRegistrationSim from "../../../src/layers/csi/PluginRegistrationSim.ts"
import * as HostFilesMemory from "../../../src/layers/host/HostFilesMemory.ts"
import { pluginWatcher } from "../../../src/programs/csi/pluginWatcher.ts"
import { VolumeHost } from "../../../src/programs/volumes/VolumeHost.ts"

const folder = "/var/lib/kubelet/plugins_registry"
const socket = `${folder}/reg.sock`

const pluginOf = (name: string): PluginRegistrationSim.SimPlugin => ({
  info: { type: "CSIPlugin", name, endpoint: `/run/${name}.sock`, versions: ["1.0.0"] },
  told: []
})

const started = Effect.gen(function*() {
  const host = new HostFilesMemory.MemoryHost()
  host.makeDirectories(folder)
  const plugins: PluginRegistrationSim.SimPlugins = new Map()
  const log: Array<string> = []
  const note = (what: string) => (info: PluginInfo, endpoint: string) =>
    Effect.sync(() => void log.push(`${what} ${info.name} ${endpoint}`))
  const handler = { problem: () => undefined, register: note("register"), deregister: note("deregister") }
  const watching = pluginWatcher(new Map([["CSIPlugin", handler]])).pipe(Effect.provide(Layer.mergeAll(
    HostFilesMemory.layer(host),
    PluginRegistrationSim.layer(plugins),
    Layer.mock(VolumeHost)({ rootDir: "/var/lib/kubelet", syncMs: 60_000 })
  )))
  yield* Effect.forkChild(watching)
  /** A plugin makes its socket, in the place of one that is there. */
  const open = Effect.fnUntraced(function*(name: string, path = socket) {
    plugins.set(path, pluginOf(name))
    if (host.exists(path)) host.removeFile(path)
    host.create(path, { type: "socket", mode: 0o755 })
    yield* TestClock.adjust("10 seconds")
  })
  const close = Effect.suspend(() => {
    plugins.delete(socket)
    host.removeFile(socket)
    return TestClock.adjust("10 seconds")
  })
  return { open, close, host, log, plugins }
})

it.effect("J1: a plugin is registered, told so, registered again when it starts anew, and forgotten with its socket", () =>
  Effect.gen(function*() {
    const { close, log, open, plugins } = yield* started
    yield* open("disks")
    assert.deepStrictEqual(plugins.get(socket)?.told, [""])
    yield* open("disks")
    yield* close
    assert.deepStrictEqual(log, [
      "register disks /run/disks.sock",
      "register disks /run/disks.sock",
      "deregister disks /run/disks.sock"
    ])
  }))

it.effect("J1: a plugin that takes the socket of another one takes its place", () =>
  Effect.gen(function*() {
    const { log, open } = yield* started
    yield* open("old")
    yield* open("new")
    assert.deepStrictEqual(log, [
      "register old /run/old.sock",
      "deregister old /run/old.sock",
      "register new /run/new.sock"
    ])
  }))

it.effect("J1: sockets in folders below are found by looking", () =>
  Effect.gen(function*() {
    const { host, log, open } = yield* started
    host.makeDirectories(`${folder}/disks`)
    // The folder is news, what comes into it later is not.
    yield* TestClock.adjust("1 second")
    yield* open("disks", `${folder}/disks/reg.sock`)
    assert.deepStrictEqual(log, ["register disks /run/disks.sock"])
  }))
