/** Which differences the table explains, and which of its rows explain nothing. */
import type { Difference } from "./compare/compare.ts"
import type { Explanation } from "./differences.ts"

const explains = (explanation: Explanation, difference: Difference): boolean =>
  (explanation.cases === "all" || explanation.cases.includes(difference.case)) &&
  explanation.aspects.includes(difference.aspect) &&
  explanation.matches.test(difference.text)

/** Those of one runtime: `containerd` as in `2.1.9`. */
export const explanationsFor = (table: ReadonlyArray<Explanation>, containerd: string): ReadonlyArray<Explanation> =>
  table.filter((row) => row.containerd === undefined || containerd.replace(/^v/, "").startsWith(`${row.containerd}.`))

export const unexplained = (
  table: ReadonlyArray<Explanation>,
  differences: ReadonlyArray<Difference>
): ReadonlyArray<Difference> =>
  differences.filter((difference) => !table.some((explanation) => explains(explanation, difference)))

/** Rows for something that does not differ any more. */
export const idle = (
  table: ReadonlyArray<Explanation>,
  differences: ReadonlyArray<Difference>
): ReadonlyArray<string> =>
  table
    .filter((row) => row.sometimes !== true && !differences.some((difference) => explains(row, difference)))
    .map(({ what }) => what)
