/**
 * Compiles the small shell scripts that test pods are made of into steps: lists, `while`, `if`, `for`, `trap`, and the
 * few programs below. A script beyond that is a program nobody knows: it runs until it is stopped.
 */
import type { Program, Step } from "./program.ts"
import { sequence, type Token, tokenize } from "./shellWords.ts"

/** The script is beyond what is understood. */
class Unknown extends Error {}

const unrollAtMost = 1000

/** Undefined for a script that is not understood. */
export const compileShell = (script: string): Program | undefined => {
  const tokens = tokenize(script)
  if (tokens === undefined) return undefined
  try {
    return new Compiler(tokens).program()
  } catch (error) {
    if (error instanceof Unknown) return undefined
    throw error
  }
}

class Compiler {
  readonly #tokens: ReadonlyArray<Token>
  readonly #steps: Array<Step> = []
  readonly #handlers: Array<{ readonly trap: number; readonly script: string }> = []
  readonly #variables = new Map<string, string>()
  #next = 0
  #hog = false

  constructor(tokens: ReadonlyArray<Token>) {
    this.#tokens = tokens
  }

  program(): Program {
    this.#list([])
    if (this.#next < this.#tokens.length) throw new Unknown()
    this.#steps.push({ op: "exit", code: "last" })
    for (const { script, trap } of this.#handlers) this.#handler(trap, script)
    return { steps: this.#steps, ...(this.#hog && { hog: true }) }
  }

  /** Handlers lie behind the script, where only the signal leads. */
  #handler(trap: number, script: string): void {
    const inner = tokenize(script)
    if (inner === undefined) throw new Unknown()
    const handler = this.#steps.length
    const body = new Compiler(inner)
    body.#list([])
    if (body.#handlers.length > 0 || body.#next < inner.length) throw new Unknown()
    for (const step of body.#steps) {
      this.#steps.push(step.op === "jump" ? { ...step, to: step.to + handler } : step)
    }
    this.#steps.push({ op: "resume" })
    this.#steps[trap] = { op: "trap", handler }
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#next]
  }

  #operator(...texts: ReadonlyArray<string>): string | undefined {
    const token = this.#peek()
    if (token?.kind !== "operator" || !texts.includes(token.text)) return undefined
    this.#next += 1
    return token.text
  }

  #keyword(word: string): boolean {
    const token = this.#peek()
    const found = token?.kind === "word" && !token.quoted && token.text === word
    if (found) this.#next += 1
    return found
  }

  #expect(word: string): void {
    if (!this.#keyword(word)) throw new Unknown()
  }

  #atEnd(ends: ReadonlyArray<string>): boolean {
    const token = this.#peek()
    return token === undefined || (token.kind === "word" && !token.quoted && ends.includes(token.text))
  }

  /** Commands up to one of the keywords, which is left. */
  #list(ends: ReadonlyArray<string>): void {
    while (true) {
      while (this.#operator(";", "\n") !== undefined);
      if (this.#atEnd(ends)) return
      this.#andOr()
    }
  }

  /** `a && b || c`: each further command is jumped over unless the status so far asks for it. */
  #andOr(): void {
    this.#command()
    for (let joint = this.#operator("&&", "||"); joint !== undefined; joint = this.#operator("&&", "||")) {
      const over = this.#reserve()
      this.#command()
      this.#steps[over] = { op: "jump", to: this.#steps.length, when: joint === "&&" ? "failed" : "ok" }
    }
  }

