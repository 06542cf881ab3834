/**
 * The rules of the repository that are about the text of its files: who imports whom, what pure code may not call, how a
 * file begins. A failure lists `file:line: what to do about it`.
 */
import { assert, describe, it } from "@effect/vitest"
import { readdirSync, readFileSync } from "node:fs"
import { join, relative } from "node:path"
import { missingFromLock } from "../scripts/lockCheck.ts"

const root = join(import.meta.dirname, "..")

const filesBelow = (folder: string): ReadonlyArray<string> =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort()

interface SourceFile {
  readonly path: string
  readonly text: string
  readonly lines: ReadonlyArray<string>
}

const read = (path: string): SourceFile => {
  const text = readFileSync(join(root, path), "utf8")
  return { path, text, lines: text.split("\n") }
}

const sources = filesBelow("src").filter((path) => !path.startsWith("src/gen/")).map(read)
const tests = filesBelow("test").map(read)
const pure = sources.filter(({ path }) => path.startsWith("src/domain/") || path.startsWith("src/programs/"))

interface Import {
  readonly line: number
  readonly names: string
  /** A path from the root for files of the project, the name of a package otherwise. */
  readonly target: string
}

const importsOf = ({ path, text }: SourceFile): ReadonlyArray<Import> =>
  [...text.matchAll(/^(import|export)\b([^"';]*?)\bfrom\s+"([^"]+)"|^import\s+"([^"]+)"/gm)].map((match) => {
    const name = match[3] ?? match[4] ?? ""
    return {
      line: text.slice(0, match.index).split("\n").length,
      names: match[2] ?? "",
      target: name.startsWith(".") ? join(path, "..", name) : name
    }
  })

const zoneOf = (target: string): string =>
  /^src\/(domain|programs|layers|cli|gen)\//.exec(target)?.[1] ?? (target.startsWith("src/") ? "root" : "package")

const subsystemOf = (path: string): string | undefined => /^src\/layers\/([^/]+)\//.exec(path)?.[1]

const isImplementation = (path: string): boolean =>
  /^src\/layers\/[^/]+\/(live|memory|sim)\//.test(path) || /^src\/layers\/[^/]+\/\w+(Live|Memory|Sim)\.ts$/.test(path)

/** A file that names a service: in Pascal case, right in its subsystem's folder. */
const isService = (path: string): boolean => /^src\/layers\/[^/]+\/[A-Z]\w*\.ts$/.test(path) && !isImplementation(path)

/** What of `effect` has no service, clock or I/O in it. */
const pureEffect = new Set([
  ..."Array BigDecimal Brand Cause Chunk Data Duration Effect Encoding Equal Equivalence Exit Function HashMap HashSet"
    .split(" "),
  ..."Iterable Match Number Option Order Pipeable Predicate Record Redacted Result Schema SchemaGetter".split(" "),
  ..."SchemaIssue SchemaTransformation String Struct Tuple pipe flow identity".split(" ")
])

const impureNames = ({ names }: Import): ReadonlyArray<string> =>
  [...names.replace(/^\s*type\b/, "").matchAll(/(?:type\s+)?([A-Za-z]\w*)(?:\s+as\s+\w+)?/g)]
    .map((match) => match[1] ?? "")
    .filter((name) => !["type", "as"].includes(name) && !pureEffect.has(name))

/** What is wrong with one import, as the thing to do. */
const importProblem = (path: string, found: Import): string | undefined => {
  const zone = zoneOf(path)
  const to = zoneOf(found.target)
  const ofPackage = to === "package"
  if (zone === "domain") {
    // The protobuf runtime makes plain messages of plain data.
    const purePackage = found.target === "effect" || /^effect\/encoding\b|^@bufbuild\/protobuf$/.test(found.target)
    if (ofPackage && !purePackage) return `domain is pure: take what ${found.target} gives as an argument`
    if (found.target === "effect" && impureNames(found).length > 0) {
      return `domain is pure: no ${impureNames(found).join(", ")} of effect`
    }
    if (!ofPackage && to !== "domain" && to !== "gen") return `domain imports only domain and gen, not ${found.target}`
  }
  if (zone === "programs") {
    if (ofPackage && !/^effect(\/|$)/.test(found.target)) return `programs reach ${found.target} through a service`
    if (to === "layers" && !isService(found.target)) {
      return `programs import service files of layers, not ${found.target}`
    }
    if (to === "cli" || to === "root") return `programs do not know who runs them: ${found.target}`
  }
  if (zone === "layers") {
    if (to === "cli" || to === "root") return `layers do not know who puts them together: ${found.target}`
    if (to === "programs") return `layers do not know the programs: move what is shared to domain, not ${found.target}`
    if (subsystemOf(path) !== subsystemOf(found.target) && isImplementation(found.target)) {
      return `only src/cli and tests choose implementations: import the service, not ${found.target}`
    }
  }
  return undefined
}

const none = (problems: ReadonlyArray<string>) => assert.strictEqual(problems.length, 0, `\n${problems.join("\n")}\n`)

/** `file:line: fix` for every line of code that matches. Comments are prose, not code. */
const matches = (files: ReadonlyArray<SourceFile>, pattern: RegExp, fix: string): ReadonlyArray<string> =>
  files.flatMap(({ lines, path }) =>
    lines.flatMap((line, index) =>
      /^\s*(\*|\/\/|\/\*)/.test(line) || !pattern.test(line.replace(/"(?:[^"\\]|\\.)*"/g, "\"\""))
        ? []
        : [`${path}:${index + 1}: ${fix}`]
    )
  )

