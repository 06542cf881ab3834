import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { readFields } from "../../../../src/layers/api/memory/fields.ts"
import { readProtobuf } from "../../../../src/layers/api/memory/protobuf.ts"

const fields = readFields()

type Write = (writer: BinaryWriter) => BinaryWriter

const text = (number: number, value: string): Write => (w) => w.tag(number, WireType.LengthDelimited).string(value)
const number = (field: number, value: number): Write => (w) => w.tag(field, WireType.Varint).int64(value)
const message = (field: number, ...inner: ReadonlyArray<Write>): Write => (w) =>
  w.tag(field, WireType.LengthDelimited).bytes(bytes(...inner))
const bytes = (...writes: ReadonlyArray<Write>): Uint8Array =>
  writes.reduce((writer, write) => write(writer), new BinaryWriter()).finish()
const entry = (field: number, key: string, value: string): Write => message(field, text(1, key), text(2, value))

const body = (apiVersion: string, kind: string, ...inner: ReadonlyArray<Write>): Uint8Array =>
  Buffer.concat([
    Buffer.from("k8s\0"),
    bytes(message(1, text(1, apiVersion), text(2, kind)), message(2, ...inner), text(3, ""), text(4, ""))
  ])

const read = (sent: Uint8Array) =>
  Result.getOrThrowWith(readProtobuf(fields, sent), (refusal) => new Error(refusal.message))

describe("protobuf bodies", () => {
  it("a config map: text, maps, bytes and a time", () => {
    const sent = body(
      "v1",
      "ConfigMap",
      message(1, text(1, "settings"), message(8, number(1, 1_000_000_000)), entry(11, "app", "x")),
      entry(2, "key", "value"),
      entry(2, "empty", ""),
      entry(3, "raw", "abc")
    )
    assert.deepStrictEqual(read(sent), {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "settings", creationTimestamp: "2001-09-09T01:46:40Z", labels: { app: "x" } },
      data: { key: "value", empty: "" },
      binaryData: { raw: "YWJj" }
    })
  })

  it("a pod: messages that JSON spreads out, quantities, ports that are numbers or names, lists of numbers", () => {
    const port = message(2, number(1, 1), number(2, 0), text(3, "http"))
    const probe = message(10, message(1, message(2, text(1, "/"), port)), number(2, 5))
    const limits = message(8, message(1, text(1, "cpu"), message(2, text(1, "500m"))))
    const container = message(2, text(1, "c"), text(2, "nginx"), text(3, "sh"), text(3, "-c"), limits, probe)
    const volume = message(1, text(1, "v"), message(2, message(6, text(1, "s"))))
    const groups = message(14, number(4, 5), number(4, 6))
    const sent = body("v1", "Pod", message(1, text(1, "p")), message(2, volume, container, groups, number(4, 30)))
    assert.deepStrictEqual(read(sent)["spec"], {
      volumes: [{ name: "v", secret: { secretName: "s" } }],
      containers: [{
        name: "c",
        image: "nginx",
        command: ["sh", "-c"],
        resources: { limits: { cpu: "500m" } },
        livenessProbe: { httpGet: { path: "/", port: "http" }, initialDelaySeconds: 5 }
      }],
      securityContext: { supplementalGroups: [5, 6] },
      terminationGracePeriodSeconds: 30
    })
  })

  it("an access review of a named group, whose extra values are lists", () => {
    const extra = message(5, text(1, "scopes"), message(2, text(1, "a"), text(1, "b")))
    const sent = body("authorization.k8s.io/v1", "SubjectAccessReview", message(2, text(3, "jane"), extra))
    assert.deepStrictEqual(read(sent)["spec"], { user: "jane", extra: { scopes: ["a", "b"] } })
  })

  it("fields that it does not know are passed over", () => {
    const sent = body("v1", "Namespace", message(1, text(1, "n"), text(99, "new")), number(98, 7))
    assert.deepStrictEqual(read(sent)["metadata"], { name: "n" })
  })

  it.each([
    { sent: new Uint8Array([1, 2, 3]), why: "no prefix" },
    { sent: Buffer.concat([Buffer.from("k8s\0"), new Uint8Array([0x0a, 0xff, 0xff])]), why: "cut short" }
  ])("refuses a body with $why", ({ sent }) => {
    const outcome = readProtobuf(fields, sent)
    assert.strictEqual(Result.isFailure(outcome) ? outcome.failure.code : 0, 400)
  })
})
