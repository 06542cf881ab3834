/** A container that ended in a row is not started again before its back-off: 10 s after the second end, doubling to 5 min (D11). */
import type { Invariant } from "../Watching.ts"

interface Course {
  /** Ends that count; a first restart never waits. */
  ends: number
  /** By the clock of the machine, which the agent goes by. */
  endedAtMs: number
  /** By the clock of the world, which nobody sets. */
  endedMs: number
  sandbox: string
  container: string
}

const firstMs = 10_000
const maxMs = 300_000
/** A container that ran this long is given its first back-off again. */
const forgivenMs = 600_000
/** The runtime's clock is in the exit, ours is when it is told. */
const slackMs = 1000

export const backOffKept: Invariant = {
  name: "back-off-kept",
  watch: ({ worldMs }) => {
    const courses = new Map<string, Course>()
    return {
      happening: (node, { container, kind, sandbox }) => {
        if (container === undefined) return undefined
        const nowMs = node.wallMs(worldMs())
        const key = `${sandbox.uid}/${container.name}`
        const course = courses.get(key)
        // When its record is gone, nobody knows any more when it ended.
        if (kind === "Deleted" && course?.container === container.id) courses.delete(key)
        if (kind === "Stopped") {
          const ranMs = container.finishedAtMs - container.startedAtMs
          const fresh = course === undefined || course.sandbox !== sandbox.id || ranMs >= forgivenMs
          courses.set(key, {
            ends: fresh ? 1 : course.ends + 1,
            endedAtMs: nowMs,
            endedMs: worldMs(),
            sandbox: sandbox.id,
            container: container.id
          })
          return undefined
        }
        if (kind !== "Started" || course === undefined || course.sandbox !== sandbox.id || course.ends < 2) {
          return undefined
        }
        const wantMs = Math.min(maxMs, firstMs * 2 ** (course.ends - 2))
        const waitedMs = nowMs - course.endedAtMs
        // The clock was set back: while the end was yet to come nobody knew how long ago it was.
        const isUnknown = waitedMs < worldMs() - course.endedMs
        return waitedMs + slackMs >= wantMs || isUnknown
          ? undefined
          : `${sandbox.name}/${container.name} starts ${waitedMs} ms after its end number ${course.ends}, not ${wantMs} ms`
      }
    }
  }
}
