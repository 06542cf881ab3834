/** What a report does for who points, types or zooms. It is read without, too. */

export const script = `
const chart = document.querySelector(".chart"), detail = document.querySelector(".detail")
let chosen
const tell = (item, scroll) => {
  chosen?.classList.remove("chosen")
  chosen = item
  if (!item) return
  item.classList.add("chosen")
  const name = document.createElement("b")
  name.textContent = item.closest(".track").dataset.name
  detail.replaceChildren(name, item.title || item.dataset.tip)
  if (scroll) item.scrollIntoView({ block: "nearest", inline: "nearest" })
}
chart.addEventListener("pointerover", (event) => {
  const item = event.target.closest("[data-tip]")
  if (item) tell(item, false)
})
const inOrder = (track) => [...track.querySelectorAll("[data-tip]")].sort((a, b) => a.dataset.at - b.dataset.at)
chart.addEventListener("focusin", (event) => {
  const track = event.target.closest(".track")
  if (track && chosen?.closest(".track") !== track) tell(inOrder(track)[0], true)
})
chart.addEventListener("keydown", (event) => {
  const track = event.target.closest(".track")
  if (!track) return
  const items = inOrder(track), at = items.indexOf(chosen), tracks = [...chart.querySelectorAll(".track")]
  const go = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: items.length - 1 }[event.key]
  const row = { ArrowDown: 1, ArrowUp: -1 }[event.key]
  if (row) tracks[tracks.indexOf(track) + row]?.focus()
  else if (go !== undefined) tell(items[Math.max(0, Math.min(items.length - 1, go))], true)
  else return
  event.preventDefault()
})
const zoom = document.querySelector(".zoom input")
zoom.addEventListener("input", () => chart.style.setProperty("--zoom", zoom.value))
const rows = [...document.querySelectorAll("tbody tr")], count = document.querySelector(".tools output")
document.querySelector(".tools input").addEventListener("input", (event) => {
  const words = event.target.value.toLowerCase().split(" ").filter(Boolean)
  let shown = 0
  for (const row of rows) {
    const text = row.textContent.toLowerCase()
    row.hidden = !words.every((word) => text.includes(word))
    if (!row.hidden) shown += 1
  }
  count.textContent = shown + " entries"
})`
