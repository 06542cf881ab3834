/** The two images that a node needs to run anything: one for sandboxes, one with a shell. */
import type { ImageEntry, ImageSource } from "./imageArchive.ts"
import { pauseProgram } from "./pauseProgram.ts"

const searchPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/** The sandbox image for a Node `process.arch`; undefined for machines that its program was not written for. */
export const pauseImage = (arch: string): ImageSource | undefined => {
  const program = pauseProgram(arch)
  return program === undefined ? undefined : {
    name: "kubeffect.local/pause:1",
    entries: [{ kind: "file", path: "pause", content: program, mode: 0o755 }],
    config: { Entrypoint: ["/pause"] }
  }
}

/** A root filesystem around a static busybox, with every applet it has. */
export const busyboxImage = (
  options: { readonly name: string; readonly busybox: Uint8Array; readonly applets: ReadonlyArray<string> }
): ImageSource => ({
  name: options.name,
  entries: [
    ...directories,
    { kind: "file", path: "bin/busybox", content: options.busybox, mode: 0o755 },
    ...options.applets.filter((applet) => applet !== "busybox").map((applet): ImageEntry => ({
      kind: "symlink",
      path: `bin/${applet}`,
      target: "busybox"
    })),
    {
      kind: "file",
      path: "etc/passwd",
      content: "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n"
    },
    { kind: "file", path: "etc/group", content: "root:x:0:\nnogroup:x:65534:\n" }
  ],
  config: { Cmd: ["sh"], Env: [searchPath] }
})

const directories: ReadonlyArray<ImageEntry> = [
  ...["bin", "dev", "etc", "home", "proc", "sys", "usr", "var"].map((path): ImageEntry => ({
    kind: "directory",
    path
  })),
  { kind: "directory", path: "root", mode: 0o700 },
  { kind: "directory", path: "tmp", mode: 0o1777 },
  { kind: "directory", path: "var/tmp", mode: 0o1777 }
]
