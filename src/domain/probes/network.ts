/** What somebody on the network asks of a simulated process, and what it answers: shared by those who ask and answer. */

export type NetworkRequest =
  | {
    readonly kind: "http"
    readonly port: number
    /** With its query. */
    readonly path: string
    readonly scheme: "http" | "https"
    readonly headers: Readonly<Record<string, ReadonlyArray<string>>>
  }
  | { readonly kind: "tcp"; readonly port: number }
  | { readonly kind: "grpc"; readonly port: number; readonly service: string }

export interface NetworkReply {
  /** False: nothing listens on the port. */
  readonly listening: boolean
  /** From the request to the answer; `Infinity` never answers. */
  readonly tookMs?: number
  /** HTTP status; 200 when absent. */
  readonly status?: number
  readonly body?: string
  readonly location?: string
  /** The scheme that the server speaks; the one asked for when absent. */
  readonly scheme?: "http" | "https"
  /** gRPC health; serving when absent. */
  readonly serving?: boolean
  /** The server knows the gRPC health protocol, and the service asked for; so it does when absent. */
  readonly implemented?: boolean
  readonly knowsService?: boolean
}
