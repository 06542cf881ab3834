import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { directoryName, planWrite, WriteStep, type WrittenVolume } from "../../../src/domain/volumes/atomicWriter.ts"
import type { Payload } from "../../../src/domain/volumes/payload.ts"

const bytes = (text: string) => new TextEncoder().encode(text)
const payload = (files: Record<string, string>, mode = 0o644): Payload =>
  new Map(Object.entries(files).map(([path, text]) => [path, { content: bytes(text), mode }]))
const empty: WrittenVolume = { entries: [], current: undefined, files: undefined }
const options = { newDirectory: "..new", fsGroup: undefined }

const told = (step: WriteStep): string =>
  WriteStep.$match(step, {
    MakeDirectory: ({ mode, path }) => `mkdir ${path} ${mode.toString(8)}`,
    WriteFile: ({ mode, path }) => `write ${path} ${mode.toString(8)}`,
    Link: ({ path, target }) => `link ${path} → ${target}`,
    Rename: ({ from, to }) => `rename ${from} → ${to}`,
    Remove: ({ path }) => `remove ${path}`
  })

const steps = (written: WrittenVolume, wanted: Payload, given = options) =>
  planWrite(written, wanted, given).steps.map(told)

const written = (files: Record<string, string>, more: ReadonlyArray<string> = []): WrittenVolume => ({
  entries: ["..data", "..old", ...new Set(Object.keys(files).map((path) => path.split("/")[0] ?? "")), ...more],
  current: "..old",
  files: new Map(Object.entries(files).map(([path, text]) => [path, bytes(text)]))
})

describe("I5: the atomic swap", () => {
  it("writes all files beside, swaps one link, then names them", () =>
    assert.deepStrictEqual(steps(empty, payload({ a: "1", "d/b": "2" })), [
      "mkdir ..new 755",
      "mkdir ..new/d 755",
      "write ..new/a 644",
      "write ..new/d/b 644",
      "link ..data_tmp → ..new",
      "rename ..data_tmp → ..data",
      "link a → ..data/a",
      "link d → ..data/d"
    ]))

  it("does nothing when nothing changed", () =>
    assert.deepStrictEqual(planWrite(written({ a: "1" }), payload({ a: "1" }), options), { steps: [], changed: false }))

  it("names new files after the swap, and drops names that are gone and the old directory last", () =>
    assert.deepStrictEqual(steps(written({ a: "1", gone: "1" }), payload({ a: "2", more: "3" })), [
      "mkdir ..new 755",
      "write ..new/a 644",
      "write ..new/more 644",
      "link ..data_tmp → ..new",
      "rename ..data_tmp → ..data",
      "link more → ..data/more",
      "remove gone",
      "remove ..old"
    ]))

  it("clears what a crash left before anything else, and finishes what it had begun", () =>
    assert.deepStrictEqual(steps(written({ a: "1" }, ["..data_tmp", "..half"]), payload({ a: "1" })), [
      "remove ..data_tmp",
      "remove ..half"
    ]))

  it("an empty payload is written too: the swap must happen for an emptied Secret", () =>
    assert.include(steps(written({ a: "1" }), payload({})), "remove a"))

  it("I10: the group is given before the swap: files readable, directories set-group-id", () =>
    assert.deepStrictEqual(
      planWrite(empty, payload({ "d/a": "1" }, 0o400), { newDirectory: "..new", fsGroup: 2000 }).steps.slice(0, 3).map((
        step
      ) => ("mode" in step ? [step.path, step.mode.toString(8), step.gid] : [])),
      [["..new", "2755", 2000], ["..new/d", "2755", 2000], ["..new/d/a", "440", 2000]]
    ))

  it("names directories by time as the kubelet does", () =>
    assert.strictEqual(
      directoryName(Date.parse("2026-11-22T18:37:55Z"), 1399673043),
      "..2026_11_22_18_37_55.1399673043"
    ))
})

/** A directory that only knows links, directories and files, to run plans on and to crash in the middle. */
class Disk {
  readonly links = new Map<string, string>()
  readonly files = new Map<string, Uint8Array>()
  readonly directories = new Set<string>()

  run(step: WriteStep): void {
    WriteStep.$match(step, {
      MakeDirectory: ({ path }) => void this.directories.add(path),
      WriteFile: ({ content, path }) => void this.files.set(path, content),
      Link: ({ path, target }) => {
        if (this.links.has(path)) throw new Error(`link ${path} exists`)
        this.links.set(path, target)
      },
      Rename: ({ from, to }) => {
        this.links.set(to, this.links.get(from) ?? "")
        this.links.delete(from)
      },
      Remove: ({ path }) => {
        this.links.delete(path)
        for (const all of [this.files, this.directories]) {
          for (const name of all.keys()) if (name === path || name.startsWith(`${path}/`)) all.delete(name)
        }
      }
    })
  }

  look(): WrittenVolume {
    const current = this.links.get("..data")
    const prefix = `${current}/`
    return {
      entries: [...new Set([...this.links.keys(), ...[...this.directories].map((path) => path.split("/")[0] ?? "")])],
      current,
      files: current === undefined || !this.directories.has(current) ? undefined : new Map(
        [...this.files].filter(([path]) => path.startsWith(prefix)).map((
          [path, data]
        ) => [path.slice(prefix.length), data])
      )
    }
  }

  /** What a reader finds at a name. */
  read(path: string): string | undefined {
    const [top = "", ...rest] = path.split("/")
    const target = this.links.get(top)?.replace("..data", this.links.get("..data") ?? "")
    const content = this.files.get([target, ...rest].join("/"))
    return content === undefined ? undefined : new TextDecoder().decode(content)
  }
}

const paths = fc.constantFrom("a", "b", "d/a", "d/b", "e/f/g")
const contents = fc.dictionary(paths, fc.constantFrom("x", "y", "z"))

describe("I5: a crash at any step", () => {
  it("leaves readers all old or all new, and the next write converges without leftovers", () =>
    fc.assert(
      fc.property(contents, contents, fc.nat(12), (first, second, crashAfter) => {
        const disk = new Disk()
        for (const step of planWrite(disk.look(), payload(first), { ...options, newDirectory: "..1" }).steps) {
          disk.run(step)
        }
        const change = planWrite(disk.look(), payload(second), { ...options, newDirectory: "..2" }).steps
        for (const step of change.slice(0, crashAfter)) disk.run(step)
        const swapped = disk.links.get("..data") !== "..1"
        for (const path of Object.keys(first)) {
          if (path in second) assert.strictEqual(disk.read(path), swapped ? second[path] : first[path])
        }
        for (const step of planWrite(disk.look(), payload(second), { ...options, newDirectory: "..3" }).steps) {
          disk.run(step)
        }
        for (const [path, text] of Object.entries(second)) assert.strictEqual(disk.read(path), text)
        assert.strictEqual(disk.files.size, Object.keys(second).length)
        assert.deepStrictEqual(
          [...disk.links.keys()].filter((name) => name !== "..data").sort(),
          [...new Set(Object.keys(second).map((path) => path.split("/")[0] ?? ""))].sort()
        )
      }),
      { numRuns: 300 }
    ))
})
