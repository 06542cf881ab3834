/** Text the way Go prints it, where other programs compare or parse it: `encoding/json` and the `%q` verb. */

/** JSON in the given key order, absent values left out, with the characters escaped that Go escapes for HTML. */
export const goJson = (value: unknown): string =>
  JSON.stringify(value)
    .replaceAll("<", "\\u003c")
    .replaceAll(">", "\\u003e")
    .replaceAll("&", "\\u0026")
    .replaceAll("\u2028", "\\u2028")
    .replaceAll("\u2029", "\\u2029")

const named: Readonly<Record<string, string>> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  "\\": "\\\\",
  "\"": "\\\""
}

const quoted = (char: string): string => {
  const known = named[char]
  if (known !== undefined) return known
  const code = char.codePointAt(0) ?? 0
  if (char === " " || /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u.test(char)) return char
  if (code < 0x80) return `\\x${code.toString(16).padStart(2, "0")}`
  return code > 0xffff ? `\\U${code.toString(16).padStart(8, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`
}

/** A double-quoted string literal of Go. */
export const goQuote = (text: string): string => `"${[...text].map(quoted).join("")}"`
