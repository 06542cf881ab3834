/** What the kernel says when the whole machine, not one group of it, ran out of memory (parity B14). */

export interface OomVictim {
  readonly process: string
  readonly pid: number
}

/** A kill within a limited group names that group: it is the container's own affair and shows in its status. */
const ofOneGroup = /[:,]oom_memcg=/
const victim = /^oom-kill:.*,task=(.+),pid=(\d+),uid=\d+$/

export const systemOomVictim = (line: string): OomVictim | undefined => {
  const found = victim.exec(line)
  if (found === null || ofOneGroup.test(line)) return undefined
  return { process: found[1] ?? "", pid: Number(found[2]) }
}

export const systemOomMessage = ({ pid, process }: OomVictim): string =>
  `System OOM encountered, victim process: ${process}, pid: ${pid}`
