import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as HostFilesMemory from "../../../src/layers/host/HostFilesMemory.ts"
import * as MountsMemory from "../../../src/layers/host/MountsMemory.ts"
import * as ProcessesMemory from "../../../src/layers/host/ProcessesMemory.ts"
import { type DiskWish, mountDisk } from "../../../src/programs/volumes/formatDisk.ts"

interface Row {
  readonly why: string
  readonly blkid: { readonly exitCode: number; readonly stdout: string }
  readonly fsck?: number
  readonly wish?: Partial<DiskWish>
  /** Programs that ran besides blkid, and the failure if there is one. */
  readonly want: ReadonlyArray<string>
}

const ext4 = { exitCode: 0, stdout: "DEVNAME=/dev/sdb\nTYPE=ext4\n" }
const rows: ReadonlyArray<Row> = [
  { why: "a fresh disk is formatted", blkid: { exitCode: 2, stdout: "" }, want: ["mkfs.ext4 -F -m0 /dev/sdb"] },
  { why: "a used one is checked", blkid: ext4, want: ["fsck -a /dev/sdb"] },
  { why: "a used one that is only read is not touched", blkid: ext4, wish: { readOnly: true }, want: [] },
  {
    why: "a fresh one cannot be only read",
    blkid: { exitCode: 2, stdout: "" },
    wish: { readOnly: true },
    want: ["cannot mount unformatted disk /dev/sdb as it is manipulated in read-only mode"]
  },
  {
    why: "another file system is somebody's data",
    blkid: { exitCode: 0, stdout: "TYPE=xfs\n" },
    want: ["failed to mount the volume as \"ext4\", it already contains xfs"]
  },
  {
    why: "so are partitions",
    blkid: { exitCode: 0, stdout: "PTTYPE=gpt\n" },
    want: ["failed to mount the volume as \"ext4\", it already contains unknown data, probably partitions"]
  },
  {
    why: "errors beyond repair",
    blkid: ext4,
    fsck: 4,
    want: ["fsck -a /dev/sdb", "'fsck' found errors on device /dev/sdb but could not correct them: bad"]
  }
]

describe("I21: disks", () => {
  it.effect.each(rows)("$why", ({ blkid, fsck = 0, want, wish = {} }) => {
    const host = new HostFilesMemory.MemoryHost()
    host.makeDirectories("/m")
    host.addDevice("/dev/sdb", "ext4")
    const ran: Array<string> = []
    const programs = ProcessesMemory.makeHandle()
    const add = (command: string, exitCode: number, stdout: string) =>
      programs.programs.set(command, ({ args }) => {
        if (command !== "blkid") ran.push([command, ...args].join(" "))
        return Effect.succeed({ exitCode, stdout, stderr: "" })
      })
    add("blkid", blkid.exitCode, blkid.stdout)
    add("mkfs.ext4", 0, "")
    add("fsck", fsck, "bad")
    return mountDisk({ device: "/dev/sdb", target: "/m", fsType: "ext4", options: [], readOnly: false, ...wish }).pipe(
      Effect.match({
        onFailure: (error) => {
          ran.push(error.message)
          return false
        },
        onSuccess: () => true
      }),
      Effect.map((mounted) => {
        assert.deepStrictEqual(ran, want)
        assert.strictEqual(host.mountPoints().includes("/m"), mounted)
      }),
      Effect.provide(Layer.merge(MountsMemory.layer(host), ProcessesMemory.layer(programs)))
    )
  })
})
