/**
 * Bundles `src/main.ts` with all it imports into `dist/kubeffect.mjs`. The file appears whole or not at all, so that
 * several commands started at once in a fresh checkout do not run each other's half-written bundle.
 */
import { build } from "esbuild"
import { mkdirSync, readFileSync, renameSync, utimesSync } from "node:fs"
import { join } from "node:path"

const root = join(import.meta.dirname, "..")
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
const target = join(root, "dist/kubeffect.mjs")
const unfinished = `${target}.${process.pid}`

const begin = new Date()
mkdirSync(join(root, "dist"), { recursive: true })
await build({
  entryPoints: [join(root, "src/main.ts")],
  outfile: unfinished,
  bundle: true,
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
// As old as what went into it: a source that changed meanwhile makes the bundle stale.
utimesSync(unfinished, begin, begin)
renameSync(unfinished, target)
