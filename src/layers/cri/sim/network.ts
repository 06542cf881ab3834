/** Who listens at the addresses of simulated sandboxes, and what they answer. */
import type { NetworkReply, NetworkRequest } from "../../../domain/probes/network.ts"
import type { ContainerRecord, SandboxRecord } from "./records.ts"

const silent: NetworkReply = { listening: false }
const served: NetworkReply = { listening: true }

const ask = (container: ContainerRecord, request: NetworkRequest, now: number): NetworkReply => {
  const { network } = container.script
  if (network !== undefined) {
    return network(request, { ageMs: now - container.startedAtMs, attempt: container.attempt })
  }
  // A program nobody described is a server, on whatever port somebody looks for it.
  return container.server ? served : silent
}

/** Containers of a sandbox share its ports: the first that listens answers. */
export const answerOf = (
  sandboxes: Iterable<SandboxRecord>,
  request: NetworkRequest,
  now: number
): NetworkReply => {
  for (const sandbox of sandboxes) {
    for (const container of sandbox.containers) {
      if (container.state !== "Running") continue
      const reply = ask(container, request, now)
      if (reply.listening) return reply
    }
  }
  return silent
}

/**
 * What a sandbox answers whatever it is asked, for as long as none of its containers comes or goes; undefined when one
 * of them looks at the request or the time.
 */
export const standingAnswer = ({ containers }: SandboxRecord): NetworkReply | undefined => {
  const running = [...containers].filter(({ state }) => state === "Running")
  if (running.some(({ script }) => script.network !== undefined)) return undefined
  return running.some(({ server }) => server) ? served : silent
}
