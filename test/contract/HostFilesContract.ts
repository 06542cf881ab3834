/** What every `HostFiles` promises, on a scratch directory of its own. */
import { assert, layer } from "@effect/vitest"
import { Context, Effect, type Layer, Stream } from "effect"
import { HostFiles } from "../../src/layers/host/HostFiles.ts"

/** An empty directory that the contract may fill. */
export class Scratch extends Context.Service<Scratch, { readonly make: Effect.Effect<string> }>()(
  "kubeffect/test/Scratch"
) {}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

const code = <A>(effect: Effect.Effect<A, { readonly code: string }>) =>
  Effect.flip(effect).pipe(Effect.map((error) => error.code))

const setup = Effect.gen(function*() {
  const scratch = yield* Scratch
  const files = yield* HostFiles
  return { dir: yield* scratch.make, files }
})

const contents = (under: Layer.Layer<HostFiles | Scratch, unknown>, name: string) =>
  layer(under)(`HostFiles: ${name}: contents`, (it) => {
    it.effect("reads back what was written, whole, by range and from the end", () =>
      Effect.gen(function*() {
        const { dir, files } = yield* setup
        yield* files.writeFile(`${dir}/a`, "hello world")
        assert.strictEqual(text(yield* files.readFile(`${dir}/a`)), "hello world")
        assert.strictEqual(text(yield* files.readRange(`${dir}/a`, { offsetBytes: 6, lengthBytes: 3 })), "wor")
        assert.strictEqual(text(yield* files.readRange(`${dir}/a`, { offsetBytes: 9, lengthBytes: 30 })), "ld")
        assert.strictEqual(text(yield* files.readTail(`${dir}/a`, 5)), "world")
        assert.strictEqual(text(yield* files.readTail(`${dir}/a`, 50)), "hello world")
        yield* files.append(`${dir}/a`, "!")
        assert.strictEqual(yield* files.readText(`${dir}/a`), "hello world!")
      }))

    it.effect("gives a new file the mode and keeps that of an old one", () =>
      Effect.gen(function*() {
        const { dir, files } = yield* setup
        yield* files.writeFile(`${dir}/a`, "")
        yield* files.writeFile(`${dir}/b`, "", { mode: 0o666 })
        assert.strictEqual((yield* files.stat(`${dir}/a`)).mode, 0o644)
        assert.strictEqual((yield* files.stat(`${dir}/b`)).mode, 0o666)
        yield* files.writeFile(`${dir}/b`, "x")
        assert.strictEqual((yield* files.stat(`${dir}/b`)).mode, 0o666)
        yield* files.writeFile(`${dir}/b`, "x", { mode: 0o600 })
        assert.strictEqual((yield* files.stat(`${dir}/b`)).mode, 0o600)
      }))

    it.effect("replaces a file in one step and leaves nothing else behind", () =>
      Effect.gen(function*() {
        const { dir, files } = yield* setup
        yield* files.writeFileAtomic(`${dir}/a`, "one")
        const before = yield* files.stat(`${dir}/a`)
        yield* files.writeFileAtomic(`${dir}/a`, "two", { mode: 0o600 })
        const after = yield* files.stat(`${dir}/a`)
        assert.notStrictEqual(after.ino, before.ino)
        assert.strictEqual(after.mode, 0o600)
        assert.strictEqual(yield* files.readText(`${dir}/a`), "two")
        assert.deepStrictEqual(yield* files.readDirectory(dir), ["a"])
      }))

    it.effect("writes into existing files only when asked so", () =>
      Effect.gen(function*() {
        const { dir, files } = yield* setup
        assert.strictEqual(yield* code(files.writeInto(`${dir}/a`, "1")), "ENOENT")
        yield* files.writeFile(`${dir}/a`, "0")
        yield* files.writeInto(`${dir}/a`, "1")
        assert.strictEqual(yield* files.readText(`${dir}/a`), "1")
      }))

    it.effect("names what is missing with reason NotFound", () =>
      Effect.gen(function*() {
        const { dir, files } = yield* setup
        const error = yield* Effect.flip(files.readFile(`${dir}/none`))
        assert.strictEqual(error.reason._tag, "NotFound")
        assert.strictEqual(error.code, "ENOENT")
        assert.strictEqual(error.message, `read ${dir}/none: no such file or directory`)
        assert.strictEqual(yield* files.exists(`${dir}/none`), false)
        assert.strictEqual(yield* files.exists(dir), true)
      }))
  })

