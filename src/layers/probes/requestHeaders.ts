/** The headers of a probe's request (parity H4): what the pod's author gave, and the kubelet's for what they left open. */

export interface Header {
  readonly name: string
  readonly value: string
}

/** A header given replaces the default of its name, whatever its case; given empty, it removes it. */
export const requestHeaders = (
  given: ReadonlyArray<Header>,
  defaults: ReadonlyArray<Header>
): Readonly<Record<string, ReadonlyArray<string>>> => {
  const headers: Record<string, ReadonlyArray<string>> = {}
  const keyOf = (name: string): string | undefined =>
    Object.keys(headers).find((known) => known.toLowerCase() === name.toLowerCase())
  for (const { name, value } of given) {
    const key = keyOf(name) ?? name
    headers[key] = [...(headers[key] ?? []), value]
  }
  for (const { name, value } of defaults) headers[keyOf(name) ?? name] ??= [value]
  return Object.fromEntries(Object.entries(headers).filter(([, values]) => values.join("") !== ""))
}
