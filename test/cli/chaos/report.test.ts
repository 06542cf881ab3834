import { assert, describe, it } from "@effect/vitest"
import { pictureOf } from "../../../src/cli/chaos/lanes.ts"
import { reportHtml } from "../../../src/cli/chaos/report.ts"
import { families } from "../../../src/domain/chaos/faultClasses.ts"
import { runChaos } from "../../../src/testing/chaosRun.ts"

const run = runChaos({ seed: 7, nodes: 2, pods: 5, kinds: families, faultsMax: 6, minutes: 1, keepTrace: true })

describe("report of a chaos run", () => {
  const html = reportHtml(run, "kubeffect chaos --replay 7")

  it("needs nothing but itself: no address, no other file, no font", () => {
    const markup = html.slice(0, html.indexOf("<tbody>"))
    assert.notMatch(markup, /(?:https?:)?\/\/[a-z]/i)
    assert.notMatch(markup, /<(?:script|img|iframe|link)[^>]*\s(?:src|href)="(?!data:)/i)
    assert.notMatch(markup, /@import|@font-face|url\(/i)
  })

  it("has a lane for each pod, each node and each fault, that a keyboard reaches and a screen reader names", () => {
    const lanes = [...html.matchAll(/data-lane="([^"]+)"/g)].map(([, name]) => name)
    const pods = new Set(run.trace.filter(({ what }) => what === "pods ADDED").map(({ about }) => about.split(" ")[0]))
    assert.strictEqual(lanes.length, run.faults.length + 2 + pods.size)
    for (const pod of pods) assert.include(lanes, pod)
    assert.strictEqual([...html.matchAll(/class="track" tabindex="0" role="group" aria-label="/g)].length, lanes.length)
  })

  it("keeps every bar and mark within the picture, bars of a lane one after the other", () => {
    const { endMs, lanes } = pictureOf(run.trace, run.faults)
    for (const { bars, marks, name } of lanes) {
      let before = 0
      for (const { fromMs, toMs } of bars) {
        assert.isTrue(fromMs >= before && toMs >= fromMs && toMs <= endMs, name)
        before = toMs
      }
      assert.isTrue(marks.every(({ atMs }) => atMs >= 0 && atMs <= endMs), name)
    }
  })

  it("tells what broke, and takes no markup from what it tells", () => {
    const violation = { invariant: "one-instance", message: "<script>alert(1)</script> runs twice", atMs: 12_000 }
    const broken = reportHtml({ ...run, violation })
    assert.include(broken, "one-instance broken at 12.0 s")
    assert.include(broken, "&lt;script&gt;alert(1)&lt;/script&gt; runs twice")
    assert.notInclude(broken, "<script>alert(1)")
  })
})
