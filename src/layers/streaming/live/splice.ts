/** Joins two connections: bytes of each go to the other unchanged, as fast as the slower reads, until both are done. */
import { Effect } from "effect"
import type { Duplex } from "node:stream"

export interface SpliceOptions {
  /** How long one direction may stay silent once the other has ended, before both are cut. */
  readonly lingerMs: number
}

/**
 * Runs until both ends are closed. The end of one is passed on as a half-close, so that what is still under way to it
 * arrives; a failure of one cuts the other. Interruption cuts both. Buffers nothing but what the streams hold.
 */
export const splice = (a: Duplex, b: Duplex, options: SpliceOptions): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    let linger: NodeJS.Timeout | undefined
    let open = [a, b].filter((end) => !end.closed).length
    const cut = () => {
      a.destroy()
      b.destroy()
    }
    const stillMoving = () => linger?.refresh()
    const attach = (from: Duplex, to: Duplex) => {
      from.once("end", () => {
        if (linger === undefined) {
          linger = setTimeout(cut, options.lingerMs)
          a.on("data", stillMoving)
          b.on("data", stillMoving)
        }
      })
      from.once("error", cut)
      from.once("close", () => {
        // A peer that went without saying goodbye will not read either.
        if (!from.readableEnded) {
          cut()
        }
        open -= 1
        if (open === 0) {
          clearTimeout(linger)
          resume(Effect.void)
        }
      })
      from.pipe(to)
    }
    attach(a, b)
    attach(b, a)
    if (a.destroyed || b.destroyed) {
      cut()
    }
    if (open === 0) {
      resume(Effect.void)
    }
    return Effect.sync(cut)
  })
