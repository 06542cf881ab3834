import { assert, describe, it } from "@effect/vitest"
import { RecentAnswers } from "../../../src/programs/runtime/RecentAnswers.ts"

const asked = () => {
  const answers = new RecentAnswers<string>()
  return { answers, question: answers.ask("a") }
}

describe("recent answers of the runtime", () => {
  it("count for five seconds", () => {
    const { answers, question } = asked()
    answers.keep("a", question, "running", 1000)
    assert.strictEqual(answers.get("a", 1000), "running")
    assert.strictEqual(answers.get("a", 5999), "running")
    assert.isUndefined(answers.get("a", 6000))
    assert.isUndefined(answers.get("b", 1000))
  })

  it("do not count after the clock was set back", () => {
    const { answers, question } = asked()
    answers.keep("a", question, "running", 1000)
    assert.isUndefined(answers.get("a", 999))
  })

  it("G1: an event outdates the answer", () => {
    const { answers, question } = asked()
    answers.keep("a", question, "running", 1000)
    answers.outdate("a")
    assert.isUndefined(answers.get("a", 1000))
  })

  it("G1: an event outdates the answer that is still under way", () => {
    const { answers, question } = asked()
    answers.outdate("a")
    answers.keep("a", question, "running", 1000)
    assert.isUndefined(answers.get("a", 1000))
  })

  it("an older question does not overwrite the answer to a newer one", () => {
    const { answers, question } = asked()
    const newer = answers.ask("a")
    answers.keep("a", newer, "exited", 1000)
    answers.keep("a", question, "running", 1000)
    assert.strictEqual(answers.get("a", 1000), "exited")
  })

  it("G1: an event that the answer shows already outdates nothing, however old the answer is", () => {
    const { answers, question } = asked()
    answers.keep("a", question, "running", 1000)
    assert.isFalse(answers.outdateUnless("a", (answer) => answer === "running"))
    assert.strictEqual(answers.get("a", 1000), "running")
    assert.isTrue(answers.outdateUnless("a", (answer) => answer === "exited"))
    assert.isUndefined(answers.get("a", 1000))
  })

  it.each([
    { answer: "exited", kept: true, why: "it shows both" },
    { answer: "running", kept: false, why: "it was given before the later of them" },
    { answer: "created", kept: false, why: "it was given before either" }
  ])("G1: of an answer under way that events overtake: $why", ({ answer, kept }) => {
    const { answers, question } = asked()
    assert.isTrue(answers.outdateUnless("a", (state) => state === "exited"))
    assert.isTrue(answers.outdateUnless("a", (state) => state !== "created"))
    answers.keep("a", question, answer, 1000)
    assert.strictEqual(answers.get("a", 1000) === answer, kept)
  })
})
