/** The node's own server as the configuration has it: who may ask (parity O2, O3), where it listens, with which TLS. */
import { Layer, Option } from "effect"
import type { EffectiveConfig } from "../../domain/kubeletConfig/layering.ts"
import * as AccessLive from "../../layers/streaming/AccessLive.ts"
import * as NodeServerLive from "../../layers/streaming/NodeServerLive.ts"
import * as ServingCertificateLive from "../../layers/streaming/ServingCertificateLive.ts"
import * as servingCertificate from "../../programs/certificates/servingCertificate.ts"
import { kubeletVersion } from "../version.ts"
import { flagsInForce, type GivenFlags } from "./flagsInForce.ts"

const tlsVersions = {
  VersionTLS10: "TLSv1",
  VersionTLS11: "TLSv1.1",
  VersionTLS12: "TLSv1.2",
  VersionTLS13: "TLSv1.3"
} as const

const isTlsVersion = (name: string): name is keyof typeof tlsVersions => Object.hasOwn(tlsVersions, name)

/** Go numbers curves as TLS does; OpenSSL names them. */
const curveNames: ReadonlyMap<number, string> = new Map([
  [23, "prime256v1"],
  [24, "secp384r1"],
  [25, "secp521r1"],
  [29, "X25519"],
  [4588, "X25519MLKEM768"]
])

/** Who may use the server. Without an API server nobody can be asked about a token or a right. */
export const accessLayer = ({ config }: EffectiveConfig, standalone: boolean) => {
  const { authentication, authorization } = config
  return standalone
    ? AccessLive.layerLocal({ anonymous: authentication.anonymous.enabled })
    : AccessLive.layer({
      anonymous: authentication.anonymous.enabled,
      tokenReview: authentication.webhook.enabled
        ? Option.some({ cacheTtl: authentication.webhook.cacheTTL })
        : Option.none(),
      authorization: authorization.mode === "AlwaysAllow" ? { mode: "AlwaysAllow" } : {
        mode: "Webhook",
        allowedTtl: authorization.webhook.cacheAuthorizedTTL,
        deniedTtl: authorization.webhook.cacheUnauthorizedTTL
      }
    })
}

export interface CertificateSetup {
  readonly standalone: boolean
  /** `--cert-dir` */
  readonly folder: string
  /** For a certificate of the node's own making. */
  readonly hosts: ReadonlyArray<string>
}

/** Asked of the cluster, from files, or self-signed: the first of these that is configured (parity A13). */
export const certificateLayer = (
  { config, gates }: EffectiveConfig,
  { folder, hosts, standalone }: CertificateSetup
) => {
  const { clientCAFile } = config.authentication.x509
  const clientCa = clientCAFile === "" ? Option.none() : Option.some(clientCAFile)
  // Nobody signs for a node that stands alone.
  if (config.serverTLSBootstrap && !standalone) {
    return ServingCertificateLive.layerWith({ clientCa }).pipe(
      Layer.provide(servingCertificate.layer({ folder, allowDnsOnly: gates.enabled("AllowDNSOnlyNodeCSR") }))
    )
  }
  return ServingCertificateLive.layer({
    from: config.tlsCertFile !== "" && config.tlsPrivateKeyFile !== ""
      ? { _tag: "Files", cert: config.tlsCertFile, key: config.tlsPrivateKeyFile }
      : { _tag: "SelfSigned", folder, hosts },
    clientCa
  })
}

const options = ({ config, gates }: EffectiveConfig, rootDir: string, flags: GivenFlags) => ({
  address: config.address,
  port: config.port,
  readOnlyPort: config.readOnlyPort === 0 ? Option.none() : Option.some(config.readOnlyPort),
  healthz: config.healthzPort === 0
    ? Option.none()
    : Option.some({ address: config.healthzBindAddress, port: config.healthzPort }),
  enableDebuggingHandlers: config.enableDebuggingHandlers,
  splitStreams: gates.enabled("PodLogsQuerySplitStreams"),
  ...(config.enableSystemLogHandler ? { systemLogs: "/var/log" } : {}),
  ...(gates.enabled("ContainerCheckpoint") ? { checkpoints: `${rootDir}/checkpoints` } : {}),
  ...(gates.enabled("ComponentStatusz")
    ? { zpages: { version: kubeletVersion, flags: flagsInForce(config, flags) } }
    : {}),
  rootDir,
  podLogsDir: config.podLogsDir
})

/** Over TLS. With `enableServer` off there is none. `flags`: of the command line. */
export const serverLayer = (effective: EffectiveConfig, rootDir: string, flags: GivenFlags = {}) => {
  const { config } = effective
  return NodeServerLive.layer({
    ...options(effective, rootDir, flags),
    minVersion: isTlsVersion(config.tlsMinVersion) ? Option.some(tlsVersions[config.tlsMinVersion]) : Option.none(),
    cipherSuites: config.tlsCipherSuites,
    curves: config.tlsCurvePreferences.flatMap((id) => curveNames.get(id) ?? [])
  })
}
