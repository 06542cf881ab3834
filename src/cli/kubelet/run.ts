/** Runs the agent as a daemon, on this machine, with a configuration, until it is told to stop. */
import { Effect, Layer } from "effect"
import type { EffectiveConfig } from "../../domain/kubeletConfig/layering.ts"
import { supportWarning } from "../../domain/kubeletConfig/support.ts"
import { notificationsOf } from "../../domain/process/watchdog.ts"
import * as X509Live from "../../layers/certificates/X509Live.ts"
import { FileLock } from "../../layers/host/FileLock.ts"
import * as FileLockLive from "../../layers/host/FileLockLive.ts"
import { NodeFacts } from "../../layers/host/NodeFacts.ts"
import * as ProberLive from "../../layers/probes/ProberLive.ts"
import * as OtlpTracing from "../../layers/tracing/OtlpTracing.ts"
import { ClientCertificate } from "../../programs/certificates/ClientCertificate.ts"
import { agentSettings } from "../compose/agentSettings.ts"
import { apiLayers } from "../compose/apiLayers.ts"
import type { GivenFlags } from "../compose/flagsInForce.ts"
import { cgroupsOf, hostLayers } from "../compose/hostLayers.ts"
import { runNode } from "../compose/node.ts"
import { runtimeLayers } from "../compose/runtimeLayers.ts"
import { accessLayer, certificateLayer, serverLayer } from "../compose/serverLayers.ts"
import {
  checkMachine,
  claimOomScore,
  claimOpenFiles,
  runtimeCgroupDriver,
  settleKernel
} from "../compose/surroundings.ts"
import { tracingLayers } from "../compose/tracingLayers.ts"
import * as Klog from "../logging/klog.ts"
import { kubeletVersion } from "../version.ts"
import { heapTrim } from "./heapTrim.ts"
import type { KubeletOptions } from "./invocation.ts"

export interface KubeletSetup {
  readonly options: KubeletOptions
  readonly effective: EffectiveConfig
  /** Of the command line, to be said once the log is open. */
  readonly warnings: ReadonlyArray<string>
  /** The flags as they were given. */
  readonly flags: GivenFlags
}

/** Ends only by failing, or by being interrupted; the pods run on either way. */
export const runKubelet = Effect.fn("runKubelet")(function*(setup: KubeletSetup) {
  const { effective, options } = setup
  const { config } = effective
  const host = hostLayers(options.rootDir, {
    credentialPlugins: {
      config: options.imageCredentialProviderConfig,
      binDir: options.imageCredentialProviderBinDir,
      tokensAllowed: effective.gates.enabled("KubeletServiceAccountTokenForCredentialProviders")
    }
  })
  const below = Layer.mergeAll(
    runtimeLayers({
      endpoint: config.containerRuntimeEndpoint,
      imageEndpoint: config.imageServiceEndpoint,
      requestTimeoutMs: config.runtimeRequestTimeout
    }),
    apiLayers(options, config),
    ProberLive.layer
  ).pipe(Layer.provideMerge(Layer.merge(host, X509Live.layer)))
  return yield* alone(options, onThisMachine(setup)).pipe(
    Effect.provide(below),
    // Until it is known who the node is, nothing is worth a trace.
    Effect.provide(OtlpTracing.layerOff),
    Effect.provide(Klog.layer(config.logging))
  )
})

/** With a lock file: waits for the lock first, and ends when another process wants it, if it is to. */
const alone = <A, E, R>({ exitOnLockContention, lockFile }: KubeletOptions, run: Effect.Effect<A, E, R>) =>
  lockFile === "" ? run : Effect.gen(function*() {
    yield* Effect.logInfo("acquiring file lock", { path: lockFile })
    const { contended } = yield* (yield* FileLock).acquire(lockFile)
    if (!exitOnLockContention) return yield* run
    yield* Effect.logInfo("watching for file lock contention", { path: lockFile })
    const wanted = Effect.andThen(contended, Effect.logInfo("another process wants the lock: ending"))
    return yield* Effect.raceFirst(run, wanted)
  }).pipe(Effect.scoped, Effect.provide(FileLockLive.layer))

const onThisMachine = Effect.fnUntraced(function*({ effective, flags, options, warnings }: KubeletSetup) {
  const { config } = effective
  yield* Effect.logInfo("starting", { version: kubeletVersion })
  const idle = supportWarning(effective.set)
  const said = [
    ...warnings,
    ...Klog.logWarnings(config.logging),
    ...effective.gates.warnings,
    ...(idle === undefined ? [] : [idle])
  ]
  yield* Effect.forEach(said, (warning) => Effect.logWarning(warning), { discard: true })

  const machine = yield* (yield* NodeFacts).read
  yield* checkMachine(effective, machine)
  yield* settleKernel(effective)
  yield* claimOomScore(effective)
  yield* claimOpenFiles(effective, process.pid)
  const cgroupDriver = yield* runtimeCgroupDriver()
  const settings = yield* Effect.fromResult(
    agentSettings(config, options, { hostname: machine.hostname, port: config.port, cgroupDriver })
  )
  const certificate = certificateLayer(effective, {
    standalone: settings.standalone,
    folder: options.certDir,
    hosts: [settings.nodeName, ...machine.addresses.map(({ address }) => address)]
  })
  const server = config.enableServer
    ? serverLayer(effective, settings.rootDir, flags).pipe(
      Layer.provide([accessLayer(effective, settings.standalone), certificate])
    )
    : Layer.empty
  yield* Effect.forkChild(heapTrim)
  const manager = notificationsOf(process.env, process.pid)
  return yield* runNode({ settings, config, networkMode: options.networkMode }, server, manager).pipe(
    Effect.raceFirst((yield* ClientCertificate).keep),
    Effect.provide(cgroupsOf(settings.cgroupDriver)),
    Effect.provide(tracingLayers(config, settings.nodeName))
  )
})
