/** What the calls of a driver have in common whoever carries them: deadlines, and errors in CSI's words. */
import type { DescMethod, Message } from "@bufbuild/protobuf"
import { isFinal } from "../../domain/csi/outcome.ts"
import type { GrpcError } from "../grpc/Grpc.ts"
import { CsiError } from "./Csi.ts"

/** The kubelet waits as long for a driver (parity J4). */
export const callTimeoutMs = 120_000

const volumeOf = (request: Message): string | undefined =>
  "volumeId" in request && typeof request.volumeId === "string" ? request.volumeId : undefined

export const toCsiError = (error: GrpcError, method: DescMethod, request: Message): CsiError =>
  new CsiError({
    op: method.name,
    target: volumeOf(request) ?? error.target,
    reason: error.reason,
    code: error.code,
    detail: error.detail,
    final: isFinal(error.code),
    cause: error.cause
  })
