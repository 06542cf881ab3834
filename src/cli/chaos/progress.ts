/** How far a sweep of seeds has come, on one line. */

export interface Progress {
  readonly done: number
  readonly total: number
  readonly failed: number
  readonly elapsedMs: number
}

const width = 30

const duration = (ms: number): string => {
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  return minutes < 60 ? `${minutes}m${seconds % 60}s` : `${Math.floor(minutes / 60)}h${minutes % 60}m`
}

/** `████░░ 40/60 seeds, 1 failed, 9600 an hour, 8s left` */
export const progressLine = ({ done, elapsedMs, failed, total }: Progress): string => {
  const bar = "█".repeat(Math.floor((width * done) / total)).padEnd(width, "░")
  const told = `${bar} ${done}/${total} seeds, ${failed} failed`
  if (done === 0 || elapsedMs <= 0) return told
  const anHour = Math.round((done * 3_600_000) / elapsedMs)
  return `${told}, ${anHour} an hour, ${duration((elapsedMs / done) * (total - done))} left`
}