  #reserve(): number {
    return this.#steps.push({ op: "status", code: 0 }) - 1
  }

  #command(): void {
    if (this.#keyword("while")) return this.#loop("failed")
    if (this.#keyword("until")) return this.#loop("ok")
    if (this.#keyword("if")) return this.#condition()
    if (this.#keyword("for")) return this.#each()
    this.#simple()
  }

  #loop(leaveWhen: "ok" | "failed"): void {
    const start = this.#steps.length
    this.#list(["do"])
    this.#expect("do")
    const leave = this.#reserve()
    this.#list(["done"])
    this.#expect("done")
    const endless = this.#steps.slice(start, leave).every((step) => step.op === "status" && step.code === 0) &&
      leaveWhen === "failed"
    const body = this.#steps.slice(leave + 1)
    if (endless && body.every((step) => step.op === "sleep" && !step.heedful)) {
      // Nothing happens in it: one step for all rounds, which keeps idle processes from waking up.
      const periodMs = body.reduce((sum, step) => sum + (step.op === "sleep" ? step.ms : 0), 0)
      this.#steps.length = start
      this.#steps.push({ op: "forever", periodMs })
      return
    }
    this.#steps.push({ op: "jump", to: start, when: "always" })
    this.#steps[leave] = { op: "jump", to: this.#steps.length, when: leaveWhen }
    // The status of a loop is that of its last round, not of the condition which ended it.
    this.#steps.push({ op: "status", code: 0 })
  }

  #condition(): void {
    this.#list(["then"])
    this.#expect("then")
    const toElse = this.#reserve()
    this.#list(["else", "fi"])
    const toEnd = this.#reserve()
    this.#steps[toElse] = { op: "jump", to: this.#steps.length, when: "failed" }
    if (this.#keyword("else")) this.#list(["fi"])
    else this.#steps.push({ op: "status", code: 0 })
    this.#expect("fi")
    this.#steps[toEnd] = { op: "jump", to: this.#steps.length, when: "always" }
  }

  /** Unrolled: the words are known. */
  #each(): void {
    const [name, keyword, ...words] = this.#wordsAhead()
    const values = words.flatMap((word) => sequence(word) ?? [word])
    if (name === undefined || keyword !== "in" || values.length === 0 || values.length > unrollAtMost) {
      throw new Unknown()
    }
    while (this.#operator(";", "\n") !== undefined);
    this.#expect("do")
    const body = this.#next
    for (const value of values) {
      this.#next = body
      this.#variables.set(name, value)
      this.#list(["done"])
      if (this.#steps.length > unrollAtMost * 8) throw new Unknown()
    }
    this.#expect("done")
  }

  #wordsAhead(): ReadonlyArray<string> {
    const words: Array<string> = []
    for (let token = this.#peek(); token?.kind === "word"; token = this.#peek()) {
      words.push(token.text)
      this.#next += 1
    }
    return words
  }

  #expand(text: string): string {
    return text
      .replaceAll(/\$(?:\{(\w+)\}|(\w+|[?$!]))/g, (_, braced: string | undefined, plain: string | undefined) => {
        const value = this.#variables.get(braced ?? plain ?? "")
        if (value === undefined) throw new Unknown()
        return value
      })
      .replaceAll("\u0000", "$")
  }

  #simple(): void {
    const first = this.#next
    const words: Array<string> = []
    let stream: "stdout" | "stderr" = "stdout"
    let file: { readonly path: string; readonly append: boolean } | undefined
    while (true) {
      const token = this.#peek()
      if (token === undefined) break
      if (token.kind === "word") {
        // `$!` only ever names what `wait` is for.
        words.push(words[0] === "wait" ? token.text : this.#expand(token.text))
        this.#next += 1
        continue
      }
      const redirect = this.#operator(">&2", "1>&2", ">", ">>", "2>&1", "2>")
      if (redirect === undefined) break
      if (redirect === ">&2" || redirect === "1>&2") stream = "stderr"
      else if (redirect !== "2>&1") {
        const path = this.#peek()
        if (path?.kind !== "word") throw new Unknown()
        this.#next += 1
        if (redirect !== "2>") file = { path: this.#expand(path.text), append: redirect === ">>" }
      }
    }
    // A pipe, a group, a stray operator.
    if (this.#next === first) throw new Unknown()
    const background = this.#operator("&") !== undefined
    this.#run(words, { stream, file, background })
  }

  #run(words: ReadonlyArray<string>, to: {
    readonly stream: "stdout" | "stderr"
    readonly file: { readonly path: string; readonly append: boolean } | undefined
    readonly background: boolean
  }): void {
    const [name, ...args] = words
    if (name === "trap") return this.#trap(args)
    if (to.background) return this.#inBackground(words)
    const steps = name === undefined ? [] : commandSteps(name, args)
    if (steps === undefined) throw new Unknown()
    if (steps === "hog") {
      this.#hog = true
      this.#steps.push({ op: "forever", periodMs: undefined })
      return
    }
    const { file, stream } = to
    if (file === undefined || file.path === "/dev/stdout" || file.path === "/dev/stderr") {
      const where = file?.path === "/dev/stderr" ? "stderr" : stream
      for (const step of steps) this.#steps.push(step.op === "print" ? { ...step, stream: where } : step)
      return
    }
    for (const step of steps) if (step.op !== "print") this.#steps.push(step)
    if (file.path === "/dev/null") return
    const text = steps.reduce((all, step) => step.op === "print" ? all + step.text : all, "")
    this.#steps.push({ op: "write", path: file.path, text, append: file.append })
  }

  /** `sleep 60 & wait`: the shell waits by itself, and so heeds its traps at once. */
  #inBackground(words: ReadonlyArray<string>): void {
    const [name = "", ...args] = words
    const steps = commandSteps(name, args)
    while (this.#operator(";", "\n") !== undefined);
    if (!this.#keyword("wait") || !Array.isArray(steps)) throw new Unknown()
    this.#wordsAhead()
    for (const step of steps) this.#steps.push(step.op === "sleep" ? { ...step, heedful: true } : step)
  }

  #trap(args: ReadonlyArray<string>): void {
    const [action, ...signals] = args
    if (action === undefined) throw new Unknown()
    const heard = signals.some((signal) => ["TERM", "SIGTERM", "15"].includes(signal))
    if (!heard) {
      this.#steps.push({ op: "status", code: 0 })
      return
    }
    if (action === "" || action === "-") {
      this.#steps.push({ op: "trap", handler: action === "" ? "ignore" : "default" })
      return
    }
    this.#handlers.push({ trap: this.#reserve(), script: action })
  }
}

