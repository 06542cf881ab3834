import { assert, it } from "@effect/vitest"
import { Result } from "effect"
import { flagsInForce } from "../../../src/cli/compose/flagsInForce.ts"
import { apiVersion, kind } from "../../../src/domain/kubeletConfig/file.ts"
import { effectiveConfig } from "../../../src/domain/kubeletConfig/layering.ts"

const document = {
  apiVersion,
  kind,
  maxPods: 30,
  clusterDNS: ["10.0.0.10", "10.0.0.11"],
  kubeReserved: { cpu: "100m", memory: "1Gi" },
  staticPodURLHeader: { Authorization: ["Bearer secret"] }
}
const { config } = Result.getOrThrow(effectiveConfig({ file: { source: "f", document }, dropIns: [], flags: [] }))
const flags = flagsInForce(config, {
  "hostname-override": ["n1"],
  "node-labels": ["a=b", "c=d"],
  "minimum-image-ttl": []
})

it.each([
  { flag: "max-pods", want: "30", why: "the value in force, from the file" },
  { flag: "node-status-update-frequency", want: "10s", why: "a default, as it would be written" },
  { flag: "cluster-dns", want: "[10.0.0.10,10.0.0.11]", why: "a list" },
  { flag: "kube-reserved", want: "cpu=100m,memory=1Gi", why: "a map" },
  { flag: "hostname-override", want: "n1", why: "an option of the command line" },
  { flag: "node-labels", want: "a=b,c=d", why: "given twice" },
  { flag: "kubeconfig", want: "", why: "an option that was not given" },
  { flag: "manifest-url-header", want: "<masked>", why: "a secret" }
])("O1: /flagz shows --$flag=$want: $why", ({ flag, want }) => assert.strictEqual(flags[flag], want))
