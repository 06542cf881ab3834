/**
 * The image of the demo, made on the spot so that it needs no network: the machine's static busybox, or else its own
 * shell and a few of its commands with the libraries they load.
 */
import { Effect, FileSystem, Path } from "effect"
import { busyboxImage } from "../../layers/containerd/basicImages.ts"
import { run } from "../../layers/containerd/command.ts"
import type { ImageEntry, ImageSource } from "../../layers/containerd/imageArchive.ts"

/** What `examples/hello.yaml` asks for, with the registry that the short name stands for. */
export const demoImageName = "docker.io/library/busybox:1.36"

const busyboxPaths = ["/bin/busybox", "/usr/bin/busybox", "/usr/local/bin/busybox"]
/** What is worth having in a shell of a demo, where there is no busybox. */
const commands = ["sh", "cat", "date", "env", "hostname", "ls", "sleep", "touch", "true", "false"]

/** A static busybox of this machine, and its applets. */
const findBusybox = Effect.fn("findBusybox")(function*(paths: ReadonlyArray<string>) {
  const fs = yield* FileSystem.FileSystem
  for (const path of paths) {
    const there = yield* Effect.orElseSucceed(fs.exists(path), () => false)
    if (!there || (yield* librariesOf(path)).length > 0) continue
    const applets = (yield* run(path, ["--list"], { timeoutMs: 5000 })).split("\n").filter((applet) => applet !== "")
    return { path, busybox: yield* fs.readFile(path), applets }
  }
  return undefined
})

/** The demo's image and what it was made of. `paths`: where a busybox may be. */
export const demoImage = Effect.fn("demoImage")(function*(paths: ReadonlyArray<string> = busyboxPaths) {
  const found = yield* findBusybox(paths)
  return found === undefined
    ? { source: yield* shellImage(), madeOf: "this machine's own shell" }
    : { source: busyboxImage({ name: demoImageName, ...found }), madeOf: found.path }
})

/** Paths of the shared libraries that a program loads; none for a static one. */
const librariesOf = (program: string) =>
  run("ldd", [program], { timeoutMs: 5000 }).pipe(
    // ldd says so by failing.
    Effect.orElseSucceed(() => ""),
    Effect.map((text) => [...text.matchAll(/(?:=>\s+|^\s*)(\/\S+)\s+\(0x/gm)].map((match) => match[1] ?? ""))
  )

const shellImage = Effect.fnUntraced(function*() {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const programs = yield* Effect.filter(
    commands.map((command) => path.join("/bin", command)),
    (program) => Effect.orElseSucceed(fs.exists(program), () => false)
  )
  const libraries = yield* Effect.forEach(programs, librariesOf)
  const files = [...new Set([...programs, ...libraries.flat()])]
  const entries = yield* Effect.forEach(files, (file) =>
    Effect.map(fs.readFile(file), (content): ImageEntry => ({
      kind: "file",
      path: file.slice(1),
      content,
      mode: 0o755
    })))
  const source: ImageSource = {
    name: demoImageName,
    entries: [
      ...["bin", "dev", "etc", "proc", "sys", "tmp"].map((folder): ImageEntry => ({ kind: "directory", path: folder })),
      ...entries
    ],
    config: { Cmd: ["/bin/sh"], Env: ["PATH=/bin"] }
  }
  return source
})
