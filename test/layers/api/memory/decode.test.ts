import { assert, describe, it } from "@effect/vitest"
import { decodeFields, noFindings, sameContent } from "../../../../src/layers/api/memory/decode.ts"
import { readFields } from "../../../../src/layers/api/memory/fields.ts"
import { readKinds } from "../../../../src/layers/api/memory/kinds.ts"

const fields = readFields()
const podShape = fields.shape("core/v1", "Pod")

const decodePod = (spec: Record<string, unknown>, status: Record<string, unknown> = {}) => {
  const findings = noFindings()
  const decoded = decodeFields({ metadata: {}, spec, status }, podShape, undefined, findings)
  return { spec: decoded["spec"], status: decoded["status"], ...findings }
}

const container = (more: Record<string, unknown>) => ({ containers: [{ name: "a", ...more }] })
const stored = (more: Record<string, unknown>) => ({ containers: [{ name: "a", resources: {}, ...more }] })

describe("decode", () => {
  it.each([
    { given: { args: [] }, want: {}, why: "an empty list is as good as none" },
    { given: { stdin: false, workingDir: "" }, want: {}, why: "a zero value is left out" },
    { given: { securityContext: {} }, want: { securityContext: {} }, why: "an empty object behind a pointer stays" },
    { given: { env: null }, want: {}, why: "null is how Go writes an absent list" },
    { given: { livenessProbe: null }, want: {}, why: "null is how Go writes an absent object" },
    { given: { imagee: "x" }, want: {}, why: "an unknown field is dropped" },
    {
      given: { resources: { limits: { cpu: 0.5, memory: "1024Mi" }, requests: { cpu: "1000m" } } },
      want: { resources: { limits: { cpu: "500m", memory: "1Gi" }, requests: { cpu: "1" } } },
      why: "quantities become canonical, numbers too"
    }
  ])("$why", ({ given, want }) => {
    assert.deepStrictEqual(decodePod(container(given)).spec, stored(want))
  })

  it.each([
    {
      given: { conditions: [{ type: "Ready", status: "True" }] },
      want: { conditions: [{ type: "Ready", status: "True", lastProbeTime: null, lastTransitionTime: null }] },
      why: "times that are always written are null when unset"
    },
    {
      given: { startTime: "2026-01-02T03:04:05.678+01:00" },
      want: { startTime: "2026-01-02T02:04:05Z" },
      why: "times are whole seconds of UTC"
    },
    {
      given: { containerStatuses: [{ name: "a" }] },
      want: {
        containerStatuses: [{
          name: "a",
          state: {},
          lastState: {},
          ready: false,
          restartCount: 0,
          image: "",
          imageID: ""
        }]
      },
      why: "a container status always has its counters and states"
    }
  ])("$why", ({ given, want }) => {
    assert.deepStrictEqual(decodePod(container({}), given).status, want)
  })

  it("keeps six digits of a time with microseconds", () => {
    const lease = fields.shape("coordination/v1", "Lease")
    const object = { metadata: {}, spec: { renewTime: "2026-01-02T03:04:05.12Z", acquireTime: "2026-01-02T03:04:05Z" } }
    assert.deepStrictEqual(decodeFields(object, lease, undefined, noFindings())["spec"], {
      renewTime: "2026-01-02T03:04:05.120000Z",
      acquireTime: "2026-01-02T03:04:05.000000Z"
    })
  })

  it("says which fields it does not know, with their path, but not those that it manages itself", () => {
    const findings = noFindings()
    const object = {
      metadata: { managedFields: [], nome: "x" },
      spec: { containers: [{ name: "a" }, { name: "b", ports: [{ port: 1 }] }] }
    }
    decodeFields(object, podShape, undefined, findings)
    assert.deepStrictEqual(findings.unknown, ["metadata.nome", "spec.containers[1].ports[0].port"])
  })

  it.each([
    {
      spec: { containers: "x" },
      want: /unmarshal string into Go struct field PodSpec\.spec\.containers of type \[\]v1/
    },
    {
      spec: container({ stdin: "yes" }),
      want: /string into Go struct field Container\.spec\.containers\[0\]\.stdin of type bool/
    },
    { spec: { activeDeadlineSeconds: 1.5 }, want: /number into Go struct field .*activeDeadlineSeconds of type int64/ },
    {
      spec: container({ resources: { limits: { cpu: "much" } } }),
      want: /quantities must match the regular expression/
    }
  ])("refuses a value of the wrong type: $want", ({ spec, want }) => {
    assert.match(decodePod(spec).wrong[0] ?? "", want)
  })

  it("keeps what has the stored form already by reference, also within a changed object", () => {
    const first = decodeFields({ metadata: {}, spec: container({ image: "x" }) }, podShape, undefined, noFindings())
    const again = decodeFields(first, podShape, undefined, noFindings())
    assert.strictEqual(again["spec"], first["spec"])
    const changed = decodeFields({ ...first, status: { phase: "Running" } }, podShape, first, noFindings())
    assert.strictEqual(changed["spec"], first["spec"])
    assert.isTrue(sameContent(first, again))
    assert.isFalse(sameContent(first, changed))
  })

  it("has a type for every kind that is served, and every type that those are made of", () => {
    assert.isAbove(readKinds(fields).length, 40)
    for (const shape of fields.shapes.values()) assert.isAbove(shape.fields.size, 0, `${shape.group}.${shape.name}`)
  })
})
