/** The report of a run as one HTML file that needs nothing else: verdict, picture, faults, trace. */
import { describeFault } from "../../domain/chaos/fault.ts"
import type { ChaosResult } from "../../testing/chaosRun.ts"
import type { Violation } from "../../testing/watchWorld.ts"
import { type Bar, type Lane, type Mark, type Picture, pictureOf } from "./lanes.ts"
import { script } from "./reportScript.ts"
import { stateClass, states, style } from "./reportStyle.ts"

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("\"", "&quot;")

const traceMax = 5000
/** Percents of the picture that a letter takes at least: text that does not fit would only be cut off. */
const letterWidth = 0.85

/** `1:04.2`, or `4.2 s` below a minute. */
const clock = (ms: number): string => {
  const minutes = Math.floor(ms / 60_000)
  const seconds = (ms % 60_000) / 1000
  return minutes === 0 ? `${seconds.toFixed(1)} s` : `${minutes}:${seconds.toFixed(1).padStart(4, "0")}`
}

const steps = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600]
/** Between two lines of the grid. */
const tickMs = (endMs: number): number => 1000 * (steps.find((step) => endMs / 1000 / step <= 12) ?? 7200)

/** A place in the picture of a run of that length. */
const scale = (endMs: number) => (ms: number): number => Number(((100 * Math.min(ms, endMs)) / endMs).toFixed(3))

type Scale = ReturnType<typeof scale>

const barHtml = ({ kind }: Lane, x: Scale) => ({ fromMs, state, toMs }: Bar): string => {
  const width = Math.max(0, x(toMs) - x(fromMs))
  const tip = `${state}${kind === "fault" ? "" : `, ${clock(fromMs)} to ${clock(toMs)}, for ${clock(toMs - fromMs)}`}`
  const look = kind === "fault" ? "window" : kind === "agent" ? "Agent" : stateClass(state)
  const text = kind === "pod" && width > letterWidth * (state.length + 1) ? escaped(state) : ""
  return `<span class="bar ${look}" data-at="${fromMs}" data-tip="${escaped(tip)}" ` +
    `style="left:${x(fromMs)}%;width:${width.toFixed(3)}%">${text}</span>`
}

const markHtml = (x: Scale) => ({ atMs, kind, what }: Mark): string =>
  `<span class="mark ${kind}" data-at="${atMs}" data-tip="${escaped(`${clock(atMs)}: ${what}`)}" style="left:${
    x(atMs)
  }%"></span>`

const laneHtml = (x: Scale, broken: string) => (lane: Lane): string => {
  const name = escaped(lane.name)
  const last = lane.bars.at(-1)
  const summary = `${name}: ${lane.bars.length} bars, ${lane.marks.length} marks, ${
    escaped(last?.state ?? "nothing")
  } last`
  return `<div class="row ${lane.kind}" data-lane="${name}"><div class="name ${lane.kind}"><span title="${name}">${name}` +
    `</span></div><div class="track" tabindex="0" role="group" aria-label="${summary}" data-name="${name}">` +
    `${lane.bars.map(barHtml(lane, x)).join("")}${lane.marks.map(markHtml(x)).join("")}${broken}</div></div>`
}

const groups = [["fault", "Faults"], ["agent", "Nodes"], ["pod", "Pods"]] as const

const chartHtml = ({ endMs, lanes }: Picture, violation: Violation | undefined): string => {
  const x = scale(endMs)
  const tick = tickMs(endMs)
  const labels = Array.from({ length: Math.floor(endMs / tick) + 1 }, (_, index) => {
    const last = endMs - index * tick < tick / 2 ? " class=\"last\"" : ""
    return `<span${last} style="left:${x(index * tick)}%">${clock(index * tick).replace(".0", "")}</span>`
  })
  const broken = violation === undefined ? "" : `<span class="broken" style="left:${x(violation.atMs)}%"></span>`
  const flag = violation === undefined
    ? ""
    : `<span class="flag" style="left:${x(violation.atMs)}%">${escaped(violation.invariant)}</span>`
  const body = groups.map(([kind, title]) => {
    const own = lanes.filter((lane) => lane.kind === kind)
    return own.length === 0
      ? ""
      : `<div class="group"><span>${title}</span></div>${own.map(laneHtml(x, broken)).join("\n")}`
  })
  return `<div class="scroll"><div class="chart" style="--tick:${x(tick)}%"><div class="name"></div>` +
    `<div class="axis">${labels.join("")}${flag}</div>${body.join("\n")}</div></div>`
}

