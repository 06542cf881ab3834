/** Splits shell text into words and operators, quotes undone. */

export type Token =
  | { readonly kind: "word"; readonly text: string; readonly quoted: boolean }
  | { readonly kind: "operator"; readonly text: string }

/** Longest first, so that `&&` is not two `&`. */
const operators = ["2>&1", ">>", ">&2", "1>&2", "2>", "&&", "||", ";", "\n", "&", ">", "<", "|", "(", ")"]

/** Undefined for text that this shell does not understand: substitutions, here-documents, open quotes. */
export const tokenize = (text: string): ReadonlyArray<Token> | undefined => {
  const tokens: Array<Token> = []
  let word: string | undefined
  let quoted = false
  const flush = () => {
    if (word !== undefined) tokens.push({ kind: "word", text: word, quoted })
    word = undefined
    quoted = false
  }
  for (let i = 0; i < text.length;) {
    const char = text.charAt(i)
    if (char === "'" || char === "\"") {
      const end = text.indexOf(char, i + 1)
      if (end < 0) return undefined
      const inner = text.slice(i + 1, end)
      if (char === "\"" && /[`\\]|\$\(/.test(inner)) return undefined
      // What single quotes hold is never expanded.
      word = (word ?? "") + (char === "'" ? inner.replaceAll("$", "\u0000") : inner)
      quoted = true
      i = end + 1
      continue
    }
    if (char === "\\") {
      word = (word ?? "") + text.charAt(i + 1)
      i += 2
      continue
    }
    if (char === "#" && word === undefined) {
      const end = text.indexOf("\n", i)
      i = end < 0 ? text.length : end
      continue
    }
    if (text.startsWith("$(seq ", i)) {
      const end = text.indexOf(")", i)
      if (end < 0) return undefined
      word = (word ?? "") + text.slice(i, end + 1)
      i = end + 1
      continue
    }
    if (char === "`" || text.startsWith("$(", i) || text.startsWith("<<", i)) return undefined
    const operator = operators.find((each) => text.startsWith(each, i) && (!/^\d/.test(each) || word === undefined))
    if (operator !== undefined) {
      flush()
      tokens.push({ kind: "operator", text: operator })
      i += operator.length
      continue
    }
    if (char === " " || char === "\t") flush()
    else word = (word ?? "") + char
    i += 1
  }
  flush()
  return tokens
}

/** `$(seq 3)` as its numbers; undefined for another word. */
export const sequence = (word: string): ReadonlyArray<string> | undefined => {
  const match = /^\$\(seq (\d{1,4})(?: (\d{1,4}))?\)$/.exec(word)
  if (match === null) return undefined
  const [, first = "0", second] = match
  const [from, to] = second === undefined ? [1, Number(first)] : [Number(first), Number(second)]
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => String(from + i))
}
