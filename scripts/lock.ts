/**
 * Completes package-lock.json: npm leaves out optional packages (the binaries of other platforms) that it could not fetch
 * where it ran, and `npm ci` then refuses the file everywhere. They are entered by name, version and platform, so that
 * each platform fetches its own. Run it after `npm install`.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { missingFromLock } from "./lockCheck.ts"

const file = join(import.meta.dirname, "../package-lock.json")
const lock = JSON.parse(readFileSync(file, "utf8"))

const systems: ReadonlyArray<string> = [
  "aix",
  "android",
  "darwin",
  "freebsd",
  "linux",
  "netbsd",
  "openbsd",
  "openharmony",
  "sunos",
  "win32"
]
const processors: ReadonlyArray<string> = [
  "arm64",
  "arm",
  "ia32",
  "loong64",
  "mips64el",
  "ppc64",
  "riscv64",
  "s390x",
  "x64"
]

const missing = missingFromLock(lock)
for (const { name, version } of missing) {
  const words = name.split(/[/-]/)
  const os = words.find((word) => systems.includes(word))
  // `linux-arm64-glibc`, `linux-arm-gnueabihf`, `linux-armv7`
  const cpu = words.map((word) => word.replace(/^armv\d$/, "arm").replace("aarch64", "arm64")).find((word) =>
    processors.includes(word)
  )
  if (os === undefined || cpu === undefined) throw new Error(`${name} is for no platform that its name tells`)
  lock.packages[`node_modules/${name}`] = { version, cpu: [cpu], dev: true, optional: true, os: [os] }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => a < b ? -1 : 1))
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
console.log(`${missing.length} packages of other platforms entered`)
