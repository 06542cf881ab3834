/** A real container runtime: its CRI, and its events from the same socket. */
import { Layer } from "effect"
import * as CriLive from "../../layers/cri/CriLive.ts"
import * as RuntimeEventsLive from "../../layers/cri/RuntimeEventsLive.ts"

export interface RuntimeEndpoints {
  readonly endpoint: string
  /** Empty: images are the runtime's business, too. */
  readonly imageEndpoint: string
  readonly requestTimeoutMs: number
}

export const runtimeLayers = ({ endpoint, imageEndpoint, requestTimeoutMs }: RuntimeEndpoints) =>
  RuntimeEventsLive.layer({ endpoint }).pipe(
    Layer.provideMerge(
      CriLive.layer({ endpoint, requestTimeoutMs, ...(imageEndpoint === "" ? {} : { imageEndpoint }) })
    )
  )
