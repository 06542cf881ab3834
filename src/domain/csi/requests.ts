/** The arguments of a driver's calls for a volume of a pod (parity J4, J6). */
import type { MessageInitShape } from "@bufbuild/protobuf"
import {
  type NodeExpandVolumeRequestSchema,
  type NodePublishVolumeRequestSchema,
  type NodeStageVolumeRequestSchema,
  VolumeCapability_AccessMode_Mode as Mode,
  type VolumeCapabilitySchema
} from "../../gen/csi/csi_pb.ts"

/** What the driver's node service can. */
export interface NodeAbilities {
  readonly stages: boolean
  readonly volumeStats: boolean
  readonly expands: boolean
  readonly singleNodeMultiWriter: boolean
  readonly mountGroup: boolean
}

/** A volume as its driver is told of it. */
export interface CsiVolumeFacts {
  readonly handle: string
  readonly block: boolean
  readonly readOnly: boolean
  readonly fsType: string
  readonly mountOptions: ReadonlyArray<string>
  /** The first of the PersistentVolume's; `ReadWriteOnce` without any. */
  readonly accessMode: string
  readonly attributes: Readonly<Record<string, string>>
}

/** The driver that knows single writers apart is told of them; for an older one a node has one writer. */
export const accessModeOf = (mode: string, { singleNodeMultiWriter }: NodeAbilities): Mode => {
  switch (mode) {
    case "ReadWriteOnce":
      return singleNodeMultiWriter ? Mode.SINGLE_NODE_MULTI_WRITER : Mode.SINGLE_NODE_WRITER
    case "ReadWriteOncePod":
      return singleNodeMultiWriter ? Mode.SINGLE_NODE_SINGLE_WRITER : Mode.SINGLE_NODE_WRITER
    case "ReadOnlyMany":
      return Mode.MULTI_NODE_READER_ONLY
    case "ReadWriteMany":
      return Mode.MULTI_NODE_MULTI_WRITER
    default:
      return Mode.UNKNOWN
  }
}

/** The group as text, for drivers that mount for a group. */
const groupArgument = (abilities: NodeAbilities, fsGroup: number | undefined): string =>
  abilities.mountGroup && fsGroup !== undefined ? `${fsGroup}` : ""

export const capability = (
  facts: CsiVolumeFacts,
  abilities: NodeAbilities,
  fsGroup: number | undefined
): MessageInitShape<typeof VolumeCapabilitySchema> => ({
  accessMode: { mode: accessModeOf(facts.accessMode, abilities) },
  accessType: facts.block ? { case: "block", value: {} } : {
    case: "mount",
    value: {
      fsType: facts.fsType,
      mountFlags: [...facts.mountOptions],
      volumeMountGroup: groupArgument(abilities, fsGroup)
    }
  }
})

export interface StageInputs {
  readonly facts: CsiVolumeFacts
  readonly abilities: NodeAbilities
  readonly fsGroup: number | undefined
  readonly publishContext: Readonly<Record<string, string>>
  readonly secrets: Readonly<Record<string, string>>
  readonly stagingPath: string
}

export const stageRequest = (inputs: StageInputs): MessageInitShape<typeof NodeStageVolumeRequestSchema> => ({
  volumeId: inputs.facts.handle,
  publishContext: { ...inputs.publishContext },
  stagingTargetPath: inputs.stagingPath,
  volumeCapability: capability(inputs.facts, inputs.abilities, inputs.fsGroup),
  secrets: { ...inputs.secrets },
  volumeContext: { ...inputs.facts.attributes }
})

export interface PublishInputs extends StageInputs {
  readonly targetPath: string
  /** About the pod, and its tokens; they win over the volume's own attributes. */
  readonly podAttributes: Readonly<Record<string, string>>
}

/** `stagingPath` is empty for a volume that is not staged. */
export const publishRequest = (inputs: PublishInputs): MessageInitShape<typeof NodePublishVolumeRequestSchema> => ({
  volumeId: inputs.facts.handle,
  publishContext: { ...inputs.publishContext },
  stagingTargetPath: inputs.stagingPath,
  targetPath: inputs.targetPath,
  volumeCapability: capability(inputs.facts, inputs.abilities, inputs.fsGroup),
  readonly: inputs.facts.readOnly,
  secrets: { ...inputs.secrets },
  volumeContext: { ...inputs.facts.attributes, ...inputs.podAttributes }
})

export interface ExpandInputs {
  readonly facts: CsiVolumeFacts
  readonly abilities: NodeAbilities
  readonly sizeBytes: number
  readonly secrets: Readonly<Record<string, string>>
  /** Empty for a volume that is not staged. */
  readonly stagingPath: string
  /** Where the pod has it: its mount, or its device. */
  readonly volumePath: string
}

/** Groups are no matter of the size, and left out (parity I18). */
export const expandRequest = (inputs: ExpandInputs): MessageInitShape<typeof NodeExpandVolumeRequestSchema> => ({
  volumeId: inputs.facts.handle,
  volumePath: inputs.volumePath,
  capacityRange: { requiredBytes: BigInt(inputs.sizeBytes) },
  stagingTargetPath: inputs.stagingPath,
  volumeCapability: capability(inputs.facts, inputs.abilities, undefined),
  secrets: { ...inputs.secrets }
})
