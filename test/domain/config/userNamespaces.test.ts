/** E13: no two living pods share a host id, and a restart changes nothing. */
import { assert, describe, it } from "@effect/vitest"
import { Option, Result } from "effect"
import * as fc from "fast-check"
import type { UserNamespaceMappings } from "../../../src/domain/config/namespaces.ts"
import {
  allocateIds,
  defaultIdRange,
  mappingsFile,
  parseMappingsFile,
  parseSubids
} from "../../../src/domain/config/userNamespaces.ts"

describe("E13: ranges", () => {
  it.each([
    { text: "0: kubelet 65536 7208960\n", want: { first: 65_536, perPod: 65_536, count: 110 }, why: "one range" },
    { text: "kubelet 131072 7208960", want: { first: 131_072, perPod: 65_536, count: 110 }, why: "without its number" },
    { text: "", want: undefined, why: "none" },
    { text: "0: kubelet 65536 7208960\n1: kubelet 9999360 65536", want: undefined, why: "two" },
    { text: "0: kubelet 0 7208960", want: undefined, why: "the host's own ids" },
    { text: "0: kubelet 70000 7208960", want: undefined, why: "not at a block" },
    { text: "0: kubelet 65536 65536", want: undefined, why: "too few" },
    { text: "what?", want: undefined, why: "unreadable" }
  ])("$why", ({ text, want }) => {
    const range = parseSubids(text, 110, 65_536)
    assert.deepStrictEqual(Result.isSuccess(range) ? range.success : undefined, want)
  })
})

describe("E13: blocks", () => {
  it("start above the host's own ids, and run out", () => {
    const range = defaultIdRange(2)
    const first = Option.getOrThrow(allocateIds(range, []))
    const second = Option.getOrThrow(allocateIds(range, [first]))
    assert.deepStrictEqual([first.uids[0]?.hostId, second.gids[0]?.hostId], [65_536, 131_072])
    assert.isTrue(Option.isNone(allocateIds(range, [first, second])))
    assert.deepStrictEqual(
      Option.getOrThrow(allocateIds(range, [second])),
      first,
      "a block that is given back is used again"
    )
  })

  it("living pods never overlap, whoever comes and goes", () => {
    fc.assert(fc.property(fc.array(fc.nat(9), { maxLength: 40 }), (steps) => {
      const range = defaultIdRange(8)
      let living: ReadonlyArray<UserNamespaceMappings> = []
      for (const step of steps) {
        const given = allocateIds(range, living)
        if (step < living.length) living = living.filter((_, index) => index !== step)
        else if (Option.isSome(given)) living = [...living, given.value]
        const ids = living.map(({ uids }) => uids[0]?.hostId)
        assert.strictEqual(new Set(ids).size, living.length)
      }
    }))
  })

  it("the file reads back; a torn one is an error", () => {
    const mappings = Option.getOrThrow(allocateIds(defaultIdRange(1), []))
    const text = mappingsFile(mappings)
    assert.strictEqual(
      text,
      "{\"uidMappings\":[{\"hostId\":65536,\"containerId\":0,\"length\":65536}]," +
        "\"gidMappings\":[{\"hostId\":65536,\"containerId\":0,\"length\":65536}]}"
    )
    assert.deepStrictEqual(Result.getOrThrow(parseMappingsFile(text)), mappings)
    for (const bad of ["", "{}", text.slice(0, 40)]) assert.isTrue(Result.isFailure(parseMappingsFile(bad)), bad)
  })
})
