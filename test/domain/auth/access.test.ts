import { assert, describe, it } from "@effect/vitest"
import { accessReview, attributesOf, authenticated, forbiddenText } from "../../../src/domain/auth/access.ts"

describe("what a request asks for", () => {
  it.each([
    { method: "GET", path: "/stats/summary", want: ["stats"] },
    { method: "GET", path: "/metrics", want: ["metrics"] },
    { method: "GET", path: "/metrics/cadvisor", want: ["metrics"] },
    { method: "GET", path: "/metricsx", want: ["proxy"] },
    { method: "GET", path: "/logs/", want: ["log"] },
    { method: "POST", path: "/checkpoint/ns/pod/c", want: ["checkpoint"] },
    { method: "GET", path: "/pods", want: ["pods", "proxy"] },
    { method: "GET", path: "/runningpods/", want: ["pods", "proxy"] },
    { method: "GET", path: "/healthz/ping", want: ["healthz", "proxy"] },
    { method: "GET", path: "/configz", want: ["configz", "proxy"] },
    { method: "GET", path: "/statusz", want: ["statusz", "proxy"] },
    { method: "GET", path: "/flagz", want: ["proxy"] },
    { method: "GET", path: "/exec/ns/pod/c", want: ["proxy"] },
    { method: "GET", path: "/", want: ["proxy"] }
  ])("O2: $method $path: $want", ({ method, path, want }) => {
    assert.deepStrictEqual(attributesOf(method, path, "n").map((a) => a.subresource), want)
  })

  it.each([
    ["POST", "create"],
    ["GET", "get"],
    ["HEAD", "get"],
    ["PUT", "update"],
    ["PATCH", "patch"],
    ["DELETE", "delete"],
    ["TRACE", ""],
    ["constructor", ""]
  ])("O2: %s is %s", (method, verb) => {
    assert.deepStrictEqual(attributesOf(method, "/run/a/b/c", "n"), [{ verb, name: "n", subresource: "proxy" }])
  })

  it("O2: the text of a refusal", () => {
    assert.strictEqual(
      forbiddenText({ name: "eve", groups: [] }, attributesOf("GET", "/pods", "n")),
      "Forbidden (user=eve, verb=get, resource=nodes, subresource(s)=[pods proxy])\n"
    )
  })

  it("adds system:authenticated once, and never to the anonymous", () => {
    const groups = (given: ReadonlyArray<string>) => authenticated({ name: "u", groups: given }).groups
    assert.deepStrictEqual(groups(["a"]), ["a", "system:authenticated"])
    assert.deepStrictEqual(groups(["system:authenticated"]), ["system:authenticated"])
    assert.deepStrictEqual(groups(["system:unauthenticated"]), ["system:unauthenticated"])
  })

  it("carries uid and extra to the API server", () => {
    const user = { name: "u", uid: "1", groups: ["g"], extra: { k: ["v"] } }
    assert.deepStrictEqual(accessReview(user, { verb: "get", name: "n", subresource: "stats" }).spec, {
      resourceAttributes: { verb: "get", version: "v1", resource: "nodes", subresource: "stats", name: "n" },
      user: "u",
      groups: ["g"],
      uid: "1",
      extra: { k: ["v"] }
    })
  })
})
