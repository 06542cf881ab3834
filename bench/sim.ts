/**
 * The figures of the simulation, each measured in a process of its own: `npm run bench:sim`, or `npm run bench:sim -- day
 * repeat --seeds 1000` for some of them. `big` takes 20 GiB and is only run when it is asked for.
 */
import { execFile } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { cpus, loadavg, tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs, promisify } from "node:util"

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { seeds: { type: "string", default: "60" }, seconds: { type: "string", default: "600" } }
})
const seeds = Number(values.seeds)
const seconds = Number(values.seconds)
const cores = cpus().length
const scratch = mkdtempSync(join(tmpdir(), "kubeffect-sim-"))

interface Child {
  readonly script: "worlds" | "seeds" | "cluster"
  readonly args: ReadonlyArray<string>
  readonly flags?: ReadonlyArray<string>
  /** The core to stay on. */
  readonly core?: number
}

const run = async ({ args, core, flags = [], script }: Child): Promise<string> => {
  const node = [process.execPath, "--disable-warning=ExperimentalWarning", ...flags]
  const line = [...node, join(import.meta.dirname, "sim", `${script}.ts`), ...args]
  const [command = "", ...rest] = core === undefined ? line : ["taskset", "-c", String(core), ...line]
  const { stdout } = await promisify(execFile)(command, rest, { maxBuffer: 2 ** 26 })
  return stdout.trim()
}

/** Where memory counts: the heap grows by a fifth of what is needed before it is collected again, not by all of it. */
const growth = "--heap-growing-percent=20"
const lean = ["--max-semi-space-size=16", growth]
/**
 * Where time counts and not memory: room for what all nodes take in seconds, of which little is still needed when it is
 * full.
 */
const roomy = (mib: number) => [`--min-semi-space-size=${mib}`, `--max-semi-space-size=${mib}`]
/** With little to collect: helpers would only stand in the way of the thread that runs. */
const alone = [...roomy(256), "--single-threaded-gc"]

interface WorldSize {
  readonly nodes: number
  readonly pods: number
  readonly minutes: number
  readonly kind: "probed" | "plain"
}

const world = ({ kind, minutes, nodes, pods }: WorldSize, heapMiB: number, collector: ReadonlyArray<string>) =>
  run({
    script: "worlds",
    args: [String(nodes), String(pods), String(minutes), kind],
    flags: [`--max-old-space-size=${heapMiB}`, ...collector]
  })

/** What the kernel is asked for while a figure is measured, where there is such a setting and one may ask. */
interface Wish {
  readonly setting: string
  readonly value: string
  /** What is set, by what the file says. */
  readonly current: (text: string) => string | undefined
}

const pages = "/sys/kernel/mm/transparent_hugepage"
/** The kernel names all that it knows and marks the one it has. */
const marked = (text: string) => /\[(\w+)\]/.exec(text)?.[1]

/**
 * Larger pages for whoever wants them: a fifth of the time of a heap of gigabytes goes into finding its pages of 4 KiB.
 * V8 maps its heap in pieces of 256 KiB, which kernels from 6.8 on have pages for; older ones have only those of 2 MiB,
 * which few pieces happen to lie together for.
 */
const largePages: ReadonlyArray<Wish> = [
  { setting: `${pages}/enabled`, value: "always", current: marked },
  { setting: `${pages}/hugepages-256kB/enabled`, value: "always", current: marked }
]

/** V8 maps its heap in pieces of 256 KiB, and the kernel allows for 65,530: a heap of 16 GiB ends with `bad_alloc`. */
const manyMaps: Wish = {
  setting: "/proc/sys/vm/max_map_count",
  value: "1048576",
  current: (text) => text.trim()
}

