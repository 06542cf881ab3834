/**
 * How long the certificates that the node asked for are still good for, under the kubelet's names (A12, A13): made of
 * their expiry at the moment somebody reads them, for a number of seconds that was counted earlier is wrong.
 */
import type { Family } from "./exposition.ts"

export const expiryName = "kubeffect_certificate_expiration_timestamp_seconds"

const families = {
  client: {
    name: "kubelet_certificate_manager_client_ttl_seconds",
    help: "Gauge of the TTL (time-to-live) of the Kubelet's client certificate. The value is in seconds until "
      + "certificate expiry (negative if already expired). If client certificate is invalid or unused, the value is +INF."
  },
  server: {
    name: "kubelet_certificate_manager_server_ttl_seconds",
    help:
      "Gauge of the shortest TTL (time-to-live) of the Kubelet's serving certificate. The value is in seconds until "
      + "certificate expiry (negative if already expired). If serving certificate is invalid or unused, the value is +INF."
  }
}

export const timesToLive = (all: ReadonlyArray<Family>, nowMs: number): ReadonlyArray<Family> => {
  const samples = all.find(({ name }) => name === expiryName)?.samples ?? []
  return (["client", "server"] as const).flatMap((purpose) => {
    const found = samples.find(({ labels }) => labels["certificate"] === purpose)
    return found === undefined
      ? []
      : [{
        ...families[purpose],
        type: "gauge" as const,
        samples: [{ labels: {}, value: Number(found.value) - nowMs / 1000 }]
      }]
  })
}
