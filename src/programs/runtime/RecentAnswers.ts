/**
 * What the runtime answered a moment ago. A start wakes its pod half a dozen times, and what it has told the API server
 * comes back to it as many times; what no event, no listing and no own action has touched meanwhile need not be asked
 * for again. An answer counts for some seconds at most, so a lost event costs no more than that.
 */

const validMs = 5000

interface Recent<A> {
  readonly value: A
  readonly atMs: number
}

interface Question<A> {
  /** Whether an answer shows all that has happened since it was asked for. */
  shows: (answer: A) => boolean
}

export class RecentAnswers<A> {
  readonly #answers = new Map<string, Recent<A>>()
  /** Questions under way, by id: the answer of one that was outdated meanwhile is not kept. */
  readonly #asked = new Map<string, Question<A>>()

  /** The answer about an id, if it still counts. */
  get(id: string, nowMs: number): A | undefined {
    const known = this.#answers.get(id)
    return known !== undefined && nowMs >= known.atMs && nowMs - known.atMs < validMs ? known.value : undefined
  }

  /** Call before asking the runtime; hand the result to `keep` with the answer. */
  ask(id: string): Question<A> {
    const question = { shows: () => true }
    this.#asked.set(id, question)
    return question
  }

  /** `atMs`: when it was asked. */
  keep(id: string, question: Question<A>, value: A, atMs: number): void {
    if (this.#asked.get(id) !== question) return
    this.#asked.delete(id)
    if (question.shows(value)) this.#answers.set(id, { value, atMs })
  }

  /** Something happened to it. */
  outdate(id: string): void {
    this.#answers.delete(id)
    this.#asked.delete(id)
  }

  /** Something happened to it that some answers show. True if the last one does not. */
  outdateUnless(id: string, shows: (answer: A) => boolean): boolean {
    const question = this.#asked.get(id)
    if (question !== undefined) {
      const before = question.shows
      question.shows = (answer) => before(answer) && shows(answer)
    }
    const last = this.#answers.get(id)
    if (last !== undefined && shows(last.value)) return false
    this.#answers.delete(id)
    return true
  }
}
