/** What every `Compression` promises, on the scratch directory of its `HostFiles`. */
import { assert, layer } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { gunzipSync } from "node:zlib"
import { Compression } from "../../src/layers/host/Compression.ts"
import { HostFiles } from "../../src/layers/host/HostFiles.ts"
import { Scratch } from "./HostFilesContract.ts"

const setup = Effect.gen(function*() {
  const scratch = yield* Scratch
  return { compression: yield* Compression, dir: yield* scratch.make, files: yield* HostFiles }
})

export const compressionContract = (
  name: string,
  under: Layer.Layer<Compression | HostFiles | Scratch, unknown>
) =>
  layer(under)(`Compression: ${name}`, (it) => {
    it.effect("G6: the gzip of a file has its content and mode; the file stays", () =>
      Effect.gen(function*() {
        const { compression, dir, files } = yield* setup
        const content = "2026-11-01T00:00:00Z stdout F line\n".repeat(10_000)
        yield* files.writeFile(`${dir}/0.log`, content, { mode: 0o640 })
        yield* compression.gzipFile(`${dir}/0.log`, `${dir}/0.log.gz`)
        const packed = yield* files.readFile(`${dir}/0.log.gz`)
        assert.strictEqual(gunzipSync(packed).toString(), content)
        assert.isBelow(packed.byteLength, content.length / 10)
        assert.strictEqual((yield* files.stat(`${dir}/0.log.gz`)).mode, 0o640)
        assert.strictEqual(yield* files.readText(`${dir}/0.log`), content)
      }))

    it.effect("replaces what was there, whole", () =>
      Effect.gen(function*() {
        const { compression, dir, files } = yield* setup
        yield* files.writeFile(`${dir}/a`, "new")
        yield* files.writeFile(`${dir}/a.gz`, "x".repeat(10_000))
        yield* compression.gzipFile(`${dir}/a`, `${dir}/a.gz`)
        assert.strictEqual(gunzipSync(yield* files.readFile(`${dir}/a.gz`)).toString(), "new")
      }))

    it.effect("a file that is gone is not found", () =>
      Effect.gen(function*() {
        const { compression, dir } = yield* setup
        const error = yield* Effect.flip(compression.gzipFile(`${dir}/none`, `${dir}/none.gz`))
        assert.deepStrictEqual([error.reason._tag, error.code], ["NotFound", "ENOENT"])
      }))
  })
