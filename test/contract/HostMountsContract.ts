/** What every `Mounts` promises, together with the files seen through it. */
import { assert, layer } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { HostFiles } from "../../src/layers/host/HostFiles.ts"
import { Mounts } from "../../src/layers/host/Mounts.ts"
import { Scratch } from "./HostFilesContract.ts"

const setup = Effect.gen(function*() {
  const dir = yield* (yield* Scratch).make
  const files = yield* HostFiles
  const mounts = yield* Mounts
  yield* files.makeDirectory(`${dir}/m`)
  /** Takes down what a test left, deepest first. */
  yield* Effect.addFinalizer(() =>
    mounts.list.pipe(
      Effect.flatMap((entries) =>
        Effect.forEach(
          entries.filter((entry) => entry.mountPoint.startsWith(`${dir}/`)).reverse(),
          (entry) => mounts.unmount(entry.mountPoint, { lazy: true })
        )
      ),
      Effect.orDie
    )
  )
  const tmpfs = mounts.mount({ source: "tmpfs", target: `${dir}/m`, fsType: "tmpfs", options: ["size=1024k"] })
  return { dir, files, mounts, tmpfs }
})

const reason = <A>(effect: Effect.Effect<A, { readonly reason: { readonly _tag: string }; readonly code: string }>) =>
  Effect.flip(effect).pipe(Effect.map((error) => `${error.reason._tag} ${error.code}`))

type Under = Layer.Layer<HostFiles | Mounts | Scratch, unknown>

const table = (name: string, under: Under) =>
  layer(under)(`Mounts: ${name}: the table`, (it) => {
    it.effect("a mounted tmpfs is listed, has its size and mode, hides what was there and goes again", () =>
      Effect.gen(function*() {
        const { dir, files, mounts, tmpfs } = yield* setup
        yield* files.writeFile(`${dir}/m/hidden`, "1")
        assert.strictEqual(yield* mounts.isMountPoint(`${dir}/m`), false)
        yield* tmpfs
        const entry = (yield* mounts.list).find((one) => one.mountPoint === `${dir}/m`)
        assert.strictEqual(entry?.fsType, "tmpfs")
        assert.include(entry?.superOptions ?? [], "size=1024k")
        assert.strictEqual(yield* mounts.isMountPoint(`${dir}/m`), true)
        assert.deepStrictEqual(yield* files.readDirectory(`${dir}/m`), [])
        assert.strictEqual((yield* files.statfs(`${dir}/m`)).totalBytes, 1024 * 1024)
        assert.strictEqual((yield* files.stat(`${dir}/m`)).mode, 0o1777)
        assert.notStrictEqual((yield* files.stat(`${dir}/m`)).dev, (yield* files.stat(dir)).dev)
        yield* mounts.unmount(`${dir}/m`)
        assert.deepStrictEqual(yield* files.readDirectory(`${dir}/m`), ["hidden"])
      }))

    it.effect("unmounting what is not mounted, or not there, is NotFound", () =>
      Effect.gen(function*() {
        const { dir, mounts } = yield* setup
        assert.match(yield* reason(mounts.unmount(`${dir}/m`)), /^NotFound /)
        assert.match(yield* reason(mounts.unmount(`${dir}/none`)), /^NotFound /)
        assert.strictEqual(yield* mounts.isMountPoint(`${dir}/none`), false)
      }))

    it.effect("two mounts on one place stack: the last comes off first", () =>
      Effect.gen(function*() {
        const { dir, files, mounts, tmpfs } = yield* setup
        yield* tmpfs
        yield* files.writeFile(`${dir}/m/first`, "1")
        yield* tmpfs
        assert.deepStrictEqual(yield* files.readDirectory(`${dir}/m`), [])
        assert.lengthOf((yield* mounts.list).filter((entry) => entry.mountPoint === `${dir}/m`), 2)
        yield* mounts.unmount(`${dir}/m`)
        assert.deepStrictEqual(yield* files.readDirectory(`${dir}/m`), ["first"])
      }))

    it.effect("a mount with another below it is busy; lazily the tree goes", () =>
      Effect.gen(function*() {
        const { dir, files, mounts, tmpfs } = yield* setup
        yield* tmpfs
        yield* files.makeDirectory(`${dir}/m/n`)
        yield* mounts.mount({ source: "tmpfs", target: `${dir}/m/n`, fsType: "tmpfs", options: [] })
        assert.strictEqual(yield* reason(mounts.unmount(`${dir}/m`)), "Retryable EBUSY")
        yield* mounts.unmount(`${dir}/m`, { lazy: true })
        assert.isEmpty((yield* mounts.list).filter((entry) => entry.mountPoint.startsWith(`${dir}/`)))
      }))

    it.effect("what cannot be mounted fails and leaves nothing", () =>
      Effect.gen(function*() {
        const { dir, mounts } = yield* setup
        const error = yield* Effect.flip(
          mounts.mount({ source: "/dev/kubeffect-none", target: `${dir}/m`, fsType: "ext4", options: [] })
        )
        assert.match(error.detail, /special device \/dev\/kubeffect-none does not exist/)
        assert.strictEqual(yield* mounts.isMountPoint(`${dir}/m`), false)
      }))
  })

