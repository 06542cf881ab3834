/**
 * What the runtime answered a moment ago. A start wakes its pod half a dozen times within milliseconds; what no event
 * and no own action has touched meanwhile need not be asked for again. An answer counts for a second at most, so a lost
 * event costs no more than that.
 */

const validMs = 1000

interface Recent<A> {
  readonly value: A
  readonly atMs: number
}

export class RecentAnswers<A> {
  readonly #answers = new Map<string, Recent<A>>()
  /** Questions under way, by id: one that was outdated before its answer came is not kept. */
  readonly #asked = new Map<string, object>()

  /** The answer about an id, if it still counts. */
  get(id: string, nowMs: number): A | undefined {
    const known = this.#answers.get(id)
    return known !== undefined && nowMs >= known.atMs && nowMs - known.atMs < validMs ? known.value : undefined
  }

  /** Call before asking the runtime; hand the result to `keep` with the answer. */
  ask(id: string): object {
    const question = {}
    this.#asked.set(id, question)
    return question
  }

  /** `atMs`: when it was asked. */
  keep(id: string, question: object, value: A, atMs: number): void {
    if (this.#asked.get(id) !== question) return
    this.#asked.delete(id)
    this.#answers.set(id, { value, atMs })
  }

  /** Something happened to it. */
  outdate(id: string): void {
    this.#answers.delete(id)
    this.#asked.delete(id)
  }

  outdateAll(): void {
    this.#answers.clear()
    this.#asked.clear()
  }
}
