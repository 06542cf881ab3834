/** Files of networks: what is read of them, what is said of those that cannot be. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { cacheFileName, decodeCached, encodeCached, networkText } from "../../../src/domain/cni/cachedAttachment.ts"
import { chooseNetwork, programsOf } from "../../../src/domain/cni/networkFolder.ts"
import { addedPluginsFolder, isConfigName, parseDefinition, parseNetwork } from "../../../src/domain/cni/networkList.ts"
import { shimListText } from "../../../src/domain/cni/shimList.ts"

const parsed = (config: unknown, path = "/etc/cni/net.d/10-a.conflist") =>
  parseNetwork({ path, text: typeof config === "string" ? config : JSON.stringify(config) })

const base = { cniVersion: "1.0.0", name: "a", plugins: [{ type: "bridge" }] }

describe("network configuration", () => {
  it.each([
    { file: base, says: undefined, why: "the least that is enough" },
    { file: "", says: "it is empty", why: "a file that is still being written" },
    { file: "{ oops", says: "it is no JSON: { oops", why: "bad JSON" },
    { file: "[]", says: "it is no object", why: "JSON, but no object" },
    { file: { ...base, name: "" }, says: "name is missing", why: "records are named after it" },
    { file: { ...base, name: "../x" }, says: "name \"../x\" is not valid", why: "it becomes a path" },
    { file: { ...base, plugins: [] }, says: "it has no plugins", why: "runtimes refuse it" },
    { file: { ...base, plugins: [{}] }, says: "plugins[0] has no type", why: "nothing to run" },
    { file: { ...base, plugins: [{ type: "../sh" }] }, says: "is no file name", why: "only the plugin folder is run" },
    { file: { ...base, cniVersion: undefined }, says: "cniVersion is missing", why: "it would be 0.1.0" },
    { file: { ...base, cniVersion: "0.2.0" }, says: "0.2.0 is not supported", why: "older than all we speak" }
  ])("$why: $says", ({ file, says }) => {
    const result = parsed(file)
    if (says === undefined) return assert.isTrue(Result.isSuccess(result))
    const error = Result.getOrThrow(Result.flip(result))
    assert.include(error.message, says)
    assert.include(error.message, "/etc/cni/net.d/10-a.conflist")
  })

  it("a single plugin is a list of one, and a list in the wrong file is told where it belongs", () => {
    const single = {
      cniVersion: "0.3.1",
      name: "s",
      type: "ptp",
      capabilities: { portMappings: true },
      ipam: { type: "x" }
    }
    const list = Result.getOrThrow(parsed(single, "/n/1.conf"))
    assert.deepStrictEqual(list.plugins, [{
      type: "ptp",
      capabilities: ["portMappings"],
      fields: { type: "ptp", ipam: { type: "x" } }
    }])
    assert.deepStrictEqual(programsOf({ type: "ptp", capabilities: [], fields: { ipam: { type: "x" } } }), ["ptp", "x"])
    const error = Result.getOrThrow(Result.flip(parsed(base, "/n/1.json")))
    assert.include(error.message, "belongs into a .conflist file")
  })

  it("versions: all that we know, newest first; the list's switches in both spellings", () => {
    const list = Result.getOrThrow(
      parsed({ ...base, cniVersions: ["0.4.0", "1.1.0", "9.0.0"], disableCheck: "true", disableGC: true })
    )
    assert.deepStrictEqual(list.versions, ["1.1.0", "1.0.0", "0.4.0"])
    assert.deepStrictEqual([list.disableCheck, list.disableGc], [true, true])
  })

  it("1.1: plugins of the folder beside the list are added, unless it wants only its own", () => {
    const file = { path: "/n/1.conflist", text: JSON.stringify(base) }
    const added = [{ path: "/n/a/1.conf", text: "{\"type\":\"tuning\"}" }]
    assert.strictEqual(addedPluginsFolder(file), "a")
    const types = (text: string) =>
      Result.getOrThrow(parseNetwork({ ...file, text }, added)).plugins.map(({ type }) => type)
    assert.deepStrictEqual(types(file.text), ["bridge", "tuning"])
    const only = JSON.stringify({ ...base, loadOnlyInlinedPlugins: true })
    assert.deepStrictEqual(types(only), ["bridge"])
    assert.strictEqual(addedPluginsFolder({ ...file, text: only }), "")
  })

  it("the first file counts, and a bad one before it stops the search as in runtimes", () => {
    const file = (path: string, config: unknown) => ({ path, network: parsed(config, path) })
    const choose = (...files: ReadonlyArray<ReturnType<typeof file>>) => chooseNetwork("/n", files)
    assert.strictEqual(choose(file("/n/1.conflist", base), file("/n/2.conflist", "")).chosen?.source, "/n/1.conflist")
    assert.strictEqual(choose(file("/n/0.conflist", shimListText), file("/n/1.conflist", base)).chosen?.name, "a")
    assert.deepStrictEqual(choose(), { chosen: undefined, problems: ["no network configuration in /n"] })
    const spoilt = choose(file("/n/0.conflist", ""), file("/n/1.conflist", base))
    assert.deepStrictEqual(spoilt.problems, ["network configuration /n/0.conflist: it is empty"])
    assert.deepStrictEqual(["a.conf", "b.conflist", "c.json", "d.conf~", "e"].filter(isConfigName).length, 3)
  })

  it("an object's network may be a plugin or a list, and bears the object's name by default", () => {
    const of = (config: unknown) =>
      Result.getOrThrow(parseDefinition({ source: "object", name: "net", text: JSON.stringify(config) }))
    assert.deepInclude(of({ cniVersion: "1.0.0", type: "macvlan" }), { name: "net", source: "object" })
    assert.strictEqual(of({ ...base }).name, "a")
    assert.deepStrictEqual(of({ cniVersion: "1.0.0", plugins: [{ type: "x" }, { type: "y" }] }).plugins.length, 2)
  })

  it("a record of an attachment is read as it was written; anything else is none", () => {
    const list = { ...Result.getOrThrow(parsed(base)), source: "cached.conflist" }
    const attachment = {
      containerId: "c",
      netns: "/ns",
      ifname: "eth0",
      args: [["A", "b"]] as const,
      capabilityArgs: { mac: "x" }
    }
    const result = { interfaces: [{ name: "eth0" }], ips: [{ address: "10.0.0.1/24" }], routes: [], dns: {} }
    assert.deepStrictEqual(decodeCached(encodeCached({ list, attachment, result }, "1.0.0")), {
      list,
      attachment,
      result
    })
    assert.strictEqual(cacheFileName("n", attachment), "n-c-eth0")
    for (const text of ["", "{}", "{\"kind\":\"cniCacheV1\"}", networkText(list)]) {
      assert.isUndefined(decodeCached(text))
    }
  })
})
