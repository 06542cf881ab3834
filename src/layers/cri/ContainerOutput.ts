/** What a container prints, for those who are attached to it: of a runtime that has no streams of its own. */
import type { Stream } from "effect"

export interface OutputPart {
  readonly stream: "stdout" | "stderr"
  readonly text: string
}

/** By the id of the container. Does not end with it. */
export type ContainerOutput = (containerId: string) => Stream.Stream<OutputPart>
