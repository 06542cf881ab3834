/**
 * Bundles `src/main.ts` with all it imports into `dist/kubeffect.mjs` and `dist/chunks`: what only some commands need is
 * in files of its own, so that the daemon keeps none of it in memory. Each file appears whole or not at all and the entry
 * last, so that several commands started at once in a fresh checkout do not run each other's half-written bundle.
 */
import { build, type Plugin } from "esbuild"
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs"
import { basename, join } from "node:path"

const root = join(import.meta.dirname, "..")
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
const outdir = join(root, "dist")
const chunks = join(outdir, "chunks")
const entry = join(outdir, "kubeffect.mjs")
/** Chunks of earlier bundles stay for as long: a command that runs may still come to need them. */
const staleMs = 24 * 3600 * 1000

/**
 * `import` of `node:http` reads all that it exports, and its WebSocket brings in a whole HTTP client of 12 MB that nothing
 * here uses. As a CommonJS module it is read name by name.
 */
const namesOfHttp: Plugin = {
  name: "node:http by name",
  setup: ({ onLoad, onResolve }) => {
    onResolve(
      { filter: /^node:http$/ },
      ({ kind }) => kind === "import-statement" ? { path: "http", namespace: "by-name" } : undefined
    )
    onLoad({ filter: /./, namespace: "by-name" }, () => ({
      contents: "module.exports = process.getBuiltinModule(\"node:http\")"
    }))
  }
}

const begin = new Date()
mkdirSync(chunks, { recursive: true })
const { outputFiles } = await build({
  entryPoints: { kubeffect: join(root, "src/main.ts") },
  outdir,
  outExtension: { ".js": ".mjs" },
  chunkNames: "chunks/[name]-[hash]",
  splitting: true,
  write: false,
  bundle: true,
  plugins: [namesOfHttp],
  platform: "node",
  target: "node24",
  format: "esm",
  // Without blanks and comments the source is half as long and plain ASCII, which V8 keeps at one byte a letter. Names
  // stay, and lines stay short, for the sake of stack traces.
  minifySyntax: true,
  minifyWhitespace: true,
  lineLimit: 160,
  legalComments: "none",
  logLevel: "warning",
  define: { KUBEFFECT_VERSION: JSON.stringify(version) },
  // Some npm packages are CommonJS and call `require` for Node's own modules.
  banner: {
    js:
      "import { createRequire as __createRequire } from \"node:module\";const require = __createRequire(import.meta.url);"
  }
})

const put = (path: string, contents: Uint8Array) => {
  writeFileSync(`${path}.${process.pid}`, contents)
  // As old as what went into it: a source that changed meanwhile makes the bundle stale.
  utimesSync(`${path}.${process.pid}`, begin, begin)
  renameSync(`${path}.${process.pid}`, path)
}

// The name of a chunk is a hash of what is in it; putting it again only says that it is in use.
for (const { contents, path } of outputFiles.toSorted((a, b) => Number(a.path === entry) - Number(b.path === entry))) {
  put(path, contents)
}
const fresh = new Set(outputFiles.map(({ path }) => basename(path)))
for (const name of readdirSync(chunks)) {
  const path = join(chunks, name)
  if (!fresh.has(name) && begin.getTime() - statSync(path).mtimeMs > staleMs) rmSync(path)
}
