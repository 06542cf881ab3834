/** What plugins do wrong, as programs that do it; and what they are given. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Result, Schedule } from "effect"
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Attachment } from "../../../src/domain/cni/execution.ts"
import type { CniFault } from "../../../src/domain/cni/failure.ts"
import { type NetworkList, parseNetwork } from "../../../src/domain/cni/networkList.ts"
import { Cni } from "../../../src/layers/cni/Cni.ts"
import * as CniLive from "../../../src/layers/cni/CniLive.ts"
import * as HostFilesLive from "../../../src/layers/host/HostFilesLive.ts"
import * as ProcessesLive from "../../../src/layers/host/ProcessesLive.ts"

const folderOf = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "kubeffect-cni-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const attachment: Attachment = {
  containerId: "c1",
  netns: "/run/netns/c1",
  ifname: "eth0",
  args: [["K8S_POD_NAME", "web"]],
  capabilityArgs: { portMappings: [{ hostPort: 80 }], unwanted: 1 }
}

/** Says what it was given, and answers with an address. */
const recording = `cat > $0.$CNI_COMMAND; env | grep ^CNI_ | sort > $0.$CNI_COMMAND.env; echo $0 >> \${0%/*}/order
[ "$CNI_COMMAND" = ADD ] && echo '{"cniVersion":"1.1.0","interfaces":[{"name":"eth0","sandbox":"x"}],"ips":[{"address":"10.0.0.9/24","interface":0}]}'
exit 0`

