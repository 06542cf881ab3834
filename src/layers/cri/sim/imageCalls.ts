/** The image calls of the simulated runtime. */
import { Effect, Random } from "effect"
import { fnv1a32 } from "../../../domain/config/containerHash.ts"
import { annotatedAnswer } from "./annotated.ts"
import { image as imageMessage, imageFilesystem } from "./answers.ts"
import { now, type Part, pause, refuse, work } from "./call.ts"
import { fullName, pullMsOf, pullRefusal } from "./images.ts"
import type { SimRuntime } from "./SimRuntime.ts"

type ImageCalls = Part<"listImages" | "imageStatus" | "pullImage" | "removeImage" | "imageFsInfo">

export const imageCalls = (runtime: SimRuntime): ImageCalls => ({
  listImages: Effect.fnUntraced(function*({ filter }, call) {
    yield* work(call, runtime.options.latencies.read)
    const wanted = filter?.image?.image ?? ""
    const found = wanted === "" ? runtime.images.all() : [runtime.images.find(wanted)]
    return { images: found.flatMap((each) => each === undefined ? [] : [imageMessage(each)]) }
  }),

  imageStatus: Effect.fnUntraced(function*({ image }, call) {
    yield* work(call, runtime.options.latencies.read)
    const found = runtime.images.find(image?.image ?? "")
    return found === undefined ? {} : { image: imageMessage(found, image) }
  }),

  pullImage: Effect.fnUntraced(function*({ auth, image, sandboxConfig }, call) {
    const name = fullName(image?.image ?? "")
    const found = runtime.options.registry(name, auth)
    const answer = annotatedAnswer(found, sandboxConfig?.annotations ?? {}, fnv1a32(name))
    if (answer._tag !== "Image") {
      yield* pause(call, answer.afterMs ?? 100)
      const { code, detail } = pullRefusal(name, answer)
      return yield* refuse(call, code, detail)
    }
    const present = runtime.images.find(name) !== undefined
    // What is there is only looked up at the registry.
    const tookMs = present ? Math.min(250, pullMsOf(answer)) : pullMsOf(answer)
    yield* pause(call, Math.round(tookMs * (yield* Random.nextBetween(0.8, 1.2))))
    return { imageRef: runtime.images.add(name, answer).id }
  }),

  removeImage: Effect.fnUntraced(function*({ image }, call) {
    yield* work(call, runtime.options.latencies.removeContainer)
    runtime.images.remove(image?.image ?? "")
    return {}
  }),

  imageFsInfo: Effect.fnUntraced(function*(_, call) {
    yield* work(call, runtime.options.latencies.read)
    const usage = imageFilesystem(runtime, yield* now)
    return { imageFilesystems: [usage], containerFilesystems: [usage] }
  })
})
