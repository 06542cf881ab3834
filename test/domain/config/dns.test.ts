/** Which resolver a pod gets. */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { podDns } from "../../../src/domain/config/dns.ts"
import type { DnsSettings } from "../../../src/domain/config/nodeSettings.ts"
import { parseResolvConf } from "../../../src/domain/config/resolvConf.ts"
import type { PodSpec } from "../../../src/domain/k8s/pod.ts"
import { podWith } from "../resources/pods.ts"

const settings: DnsSettings = {
  servers: ["10.96.0.10"],
  domain: "cluster.local",
  hostResolvConf: "nameserver 192.0.2.53\nsearch corp.example.\noptions timeout:1\n"
}
const host = { servers: ["192.0.2.53"], searches: ["corp.example"], options: ["timeout:1"] }
const cluster = {
  servers: ["10.96.0.10"],
  searches: ["default.svc.cluster.local", "svc.cluster.local", "cluster.local", "corp.example"],
  options: ["ndots:5"]
}
const dnsOf = (spec: Partial<PodSpec>, over: Partial<DnsSettings> = {}, hostIPs: ReadonlyArray<string> = []) =>
  podDns(podWith(spec), { ...settings, ...over }, hostIPs)

describe("E4: policies", () => {
  it.each([
    { spec: {}, want: cluster, why: "ClusterFirst is the default" },
    { spec: { dnsPolicy: "ClusterFirst", hostNetwork: true }, want: host, why: "but not on the host's network" },
    { spec: { dnsPolicy: "ClusterFirstWithHostNet", hostNetwork: true }, want: cluster, why: "unless it says so" },
    { spec: { dnsPolicy: "Default" }, want: host, why: "the node's own" },
    { spec: { dnsPolicy: "None" }, want: { servers: [], searches: [], options: [] }, why: "nothing" },
    {
      spec: {
        dnsPolicy: "None",
        dnsConfig: {
          nameservers: ["1.1.1.1"],
          searches: ["a.b"],
          options: [{ name: "ndots", value: "2" }, { name: "edns0" }]
        }
      },
      want: { servers: ["1.1.1.1"], searches: ["a.b"], options: ["ndots:2", "edns0"] },
      why: "but what the pod brings"
    },
    {
      spec: { dnsConfig: { nameservers: ["10.96.0.10", "1.1.1.1"], options: [{ name: "ndots", value: "1" }] } },
      want: { ...cluster, servers: ["10.96.0.10", "1.1.1.1"], options: ["ndots:1"] },
      why: "the pod adds servers and overrides options"
    }
  ])("$why", ({ spec, want }) => assert.deepStrictEqual(dnsOf(spec), { dns: want, warnings: [] }))

  it("without a cluster DNS pods fall back to the node's, and are told", () => {
    const { dns, warnings } = dnsOf({}, { servers: [] })
    assert.deepStrictEqual(dns, host)
    assert.deepStrictEqual(warnings.map(({ reason }) => reason), ["MissingClusterDNS"])
  })

  it("a node without resolver file turns lookups off", () => {
    const off: Partial<DnsSettings> = { hostResolvConf: undefined }
    assert.deepStrictEqual(dnsOf({ dnsPolicy: "Default" }, off).dns, {
      servers: ["127.0.0.1"],
      searches: ["."],
      options: []
    })
    assert.deepStrictEqual(dnsOf({ dnsPolicy: "Default" }, off, ["192.0.2.1", "2001:db8::1"]).dns.servers, [
      "127.0.0.1",
      "::1"
    ])
  })
})

describe("E4: limits", () => {
  it("three servers", () => {
    const { dns, warnings } = dnsOf({ dnsConfig: { nameservers: ["1.1.1.1", "2.2.2.2", "3.3.3.3"] } })
    assert.deepStrictEqual(dns.servers, ["10.96.0.10", "1.1.1.1", "2.2.2.2"])
    assert.deepStrictEqual(warnings, [{
      reason: "DNSConfigForming",
      message: "Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: " +
        "10.96.0.10 1.1.1.1 2.2.2.2"
    }])
  })

  it("32 searches", () => {
    const searches = Array.from({ length: 40 }, (_, i) => `s${i}.example`)
    const { dns, warnings } = dnsOf({ dnsPolicy: "None", dnsConfig: { searches } })
    assert.deepStrictEqual(dns.searches, searches.slice(0, 32))
    assert.strictEqual(
      warnings[0]?.message,
      "Search Line limits were exceeded, some search paths have been omitted, the applied search line is: " +
        searches.slice(0, 32).join(" ")
    )
  })

  it("2048 characters, no search cut in half", () => {
    const search = fc.integer({ min: 1, max: 300 }).map((length) => "x".repeat(length))
    fc.assert(fc.property(fc.uniqueArray(search, { maxLength: 31 }), (searches) => {
      const { dns } = dnsOf({ dnsPolicy: "None", dnsConfig: { searches } })
      assert.isAtMost(dns.searches.join(" ").length, 2048)
      assert.deepStrictEqual(dns.searches, searches.slice(0, dns.searches.length))
    }))
  })
})

describe("resolv.conf", () => {
  it.each([
    {
      text: "# c\nnameserver 1.1.1.1 # x\n;c\n",
      want: { servers: ["1.1.1.1"], searches: [], options: [] },
      why: "comments"
    },
    {
      text: "search a\nsearch b. .",
      want: { servers: [], searches: ["b", "."], options: [] },
      why: "the last search counts"
    },
    {
      text: "options ndots:1 rotate\noptions ndots:3",
      want: { servers: [], searches: [], options: ["ndots:3", "rotate"] },
      why: "options gather, later values win"
    },
    { text: "nameserver\n  nameserver\t::1", want: { servers: ["::1"], searches: [], options: [] }, why: "blanks" }
  ])("$why", ({ text, want }) => assert.deepStrictEqual(parseResolvConf(text), want))
})
