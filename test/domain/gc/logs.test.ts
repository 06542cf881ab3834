import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { logRotation } from "../../../src/domain/gc/logRotation.ts"
import { deadLinks, filesOfLog, strayLogFolders } from "../../../src/domain/gc/strayLogs.ts"

const now = Date.parse("2026-11-01T10:15:00Z")

describe("rotation", () => {
  it.each<{
    siblings: ReadonlyArray<string>
    maxFiles?: number
    remove?: ReadonlyArray<string>
    compress?: ReadonlyArray<string>
    why: string
  }>([
    { siblings: ["0.log"], why: "the first time there is nothing old" },
    {
      siblings: ["0.log", "0.log.20261101-090000"],
      compress: ["0.log.20261101-090000"],
      why: "what was moved aside last is compressed now"
    },
    {
      siblings: [
        "0.log",
        "0.log.20261101-050000.gz",
        "0.log.20261101-060000.gz",
        "0.log.20261101-070000.gz",
        "0.log.20261101-080000"
      ],
      remove: ["0.log.20261101-050000.gz"],
      compress: ["0.log.20261101-080000"],
      why: "of five files three are old ones, besides the live one and the one moved aside now"
    },
    {
      siblings: ["0.log", "0.log.20261101-080000.gz", "0.log.20261101-090000"],
      maxFiles: 2,
      remove: ["0.log.20261101-080000.gz", "0.log.20261101-090000"],
      why: "with two files no old one is kept, and none compressed in vain"
    },
    {
      siblings: ["0.log", "0.log.20261101-090000", "0.log.20261101-090000.tmp"],
      remove: ["0.log.20261101-090000.tmp"],
      compress: ["0.log.20261101-090000"],
      why: "a compression that was cut short begins anew"
    },
    {
      siblings: ["0.log", "0.log.20261101-090000", "0.log.20261101-090000.gz"],
      remove: ["0.log.20261101-090000"],
      why: "what is compressed already was only not removed"
    },
    { siblings: ["0.log", "1.log", "1.log.20261101-090000", "10.log"], why: "other logs are none of its business" }
  ])("G6: $why", ({ compress = [], maxFiles = 5, remove = [], siblings }) => {
    assert.deepStrictEqual(logRotation({ log: "0.log", siblings }, maxFiles, now), {
      remove,
      compress,
      rotateTo: "0.log.20261101-101500"
    })
  })

  it.each(["0.log.20261101-101500", "0.log.20261101-101500.gz"])("G6: %s is not overwritten", (name) => {
    assert.isUndefined(logRotation({ log: "0.log", siblings: ["0.log", name] }, 5, now).rotateTo)
  })

  it("G6: however often it is rotated, there are never more files than allowed", () => {
    fc.assert(fc.property(fc.integer({ min: 2, max: 10 }), fc.integer({ min: 1, max: 30 }), (maxFiles, times) => {
      let names: ReadonlyArray<string> = ["0.log"]
      for (let n = 0; n < times; n++) {
        const plan = logRotation({ log: "0.log", siblings: names }, maxFiles, now + n * 10_000)
        names = [
          ...names.filter((name) => !plan.remove.includes(name) && !plan.compress.includes(name)),
          ...plan.compress.map((name) => `${name}.gz`),
          plan.rotateTo ?? ""
        ]
        assert.isAtMost(names.length, maxFiles)
        assert.isAtMost(names.filter((name) => name !== "0.log" && !name.endsWith(".gz")).length, 1)
      }
    }))
  })
})

describe("stray logs", () => {
  it.each([
    { folder: "shop_web-0_1b9f0c1e-aaaa-bbbb-cccc-000000000001", want: true, why: "its pod is gone" },
    { folder: "shop_web-0_known", want: false, why: "its pod is here" },
    { folder: "lost+found", want: false, why: "it is no pod's" },
    { folder: "a_b", want: false, why: "it is no pod's" },
    { folder: "a_b_c_d", want: false, why: "names have no underscores: it is no pod's" }
  ])("G3: $folder goes: $want, because $why", ({ folder, want }) => {
    assert.deepStrictEqual(strayLogFolders([folder], (uid) => uid === "known"), want ? [folder] : [])
  })

  it.each([
    { name: "web_shop_c-abc.log", leadsSomewhere: false, want: true, why: "its log is gone" },
    { name: "web_shop_c-abc.log", leadsSomewhere: true, want: false, why: "its log is there" },
    { name: "web_shop_c-run.log", leadsSomewhere: false, want: false, why: "the log of what runs is being rotated" },
    { name: "web_shop_c-ru.log", leadsSomewhere: false, want: false, why: "ids are cut in long names" },
    { name: "notes.txt", leadsSomewhere: false, want: false, why: "it is no log's" }
  ])("D15: the link $name goes: $want, because $why", ({ leadsSomewhere, name, want }) => {
    assert.deepStrictEqual(deadLinks([{ name, leadsSomewhere }], ["run"]), want ? [name] : [])
  })

  it("G3: with a run go its rotated logs, not those of other runs", () => {
    const names = ["0.log", "0.log.20261101-101500", "0.log.20261101-101500.gz", "10.log", "0.logs"]
    assert.deepStrictEqual(filesOfLog(names, "0.log"), names.slice(0, 3))
  })
})