const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

const sleepStep = (text: string | undefined): Step | undefined => {
  if (text === "infinity" || text === "inf") return { op: "forever", periodMs: undefined }
  const match = /^(\d*\.?\d+)([smhd]?)$/.exec(text ?? "")
  if (match === null) return undefined
  const [, count = "0", unit = ""] = match
  return { op: "sleep", ms: Math.ceil(Number(count) * (units[unit === "" ? "s" : unit] ?? 1000)), heedful: false }
}

const testSteps = (args: ReadonlyArray<string>): ReadonlyArray<Step> | undefined => {
  const wanted = args[0] !== "!"
  const [flag, path, ...more] = wanted ? args : args.slice(1)
  if (path === undefined || more.length > 0 || !["-e", "-f", "-r", "-s"].includes(flag ?? "")) return undefined
  return [{ op: "exists", path, want: wanted }]
}

/** The programs that are known, found by their last name. */
export const commandSteps = (
  command: string,
  args: ReadonlyArray<string>
): ReadonlyArray<Step> | "hog" | undefined => {
  const name = command.slice(command.lastIndexOf("/") + 1)
  const paths = args.filter((arg) => !arg.startsWith("-"))
  switch (name) {
    case ":":
    case "true":
      return [{ op: "status", code: 0 }]
    case "false":
      return [{ op: "status", code: 1 }]
    case "exit":
      return [{ op: "exit", code: args[0] === undefined ? "last" : Number(args[0]) & 0xff }]
    case "echo": {
      const open = args[0] === "-n"
      const text = (open ? args.slice(1) : args).join(" ")
      return [{ op: "print", stream: "stdout", text: open ? text : `${text}\n` }]
    }
    case "printf":
      return args.length === 1 && !args[0]?.includes("%")
        ? [{ op: "print", stream: "stdout", text: (args[0] ?? "").replaceAll("\\n", "\n") }]
        : undefined
    case "sleep": {
      const step = sleepStep(args[0])
      return step === undefined ? undefined : [step]
    }
    case "exec":
      return args[0] === undefined ? undefined : commandSteps(args[0], args.slice(1))
    case "touch":
      return paths.map((path): Step => ({ op: "write", path, text: "", append: true }))
    case "rm":
      return paths.map((path): Step => ({ op: "remove", path, force: args.some((arg) => /^-\w*f/.test(arg)) }))
    case "cat":
      return paths.length === 0 ? undefined : paths.map((path): Step => ({ op: "show", path }))
    case "test":
      return testSteps(args)
    case "[":
      return args.at(-1) === "]" ? testSteps(args.slice(0, -1)) : undefined
    case "tail":
      if (paths.includes("/dev/zero")) return "hog"
      return [{ op: "forever", periodMs: undefined }]
    default:
      return undefined
  }
}
