import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { featureGates } from "../../../src/domain/kubeletConfig/featureGates.ts"
import { gates } from "../../../src/domain/kubeletConfig/gateTable.ts"

const enabled = (settings: Record<string, boolean>, name: string) =>
  Result.getOrThrow(featureGates(settings)).enabled(name)

describe("A17: feature gates of 1.36", () => {
  it("no name is listed twice", () => assert.strictEqual(new Set(gates.map(({ name }) => name)).size, gates.length))

  it.each([
    { name: "SidecarContainers", want: true },
    { name: "UserNamespacesSupport", want: true },
    { name: "ContainerRestartRules", want: true },
    { name: "NodeDeclaredFeatures", want: true },
    { name: "ClusterTrustBundleProjection", want: false },
    { name: "PodCertificateRequest", want: false },
    { name: "EventedPLEG", want: false },
    { name: "MemoryQoS", want: false },
    { name: "GitRepoVolumeDriver", want: false },
    { name: "ChangeContainerStatusOnKubeletRestart", want: false }
  ])("R: $name is $want by default", ({ name, want }) => assert.strictEqual(enabled({}, name), want))

  it.each([
    { settings: { AllAlpha: true }, name: "EventedPLEG", want: true, why: "a group sets its stage" },
    { settings: { AllAlpha: true }, name: "SELinuxMount", want: false, why: "and no other stage" },
    { settings: { AllBeta: false }, name: "EnvFiles", want: false, why: "groups turn off, too" },
    {
      settings: { AllAlpha: true, EventedPLEG: false },
      name: "EventedPLEG",
      want: false,
      why: "a name beats its group"
    },
    { settings: { AllBeta: false }, name: "SidecarContainers", want: true, why: "GA is no longer beta" }
  ])(
    "$name is $want under $settings: $why",
    ({ name, settings, want }) => assert.strictEqual(enabled(settings, name), want)
  )

  it("every wrong setting is reported", () => {
    const result = featureGates({ Nope: true, NodeSwap: false, EventedPLEG: true })
    assert.deepEqual(Result.isFailure(result) ? result.failure : [], [
      "cannot set feature gate NodeSwap to false, feature is locked to true",
      "unrecognized feature gate: Nope"
    ])
  })

  it("a locked gate may be set to what it is, with a warning", () =>
    assert.deepEqual(Result.getOrThrow(featureGates({ NodeSwap: true })).warnings, [
      "Setting GA feature gate NodeSwap=true. It will be removed in a future release."
    ]))
})