const binds = (name: string, under: Under) =>
  layer(under)(`Mounts: ${name}: binds`, (it) => {
    it.effect("a bind shows one tree in two places, read-only where asked", () =>
      Effect.gen(function*() {
        const { dir, files, mounts } = yield* setup
        yield* files.makeDirectory(`${dir}/src/sub`, { recursive: true })
        yield* files.writeFile(`${dir}/src/f`, "1")
        yield* mounts.bind({ source: `${dir}/src`, target: `${dir}/m` })
        assert.strictEqual(yield* files.readText(`${dir}/m/f`), "1")
        yield* files.writeFile(`${dir}/m/g`, "2")
        assert.strictEqual(yield* files.readText(`${dir}/src/g`), "2")
        assert.strictEqual(yield* mounts.isMountPoint(`${dir}/m`), true)
        yield* mounts.unmount(`${dir}/m`)
        yield* mounts.bind({ source: `${dir}/src`, target: `${dir}/m`, readOnly: true })
        assert.strictEqual(
          yield* Effect.flip(files.writeFile(`${dir}/m/h`, "")).pipe(Effect.map((e) => e.code)),
          "EROFS"
        )
        yield* files.writeFile(`${dir}/src/h`, "")
      }))

    it.effect("a file is bound onto a file", () =>
      Effect.gen(function*() {
        const { dir, files, mounts } = yield* setup
        yield* files.writeFile(`${dir}/a`, "a")
        yield* files.writeFile(`${dir}/b`, "b")
        yield* mounts.bind({ source: `${dir}/a`, target: `${dir}/b` })
        assert.strictEqual(yield* files.readText(`${dir}/b`), "a")
        yield* mounts.unmount(`${dir}/b`)
        assert.strictEqual(yield* files.readText(`${dir}/b`), "b")
      }))

    it.effect("I11: a pinned path binds what was opened, whatever lies at its name now", () =>
      Effect.gen(function*() {
        const { dir, files, mounts } = yield* setup
        yield* files.makeDirectory(`${dir}/vol/sub`, { recursive: true })
        yield* files.writeFile(`${dir}/vol/sub/mine`, "")
        yield* files.makeDirectory(`${dir}/secret`)
        yield* Effect.scoped(Effect.gen(function*() {
          const pinned = yield* files.openBeneath(`${dir}/vol`, "sub")
          yield* files.rename(`${dir}/vol/sub`, `${dir}/vol/gone`)
          yield* files.symlink(`${dir}/secret`, `${dir}/vol/sub`)
          yield* mounts.bind({ source: pinned.path, target: `${dir}/m` })
        }))
        assert.deepStrictEqual(yield* files.readDirectory(`${dir}/m`), ["mine"])
      }))

    it.effect("recursive brings the mounts below along, plain does not", () =>
      Effect.gen(function*() {
        const { dir, files, mounts, tmpfs } = yield* setup
        yield* tmpfs
        yield* files.makeDirectory(`${dir}/m/n`)
        yield* mounts.mount({ source: "tmpfs", target: `${dir}/m/n`, fsType: "tmpfs", options: [] })
        yield* files.writeFile(`${dir}/m/n/f`, "")
        yield* files.makeDirectory(`${dir}/plain`)
        yield* files.makeDirectory(`${dir}/deep`)
        yield* mounts.bind({ source: `${dir}/m`, target: `${dir}/plain` })
        yield* mounts.bind({ source: `${dir}/m`, target: `${dir}/deep`, recursive: true })
        assert.deepStrictEqual(yield* files.readDirectory(`${dir}/plain/n`), [])
        assert.deepStrictEqual(yield* files.readDirectory(`${dir}/deep/n`), ["f"])
      }))

    it.effect("A16: a directory is made a shared mount point, once however often asked", () =>
      Effect.gen(function*() {
        const { dir, mounts } = yield* setup
        yield* mounts.makeShared(`${dir}/m`)
        yield* mounts.makeShared(`${dir}/m`)
        const entries = (yield* mounts.list).filter((entry) => entry.mountPoint === `${dir}/m`)
        assert.lengthOf(entries, 1)
        assert.match(entries[0]?.propagation.join() ?? "", /^shared:\d+$/)
      }))
  })

const removal = (name: string, under: Under) =>
  layer(under)(`Mounts: ${name}: G5: trees with mounts in them`, (it) => {
    it.effect("are not removed across a mount, and the error names it", () =>
      Effect.gen(function*() {
        const { dir, files, tmpfs } = yield* setup
        yield* tmpfs
        yield* files.writeFile(`${dir}/m/keep`, "1")
        yield* files.writeFile(`${dir}/other`, "1")
        const error = yield* Effect.flip(files.removeTree(dir))
        assert.strictEqual(error.code, "EXDEV")
        assert.include(error.detail, `${dir}/m is a mount point`)
        assert.strictEqual(yield* files.readText(`${dir}/m/keep`), "1")
        const at = yield* Effect.flip(files.removeTree(`${dir}/m`))
        assert.strictEqual(at.code, "EBUSY")
        assert.strictEqual(yield* files.readText(`${dir}/m/keep`), "1")
      }))

    it.effect("nor across a bind of the same file system, which a device number does not show", () =>
      Effect.gen(function*() {
        const { dir, files, mounts } = yield* setup
        yield* files.makeDirectory(`${dir}/precious`)
        yield* files.writeFile(`${dir}/precious/f`, "1")
        yield* files.makeDirectory(`${dir}/pod/v`, { recursive: true })
        yield* mounts.bind({ source: `${dir}/precious`, target: `${dir}/pod/v` })
        const error = yield* Effect.flip(files.removeTree(`${dir}/pod`))
        assert.strictEqual(error.code, "EXDEV")
        assert.strictEqual(yield* files.readText(`${dir}/precious/f`), "1")
        yield* mounts.unmount(`${dir}/pod/v`)
        yield* files.removeTree(`${dir}/pod`)
        assert.strictEqual(yield* files.readText(`${dir}/precious/f`), "1")
      }))
  })

export const hostMountsContract = (name: string, under: Under) => {
  table(name, under)
  binds(name, under)
  removal(name, under)
}
