import { assert, describe, it } from "@effect/vitest"
import { parseMountInfo } from "../../../src/layers/host/live/mountInfo.ts"

describe("I21: mountinfo", () => {
  it("reads a line with optional fields and escapes", () => {
    assert.deepStrictEqual(
      parseMountInfo(
        "36 35 98:0 /mnt\\0401 /mnt\\011a rw,noatime shared:1 master:2 - ext3 /dev/root rw,errors=continue\n"
      ),
      [{
        id: 36,
        parentId: 35,
        device: "98:0",
        root: "/mnt 1",
        mountPoint: "/mnt\ta",
        options: ["rw", "noatime"],
        propagation: ["shared:1", "master:2"],
        fsType: "ext3",
        source: "/dev/root",
        superOptions: ["rw", "errors=continue"]
      }]
    )
  })

  it("reads a line without optional fields and skips what is none", () => {
    const [entry, ...rest] = parseMountInfo("22 27 0:21 / /proc rw - proc proc rw\ngarbage\n")
    assert.deepStrictEqual(entry?.propagation, [])
    assert.deepStrictEqual(rest, [])
  })
})
