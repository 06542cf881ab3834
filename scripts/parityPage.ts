/**
 * The page docs/parity.md: every behaviour of the checklist, and which tests prove it. A test proves an id by naming it in
 * its title (`"D11: …"`, `"E3, E7: …"`); what no test names needs a reason in docs/parity/notDone.tsv, and what is only
 * done in part has both.
 */
import { readdirSync, readFileSync } from "node:fs"
import { join, relative } from "node:path"

const root = join(import.meta.dirname, "..")

interface Item {
  readonly id: string
  readonly priority: string
  readonly name: string
}

const rowsOf = (file: string): ReadonlyArray<ReadonlyArray<string>> =>
  readFileSync(join(root, "docs/parity", file), "utf8").trimEnd().split("\n").map((line) => line.split("\t"))

const items: ReadonlyArray<Item> = rowsOf("ids.tsv").map(([id = "", priority = "", name = ""]) => ({
  id,
  priority,
  name
}))

/** Id to what is missing. */
const missing: ReadonlyMap<string, string> = new Map(
  rowsOf("notDone.tsv").map(([id = "", reason = ""]) => [id, reason])
)

interface Test {
  readonly file: string
  readonly title: string
  readonly ids: ReadonlyArray<string>
}

/** `D6`, `E3, E7`, `H1/H8`, `B7–B9`. */
const list = String.raw`[A-T]\d{1,2}(?:(?:, | and |\/|–)[A-T]\d{1,2})*`
/** A text that is the first argument of a call, in which ids and a colon stand at the begin or after another colon. */
const titled = new RegExp(String.raw`\(\s*(["'\x60])((?:[^"\n]*?: )?(${list}): (?:\\.|(?!\1)[^\n])*)\1`, "g")

const inRange = (text: string): ReadonlyArray<string> => {
  const [first = "", last] = text.split("–")
  const [begin, end] = [Number(first.slice(1)), Number((last ?? first).slice(1))]
  return Array.from({ length: end - begin + 1 }, (_, index) => `${first.slice(0, 1)}${begin + index}`)
}

const testsOf = (path: string): ReadonlyArray<Test> =>
  [...readFileSync(path, "utf8").matchAll(titled)].map(([, , title = "", ids = ""]) => ({
    file: relative(root, path),
    title: title.replaceAll("\\\"", "\""),
    ids: ids.split(/, | and |\//).flatMap(inRange)
  }))

const tests: ReadonlyArray<Test> = readdirSync(join(root, "test"), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
  .map((entry) => join(entry.parentPath, entry.name))
  .sort()
  .flatMap(testsOf)

const testsFor = (id: string) => tests.filter(({ ids }) => ids.includes(id))

const known = new Set(items.map(({ id }) => id))

/** What keeps the page from being true. */
export const parityProblems: ReadonlyArray<string> = [
  ...items.flatMap(({ id }) =>
    testsFor(id).length === 0 && !missing.has(id)
      ? [`${id}: no test names it in its title; name it there or give the reason in docs/parity/notDone.tsv`]
      : []
  ),
  ...[...missing.keys()].filter((id) => !known.has(id)).map((id) => `notDone.tsv: there is no ${id} in ids.tsv`),
  ...[...missing].filter(([, reason]) => reason === "").map(([id]) => `notDone.tsv: ${id} has no reason`),
  ...tests.flatMap(({ file, ids, title }) =>
    ids.filter((id) => !known.has(id)).map((id) => `${file}: "${title}" names ${id}, which is not in ids.tsv`)
  )
]

const sections: Readonly<Record<string, string>> = {
  A: "Configuration, credentials, process",
  B: "Node object",
  C: "Pod sources, admission, pod workers",
  D: "Sandboxes and containers",
  E: "Environment, DNS, security context",
  F: "Status",
  G: "Runtime events, collectors, logs",
  H: "Probes",
  I: "Volumes",
  J: "CSI and plugin registration",
  K: "Networking",
  L: "Resource management",
  M: "Eviction",
  N: "Images",
  O: "HTTP server",
  T: "Events, metrics, traces, logs",
  Q: "Version skew"
}

const escaped = (text: string): string => text.replaceAll("|", "\\|").replaceAll("<", "&lt;")

/** Enough to find them: a file once, with how many of its tests name the id and the first of them. */
const cited = (found: ReadonlyArray<Test>): string => {
  const files = [...new Set(found.map(({ file }) => file))]
  return files.map((file) => {
    const [first, ...more] = found.filter((test) => test.file === file)
    const title = escaped(first?.title ?? "")
    const others = more.length === 0 ? "" : ` and ${more.length} more`
    return `${title}${others} ([${file.replace(/^test\//, "")}](../${file}))`
  }).join("<br>")
}

const stateOf = (id: string): string => {
  const found = testsFor(id)
  const reason = missing.get(id)
  return found.length === 0 ? "not done" : reason === undefined ? "tested" : "in part"
}

const row = ({ id, name, priority }: Item): string => {
  const reason = missing.get(id)
  const parts = [...reason === undefined ? [] : [`not done: ${escaped(reason)}`], cited(testsFor(id))]
  return `| ${id} | ${priority} | ${escaped(name)} | ${stateOf(id)} | ${parts.filter((it) => it !== "").join("<br>")} |`
}

const count = (state: string, priority: string): number =>
  items.filter((item) => item.priority === priority && stateOf(item.id) === state).length

const tally = ["P0", "P1", "P2"].map((priority) =>
  `| ${priority} | ${["tested", "in part", "not done"].map((state) => count(state, priority)).join(" | ")} |`
)

const section = ([letter, title]: readonly [string, string]): string =>
  [
    `## ${letter}. ${title}`,
    "",
    "| id | priority | behaviour | state | tests, or what is missing |",
    "|-|-|-|-|-|",
    ...items.filter(({ id }) => id.startsWith(letter)).map(row)
  ].join("\n")

/** The page as it should be. */
export const parityPage: string = [
  "# Parity with the Go kubelet",
  "",
  "Every behaviour of the kubelet of Kubernetes 1.36 that this agent is measured by, and where it is proven. Made by",
  "`npm run docs` from `docs/parity/ids.tsv`, the titles of the tests and `docs/parity/notDone.tsv`; a test fails when it",
  "is not current. *tested*: tests name it. *in part*: tests name it, and something of it is not done. P0: a pod cannot",
  "run right without it; P1: users expect it; P2: advanced.",
  "",
  "| | tested | in part | not done |",
  "|-|-|-|-|",
  ...tally,
  "",
  Object.entries(sections).map(section).join("\n\n"),
  ""
].join("\n")
