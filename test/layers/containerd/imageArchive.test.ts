/** Archives as `docker save` writes them. */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { createHash } from "node:crypto"
import { Readable } from "node:stream"
import { extract } from "tar-stream"
import { describe } from "vitest"
import { imageArchive, type ImageSource } from "../../../src/layers/containerd/imageArchive.ts"

const source: ImageSource = {
  name: "example.test/thing:1",
  entries: [
    { kind: "directory", path: "tmp", mode: 0o1777 },
    { kind: "file", path: "bin/tool", content: "#!", mode: 0o755 },
    { kind: "symlink", path: "bin/alias", target: "tool" }
  ],
  config: { Cmd: ["tool"] }
}

const unpacked = (archive: Uint8Array) =>
  Effect.promise(async () => {
    const files = new Map<string, { readonly type: string; readonly mode: number; readonly content: Buffer }>()
    for await (const entry of Readable.from([archive]).pipe(extract())) {
      const chunks: Array<Uint8Array> = []
      for await (const chunk of entry) if (chunk instanceof Uint8Array) chunks.push(chunk)
      const content = Buffer.concat(chunks)
      files.set(entry.header.name, { type: entry.header.type, mode: entry.header.mode, content })
    }
    return files
  })

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex")

describe("imageArchive", () => {
  it.effect("ties name, configuration and layer together by their digests", () =>
    Effect.gen(function*() {
      const files = yield* unpacked(yield* imageArchive(source))
      const [image] = JSON.parse(files.get("manifest.json")?.content.toString() ?? "[]")
      assert.deepEqual(image.RepoTags, ["example.test/thing:1"])
      const config = files.get(image.Config)?.content ?? Buffer.alloc(0)
      assert.strictEqual(image.Config, `${sha256(config)}.json`)
      const layer = files.get(image.Layers[0])?.content ?? Buffer.alloc(0)
      assert.deepEqual(JSON.parse(config.toString()).rootfs.diff_ids, [`sha256:${sha256(layer)}`])
      assert.deepEqual(JSON.parse(config.toString()).config, { Cmd: ["tool"] })
    }))

  it.effect("keeps kinds and modes of files", () =>
    Effect.gen(function*() {
      const outer = yield* unpacked(yield* imageArchive(source))
      const layer = [...outer].find(([name]) => name.endsWith("layer.tar"))?.[1].content ?? Buffer.alloc(0)
      const files = yield* unpacked(layer)
      assert.deepEqual(
        [...files].map(([name, { mode, type }]) => [name, type, mode]),
        [["tmp", "directory", 0o1777], ["bin/tool", "file", 0o755], ["bin/alias", "symlink", 0o777]]
      )
    }))

  it.effect("gives the same bytes for the same source", () =>
    Effect.gen(function*() {
      assert.deepEqual(yield* imageArchive(source), yield* imageArchive(source))
    }))
})
