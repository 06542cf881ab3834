import { assert, describe, it } from "@effect/vitest"
import { Option, Result } from "effect"
import { parseLogQuery, sinceOf } from "../../../src/domain/logs/query.ts"

const parse = (query: string, splitStreams = false) => parseLogQuery(new URLSearchParams(query), { splitStreams })

const undecodable = { status: 400, message: `{"message": "Unable to decode query."}` } as const
const invalid = { status: 422, message: `{"message": "Invalid request."}` } as const

describe("the query of /containerLogs", () => {
  it.each([
    { query: "tailLines=x", want: undecodable, why: "not a number" },
    { query: "tailLines=", want: undecodable, why: "empty is not a number" },
    { query: "limitBytes=1.5", want: undecodable, why: "not an integer" },
    { query: "sinceTime=yesterday", want: undecodable, why: "not a time" },
    { query: "tailLines=-1", want: invalid, why: "negative" },
    { query: "limitBytes=0", want: invalid, why: "at least one byte" },
    { query: "sinceSeconds=0", want: invalid, why: "at least one second" },
    { query: "sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z", want: invalid, why: "one or the other" },
    { query: "stream=Both", want: invalid, why: "no such stream" }
  ])("O4: $query is refused: $why", ({ query, want }) => {
    assert.deepStrictEqual(parse(query), Result.fail(want))
  })

  it("O4: reads every option", () => {
    const query = Result.getOrThrow(
      parse("follow=true&previous=1&timestamps&tailLines=5&limitBytes=10&sinceSeconds=3")
    )
    assert.deepStrictEqual(query, {
      follow: true,
      previous: true,
      timestamps: true,
      tailLines: Option.some(5),
      limitBytes: Option.some(10),
      sinceSeconds: Option.some(3),
      sinceTime: Option.none(),
      stream: "All"
    })
    assert.deepStrictEqual(sinceOf(query, 10_500), Option.some({ seconds: 7, nanos: 500_000_000 }))
  })

  it.each([
    { query: "tail=7", want: Option.some(7), why: "the old name" },
    { query: "tail=all&tailLines=3", want: Option.none(), why: "all lines" },
    { query: "tail=&tailLines=3", want: Option.some(3), why: "an empty one does not count" }
  ])("O4: legacy $query: $why", ({ query, want }) => {
    assert.deepStrictEqual(Result.map(parse(query), (q) => q.tailLines), Result.succeed(want))
  })

  it.each(["follow=false", "follow=False", "follow=0", ""])("O4: %s does not follow", (query) => {
    assert.isFalse(Result.getOrThrow(parse(query)).follow)
  })

  it("O4: one stream needs the gate, and no tail", () => {
    assert.deepStrictEqual(
      parse("stream=Stdout"),
      Result.fail(
        {
          status: 400,
          message: `unable to return the given log stream: "Stdout". `
            + "Please enable PodLogsQuerySplitStreams feature gate in kubelet"
        } as const
      )
    )
    assert.strictEqual(Result.getOrThrow(parse("stream=Stdout", true)).stream, "Stdout")
    assert.deepStrictEqual(parse("stream=Stdout&tailLines=1", true), Result.fail(invalid))
  })
})
