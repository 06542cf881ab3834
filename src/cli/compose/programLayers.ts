/**
 * The services that the programs make for each other, in the order in which they build on each other. What is left to
 * provide are the layers of a node: its API server, runtime and host.
 */
import { Layer } from "effect"
import * as ImageGc from "../../programs/cleanup/ImageGc.ts"
import * as CsiDrivers from "../../programs/csi/CsiDrivers.ts"
import * as CsiLocks from "../../programs/csi/CsiLocks.ts"
import * as CsiNode from "../../programs/csi/CsiNode.ts"
import * as CsiVolumes from "../../programs/csi/csiVolumes.ts"
import * as VolumesInUse from "../../programs/csi/VolumesInUse.ts"
import * as DeviceKeeper from "../../programs/devices/deviceKeeper.ts"
import * as EventRecorder from "../../programs/events/EventRecorder.ts"
import * as Credentials from "../../programs/images/Credentials.ts"
import * as ImagePuller from "../../programs/images/ImagePuller.ts"
import * as PluginCredentials from "../../programs/images/PluginCredentials.ts"
import * as PullRecords from "../../programs/images/PullRecords.ts"
import * as NodeState from "../../programs/node/NodeState.ts"
import * as Interpreter from "../../programs/pods/actions/interpreter.ts"
import * as Admission from "../../programs/pods/Admission.ts"
import * as Allocations from "../../programs/pods/Allocations.ts"
import * as PodRegistry from "../../programs/pods/PodRegistry.ts"
import * as ResizeQueue from "../../programs/pods/ResizeQueue.ts"
import * as ServiceCache from "../../programs/pods/ServiceCache.ts"
import * as UserNamespaces from "../../programs/pods/UserNamespaces.ts"
import * as ProbeSet from "../../programs/probes/ProbeSet.ts"
import * as RuntimeHealth from "../../programs/runtime/RuntimeHealth.ts"
import * as RuntimeView from "../../programs/runtime/RuntimeView.ts"
import * as TerminationMessages from "../../programs/runtime/TerminationMessages.ts"
import * as StatusWriter from "../../programs/status/StatusWriter.ts"
import * as ObjectCache from "../../programs/volumes/ObjectCache.ts"
import * as PodCertificates from "../../programs/volumes/PodCertificates.ts"
import * as PodVolumes from "../../programs/volumes/podVolumeWorkers.ts"
import * as ServiceAccountTokens from "../../programs/volumes/ServiceAccountTokens.ts"
import * as TrustBundles from "../../programs/volumes/TrustBundles.ts"
import * as VolumeHost from "../../programs/volumes/VolumeHost.ts"

/** What the API server has, as far as pods need it. */
const objects = Layer.mergeAll(
  ServiceCache.layer,
  ObjectCache.layer,
  ServiceAccountTokens.layer,
  StatusWriter.layer,
  TrustBundles.layer,
  PodCertificates.layer
)

/** What the runtime has, and whether it is well. */
const runtime = Layer.mergeAll(RuntimeView.layer, RuntimeHealth.layer).pipe(
  Layer.provideMerge(TerminationMessages.layer)
)

/** The drivers of this node, and what pods have of them. */
const csi = CsiVolumes.layer.pipe(
  Layer.provideMerge(Layer.mergeAll(CsiDrivers.layer, CsiLocks.layer, VolumesInUse.layer)),
  Layer.provideMerge(CsiNode.layer)
)

/** `standalone`: pods come from files only, and nothing waits for the API server to be heard. */
export const programLayers = (standalone: boolean) =>
  Interpreter.layer.pipe(
    Layer.provideMerge(
      Layer.mergeAll(ImageGc.layer, ImagePuller.layer, PodVolumes.layer, ProbeSet.layer, ResizeQueue.layer)
    ),
    Layer.provideMerge(Layer.mergeAll(Admission.layer, UserNamespaces.layer)),
    Layer.provideMerge(Allocations.layer),
    Layer.provideMerge(csi),
    Layer.provideMerge(VolumeHost.layer),
    Layer.provideMerge(Layer.mergeAll(Credentials.layer, PullRecords.layer)),
    Layer.provideMerge(PluginCredentials.layer),
    Layer.provideMerge(standalone ? EventRecorder.layerLog : EventRecorder.layer),
    Layer.provideMerge(NodeState.layer),
    Layer.provideMerge(DeviceKeeper.layer),
    Layer.provideMerge(Layer.mergeAll(objects, runtime)),
    // Orphans are only removed when every source of pods has been heard.
    Layer.provideMerge(PodRegistry.layer(standalone ? ["file", "http"] : ["file", "http", "api"]))
  )
