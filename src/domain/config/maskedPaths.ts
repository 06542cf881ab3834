/** Kernel files that a container must not see or write (parity E11). */

const masked = [
  "/proc/asound",
  "/proc/acpi",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/sys/firmware",
  "/sys/devices/virtual/powercap"
]

const readonly = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]

export const maskedPaths = (
  procMount: string | undefined,
  thermalThrottlePaths: ReadonlyArray<string>
): ReadonlyArray<string> => procMount === "Unmasked" ? [] : [...masked, ...thermalThrottlePaths]

export const readonlyPaths = (procMount: string | undefined): ReadonlyArray<string> =>
  procMount === "Unmasked" ? [] : readonly
