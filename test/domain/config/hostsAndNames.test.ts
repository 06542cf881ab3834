/** What a pod is called and what its `/etc/hosts` says. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import { kernelHostname, podHostname } from "../../../src/domain/config/hostname.ts"
import { hostNetworkHostsFile, hostsFile } from "../../../src/domain/config/hostsFile.ts"
import type { PodSpec } from "../../../src/domain/k8s/pod.ts"
import { insideSection, readRecording, recordedCases } from "../../golden/recording.ts"
import { podWith } from "../resources/pods.ts"

const named = (name: string, spec: Partial<PodSpec> = {}, domain = "cluster.local") =>
  podHostname(podWith(spec, { name }), domain)

const nameOf = (name: string, spec: Partial<PodSpec> = {}) => Result.getOrThrow(named(name, spec))

const long = "a".repeat(62)

describe("E6: hostname", () => {
  it.each([
    { name: "web", spec: {}, want: { hostname: "web", domain: "" }, why: "the pod's name" },
    { name: "web", spec: { hostname: "h" }, want: { hostname: "h", domain: "" }, why: "as asked for" },
    {
      name: "web",
      spec: { subdomain: "sub" },
      want: { hostname: "web", domain: "sub.default.svc.cluster.local" },
      why: "a subdomain gives a domain"
    },
    { name: `${long}xy`, spec: {}, want: { hostname: `${long}x`, domain: "" }, why: "cut at 63" },
    { name: `${long}.y`, spec: {}, want: { hostname: long, domain: "" }, why: "without what must not end a label" },
    {
      name: "web",
      spec: { hostnameOverride: "Any.Name", subdomain: "sub" },
      want: { hostname: "Any.Name", domain: "" },
      why: "KEP-4762: the override has no domain"
    }
  ])("$why", ({ name, spec, want }) => assert.deepStrictEqual(nameOf(name, spec), want))

  it.each([
    { spec: { hostname: "A" }, want: "pod Hostname \"A\" is not a valid DNS label: " },
    { spec: { subdomain: "a.b" }, want: "pod Subdomain \"a.b\" is not a valid DNS label: " }
  ])("refuses: $want", ({ spec, want }) => {
    const error = Result.getOrThrow(Result.flip(named("web", spec)))
    assert.isTrue(error.message.startsWith(want), error.message)
  })

  it("the kernel gets the full name on demand, if it fits", () => {
    const pod = podWith({ setHostnameAsFQDN: true, subdomain: "sub" }, { name: "web" })
    const short = nameOf("web", pod.spec)
    assert.strictEqual(Result.getOrThrow(kernelHostname(pod, short)), "web.sub.default.svc.cluster.local")
    assert.strictEqual(Result.getOrThrow(kernelHostname(podWith({}), short)), "web")
    const tooLong = kernelHostname(pod, { hostname: "h".repeat(40), domain: "d".repeat(24) })
    assert.strictEqual(
      Result.getOrThrow(Result.flip(tooLong)).message,
      `failed to construct FQDN from pod hostname and cluster domain, FQDN ${"h".repeat(40)}.${
        "d".repeat(24)
      } is too ` +
        "long (64 characters is the max, 65 characters requested)"
    )
  })
})

describe("E5: hosts file", () => {
  const recorded = recordedCases.map(readRecording).flatMap((recording) =>
    Object.keys(recording.inside ?? {}).flatMap((container) => {
      const hosts = insideSection(recording, container, "hosts")
      return hosts === undefined || recording.manifest.spec["hostNetwork"] === true
        ? []
        : [{ name: `${recording.case}/${container}`, recording, hosts }]
    })
  )

  it.each(recorded)("as recorded: $name", ({ recording, hosts }) => {
    const spec = recording.manifest.spec as unknown as PodSpec
    const pod = podWith(spec, { name: String(recording.manifest.metadata["name"]) })
    const status = recording.statuses.find((it) => it.status["podIP"] !== undefined)?.status
    const text = hostsFile({
      podIPs: [String(status?.["podIP"])],
      name: Result.getOrThrow(podHostname(pod, "")),
      aliases: spec.hostAliases ?? []
    })
    assert.strictEqual(text, hosts)
  })

  it("was recorded for many pods", () => assert.isAbove(recorded.length, 20))

  it("one line an address, aliases after an empty line", () => {
    const text = hostsFile({
      podIPs: ["10.0.0.1", "fd00::1"],
      name: { hostname: "h", domain: "d" },
      aliases: [{ ip: "1.2.3.4", hostnames: ["a", "b"] }]
    })
    const tail = "10.0.0.1\th.d\th\nfd00::1\th.d\th\n\n# Entries added by HostAliases.\n1.2.3.4\ta\tb\n"
    assert.isTrue(text.endsWith(tail), text)
  })

  it("on the host's network the node's file comes first", () => {
    assert.strictEqual(
      hostNetworkHostsFile("127.0.0.1 localhost\n", [{ ip: "1.2.3.4", hostnames: ["a"] }]),
      "# Kubernetes-managed hosts file (host network).\n127.0.0.1 localhost\n\n# Entries added by HostAliases.\n1.2.3.4\ta\n"
    )
    assert.strictEqual(hostNetworkHostsFile("x\n", []), "# Kubernetes-managed hosts file (host network).\nx\n")
  })

  it("reads back as what was put in", () => {
    const label = fc.stringMatching(/^[a-z]{1,8}$/)
    const entries = fc.array(
      fc.record({ ip: fc.ipV4(), hostnames: fc.array(label, { minLength: 1, maxLength: 3 }) }),
      { maxLength: 4 }
    )
    fc.assert(fc.property(fc.array(fc.ipV4(), { maxLength: 2 }), label, entries, (podIPs, hostname, aliases) => {
      const text = hostsFile({ podIPs, name: { hostname, domain: "" }, aliases })
      const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#")).slice(6)
      const read = lines.map((line) => line.split("\t"))
      assert.deepStrictEqual(read, [
        ...podIPs.map((ip) => [ip, hostname]),
        ...aliases.map(({ ip, hostnames }) => [ip, ...hostnames])
      ])
    }))
  })
})
