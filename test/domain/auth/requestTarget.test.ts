import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as FastCheck from "fast-check"
import { parseTarget } from "../../../src/domain/auth/requestTarget.ts"

describe("the target of a request", () => {
  it.each(["*", "pods", "http://x/pods", "/%", "/%zz", "/a%00b", "/a%0ab", "/%ff", ""])("refuses %s", (target) => {
    assert.deepStrictEqual(parseTarget(target), Result.fail({ _tag: "Malformed" } as const))
  })

  it.each([
    ["//pods", "/pods"],
    ["/stats/../pods", "/pods"],
    ["/stats/%2e%2e/pods?x=1", "/pods?x=1"],
    ["/stats%2F..%2Fpods", "/pods"],
    ["/logs/../../etc/passwd", "/etc/passwd"],
    ["/a/./b/", "/a/b/"],
    ["/..", "/"],
    ["/a/b/..", "/a/"],
    ["/a b//c d", "/a%20b/c%20d"]
  ])("sends %s to %s", (target, location) => {
    assert.deepStrictEqual(parseTarget(target), Result.fail({ _tag: "Redirect", location } as const))
  })

  it("reads path and query", () => {
    const target = Result.getOrThrow(parseTarget("/exec/ns/p%C3%A9/c?command=a%20b&command=c"))
    assert.deepStrictEqual(target.segments, ["exec", "ns", "pé", "c"])
    assert.deepStrictEqual(target.query.getAll("command"), ["a b", "c"])
    assert.strictEqual(target.rawQuery, "command=a%20b&command=c")
  })

  it("is never left with a way up, and always reaches a fixed point", () => {
    const piece = FastCheck.constantFrom("a", "..", ".", "", "%2e", "%2f", "%2F..", "stats", "%", "%41", "\\..")
    FastCheck.assert(FastCheck.property(FastCheck.array(piece, { maxLength: 8 }), (pieces) => {
      const read = parseTarget(`/${pieces.join("/")}`)
      if (Result.isSuccess(read)) {
        assert.isFalse(read.success.segments.some((segment) => segment === ".." || segment === "."))
        assert.isFalse(read.success.segments.slice(0, -1).includes(""))
      } else if (read.failure._tag === "Redirect") {
        assert.isTrue(Result.isSuccess(parseTarget(read.failure.location)), read.failure.location)
      }
    }))
  })
})
