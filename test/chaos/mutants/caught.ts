/** The runs that gave the mutants away, as the last hunt wrote them down. */
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import type { Catch } from "./Mutant.ts"
import { mutants } from "./mutants.ts"

const file = new URL("./caught.json", import.meta.url)

export const readCaught = (): Readonly<Record<string, Catch>> =>
  existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {}

export const writeCaught = (caught: Readonly<Record<string, Catch>>): void => {
  const ordered = mutants.flatMap(({ name }) => caught[name] === undefined ? [] : [[name, caught[name]]])
  writeFileSync(file, `${JSON.stringify(Object.fromEntries(ordered), undefined, 1)}\n`)
}
