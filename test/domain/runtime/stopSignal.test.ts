import { assert, describe, it } from "@effect/vitest"
import { signalName, signalOf } from "../../../src/domain/runtime/stopSignal.ts"
import { Signal } from "../../../src/gen/cri/api_pb.ts"

describe("D20: stop signals", () => {
  it.each([
    { text: "SIGUSR1", want: Signal.SIGUSR1 },
    { text: "SIGRTMIN+2", want: Signal.SIGRTMINPLUS2 },
    { text: "SIGRTMAX-2", want: Signal.SIGRTMAXMINUS2 },
    { text: "SIGNOTHING", want: undefined },
    { text: undefined, want: undefined }
  ])("$text is the runtime's $want", ({ text, want }) => assert.strictEqual(signalOf(text), want))

  it("every signal of the runtime goes there and back", () => {
    for (const signal of Object.values(Signal)) {
      const name = signalName(signal)
      assert.strictEqual(signalOf(name), signal === Signal.RUNTIME_DEFAULT ? undefined : signal)
    }
  })
})
