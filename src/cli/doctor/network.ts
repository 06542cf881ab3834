/** `kubeffect doctor network`: what stands of the pods' network and what is missing, for the one who has to mend it. */
import { Console, Effect, Layer, Schema } from "effect"
import { Command } from "effect/cli"
import { findingsText } from "../../domain/cni/findings.ts"
import * as CniLive from "../../layers/cni/CniLive.ts"
import * as CriLive from "../../layers/cri/CriLive.ts"
import * as HostFilesLive from "../../layers/host/HostFilesLive.ts"
import * as ProcessesLive from "../../layers/host/ProcessesLive.ts"
import { examineNetwork } from "../../programs/network/examineNetwork.ts"
import { text } from "../flags.ts"

/** Something is missing; it has been said what. */
export class NetworkUnfit extends Schema.TaggedError<NetworkUnfit>()("NetworkUnfit", { problems: Schema.Number }) {
  override get message(): string {
    return `${this.problems} of what pods need of their network ${this.problems === 1 ? "is" : "are"} missing`
  }
}

const flags = {
  endpoint: text(
    "container-runtime-endpoint",
    "socket of the container runtime",
    "unix:///run/containerd/containerd.sock"
  ),
  confDir: text("cni-conf-dir", "folder of network configurations, for a runtime that does not tell", "/etc/cni/net.d"),
  binDir: text("cni-bin-dir", "folder of network plugins, for a runtime that does not tell", "/opt/cni/bin")
}

export const network = Command.make(
  "network",
  flags,
  Effect.fn("doctor network")(function*({ binDir, confDir, endpoint }) {
    const services = Layer.mergeAll(
      CniLive.layer({ binDirs: [binDir], cacheDir: "/var/lib/cni", timeoutMs: 10_000 }),
      CriLive.layer({ endpoint, requestTimeoutMs: 10_000 })
    ).pipe(Layer.provideMerge(Layer.merge(HostFilesLive.layer, ProcessesLive.layer)))
    const findings = yield* Effect.provide(examineNetwork({ confDir, binDirs: [binDir] }), services)
    yield* Console.log(findingsText(findings))
    const problems = findings.filter(({ state }) => state === "bad").length
    if (problems > 0) return yield* new NetworkUnfit({ problems })
  })
).pipe(Command.withDescription("Say what stands of the pods' network on this machine, and what is missing"))
