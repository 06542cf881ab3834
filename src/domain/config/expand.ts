/**
 * `$(NAME)` in commands, arguments, variables and paths: one pass from left to right, what was put in is never looked at
 * again, so nothing can recurse. `$$` is a literal `$`; an unknown name stays as it is written.
 */

export type Lookup = (name: string) => string | undefined

/** Replaces every reference that `lookup` knows. */
export const expand = (text: string, lookup: Lookup): string => {
  let out = ""
  let at = 0
  for (let dollar = text.indexOf("$"); dollar !== -1 && dollar + 1 < text.length; dollar = text.indexOf("$", at)) {
    out += text.slice(at, dollar)
    const close = text[dollar + 1] === "(" ? text.indexOf(")", dollar + 2) : -1
    if (close !== -1) {
      const name = text.slice(dollar + 2, close)
      out += lookup(name) ?? `$(${name})`
      at = close + 1
    } else {
      out += text[dollar + 1] === "$" ? "$" : text.slice(dollar, dollar + 2)
      at = dollar + 2
    }
  }
  return out + text.slice(at)
}

/** Replaces every reference, and names the first that is unknown. */
export const expandStrictly = (text: string, lookup: Lookup): { readonly text: string; readonly missing?: string } => {
  let missing: string | undefined
  const expanded = expand(text, (name) => {
    const value = lookup(name)
    if (value === undefined) missing ??= name
    return value
  })
  return missing === undefined ? { text: expanded } : { text: expanded, missing }
}