const granted = async ({ current, setting, value }: Wish, measure: () => Promise<string>): Promise<string> => {
  const before = existsSync(setting) ? current(readFileSync(setting, "utf8")) : undefined
  if (before === undefined || process.getuid?.() !== 0) return `${await measure()} (${setting}: ${before ?? "none"})`
  const restore = () => writeFileSync(setting, before)
  process.once("exit", restore)
  writeFileSync(setting, value)
  try {
    return `${await measure()} (${setting}: ${value})`
  } finally {
    restore()
    process.off("exit", restore)
  }
}

const allGranted = (wishes: ReadonlyArray<Wish>, measure: () => Promise<string>): Promise<string> =>
  wishes.reduceRight((inner, wish) => () => granted(wish, inner), measure)()

// An interrupted run ends as any other: what it has set is set back.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1))

const sweep = (wish: object, core?: number) =>
  run({ script: "seeds", args: [JSON.stringify(wish)], ...(core === undefined ? {} : { core }) })

/** The same seeds in two processes, each on another core: how many have equal traces. */
const repeat = async (): Promise<string> => {
  const hashes = await Promise.all([0, 1].map(async (turn) => {
    const file = join(scratch, `hashes-${turn}`)
    await sweep({ from: 1, count: seeds, workers: 1, hashes: file }, turn % cores)
    return readFileSync(file, "utf8").trim().split("\n")
  }))
  const equal = hashes[0]?.filter((line, index) => line === hashes[1]?.[index]).length ?? 0
  return JSON.stringify({ seeds: `1..${seeds}`, equal, of: seeds })
}

const figures: Readonly<Record<string, { readonly wanted: string; readonly measure: () => Promise<string> }>> = {
  seeds: {
    wanted: "10,000 an hour: one node, 30 pods, ten minutes of faults",
    measure: () => sweep({ from: 1, count: seeds, seconds, workers: cores })
  },
  repeat: { wanted: "equal hashes in another process on another core", measure: repeat },
  clean: {
    wanted: "no false alarm without faults",
    measure: () => sweep({ from: 1, count: seeds * 10, seconds, workers: cores, pods: 6, minutes: 2, faultsMax: 0 })
  },
  day: {
    wanted: "10,000:1 for one node with 30 probed pods over 24 hours",
    measure: () => world({ nodes: 1, pods: 30, minutes: 24 * 60, kind: "probed" }, 1024, alone)
  },
  hour: {
    wanted: "20:1 for 1,000 nodes with 10 probed pods each over an hour",
    measure: () =>
      allGranted(
        largePages,
        // The program's own code in pages of 2 MiB, too.
        () =>
          world({ nodes: 1000, pods: 10, minutes: 60, kind: "probed" }, 6144, [
            ...roomy(512),
            "--use-largepages=silent"
          ])
      )
  },
  scale: {
    wanted: "4 GiB for 1,000 nodes with 30 pods each",
    measure: () => world({ nodes: 1000, pods: 30, minutes: 1, kind: "plain" }, 3584, lean)
  },
  cluster: {
    wanted: "no node silent for 40 s when one of two processes that share 2,000 is killed",
    measure: () => run({ script: "cluster", args: ["2000"] })
  },
  big: {
    wanted: "20 GiB for 5,000 nodes with 30 pods each",
    measure: () =>
      granted(
        manyMaps,
        () => world({ nodes: 5000, pods: 30, minutes: 1, kind: "plain" }, 18_432, [...roomy(64), growth])
      )
  }
}

const asked = positionals.length > 0 ? positionals : Object.keys(figures).filter((name) => name !== "big")
try {
  for (const name of asked) {
    const figure = figures[name]
    if (figure === undefined) throw new Error(`no figure ${name}; there are ${Object.keys(figures).join(", ")}`)
    const load = loadavg()[0]?.toFixed(1)
    console.log(`${name} (wanted: ${figure.wanted}; load before: ${load} on ${cores} cores)`)
    console.log(`  ${await figure.measure()}`)
  }
} finally {
  rmSync(scratch, { recursive: true })
}
