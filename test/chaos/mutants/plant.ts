/**
 * Plants a mutant: loads the agent once more with some lines of it replaced, beside the one that is as it should be. The
 * product knows nothing of it: the loader of modules hands over other text for the files that the mutant names.
 */
import { readFileSync } from "node:fs"
import { registerHooks, stripTypeScriptTypes } from "node:module"
import { fileURLToPath } from "node:url"
import type { ChaosOptions, ChaosResult } from "../../../src/testing/chaosRun.ts"
import type { Mutant } from "./Mutant.ts"

const src = new URL("../../../src/", import.meta.url).href
/** Generated vocabulary is the same in all of them. */
const shared = `${src}gen/`

const planted = new Map<string, Mutant>()
const stripped = new Map<string, string>()

const nameIn = (url: string | undefined): string | undefined =>
  url === undefined ? undefined : new URL(url).searchParams.get("mutant") ?? undefined

const original = (url: string): string => {
  const known = stripped.get(url)
  if (known !== undefined) return known
  const text = stripTypeScriptTypes(readFileSync(fileURLToPath(url), "utf8"))
  stripped.set(url, text)
  return text
}

/** The text of a file with the mutant's lines in it. They must be there once, or the mutant would be no mutant. */
export const mutated = (mutant: Mutant, file: string, text: string): string => {
  let whole = text
  for (const patch of mutant.patches) {
    if (patch.file !== file) continue
    const found = whole.split(patch.find).length - 1
    if (found !== 1) throw new Error(`${mutant.name}: ${file} has ${found} times: ${patch.find}`)
    whole = whole.replace(patch.find, () => patch.replace)
  }
  return whole
}

registerHooks({
  resolve: (specifier, context, next) => {
    const resolved = next(specifier, context)
    const name = nameIn(context.parentURL)
    if (name === undefined || !resolved.url.startsWith(src) || resolved.url.startsWith(shared)) return resolved
    return { ...resolved, url: `${resolved.url}?mutant=${name}` }
  },
  load: (url, context, next) => {
    const mutant = planted.get(nameIn(url) ?? "")
    if (mutant === undefined) return next(url, context)
    const plain = url.slice(0, url.indexOf("?"))
    const file = plain.slice(src.length)
    if (!mutant.patches.some((patch) => patch.file === file)) {
      return { format: "module", source: original(plain), shortCircuit: true }
    }
    const text = mutated(mutant, file, readFileSync(fileURLToPath(plain), "utf8"))
    return { format: "module", source: stripTypeScriptTypes(text), shortCircuit: true }
  }
})

/** The chaos runs of an agent that has the mutant in it. */
export const plant = (mutant: Mutant): Promise<{ readonly runChaos: (options: ChaosOptions) => ChaosResult }> => {
  planted.set(mutant.name, mutant)
  return import(`${src}testing/chaosRun.ts?mutant=${mutant.name}`)
}
