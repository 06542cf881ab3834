/** The machine as it is: every host service, live. */
import { Layer } from "effect"
import * as PodKeysLive from "../../layers/certificates/PodKeysLive.ts"
import * as CredentialPluginsLive from "../../layers/credentials/CredentialPluginsLive.ts"
import * as CsiLive from "../../layers/csi/CsiLive.ts"
import * as PluginRegistrationLive from "../../layers/csi/PluginRegistrationLive.ts"
import * as DevicePluginsLive from "../../layers/devices/DevicePluginsLive.ts"
import * as PodResourcesSocketLive from "../../layers/devices/PodResourcesSocketLive.ts"
import { Cgroups } from "../../layers/host/Cgroups.ts"
import * as CgroupsLive from "../../layers/host/CgroupsLive.ts"
import * as CgroupsSystemd from "../../layers/host/CgroupsSystemd.ts"
import * as CompressionLive from "../../layers/host/CompressionLive.ts"
import * as HostFilesLive from "../../layers/host/HostFilesLive.ts"
import * as KernelLogLive from "../../layers/host/KernelLogLive.ts"
import * as MountsLive from "../../layers/host/MountsLive.ts"
import * as NodeFactsLive from "../../layers/host/NodeFactsLive.ts"
import * as ProcessesLive from "../../layers/host/ProcessesLive.ts"
import * as ManifestUrlLive from "../../layers/manifests/ManifestUrlLive.ts"
import * as SystemdLive from "../../layers/systemd/SystemdLive.ts"

export interface HostOptions {
  /** Plugins that know credentials of registries; none when absent. */
  readonly credentialPlugins?: CredentialPluginsLive.CredentialPluginsOptions
}

/** `rootDirectory`: whose file system counts as the node's own storage. */
export const hostLayers = (rootDirectory: string, options: HostOptions = {}) =>
  Layer.mergeAll(
    CgroupsLive.layer(),
    CompressionLive.layer,
    options.credentialPlugins === undefined
      ? CredentialPluginsLive.layerNone
      : CredentialPluginsLive.layer(options.credentialPlugins),
    CsiLive.layer(),
    DevicePluginsLive.layer,
    PodResourcesSocketLive.layer,
    ManifestUrlLive.layer,
    PluginRegistrationLive.layer,
    PodKeysLive.layer,
    MountsLive.layer,
    NodeFactsLive.layer({ rootDirectory }),
    KernelLogLive.layer
  ).pipe(
    // What the others are made with; programs use it themselves, too.
    Layer.provideMerge(Layer.mergeAll(HostFilesLive.layer, ProcessesLive.layer))
  )

/** The groups of the host by this driver, over those by files. */
export const cgroupsOf = (driver: "cgroupfs" | "systemd"): Layer.Layer<Cgroups, never, Cgroups> =>
  driver === "systemd"
    ? CgroupsSystemd.layer.pipe(Layer.provide(SystemdLive.layer()))
    : Layer.effect(Cgroups, Cgroups)
