import { assert, describe, it } from "@effect/vitest"
import { checkHostPath, type PathKind } from "../../../src/domain/volumes/hostPathCheck.ts"

const rows: ReadonlyArray<{ type: string; found: PathKind; want: string; why: string }> = [
  { type: "", found: "absent", want: "Fine", why: "no type, no check" },
  { type: "Directory", found: "directory", want: "Fine", why: "it is one" },
  { type: "Directory", found: "file", want: "/p is not a directory", why: "golden: hostpath-wrong-type" },
  { type: "Directory", found: "absent", want: "/p is not a directory", why: "never made" },
  { type: "DirectoryOrCreate", found: "absent", want: "MakeDirectory", why: "made when missing" },
  { type: "DirectoryOrCreate", found: "file", want: "/p is not a directory", why: "something else is there" },
  { type: "File", found: "file", want: "Fine", why: "it is one" },
  { type: "File", found: "socket", want: "Fine", why: "all but directories pass for files" },
  { type: "File", found: "directory", want: "/p is not a file", why: "a directory" },
  { type: "FileOrCreate", found: "absent", want: "MakeFile", why: "made when missing" },
  { type: "Socket", found: "file", want: "/p is not a socket file", why: "a plain file" },
  { type: "CharDevice", found: "blockDevice", want: "/p is not a character device", why: "the other kind" },
  { type: "BlockDevice", found: "blockDevice", want: "Fine", why: "it is one" },
  { type: "Door", found: "file", want: "Door is an invalid volume type", why: "unknown" }
]

describe("I4: hostPath types", () => {
  it.each(rows)("$type on $found → $want: $why", ({ found, type, want }) => {
    const verdict = checkHostPath("/p", type, found)
    if (verdict._tag === "Refused") assert.include(verdict.message, want)
    else assert.strictEqual(verdict._tag, want)
  })

  it("names the check in the message, as the kubelet does", () => {
    const verdict = checkHostPath("/etc/hostname", "Directory", "file")
    assert.deepInclude(verdict, { message: "hostPath type check failed: /etc/hostname is not a directory" })
  })

  it("a path that climbs is refused whatever its type", () =>
    assert.strictEqual(checkHostPath("/a/../b", "", "directory")._tag, "Refused"))
})
