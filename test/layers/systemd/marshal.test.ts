import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { type DbusValue, Reader, typesOf, Writer } from "../../../src/layers/systemd/live/marshal.ts"
import { decodeMessage, encodeMessage, messageType } from "../../../src/layers/systemd/live/message.ts"

const roundTrip = (signature: string, value: DbusValue): DbusValue => {
  const writer = new Writer()
  writer.write(signature, value)
  return new Reader(writer.bytes(), true).read(signature)
}

describe("D-Bus", () => {
  it.each([
    { signature: "sa(sv)u", want: ["s", "a(sv)", "u"] },
    { signature: "a{sa(i(xy))}aas", want: ["a{sa(i(xy))}", "aas"] },
    { signature: "", want: [] }
  ])("types of $signature", ({ signature, want }) => assert.deepStrictEqual([...typesOf(signature)], want))

  it.each(["a", "(s", "a("])("the signature %s is malformed", (signature) => {
    assert.throws(() => typesOf(signature))
  })

  it("bytes as the specification has them", () => {
    const writer = new Writer()
    writer.write("(yas)", [7, ["hi"]])
    assert.deepStrictEqual([...writer.bytes()], [7, 0, 0, 0, 7, 0, 0, 0, 2, 0, 0, 0, 104, 105, 0])
  })

  it("any value comes back as it was", () => {
    const values = fc.oneof<fc.Arbitrary<readonly [string, DbusValue]>[]>(
      fc.tuple(fc.constant("s"), fc.string()),
      fc.tuple(fc.constant("t"), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
      fc.tuple(fc.constant("i"), fc.integer()),
      fc.tuple(fc.constant("b"), fc.boolean()),
      fc.tuple(fc.constant("ay"), fc.uint8Array()),
      fc.tuple(fc.constant("as"), fc.array(fc.string()))
    )
    fc.assert(fc.property(fc.array(values, { minLength: 1 }), (all) => {
      const signature = `(${all.map(([type]) => type).join("")})`
      assert.deepStrictEqual(roundTrip(signature, all.map(([, value]) => value)), all.map(([, value]) => value))
      const variants = all.map(([type, value], index) => [`p${index}`, { signature: type, value }])
      assert.deepStrictEqual(roundTrip("a(sv)", variants), variants)
    }))
  })

  it("messages are cut out of a stream wherever it breaks, and nothing that comes in hangs or leaves its bounds", () => {
    const message = {
      type: messageType.call,
      serial: 3,
      path: "/a",
      member: "M",
      destination: "x.y",
      signature: "sa(sv)",
      body: ["unit", [["TasksMax", { signature: "t", value: 5n }]]]
    }
    const bytes = encodeMessage(message)
    for (let cut = 0; cut < bytes.length; cut++) assert.isUndefined(decodeMessage(bytes.subarray(0, cut)))
    assert.deepStrictEqual(decodeMessage(bytes), { message, size: bytes.length })
    fc.assert(fc.property(fc.nat({ max: bytes.length - 1 }), fc.nat({ max: 255 }), (at, byte) => {
      const damaged = bytes.slice()
      damaged[at] = byte
      try {
        decodeMessage(damaged)
      } catch (error) {
        assert.instanceOf(error, Error)
      }
    }))
  })
})
