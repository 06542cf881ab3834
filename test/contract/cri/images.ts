/** The contract of images. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { Cri } from "../../../src/layers/cri/Cri.ts"
import { type ContractTests, CriContractHost, image } from "./scenario.ts"

export const imageContract = (it: ContractTests) => {
  it.effect("image: one that is there has an id, its name and a size", () =>
    Effect.gen(function*() {
      const { image: found } = yield* (yield* Cri).imageStatus({ image: { image } })
      assert.match(found?.id ?? "", /^sha256:[0-9a-f]{64}$/)
      assert.deepEqual(found?.repoTags, [image])
      assert.isAbove(Number(found?.size), 0)
    }))

  it.effect("image: is found by short name and by id", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      const { image: byName } = yield* cri.imageStatus({ image: { image } })
      const { image: byShortName } = yield* cri.imageStatus({ image: { image: "busybox:1.29" } })
      const { image: byId } = yield* cri.imageStatus({ image: { image: byName?.id ?? "" } })
      assert.isDefined(byName)
      assert.strictEqual(byShortName?.id, byName?.id)
      assert.strictEqual(byId?.id, byName?.id)
    }))

  it.effect("image: an absent one is no failure", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      assert.isUndefined((yield* cri.imageStatus({ image: { image: "docker.io/library/never:1" } })).image)
      yield* cri.removeImage({ image: { image: "docker.io/library/never:1" } })
    }))

  it.effect("image: the list has it", () =>
    Effect.gen(function*() {
      const { images } = yield* (yield* Cri).listImages({})
      assert.include(images.flatMap((each) => each.repoTags), image)
    }))

  it.effect("image: pulled, pulled again, used by digest, removed", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      const spec = { image: (yield* CriContractHost).pullable }
      assert.isUndefined((yield* cri.imageStatus({ image: spec })).image)
      const { imageRef } = yield* cri.pullImage({ image: spec })
      assert.strictEqual((yield* cri.pullImage({ image: spec })).imageRef, imageRef)
      const { image: found } = yield* cri.imageStatus({ image: spec })
      assert.strictEqual(found?.id, imageRef)
      assert.include(found?.repoTags ?? [], spec.image)
      const [digest] = found?.repoDigests ?? []
      assert.match(digest ?? "", /@sha256:[0-9a-f]{64}$/)
      assert.strictEqual((yield* cri.imageStatus({ image: { image: digest ?? "" } })).image?.id, imageRef)
      yield* cri.removeImage({ image: { image: imageRef } })
      yield* cri.removeImage({ image: { image: imageRef } })
      assert.isUndefined((yield* cri.imageStatus({ image: spec })).image)
    }))

  it.effect("image: one that its registry does not have fails as NotFound", () =>
    Effect.gen(function*() {
      const { pullable } = yield* CriContractHost
      const error = yield* Effect.flip((yield* Cri).pullImage({ image: { image: `${pullable}-never` } }))
      assert.strictEqual(error.op, "PullImage")
      assert.strictEqual(error.reason._tag, "NotFound")
      assert.match(error.detail, /never.*: not found/)
    }))
}
