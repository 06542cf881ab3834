/** What systemd tells a service by its environment (parity A15). */

export type Environment = Readonly<Record<string, string | undefined>>

export interface Notifications {
  /** It wants to hear when the service is ready. */
  readonly wanted: boolean
  /** How often it wants a sign of life, at least; undefined: not at all. Half of what it waits, as its manual asks. */
  readonly watchdogMs: number | undefined
}

export const notificationsOf = (env: Environment, pid: number): Notifications => {
  const wanted = (env["NOTIFY_SOCKET"] ?? "") !== ""
  const { WATCHDOG_PID = "", WATCHDOG_USEC = "" } = env
  const waitsUs = Number(WATCHDOG_USEC)
  // It may be meant for the process that started this one.
  const isOurs = WATCHDOG_PID === "" || Number(WATCHDOG_PID) === pid
  return { wanted, watchdogMs: wanted && isOurs && waitsUs > 0 ? waitsUs / 2000 : undefined }
}
