/** Container images made on the spot: an archive in the layout of `docker save`, which any runtime imports. */
import { Effect } from "effect"
import { createHash } from "node:crypto"
import { pack } from "tar-stream"

export type ImageEntry =
  | { readonly kind: "file"; readonly path: string; readonly content: Uint8Array | string; readonly mode?: number }
  | { readonly kind: "directory"; readonly path: string; readonly mode?: number }
  | { readonly kind: "symlink"; readonly path: string; readonly target: string }

export interface ImageSource {
  /** With tag: `docker.io/library/busybox:1.29`. */
  readonly name: string
  readonly entries: ReadonlyArray<ImageEntry>
  /** As in the image's configuration; absent parts stay unset. */
  readonly config?: {
    readonly Entrypoint?: ReadonlyArray<string>
    readonly Cmd?: ReadonlyArray<string>
    readonly Env?: ReadonlyArray<string>
    readonly User?: string
    readonly WorkingDir?: string
    readonly StopSignal?: string
    readonly Volumes?: Readonly<Record<string, Record<never, never>>>
  }
}

/** The same source gives the same bytes, and so the same image id. */
export const imageArchive = Effect.fnUntraced(function*(source: ImageSource) {
  const layer = yield* tar(source.entries)
  const config = Buffer.from(JSON.stringify({
    architecture: process.arch === "x64" ? "amd64" : process.arch,
    os: "linux",
    config: source.config ?? {},
    rootfs: { type: "layers", diff_ids: [`sha256:${sha256(layer)}`] },
    history: [{ created: "1970-01-01T00:00:00Z", created_by: "kubeffect" }]
  }))
  const configPath = `${sha256(config)}.json`
  const layerPath = `${sha256(layer)}/layer.tar`
  return yield* tar([
    { kind: "file", path: layerPath, content: layer },
    { kind: "file", path: configPath, content: config },
    {
      kind: "file",
      path: "manifest.json",
      content: JSON.stringify([{ Config: configPath, RepoTags: [source.name], Layers: [layerPath] }])
    }
  ])
})

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex")

const tar = (entries: ReadonlyArray<ImageEntry>): Effect.Effect<Buffer> =>
  Effect.callback<Buffer>((resume) => {
    const archive = pack()
    const chunks: Array<Uint8Array> = []
    archive.on("data", (chunk) => {
      if (chunk instanceof Uint8Array) chunks.push(chunk)
    })
    archive.on("end", () => resume(Effect.succeed(Buffer.concat(chunks))))
    archive.on("error", (cause: unknown) => resume(Effect.die(cause)))
    const mtime = new Date(0)
    for (const entry of entries) {
      if (entry.kind === "file") {
        archive.entry({ name: entry.path, mode: entry.mode ?? 0o644, mtime }, entry.content)
      } else if (entry.kind === "directory") {
        archive.entry({ name: entry.path, type: "directory", mode: entry.mode ?? 0o755, mtime })
      } else {
        archive.entry({ name: entry.path, type: "symlink", linkname: entry.target, mode: 0o777, mtime })
      }
    }
    archive.finalize()
  })
