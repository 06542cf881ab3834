/** The containerd process: started, started again after a crash, killed. */
import { Effect } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { open } from "node:fs/promises"
import { join } from "node:path"
import { onFiles } from "./command.ts"
import type { ContainerdError } from "./ContainerdError.ts"

export interface DaemonOptions {
  readonly binDir: string
  readonly config: string
  readonly logFile: string
}

export interface Daemon {
  readonly start: Effect.Effect<void, ContainerdError>
  /** With SIGKILL, as a crash would; returns when it is gone. Shims and containers go on. */
  readonly kill: Effect.Effect<void>
  readonly isRunning: () => boolean
  readonly pid: () => number
}

export const makeDaemon = (options: DaemonOptions): Effect.Effect<Daemon> =>
  Effect.sync(() => {
    let child: ChildProcess | undefined
    const isRunning = () => child !== undefined && child.exitCode === null && child.signalCode === null
    return {
      start: onFiles("start containerd of", options.binDir, async () => {
        child = await spawnDaemon(options)
      }),
      kill: Effect.callback<void>((resume) => {
        if (child === undefined || !isRunning()) return resume(Effect.void)
        child.once("exit", () => resume(Effect.void))
        child.kill("SIGKILL")
      }),
      isRunning,
      pid: () => child?.pid ?? 0
    }
  })

const spawnDaemon = async (options: DaemonOptions): Promise<ChildProcess> => {
  const log = await open(options.logFile, "a")
  const child = spawn(join(options.binDir, "containerd"), ["--config", options.config], {
    // A group of its own: a Ctrl-C meant for us must not end it before its pods are taken down.
    detached: true,
    stdio: ["ignore", log.fd, log.fd],
    // Its own shims first; runc and what network plugins call come from the system.
    env: { PATH: `${options.binDir}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin` }
  })
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", () => resolve())
    child.once("error", reject)
  })
  await log.close()
  child.unref()
  return child
}
