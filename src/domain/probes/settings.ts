/** What a probe asks for, with the defaults of the API (parity H1). */
import type { Container, Probe } from "../k8s/container.ts"

export type ProbeKind = "startup" | "readiness" | "liveness"

/** The order in which they matter: the other two wait for the first. */
export const probeKinds: ReadonlyArray<ProbeKind> = ["startup", "readiness", "liveness"]

export interface ProbeSettings {
  readonly initialDelayMs: number
  readonly periodMs: number
  readonly timeoutMs: number
  readonly successThreshold: number
  readonly failureThreshold: number
}

/** A value that is absent or not positive means the default, as the API server writes it. */
const positive = (value: number | undefined, byDefault: number): number =>
  value === undefined || value <= 0 ? byDefault : value

export const settingsOf = (probe: Probe): ProbeSettings => ({
  initialDelayMs: Math.max(0, probe.initialDelaySeconds ?? 0) * 1000,
  periodMs: positive(probe.periodSeconds, 10) * 1000,
  timeoutMs: positive(probe.timeoutSeconds, 1) * 1000,
  successThreshold: positive(probe.successThreshold, 1),
  failureThreshold: positive(probe.failureThreshold, 3)
})

export const probeOf = (container: Container, kind: ProbeKind): Probe | undefined => {
  switch (kind) {
    case "startup":
      return container.startupProbe
    case "readiness":
      return container.readinessProbe
    case "liveness":
      return container.livenessProbe
  }
}
