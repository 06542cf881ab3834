import { assert, describe, it } from "@effect/vitest"
import { renderFamilies } from "../../../src/domain/stats/exposition.ts"

describe("the text format of Prometheus", () => {
  it("sorts families, escapes what is to be escaped, writes times and infinities", () => {
    assert.strictEqual(
      renderFamilies([
        {
          name: "z_total",
          help: "back\\slash\nline",
          type: "counter",
          samples: [{ labels: {}, value: 5n, atMs: 1000.4 }]
        },
        { name: "empty", help: "", type: "gauge", samples: [] },
        {
          name: "a",
          help: "A \"quoted\" help",
          type: "histogram",
          samples: [
            { suffix: "_bucket", labels: { x: "q\"b\\n\n", le: "+Inf" }, value: Infinity },
            { suffix: "_sum", labels: { x: "" }, value: 0.1 },
            { suffix: "_count", labels: {}, value: Number.NaN }
          ]
        }
      ]),
      [
        "# HELP a A \"quoted\" help",
        "# TYPE a histogram",
        "a_bucket{x=\"q\\\"b\\\\n\\n\",le=\"+Inf\"} +Inf",
        "a_sum{x=\"\"} 0.1",
        "a_count NaN",
        "# HELP z_total back\\\\slash\\nline",
        "# TYPE z_total counter",
        "z_total 5 1000",
        ""
      ].join("\n")
    )
    assert.strictEqual(renderFamilies([]), "")
  })
})
