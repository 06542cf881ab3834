/** The hash that tells a changed container definition (parity D3): only name and image count since 1.31. */
import type { Container } from "../k8s/container.ts"
import { goJson } from "./goText.ts"

const fnvPrime = 16_777_619
const fnvOffset = 2_166_136_261

/** FNV-1a, 32 bits, of ASCII text. */
export const fnv1a32 = (text: string): number => {
  let hash = fnvOffset
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), fnvPrime)
  return hash >>> 0
}

/** What is hashed is not the JSON but Go's print of its bytes, an accident that annotations of living pods preserve. */
const goByteList = (text: string): string => `([]uint8)[${new TextEncoder().encode(text).join(" ")}]`

/** Lower-case hex without leading zeros, as it stands in the annotation. */
export const containerHash = ({ name, image }: Pick<Container, "name" | "image">): string =>
  fnv1a32(goByteList(goJson({ image: image ?? "", name }))).toString(16)