/** Plugins by their scripts, in one network. */
const withPlugins = (scripts: Readonly<Record<string, string>>, more: Readonly<Record<string, unknown>> = {}) =>
  Effect.gen(function*() {
    const folder = yield* folderOf
    for (const [type, script] of Object.entries(scripts)) {
      writeFileSync(join(folder, type), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
    }
    const text = JSON.stringify({
      cniVersion: "1.1.0",
      name: "n",
      plugins: Object.keys(scripts).map((type) => ({ type, capabilities: { portMappings: true }, own: type })),
      ...more
    })
    const list: NetworkList = Result.getOrThrow(parseNetwork({ path: "/etc/cni/net.d/n.conflist", text }))
    return { folder, list }
  })

const live = (folder: string, timeoutMs = 5000) =>
  CniLive.layer({ binDirs: [folder], cacheDir: join(folder, "cache"), timeoutMs }).pipe(
    Layer.provide([HostFilesLive.layer, ProcessesLive.layer])
  )

interface Fault {
  readonly why: string
  readonly script: string
  readonly want: { readonly fault: CniFault; readonly code?: number; readonly stderr?: string }
  readonly reason: "Retryable" | "Permanent" | "Uncertain"
  readonly says: string
}

const json = (path: string) => JSON.parse(readFileSync(path, "utf8"))

describe("Cni: live", () => {
  it.live.each<Fault>([
    {
      why: "a CNI error keeps its code, its words and what was complained of",
      script: "cat >/dev/null; echo complaint >&2; echo '{\"code\":11,\"msg\":\"busy\",\"details\":\"later\"}'; exit 1",
      want: { fault: "Refused", code: 11, stderr: "complaint\n" },
      reason: "Retryable",
      says: "busy; later; stderr: complaint (code 11, try again later)"
    },
    {
      why: "a configuration that a plugin cannot take will not do later either",
      script: "cat >/dev/null; echo '{\"code\":7,\"msg\":\"bad subnet\"}'; exit 1",
      want: { fault: "Refused", code: 7 },
      reason: "Permanent",
      says: "bad subnet (code 7, invalid network config)"
    },
    {
      why: "a plugin that breaks down says nothing of use, but its last words are kept",
      script: "cat >/dev/null; echo 'panic: nil' >&2; exit 2",
      want: { fault: "Garbage" },
      reason: "Uncertain",
      says: "ended with 2 and no CNI error; stdout: \"\"; stderr: \"panic: nil\""
    },
    {
      why: "output that is no JSON",
      script: "cat >/dev/null; echo fine",
      want: { fault: "Garbage" },
      reason: "Uncertain",
      says: "its output cannot be read: it is no JSON: fine"
    },
    {
      why: "JSON that is no result",
      script: "cat >/dev/null; echo '{\"ips\":\"none\"}'",
      want: { fault: "Garbage" },
      reason: "Uncertain",
      says: "its output is no CNI result"
    },
    { why: "a hang", script: "sleep 60", want: { fault: "TimedOut" }, reason: "Uncertain", says: "did not end within" },
    {
      why: "a kill",
      script: "kill -9 $$",
      want: { fault: "Killed" },
      reason: "Uncertain",
      says: "was killed before it had ended"
    },
    {
      why: "a plugin that does not read what it is given is heard all the same",
      script: "echo '{\"code\":100,\"msg\":\"no\"}'; exit 1",
      want: { fault: "Refused", code: 100 },
      reason: "Retryable",
      says: "no (code 100)"
    }
  ])("ADD, $why", ({ reason, says, script, want }) =>
    Effect.gen(function*() {
      const { folder, list } = yield* withPlugins({ faulty: script }, { pad: "x".repeat(100_000) })
      const add = Effect.flatMap(Cni, (cni) => Effect.flip(cni.add(list, attachment)))
      const error = yield* Effect.provide(add, live(folder, want.fault === "TimedOut" ? 300 : 5000))
      assert.deepInclude({ ...error }, { op: "ADD", plugin: "faulty", source: list.source, target: "c1", ...want })
      assert.strictEqual(error.reason._tag, reason)
      assert.include(error.message, says)
    }).pipe(Effect.scoped))

  it.live("each plugin is given its own fields, what it can use of the pod, and the result before it", () =>
    Effect.gen(function*() {
      const { folder, list } = yield* withPlugins({ first: recording, second: recording })
      yield* Effect.flatMap(Cni, (cni) => cni.add(list, attachment)).pipe(Effect.provide(live(folder)))
      assert.deepStrictEqual(json(`${folder}/first.ADD`), {
        type: "first",
        own: "first",
        name: "n",
        cniVersion: "1.1.0",
        runtimeConfig: { portMappings: [{ hostPort: 80 }] }
      })
      assert.strictEqual(json(`${folder}/second.ADD`).prevResult.ips[0].address, "10.0.0.9/24")
      assert.strictEqual(
        readFileSync(`${folder}/first.ADD.env`, "utf8"),
        [
          "CNI_ARGS=K8S_POD_NAME=web",
          "CNI_COMMAND=ADD",
          "CNI_CONTAINERID=c1",
          "CNI_IFNAME=eth0",
          "CNI_NETNS=/run/netns/c1",
          `CNI_PATH=${folder}`,
          ""
        ].join("\n")
      )
    }).pipe(Effect.scoped))

  it.live("DEL runs last plugin first, with the result of ADD, and all of them when one fails", () =>
    Effect.gen(function*() {
      const failing = `${recording.replace("exit 0", "")}\n[ "$CNI_COMMAND" = DEL ] && exit 1; exit 0`
      const { folder, list } = yield* withPlugins({ first: recording, second: failing, third: recording })
      yield* Effect.gen(function*() {
        const cni = yield* Cni
        yield* cni.add(list, attachment)
        rmSync(`${folder}/order`)
        const error = yield* Effect.flip(cni.del(list, attachment))
        assert.deepInclude({ ...error }, { op: "DEL", plugin: "second" })
        const order = readFileSync(`${folder}/order`, "utf8").trim().split("\n").map((path) =>
          path.slice(folder.length + 1)
        )
        assert.deepStrictEqual(order, ["third", "second", "first"])
        assert.strictEqual(json(`${folder}/first.DEL`).prevResult.ips[0].address, "10.0.0.9/24")
        // It stays on record, for the next try.
        assert.strictEqual((yield* cni.attachments).length, 1)
      }).pipe(Effect.provide(live(folder)))
    }).pipe(Effect.scoped))

  it.live("GC tells every plugin the valid attachments; STATUS asks each; neither before 1.1", () =>
    Effect.gen(function*() {
      const { folder, list } = yield* withPlugins({ one: recording })
      yield* Effect.gen(function*() {
        const cni = yield* Cni
        yield* cni.gc({ ...list, versions: ["1.0.0"] }, [])
        yield* cni.status({ ...list, versions: ["1.0.0"] })
        yield* cni.gc({ ...list, disableGc: true }, [])
        assert.isFalse(existsSync(`${folder}/order`))
        yield* cni.gc(list, [{ containerId: "c9", ifname: "eth0" }])
        assert.deepStrictEqual(json(`${folder}/one.GC`)["cni.dev/valid-attachments"], [{
          containerID: "c9",
          ifname: "eth0"
        }])
        yield* cni.status(list)
        assert.isTrue(existsSync(`${folder}/one.STATUS`))
      }).pipe(Effect.provide(live(folder)))
    }).pipe(Effect.scoped))

  it.live("without a version that all speak, nothing runs and all versions are named", () =>
    Effect.gen(function*() {
      const speaks = (...versions: ReadonlyArray<string>) =>
        `cat >/dev/null; [ "$CNI_COMMAND" = VERSION ] || touch $0.ran; echo '${
          JSON.stringify({ cniVersion: "1.0.0", supportedVersions: versions })
        }'`
      const { folder, list } = yield* withPlugins(
        { old: speaks("0.3.1"), young: speaks("1.0.0", "1.1.0") },
        { cniVersions: ["1.0.0", "0.4.0"] }
      )
      const error = yield* Effect.flatMap(Cni, (cni) => Effect.flip(cni.add(list, attachment))).pipe(
        Effect.provide(live(folder))
      )
      assert.strictEqual(error.fault, "NoCommonVersion")
      assert.include(error.message, "old 0.3.1; young 1.0.0 1.1.0")
      assert.isFalse(existsSync(`${folder}/young.ran`))
    }).pipe(Effect.scoped))

  it.live("interruption kills the plugin; a new agent kills what an earlier one has left", () =>
    Effect.gen(function*() {
      const { folder, list } = yield* withPlugins({ slow: "echo $$ > $0.pid; exec sleep 300" })
      const pid = () => existsSync(`${folder}/slow.pid`) ? readFileSync(`${folder}/slow.pid`, "utf8").trim() : ""
      const until = (check: () => boolean) =>
        Effect.suspend(() => check() ? Effect.void : Effect.fail("not yet")).pipe(
          Effect.retry(Schedule.spaced("20 millis").pipe(Schedule.upTo({ times: 250 })))
        )
      const add = Effect.flatMap(Cni, (cni) => cni.add(list, attachment)).pipe(Effect.provide(live(folder, 60_000)))
      const interrupted = yield* Effect.forkChild(add)
      yield* until(() => pid() !== "")
      yield* Fiber.interrupt(interrupted)
      yield* until(() => !existsSync(`/proc/${pid()}/exe`))

      rmSync(`${folder}/slow.pid`)
      const killed = yield* Effect.forkChild(Effect.flip(add))
      yield* until(() => pid() !== "")
      const next = CniLive.layer({ binDirs: [folder], cacheDir: join(folder, "cache"), endEarlierRuns: true }).pipe(
        Layer.provide([HostFilesLive.layer, ProcessesLive.layer])
      )
      yield* Effect.provide(Effect.asVoid(Cni), next)
      assert.strictEqual((yield* Fiber.join(killed)).fault, "Killed")
    }).pipe(Effect.scoped))
})
