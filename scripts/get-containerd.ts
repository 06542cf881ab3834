/**
 * Fetches a newer containerd from Debian beside the machine's own: `node scripts/get-containerd.ts sid` unpacks it under
 * `.cache/containerd/sid` and prints the folder of its binaries, for `KUBEFFECT_CONTAINERD`. Nothing is installed; runc
 * stays the system's, for a newer one wants a newer libc.
 */
import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"

const suite = process.argv[2] ?? "sid"
const folder = join(import.meta.dirname, "..", ".cache", "containerd", suite)
const binDir = join(folder, "usr", "bin")

/** apt with its state in a folder of its own, so that the machine's sources stay what they are. */
const fetchPackage = (work: string): string => {
  for (const part of ["lists/partial", "archives/partial", "dpkg"]) mkdirSync(join(work, part), { recursive: true })
  writeFileSync(join(work, "dpkg", "status"), "")
  writeFileSync(
    join(work, "sources.list"),
    `deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian ${suite} main\n`
  )
  const options = [
    `Dir::Etc::SourceList=${join(work, "sources.list")}`,
    "Dir::Etc::SourceParts=-",
    `Dir::State::Lists=${join(work, "lists")}`,
    `Dir::State::status=${join(work, "dpkg", "status")}`,
    `Dir::Cache=${work}`,
    "Acquire::Languages=none",
    "APT::Sandbox::User=root"
  ].flatMap((option) => ["-o", option])
  const apt = (...args: ReadonlyArray<string>) =>
    execFileSync("apt-get", [...options, "-q", ...args], { cwd: work, stdio: ["ignore", 2, "inherit"] })
  apt("update")
  apt("download", "containerd")
  const file = readdirSync(work).find((name) => name.startsWith("containerd_") && name.endsWith(".deb"))
  if (file === undefined) throw new Error(`apt fetched no containerd of ${suite}`)
  return join(work, file)
}

if (!existsSync(join(binDir, "containerd"))) {
  const work = `${folder}.work`
  rmSync(work, { recursive: true, force: true })
  mkdirSync(work, { recursive: true })
  execFileSync("dpkg", ["-x", fetchPackage(work), join(work, "unpacked")], { stdio: ["ignore", 2, "inherit"] })
  rmSync(folder, { recursive: true, force: true })
  renameSync(join(work, "unpacked"), folder)
  rmSync(work, { recursive: true })
}
process.stdout.write(`${binDir}\n`)
