/** How a report looks, in light and in dark, on screens and on paper. */

/** What bars are coloured by; anything else that holds a pod up is a trouble. */
export const states = ["Pending", "Running", "Ready", "Terminating", "Succeeded", "Failed"] as const

export const stateClass = (state: string): string => states.some((known) => known === state) ? state : "Trouble"

export const style = `
:root { color-scheme: light dark;
  --ink: light-dark(#1b2130, #e8ebf3); --quiet: light-dark(#596079, #a3abc2); --paper: light-dark(#f6f7fa, #0f1219);
  --card: light-dark(#ffffff, #171b25); --line: light-dark(#dfe3ec, #2b3242); --accent: light-dark(#2f5bd0, #8fb0ff);
  --Pending: light-dark(#f2c94c, #b98a12); --Running: light-dark(#8fb1f5, #3d63b8); --Ready: light-dark(#57c795, #1d8a5c);
  --Terminating: light-dark(#c9b3f0, #6d4fb0); --Succeeded: light-dark(#b9c2d6, #4b566f);
  --Failed: light-dark(#ee8f9c, #a8394c); --Trouble: light-dark(#f0a36b, #ad5a1b); --Agent: light-dark(#cfd6e6, #39435a);
  --fault: light-dark(#f7d6da, #4a2430); --strike: light-dark(#c02539, #ff7d8e); }
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", sans-serif }
main { max-width: 1480px; margin: 0 auto; padding: 1.6rem clamp(.8rem, 2.5vw, 2.2rem) 6rem }
h1 { font-size: 1.55rem; margin: 0; letter-spacing: -.01em } h2 { font-size: 1.05rem; margin: 1.8rem 0 .6rem }
code, .mono { font: 12.5px/1.5 ui-monospace, "Cascadia Mono", Menlo, monospace }
.facts { display: flex; flex-wrap: wrap; gap: .2rem 1.4rem; color: var(--quiet); margin: .3rem 0 1rem; padding: 0; list-style: none }
.facts b { color: var(--ink); font-weight: 600 }
.verdict { display: flex; gap: .7rem; align-items: baseline; padding: .7rem 1rem; border-radius: .6rem; font-weight: 600;
  border: 1px solid; overflow-wrap: anywhere }
.good { background: light-dark(#e3f6ec, #12301f); border-color: light-dark(#9bd8b6, #23613f); color: light-dark(#0b5a36, #7fe0ae) }
.bad { background: light-dark(#fdeaec, #38161d); border-color: light-dark(#efaab3, #7d2c3a); color: light-dark(#8d1626, #ff9aa6) }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .7rem; overflow: hidden }
.bar-top { display: flex; flex-wrap: wrap; gap: .5rem 1.2rem; align-items: center; padding: .6rem .9rem; border-bottom: 1px solid var(--line) }
.legend { display: flex; flex-wrap: wrap; gap: .2rem .9rem; margin: 0; padding: 0; list-style: none; font-size: 13px }
.legend i { display: inline-block; width: .85rem; height: .85rem; border-radius: 3px; margin-right: .35rem; vertical-align: -1px }
.zoom { margin-left: auto; display: flex; gap: .5rem; align-items: center; font-size: 13px; color: var(--quiet) }
.zoom input { accent-color: var(--accent); width: 9rem }
.scroll { overflow-x: auto; overscroll-behavior-x: contain }
.chart { --zoom: 1; display: grid; grid-template-columns: minmax(9.5rem, 15rem) 1fr; min-width: 44rem;
  width: calc(15rem + (100% - 15rem) * var(--zoom)) }
.name { position: sticky; left: 0; z-index: 3; background: var(--card); padding: 0 .8rem; border-right: 1px solid var(--line);
  display: flex; align-items: center; height: 30px; font-size: 13px; min-width: 0 }
.name span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
.fault .name, .name.fault { color: var(--strike) }
.track { position: relative; height: 30px; background-image: linear-gradient(to right, var(--line) 1px, transparent 1px);
  background-size: var(--tick) 100%; outline-offset: -2px }
.row { display: contents } .row:hover > * { background-color: light-dark(#f1f4fb, #1e2431) }
.group { grid-column: 1 / -1; padding: .35rem 0 .15rem; font-size: 11.5px; font-weight: 600; text-transform: uppercase;
  letter-spacing: .06em; color: var(--quiet); border-top: 1px solid var(--line) }
.group span { position: sticky; left: .8rem; margin-left: .8rem }
.legend .tick { display: inline-block; width: 2px; height: .95rem; margin-right: .45rem; background: var(--ink); vertical-align: -2px }
.legend .tick.failed { background: var(--strike) }
.legend .diamond { display: inline-block; width: .5rem; height: .5rem; margin: 0 .5rem 1px .1rem; background: var(--strike);
  transform: rotate(45deg) }
.axis { position: relative; height: 26px; font-size: 11.5px; color: var(--quiet) }
.axis span { position: absolute; transform: translateX(-50%); top: 5px; white-space: nowrap }
.axis .flag { z-index: 2; top: 3px; padding: 0 .4rem; border-radius: 4px; font-weight: 600; color: light-dark(#fff, #2a0d12);
  background: var(--strike) }
.axis span:first-child { transform: none; padding-left: 3px } .axis span.last { transform: translateX(-100%); padding-right: 3px }
.bar { position: absolute; top: 5px; height: 20px; border-radius: 4px; overflow: hidden; white-space: nowrap; font-size: 11.5px;
  line-height: 20px; padding-left: 5px; text-overflow: clip; color: light-dark(#10151f, #f4f6fb); min-width: 2px }
${
  [...states, "Trouble", "Agent"].map((state) => `.bar.${state}, i.${state} { background: var(--${state}) }`).join("\n")
}
.bar.window { background: var(--fault); border: 1px solid color-mix(in srgb, var(--strike) 45%, transparent); line-height: 18px }
.mark { position: absolute; top: 3px; width: 2px; height: 24px; margin-left: -1px; background: var(--ink); opacity: .8; z-index: 1 }
.mark.failed { background: var(--strike); opacity: 1 } .mark.strike { background: var(--strike); opacity: .75; top: 8px; height: 14px }
.mark.killed { background: var(--strike); width: 8px; height: 8px; top: 11px; margin-left: -4px; transform: rotate(45deg); opacity: 1 }
.mark.started { opacity: .45 }
.mark::after { content: ""; position: absolute; inset: -2px -4px }
.chosen { outline: 2px solid var(--accent); outline-offset: 1px; opacity: 1; z-index: 2 }
.broken { position: absolute; top: 0; bottom: 0; width: 0; border-left: 2px dashed var(--strike); z-index: 2; pointer-events: none }
.detail { position: fixed; inset: auto 0 0 0; z-index: 9; padding: .55rem 1.2rem; background: var(--card); border-top: 1px solid var(--line);
  font-size: 13.5px; min-height: 2.6rem; box-shadow: 0 -6px 18px #0002 } .detail b { margin-right: .6rem }
.faults { margin: 0; padding-left: 1.2rem } .tools { display: flex; gap: .8rem; align-items: center; margin-bottom: .5rem }
.tools input { flex: 1; max-width: 26rem; padding: .4rem .7rem; font: inherit; color: inherit; background: var(--card);
  border: 1px solid var(--line); border-radius: .45rem }
pre { margin: 0; padding: .7rem .9rem; white-space: pre-wrap; overflow-wrap: anywhere }
.table { overflow: auto; max-height: 32rem } table { border-collapse: collapse; width: 100% } tr[hidden] { display: none }
th { position: sticky; top: 0; background: var(--card); text-align: left; font-size: 12px; color: var(--quiet) }
th, td { padding: .16rem .9rem; vertical-align: top; border-bottom: 1px solid var(--line) } td { overflow-wrap: anywhere }
td:nth-child(-n+3) { white-space: nowrap } td:first-child { text-align: right; color: var(--quiet); font-variant-numeric: tabular-nums }
@media print { .detail, .zoom, .tools { display: none } main { padding-bottom: 0 } }`