const legend = [
  ...states.map((state) => `<li><i class="${state}"></i>${state}</li>`),
  `<li><i class="Trouble"></i>Held up</li>`,
  `<li><b class="tick"></b>Container starts, ends</li>`,
  `<li><b class="tick failed"></b>Fails, is struck</li>`,
  `<li><b class="diamond"></b>Agent dies</li>`
].join("")

const verdictHtml = (violation: Violation | undefined): string =>
  violation === undefined
    ? `<p class="verdict good"><span aria-hidden="true">✓</span> Every invariant held</p>`
    : `<p class="verdict bad"><span aria-hidden="true">✗</span><span>${escaped(violation.invariant)} broken at ${
      clock(violation.atMs)
    }: ${escaped(violation.message)}</span></p>`

const traceHtml = ({ trace }: ChaosResult): string => {
  const rows = trace.slice(0, traceMax).map(({ about, atMs, what, where }) =>
    `<tr><td>${clock(atMs)}</td><td>${escaped(where)}</td><td>${escaped(what)}</td><td>${escaped(about)}</td></tr>`
  )
  const cut = trace.length > traceMax ? `, the first ${traceMax} of ${trace.length}` : ""
  return `<h2>Trace</h2><div class="tools"><input type="search" placeholder="Words that entries have" ` +
    `aria-label="Words that entries have"><output>${rows.length} entries${cut}</output></div>` +
    `<div class="card table mono" tabindex="0" role="region" aria-label="Trace"><table><thead><tr><th>Time</th>` +
    `<th>Where</th><th>What</th><th>About</th></tr></thead><tbody>${rows.join("\n")}</tbody></table></div>`
}

/** `replay`: the command that plays the run again. */
export const reportHtml = (result: ChaosResult, replay = ""): string => {
  const { elapsedMs, faults, hash, seed, trace, violation } = result
  const picture = pictureOf(trace, faults)
  const pods = picture.lanes.filter(({ kind }) => kind === "pod").length
  const nodes = picture.lanes.filter(({ kind }) => kind === "agent").length
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Chaos, seed ${seed}: ${violation === undefined ? "held" : escaped(violation.invariant)}</title>
<link rel="icon" href="data:,"><style>${style}</style></head><body><main><h1>Chaos, seed ${seed}</h1>
<ul class="facts"><li><b>${
    clock(elapsedMs)
  }</b> of virtual time</li><li><b>${nodes}</b> nodes</li><li><b>${pods}</b> pods</li>
<li><b>${faults.length}</b> faults</li><li><b>${trace.length}</b> happenings</li><li>trace <code>${
    escaped(hash)
  }</code></li></ul>
${verdictHtml(violation)}
<h2>What happened</h2><div class="card"><div class="bar-top"><ul class="legend">${legend}</ul>
<label class="zoom">Zoom <input type="range" min="1" max="20" step="0.5" value="1"></label></div>
${chartHtml(picture, violation)}</div>
<h2>Faults</h2>${
    faults.length === 0
      ? "<p>None.</p>"
      : `<ol class="faults" start="0">${
        faults.map((fault) => `<li><code>${escaped(describeFault(fault))}</code></li>`).join("")
      }</ol>`
  }
${replay === "" ? "" : `<h2>Play it again</h2><div class="card"><pre><code>${escaped(replay)}</code></pre></div>`}
${traceHtml(result)}</main>
<div class="detail" role="status" aria-live="polite">Point at a bar or a mark, or walk through lanes with the arrow keys.</div>
<script>${script}</script></body></html>
`
}
