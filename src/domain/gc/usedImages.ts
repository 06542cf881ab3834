/** The images that pods name, in the forms in which a runtime lists them (parity G4). */
import { Option, Result, Schema } from "effect"
import { parseImageName } from "../images/imageName.ts"
import type { Pod } from "../k8s/pod.ts"
import { isTerminalPhase } from "../pod/spec.ts"

/** As written, and as a runtime completes it: with registry, and by tag or by digest. */
const formsOf = (image: string): ReadonlyArray<string> => {
  const parsed = parseImageName(image)
  if (Result.isFailure(parsed)) return [image]
  const { digest, registry, repository, tag } = parsed.success
  const path = `${registry}/${repository}`
  return [image, ...(tag === "" ? [] : [`${path}:${tag}`]), ...(digest === "" ? [] : [`${path}@${digest}`])]
}

/** A pod that has ended starts no container any more: its images may go. */
export const imagesOfPod = (pod: Pod): ReadonlyArray<string> => {
  if (isTerminalPhase(pod.status?.phase)) return []
  const { containers, ephemeralContainers = [], initContainers = [], volumes = [] } = pod.spec
  return [
    ...[...initContainers, ...containers, ...ephemeralContainers].map(({ image }) => image ?? ""),
    ...volumes.map(({ image }) => image?.reference ?? "")
  ].filter((image) => image !== "").flatMap(formsOf)
}

const RuntimeConfig = Schema.fromJsonString(Schema.Struct({ sandboxImage: Schema.optionalKey(Schema.String) }))

/**
 * The image that sandboxes are made of, by the verbose status of a runtime. Runtimes pin it; containerd before 1.7 knows
 * no pins, and a node that loses it starts no pod until it is pulled again.
 */
export const sandboxImages = (statusInfo: Readonly<Record<string, string>>): ReadonlyArray<string> => {
  const image = Option.flatMapNullishOr(
    Schema.decodeUnknownOption(RuntimeConfig)(statusInfo["config"]),
    ({ sandboxImage }) => sandboxImage
  )
  return Option.isSome(image) && image.value !== "" ? formsOf(image.value) : []
}
