/** Metrics as Prometheus reads them: the text exposition format, version 0.0.4. */

export interface Sample {
  /** After the family's name: `_bucket`, `_sum`, `_count`. */
  readonly suffix?: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number | bigint
  /** When it was measured, where that is not now. */
  readonly atMs?: number
}

export interface Family {
  readonly name: string
  readonly help: string
  readonly type: "counter" | "gauge" | "histogram" | "summary" | "untyped"
  readonly samples: ReadonlyArray<Sample>
}

export const contentType = "text/plain; version=0.0.4; charset=utf-8"

/** Families in the order of their names; those without a sample are left out. */
export const renderFamilies = (families: ReadonlyArray<Family>): string => {
  const lines: Array<string> = []
  for (const family of [...families].sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0)) {
    if (family.samples.length === 0) {
      continue
    }
    lines.push(`# HELP ${family.name} ${escapeHelp(family.help)}`, `# TYPE ${family.name} ${family.type}`)
    for (const { atMs, labels, suffix = "", value } of family.samples) {
      const time = atMs === undefined ? "" : ` ${Math.round(atMs)}`
      lines.push(`${family.name}${suffix}${renderLabels(labels)} ${renderValue(value)}${time}`)
    }
  }
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`
}

const escapeHelp = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")

const escapeLabel = (text: string): string => escapeHelp(text).replaceAll("\"", "\\\"")

const renderLabels = (labels: Readonly<Record<string, string>>): string => {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`)
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`
}

const renderValue = (value: number | bigint): string =>
  value === Infinity ? "+Inf" : value === -Infinity ? "-Inf" : String(value)

/** A family of one gauge or counter without labels. */
export const single = (name: string, type: "counter" | "gauge", help: string, value: number): Family => ({
  name,
  help,
  type,
  samples: [{ labels: {}, value }]
})
