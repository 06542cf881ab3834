/** What an examination of the pods' network found, and how it is told. */

export interface Finding {
  /** `bad`: pods will not get a network, or not the one they should. `note`: worth knowing. */
  readonly state: "good" | "bad" | "note"
  readonly what: string
  /** What to do about it; only where something can be done. */
  readonly advice?: string
}

export const good = (what: string): Finding => ({ state: "good", what })
export const note = (what: string): Finding => ({ state: "note", what })
export const bad = (what: string, advice?: string): Finding => ({
  state: "bad",
  what,
  ...(advice === undefined ? {} : { advice })
})

const signs = { good: "ok  ", bad: "BAD ", note: "note" } as const

/** A line for each, and one that sums them up. */
export const findingsText = (findings: ReadonlyArray<Finding>): string => {
  const lines = findings.flatMap(({ advice, state, what }) => [
    `${signs[state]} ${what}`,
    ...(advice === undefined ? [] : [`     → ${advice}`])
  ])
  const wrong = findings.filter(({ state }) => state === "bad").length
  const sum = wrong === 0 ? "The pod network stands." : `The pod network does not stand: ${wrong} to mend.`
  return [...lines, "", sum].join("\n")
}