const trees = (under: Layer.Layer<HostFiles | Scratch, unknown>, name: string) =>
  layer(under)(`HostFiles: ${name}: trees`, (it) => {
    it.effect("makes directories with the mode given, and parents on request", () =>
      Effect.gen(function*() {
        const { dir, files } = yield* setup
        yield* files.makeDirectory(`${dir}/a`, { mode: 0o777 })
        assert.strictEqual((yield* files.stat(`${dir}/a`)).mode, 0o777)
        assert.strictEqual(yield* code(files.makeDirectory(`${dir}/a`)), "EEXIST")
        assert.strictEqual(yield* code(files.makeDirectory(`${dir}/x/y`)), "ENOENT")
        yield* files.makeDirectory(`${dir}/x/y`, { mode: 0o750, recursive: true })
        yield* files.makeDirectory(`${dir}/x/y`, { mode: 0o700, recursive: true })
        assert.strictEqual((yield* files.stat(`${dir}/x`)).mode, 0o750)
        assert.strictEqual((yield* files.stat(`${dir}/x/y`)).mode, 0o750)
        assert.deepStrictEqual(yield* files.readDirectory(dir), ["a", "x"])
      }))

    it.effect("hands the set-group-id bit of a directory down to those made in it", () =>
      Effect.gen(function*() {
        const { dir, files } = yield* setup
        yield* files.makeDirectory(`${dir}/g`, { mode: 0o2777 })
        yield* files.makeDirectory(`${dir}/g/a`, { mode: 0o750 })
        yield* files.makeDirectory(`${dir}/g/b/c`, { mode: 0o777, recursive: true })
        const modes = yield* Effect.forEach(["g", "g/a", "g/b", "g/b/c"], (name) => files.stat(`${dir}/${name}`))
        assert.deepStrictEqual(modes.map(({ mode }) => mode), [0o2777, 0o2750, 0o2777, 0o2777])
      }))

    it.effect("follows links unless asked about the link itself", () =>
      Effect.gen(function*() {
        const { dir, files } = yield* setup
        yield* files.makeDirectory(`${dir}/d`)
        yield* files.writeFile(`${dir}/d/f`, "1")
        yield* files.symlink("d", `${dir}/l`)
        assert.strictEqual(yield* files.readText(`${dir}/l/f`), "1")
        assert.strictEqual((yield* files.stat(`${dir}/l`)).type, "directory")
        assert.strictEqual((yield* files.lstat(`${dir}/l`)).type, "symlink")
        assert.strictEqual(yield* files.readLink(`${dir}/l`), "d")
        assert.strictEqual(yield* files.realPath(`${dir}/l/f`), yield* files.realPath(`${dir}/d/f`))
        yield* files.symlink("nowhere", `${dir}/dangling`)
        assert.strictEqual(yield* files.exists(`${dir}/dangling`), true)
        assert.strictEqual(yield* code(files.stat(`${dir}/dangling`)), "ENOENT")
        const all = yield* files.statAll(["d/f", "dangling", "l", "none", "d/f/x"].map((name) => `${dir}/${name}`))
        assert.deepStrictEqual(all.map((stat) => stat?.type), ["file", undefined, "directory", undefined, undefined])
      }))

    it.effect("renames over a file and over a link, and refuses a full directory", () =>
      Effect.gen(function*() {
        const { dir, files } = yield* setup
        yield* files.writeFile(`${dir}/a`, "a")
        yield* files.writeFile(`${dir}/b`, "b")
        yield* files.rename(`${dir}/a`, `${dir}/b`)
        assert.strictEqual(yield* files.readText(`${dir}/b`), "a")
        yield* files.symlink("x", `${dir}/l`)
        yield* files.symlink("y", `${dir}/l2`)
        yield* files.rename(`${dir}/l2`, `${dir}/l`)
        assert.strictEqual(yield* files.readLink(`${dir}/l`), "y")
        yield* files.makeDirectory(`${dir}/d/e`, { recursive: true })
        yield* files.makeDirectory(`${dir}/d2`)
        assert.strictEqual(yield* code(files.rename(`${dir}/d2`, `${dir}/d`)), "ENOTEMPTY")
      }))

    it.effect("removes files, empty directories and whole trees, not following links", () =>
      Effect.gen(function*() {
        const { dir, files } = yield* setup
        yield* files.makeDirectory(`${dir}/keep`)
        yield* files.writeFile(`${dir}/keep/f`, "1")
        yield* files.makeDirectory(`${dir}/t/u/v`, { recursive: true })
        yield* files.writeFile(`${dir}/t/u/f`, "1")
        yield* files.symlink("../keep", `${dir}/t/l`)
        assert.strictEqual(yield* code(files.removeDirectory(`${dir}/t`)), "ENOTEMPTY")
        assert.strictEqual(yield* code(files.removeFile(`${dir}/t/none`)), "ENOENT")
        yield* files.removeFile(`${dir}/t/u/f`)
        yield* files.removeDirectory(`${dir}/t/u/v`)
        yield* files.removeTree(`${dir}/t`)
        yield* files.removeTree(`${dir}/t`)
        assert.deepStrictEqual(yield* files.readDirectory(dir), ["keep"])
        assert.strictEqual(yield* files.readText(`${dir}/keep/f`), "1")
      }))

    it.effect("counts the blocks and entries of a tree", () =>
      Effect.gen(function*() {
        const { dir, files } = yield* setup
        yield* files.makeDirectory(`${dir}/t/u`, { recursive: true })
        const empty = yield* files.diskUsage(`${dir}/t`)
        yield* files.writeFile(`${dir}/t/u/f`, new Uint8Array(100_000))
        const full = yield* files.diskUsage(`${dir}/t`)
        assert.strictEqual(full.inodes - empty.inodes, 1)
        assert.isAtLeast(full.bytes - empty.bytes, 98_304)
        assert.isAtMost(full.bytes - empty.bytes, 131_072)
        const fs = yield* files.statfs(dir)
        assert.isAbove(fs.totalBytes, fs.availableBytes)
        assert.strictEqual(fs.device, (yield* files.stat(dir)).dev)
      }))

    it.effect("hints at once and again after a change, and fails when the directory goes away", () =>
      Effect.gen(function*() {
        const { dir, files } = yield* setup
        yield* files.makeDirectory(`${dir}/w`)
        const seen: Array<ReadonlyArray<string>> = []
        const outcome = yield* files.watch(`${dir}/w`).pipe(
          Stream.mapEffect(() => files.readDirectory(`${dir}/w`)),
          Stream.tap((names) => {
            if (seen.length === 0) {
              seen.push(names)
              return files.writeFile(`${dir}/w/new`, "1")
            }
            return names.includes("new") ? files.removeTree(`${dir}/w`) : Effect.void
          }),
          Stream.runDrain,
          Effect.flip
        )
        assert.deepStrictEqual(seen, [[]])
        assert.strictEqual(outcome.reason._tag, "NotFound")
      }))
  })

