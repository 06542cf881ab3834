/** The report of a chaos run in a real browser: it is laid out, nothing overflows, and the keyboard walks through it. */
import { assert, describe, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { reportHtml } from "../../../src/cli/chaos/report.ts"
import { families } from "../../../src/domain/chaos/faultClasses.ts"
import { runChaos } from "../../../src/testing/chaosRun.ts"

const run = runChaos({ seed: 7, nodes: 2, pods: 12, kinds: families, faultsMax: 8, minutes: 2, keepTrace: true })
const violation = { invariant: "one-instance", message: "made up for the picture", atMs: 40_000 }

/** What the page measures of itself, after somebody has walked one step to the right in the last lane. */
const measure = `<script>
const box = (element) => element.getBoundingClientRect()
const tracks = [...document.querySelectorAll(".track")]
const last = tracks.at(-1)
last.focus()
last.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }))
const found = {
  lanes: tracks.map((track) => [track.dataset.name, box(track).width, box(track).height]),
  names: [...document.querySelectorAll(".row .name span")].filter((name) => name.scrollWidth > name.clientWidth + 1).length,
  outside: [...document.querySelectorAll(".bar")].filter((bar) =>
    box(bar).left < box(bar.parentElement).left - 1 || box(bar).right > box(bar.parentElement).right + 3).length,
  overflow: document.documentElement.scrollWidth - innerWidth,
  detail: document.querySelector(".detail b")?.textContent
}
document.documentElement.dataset.found = JSON.stringify(found)
</script>`

const browse = async (folder: string, width: number, ...more: ReadonlyArray<string>) => {
  const { stdout } = await promisify(execFile)("chromium", [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    `--user-data-dir=${folder}/profile`,
    `--window-size=${width},1000`,
    ...more,
    `file://${folder}/report.html`
  ], { maxBuffer: 2 ** 26, timeout: 60_000 })
  return stdout
}

const inFolder = async <A>(use: (folder: string) => Promise<A>): Promise<A> => {
  const folder = await mkdtemp(join(tmpdir(), "chaos-report-"))
  try {
    await writeFile(`${folder}/report.html`, reportHtml({ ...run, violation }).replace("</body>", `${measure}</body>`))
    return await use(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

describe("report of a chaos run in a browser", () => {
  it.each([1400, 800])("has its lanes within a window of %i pixels", (width) =>
    inFolder(async (folder) => {
      const dom = await browse(folder, width, "--dump-dom")
      const text = /data-found="([^"]+)"/.exec(dom)?.[1]?.replaceAll("&quot;", "\"") ?? "{}"
      const { detail, lanes, names, outside, overflow } = JSON.parse(text)
      const pods = new Set(
        run.trace.filter(({ what }) => what === "pods ADDED").map(({ about }) => about.split(" ")[0])
      )
      assert.strictEqual(lanes.length, run.faults.length + 2 + pods.size)
      for (const [name, trackWidth, height] of lanes) assert.isTrue(trackWidth > 300 && height >= 20, name)
      assert.deepStrictEqual({ detail, names, outside, overflow: overflow > 0 }, {
        detail: lanes.at(-1)[0],
        names: 0,
        outside: 0,
        overflow: false
      })
    }))

  it("makes a picture", () =>
    inFolder(async (folder) => {
      await browse(folder, 1400, `--screenshot=${folder}/report.png`)
      const png = await readFile(`${folder}/report.png`)
      assert.strictEqual(png.subarray(1, 4).toString(), "PNG")
      assert.isAbove(png.length, 20_000)
    }))
})
