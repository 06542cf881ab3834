import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { createHash } from "node:crypto"
import { attachmentName, blockPaths, globalDir, inlineHandle, uniqueName } from "../../../src/domain/csi/csiPaths.ts"
import {
  driverEntry,
  nodeIdsText,
  topologyClash,
  withDriver,
  withoutDriver
} from "../../../src/domain/csi/nodeEntries.ts"
import { csiPluginProblem } from "../../../src/domain/csi/registration.ts"
import { sha256Hex } from "../../../src/domain/csi/sha256.ts"
import { parseVolumeData, volumeDataText } from "../../../src/domain/csi/volumeData.ts"

const sha = (text: string) => createHash("sha256").update(text).digest("hex")

describe("J3: names and places", () => {
  it("SHA-256 of any text is what everybody else has", () =>
    fc.assert(
      fc.property(
        fc.string({ unit: "binary", maxLength: 300 }),
        (text) => assert.strictEqual(sha256Hex(text), sha(text))
      )
    ))

  const volume = { driver: "d.example.com", handle: "vol-1" }
  it.each([
    { got: globalDir("/r", volume), want: `/r/plugins/kubernetes.io/csi/d.example.com/${sha("vol-1")}`, why: "global" },
    { got: attachmentName(volume, "n1"), want: `csi-${sha("vol-1d.example.comn1")}`, why: "attachment" },
    { got: uniqueName(volume), want: "kubernetes.io/csi/d.example.com^vol-1", why: "volumesInUse" },
    { got: inlineHandle("uid", "v"), want: `csi-${sha("uidv")}`, why: "J6: inline" },
    {
      got: blockPaths("/r", "pv").publishDir,
      want: "/r/plugins/kubernetes.io/csi/volumeDevices/publish/pv",
      why: "I17: block"
    }
  ])("$why", ({ got, want }) => assert.strictEqual(got, want))

  it("vol_data.json comes back as it went, and half of one is none", () =>
    fc.assert(
      fc.property(
        fc.record({
          volumeHandle: fc.string(),
          driverName: fc.string(),
          specVolID: fc.string(),
          nodeName: fc.string()
        }),
        (data) => {
          const text = volumeDataText(data)
          assert.deepEqual(parseVolumeData(text), data)
          assert.isUndefined(parseVolumeData(text.slice(0, -1)))
        }
      )
    ))
})

describe("J2: what the cluster is told", () => {
  const driver = { name: "d", nodeId: "n", maxVolumes: 0, topology: { b: "2", a: "1" } }
  it("an entry: sorted keys, and a limit only where there is one", () => {
    assert.deepEqual(driverEntry(driver), { name: "d", nodeID: "n", topologyKeys: ["a", "b"] })
    assert.deepEqual(driverEntry({ ...driver, maxVolumes: 2 ** 40 }).allocatable, { count: 2 ** 31 - 1 })
  })

  it("entries change only when they differ", () => {
    const one = [driverEntry(driver)]
    assert.strictEqual(withDriver(one, driverEntry(driver)), one)
    assert.deepEqual(withDriver(one, driverEntry({ ...driver, nodeId: "m" })).map(({ nodeID }) => nodeID), ["m"])
    assert.deepEqual(withoutDriver(one, "d"), [])
    assert.strictEqual(withoutDriver(one, "x"), one)
  })

  it("the annotation keeps the other drivers", () => {
    assert.strictEqual(nodeIdsText(undefined, "d", "n"), "{\"d\":\"n\"}")
    assert.strictEqual(nodeIdsText("{\"e\":\"x\"}", "d", "n"), "{\"d\":\"n\",\"e\":\"x\"}")
    assert.strictEqual(nodeIdsText("{\"d\":\"n\",\"e\":\"x\"}", "d", undefined), "{\"e\":\"x\"}")
    assert.strictEqual(nodeIdsText("nonsense", "d", "n"), "{\"d\":\"n\"}")
  })

  it("a label that says otherwise is an error, not overwritten", () => {
    assert.isUndefined(topologyClash({ zone: "a" }, { zone: "a", rack: "1" }))
    assert.include(topologyClash({ zone: "a" }, { zone: "b" }) ?? "", "collision")
  })
})

describe("J1: who is taken", () => {
  it.each([
    { name: "d.example.com", versions: ["1.0.0"], want: undefined, why: "as registrars write it" },
    { name: "d.example.com", versions: ["v1.5"], want: undefined, why: "any version 1" },
    { name: "d", versions: ["0.3.0", "1.0.0"], want: undefined, why: "one of several" },
    { name: "d", versions: ["0.3.0"], want: "none of the CSI versions", why: "before version 1" },
    { name: "d", versions: [], want: "failed to provide", why: "says nothing" },
    { name: "../d", versions: ["1.0.0"], want: "invalid CSI driver name", why: "a name becomes part of paths" }
  ])("$name $versions: $why", ({ name, versions, want }) => {
    const problem = csiPluginProblem(name, versions)
    if (want === undefined) assert.isUndefined(problem)
    else assert.include(problem ?? "", want)
  })
})
