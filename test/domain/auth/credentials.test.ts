import { assert, describe, it } from "@effect/vitest"
import { bearerToken, withoutToken } from "../../../src/domain/auth/credentials.ts"

describe("the token of a request", () => {
  it.each([
    { headers: {}, want: undefined, why: "none" },
    { headers: { authorization: "Bearer abc" }, want: "abc", why: "in the header" },
    { headers: { authorization: "bearer  abc" }, want: "abc", why: "any case, any spaces" },
    { headers: { authorization: "Basic abc" }, want: undefined, why: "another scheme" },
    { headers: { authorization: "Bearer" }, want: undefined, why: "no token after it" },
    {
      headers: { "sec-websocket-protocol": "v4.channel.k8s.io, base64url.bearer.authorization.k8s.io.YWJj" },
      want: "abc",
      why: "in a subprotocol"
    },
    {
      headers: { "sec-websocket-protocol": "base64url.bearer.authorization.k8s.io.@@" },
      want: "",
      why: "an unreadable one is nobody's"
    }
  ])("O3: $why", ({ headers, want }) => {
    assert.strictEqual(bearerToken(headers), want)
  })

  it("is not passed on", () => {
    assert.strictEqual(
      withoutToken("base64url.bearer.authorization.k8s.io.YWJj, v4.channel.k8s.io"),
      "v4.channel.k8s.io"
    )
    assert.strictEqual(withoutToken("base64url.bearer.authorization.k8s.io.YWJj"), undefined)
  })
})
