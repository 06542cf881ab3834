/** The report of a run as one HTML file that needs nothing else: its faults, its picture, its trace. */
import { describeFault } from "../../domain/chaos/fault.ts"
import type { ChaosResult } from "../../testing/chaosRun.ts"
import { type Lane, type Picture, pictureOf } from "./lanes.ts"

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("\"", "&quot;")

const left = 170
const width = 1200
const laneHeight = 30
const traceMax = 5000

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

const style = `
:root { color-scheme: light dark; --ink: light-dark(#1d2330, #e6e9f0); --paper: light-dark(#fbfbfd, #12151c);
  --faint: light-dark(#e3e6ee, #262c39); --quiet: light-dark(#68708a, #939bb3) }
body { margin: 2rem auto; max-width: 1420px; padding: 0 1.5rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif }
h1 { font-size: 1.5rem; margin: 0 } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem }
.verdict { display: inline-block; margin: .6rem 0; padding: .35rem .8rem; border-radius: .5rem; font-weight: 600 }
.good { background: #1f9d6433; color: light-dark(#0d6b41, #5ddba4) }
.bad { background: #e0455633; color: light-dark(#a01f30, #ff8c99) }
.quiet, td:first-child { color: var(--quiet) } code { font: 13px ui-monospace, monospace }
svg { width: 100%; height: auto; font: 12px system-ui, sans-serif } text { fill: var(--ink) }
.grid { stroke: var(--faint) } .axis { fill: var(--quiet) }
.Pending { fill: #c9a227 } .Running { fill: #6b8bd6 } .Ready { fill: #2aa876 }
.Succeeded { fill: #8794b5 } .Failed { fill: #b0506a } .mark { fill: var(--ink); opacity: .75 }
.strike { stroke: #e04556; stroke-width: 1.5; opacity: .55 } .strike:hover { opacity: 1; stroke-width: 4 }
table { border-collapse: collapse; font: 12.5px/1.6 ui-monospace, monospace } td { padding: 0 1rem 0 0 }
.legend span { margin-right: 1rem } .legend i { display: inline-block; width: .8rem; height: .8rem; border-radius: 3px;
  margin-right: .35rem; vertical-align: -1px }`

const laneSvg = (x: (ms: number) => number) => ({ bars, marks, pod }: Lane, index: number): string => {
  const y = 30 + index * laneHeight
  const drawn = bars.map(({ fromMs, state, toMs }) =>
    `<rect class="${escaped(state)}" x="${x(fromMs)}" y="${y}" rx="3" height="18" ` +
    `width="${Math.max(1.5, x(toMs) - x(fromMs)).toFixed(1)}"><title>${escaped(state)}, ` +
    `${seconds(fromMs)} to ${seconds(toMs)}</title></rect>`
  )
  const ticks = marks.map(({ atMs, what }) =>
    `<circle class="mark" cx="${x(atMs)}" cy="${y + 9}" r="2.5"><title>${seconds(atMs)}: ${
      escaped(what)
    }</title></circle>`
  )
  return `<g class="lane"><text x="0" y="${y + 14}">${escaped(pod)}</text>${drawn.join("")}${ticks.join("")}</g>`
}

const pictureSvg = ({ endMs, lanes, strikes }: Picture): string => {
  const x = (ms: number): number => Number((left + (ms / endMs) * (width - left - 10)).toFixed(1))
  const bottom = 30 + lanes.length * laneHeight
  const grid = Array.from({ length: 9 }, (_, index) => {
    const ms = (endMs * index) / 8
    return `<line class="grid" x1="${x(ms)}" x2="${x(ms)}" y1="22" y2="${bottom}"/>` +
      `<text class="axis" x="${x(ms)}" y="14" text-anchor="middle">${Math.round(ms / 1000)} s</text>`
  })
  const struck = strikes.map(({ atMs, node, what }) =>
    `<line class="strike" x1="${x(atMs)}" x2="${x(atMs)}" y1="${bottom + 4}" y2="${bottom + 22}">` +
    `<title>${seconds(atMs)}, ${escaped(node)}: ${escaped(what)}</title></line>`
  )
  return `<svg viewBox="0 0 ${width} ${bottom + 30}" role="img">${grid.join("")}${lanes.map(laneSvg(x)).join("")}` +
    `<text class="axis" x="0" y="${bottom + 18}">faults, crashes</text>${struck.join("")}</svg>`
}

const states = [
  ["Pending", "#c9a227"],
  ["Running", "#6b8bd6"],
  ["Ready", "#2aa876"],
  ["Succeeded", "#8794b5"],
  ["Failed", "#b0506a"]
] as const

export const reportHtml = (result: ChaosResult): string => {
  const { elapsedMs, faults, hash, seed, trace, violation } = result
  const verdict = violation === undefined
    ? `<p class="verdict good">every invariant held</p>`
    : `<p class="verdict bad">${escaped(violation.invariant)} broken at ${seconds(violation.atMs)}: ` +
      `${escaped(violation.message)}</p>`
  const legend = states.map(([name, color]) => `<span><i style="background:${color}"></i>${name}</span>`).join("")
  const rows = trace.slice(0, traceMax).map(({ about, atMs, what, where }) =>
    `<tr><td>${seconds(atMs)}</td><td>${escaped(where)}</td><td>${escaped(what)}</td><td>${escaped(about)}</td></tr>`
  )
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>kubeffect chaos, seed ${seed}</title>
<style>${style}</style><h1>Chaos, seed ${seed}</h1>
<p class="quiet">${seconds(elapsedMs)} of virtual time · trace <code>${escaped(hash)}</code></p>${verdict}
<h2>Faults</h2><ul>${faults.map((fault) => `<li><code>${escaped(describeFault(fault))}</code></li>`).join("")}</ul>
<h2>Pods</h2><p class="legend">${legend}</p>${pictureSvg(pictureOf(trace))}
<h2>Trace</h2><details><summary>${trace.length} entries${
    trace.length > traceMax ? `, the first ${traceMax}` : ""
  }</summary>
<table>${rows.join("\n")}</table></details></html>
`
}
