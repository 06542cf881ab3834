import { assert, it } from "@effect/vitest"
import { describe } from "vitest"
import { failureOf } from "../../../src/layers/grpc/failureOf.ts"
import { GrpcCode } from "../../../src/layers/grpc/Grpc.ts"

describe("failureOf", () => {
  it.each(
    [
      { code: "NotFound", reach: "answered", want: "NotFound", why: "the peer looked and has none" },
      { code: "AlreadyExists", reach: "answered", want: "AlreadyExists", why: "it is there already" },
      { code: "Unimplemented", reach: "answered", want: "Unimplemented", why: "an older peer" },
      { code: "InvalidArgument", reach: "answered", want: "Permanent", why: "the same request fails again" },
      { code: "PermissionDenied", reach: "answered", want: "Permanent", why: "the same caller is refused again" },
      { code: "FailedPrecondition", reach: "answered", want: "Permanent", why: "something else must change first" },
      { code: "Unavailable", reach: "answered", want: "Retryable", why: "the peer says it did nothing, yet" },
      { code: "ResourceExhausted", reach: "answered", want: "Retryable", why: "there may be room later" },
      { code: "Aborted", reach: "answered", want: "Retryable", why: "it lost to another call" },
      { code: "Unknown", reach: "answered", want: "Retryable", why: "Go services do not classify most errors" },
      { code: "DeadlineExceeded", reach: "answered", want: "Uncertain", why: "the peer gave up half-way" },
      { code: "Canceled", reach: "answered", want: "Uncertain", why: "the peer gave up half-way" },
      { code: "DeadlineExceeded", reach: "sent", want: "Uncertain", why: "it may still be at work" },
      { code: "Unavailable", reach: "sent", want: "Uncertain", why: "the answer may have been lost" },
      { code: "Internal", reach: "sent", want: "Uncertain", why: "the stream broke, no answer came" },
      { code: "Unavailable", reach: "unsent", want: "Retryable", why: "nobody was there to act" },
      { code: "DeadlineExceeded", reach: "unsent", want: "Retryable", why: "the time went by connecting" }
    ] as const
  )("$code, $reach → $want: $why", ({ code, reach, want }) => {
    assert.strictEqual(failureOf(GrpcCode[code], reach)._tag, want)
  })
})