describe("tidy", () => {
  it("imports follow the architecture", () =>
    none(sources.flatMap((file) =>
      importsOf(file).flatMap((found) => {
        const problem = importProblem(file.path, found)
        return problem === undefined ? [] : [`${file.path}:${found.line}: ${problem}`]
      })
    )))

  it("the only barrel is src/index.ts", () =>
    none(sources.flatMap(({ path, text }) => {
      if (path === "src/index.ts") return []
      const own = text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "")
        .replace(/^(import|export)\b[^"';]*?\bfrom\s+"[^"]+"|^import\s+"[^"]+"/gm, "")
      const passesAllOn = /^export \* from/m.test(text)
      return own.trim() === "" || passesAllOn ? [`${path}:1: let readers import from where things are`] : []
    })))

  it.each([
    { pattern: /\bDate\.now\(|\bnew Date\(\)/, fix: "take the time from Clock, or as an argument" },
    { pattern: /\bMath\.random\(/, fix: "take random numbers from Random, or as an argument" },
    { pattern: /\bset(Timeout|Interval|Immediate)\(/, fix: "use Effect.sleep or a Schedule" },
    { pattern: /\basync (function|\(|\w+ =>)|(?<![.\w])await [\w(]/, fix: "use Effect.gen" },
    { pattern: /\btry \{/, fix: "use Effect.try or a Result" },
    { pattern: /\bprocess\./, fix: "take it from a service or as an argument" },
    { pattern: /\bconsole\./, fix: "use Effect.log" }
  ])("domain and programs do not use $pattern", ({ fix, pattern }) => none(matches(pure, pattern, fix)))

  it("a file begins with what it owns and promises", () =>
    none(
      sources.flatMap(({ path, text }) => text.startsWith("/**") ? [] : [`${path}:1: say in 1–3 sentences what it is`])
    ))

  it("nothing is left for later", () =>
    none(
      [...sources, ...tests].flatMap(({ lines, path }) =>
        path === "test/tidy.test.ts" ?
          [] :
          lines.flatMap((line, index) =>
            /\b(TODO|FIXME|XXX|HACK)\b/.test(line) ? [`${path}:${index + 1}: do it, or make an issue of it`] : []
          )
      )
    ))

  it("names say what a file is about", () =>
    none(
      [...sources, ...tests].flatMap(({ path }) =>
        /\/(utils?|helpers?|common|types|misc|\w*[mM]anager)(\.test)?\.ts$/.test(path)
          ? [`${path}: name it after the one idea in it`]
          : []
      )
    ))

  it("no test is skipped, alone, or for later", () =>
    none(
      matches(
        tests.filter(({ path }) => path !== "test/tidy.test.ts"),
        /\b(it|test|describe)(\.\w+)*\.(skip|only|todo|fails)\b/,
        "make it run, or remove it"
      )
    ))

  it("no check of the compiler is switched off", () =>
    none(
      [...sources, ...tests].flatMap(({ lines, path }) =>
        path === "test/tidy.test.ts" ?
          [] :
          lines.flatMap((line, index) =>
            /@ts-(ignore|nocheck|expect-error)/.test(line) ? [`${path}:${index + 1}: give the value its type`] : []
          )
      )
    ))

  it("package-lock.json is complete for every platform", () =>
    none(
      missingFromLock(JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")))
        .map(({ name }) => `package-lock.json: run "npm run lock", it leaves out ${name}`)
    ))

  it("tests mirror the sources", () =>
    none(tests.flatMap(({ path }) => {
      const folder = /^test\/(domain|programs|layers|cli)\/(.+)\/[^/]+$/.exec(path)
      if (folder === null) return []
      const mirrored = `src/${folder[1]}/${folder[2]}/`
      const mirrors = ({ path }: SourceFile) =>
        path.startsWith(mirrored) || `${path.slice(0, -".ts".length)}/` === mirrored
      return sources.some(mirrors) ? [] : [`${path}: there is no ${mirrored}`]
    })))
})