const safety = (under: Layer.Layer<HostFiles | Scratch, unknown>, name: string) =>
  layer(under)(`HostFiles: ${name}: I11: opening beneath a root`, (it) => {
    const inVolume = Effect.gen(function*() {
      const { dir, files } = yield* setup
      yield* files.makeDirectory(`${dir}/vol/a/b`, { recursive: true })
      yield* files.writeFile(`${dir}/vol/a/f`, "1")
      yield* files.makeDirectory(`${dir}/out`)
      yield* files.symlink("../out", `${dir}/vol/rel`)
      yield* files.symlink(`${dir}/out`, `${dir}/vol/a/abs`)
      return { dir, files, root: `${dir}/vol` }
    })

    it.effect.each([
      { path: "rel", want: "ELOOP", why: "a relative link leads out" },
      { path: "rel/new", want: "ELOOP", why: "a link in the middle leads out" },
      { path: "a/abs/x", want: "ELOOP", why: "an absolute link leads out" },
      { path: "../out", want: "EINVAL", why: "a parent is outside" },
      { path: "a/../../out", want: "EINVAL", why: "a parent further down is outside too" },
      { path: "/etc", want: "EINVAL", why: "absolute is not beneath" },
      { path: "a/f/x", want: "ENOTDIR", why: "a file has nothing beneath it" }
    ])("refuses $path: $why", ({ path, want }) =>
      Effect.gen(function*() {
        const { dir, files, root } = yield* inVolume
        assert.strictEqual(
          yield* code(Effect.scoped(files.openBeneath(root, path, { create: { mode: 0o750 } }))),
          want
        )
        assert.deepStrictEqual(yield* files.readDirectory(`${dir}/out`), [])
      }))

    it.effect("pins what it opened: the path still leads there when the tree is changed", () =>
      Effect.scoped(Effect.gen(function*() {
        const { dir, files, root } = yield* inVolume
        const pinned = yield* files.openBeneath(root, "a")
        yield* files.rename(`${root}/a`, `${root}/moved`)
        yield* files.symlink(`${dir}/out`, `${root}/a`)
        assert.strictEqual(pinned.stat.type, "directory")
        assert.deepStrictEqual(yield* files.readDirectory(`${pinned.path}/`), ["abs", "b", "f"])
      })))

    it.effect("makes missing directories with the mode, set-group-id handed down, and refuses without create", () =>
      Effect.gen(function*() {
        const { files, root } = yield* inVolume
        yield* files.chmod(`${root}/a`, 0o2775)
        assert.strictEqual(yield* code(Effect.scoped(files.openBeneath(root, "a/n/m"))), "ENOENT")
        yield* Effect.scoped(files.openBeneath(root, "a/n/m", { create: { mode: 0o750 } }))
        assert.strictEqual((yield* files.stat(`${root}/a/n`)).mode, 0o2750)
        assert.strictEqual((yield* files.stat(`${root}/a/n/m`)).mode, 0o2750)
        const file = yield* Effect.scoped(files.openBeneath(root, "a/f"))
        assert.strictEqual(file.stat.type, "file")
        assert.strictEqual((yield* Effect.scoped(files.openBeneath(root, "."))).stat.type, "directory")
      }))
  })

export const hostFilesContract = (name: string, under: Layer.Layer<HostFiles | Scratch, unknown>) => {
  contents(under, name)
  trees(under, name)
  safety(under, name)
}
