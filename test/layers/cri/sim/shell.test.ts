import { assert, describe, it } from "@effect/vitest"
import { advance, evaluate, makeProcess, type Output, terminate } from "../../../../src/layers/cri/sim/program.ts"
import { infer, programOf } from "../../../../src/layers/cri/sim/script.ts"
import { compileShell } from "../../../../src/layers/cri/sim/shell.ts"

const run = (script: string) => {
  const program = compileShell(script)
  if (program === undefined) return "unknown"
  const { exitCode, stderr, stdout, tookMs } = evaluate(program, undefined)
  return { stdout, stderr, exitCode, tookMs }
}

const said = (result: { stdout?: string; stderr?: string; exitCode?: number; tookMs?: number }) => ({
  stdout: "",
  stderr: "",
  exitCode: 0,
  tookMs: 0,
  ...result
})

describe("shell", () => {
  it.each([
    { script: "exit 3", want: said({ exitCode: 3 }) },
    { script: "echo one; echo two >&2", want: said({ stdout: "one\n", stderr: "two\n" }) },
    { script: "echo -n done > /dev/termination-log; exit 2", want: said({ exitCode: 2 }) },
    { script: "echo 'a  $b' \"c d\" e\\ f", want: said({ stdout: "a  $b c d e f\n" }) },
    { script: "sleep 0.5; echo late", want: said({ stdout: "late\n", tookMs: 500 }) },
    { script: "sleep 1m", want: said({ tookMs: 60_000 }) },
    { script: "false || echo saved && echo and", want: said({ stdout: "saved\nand\n" }) },
    { script: "true && false; echo after", want: said({ stdout: "after\n" }) },
    { script: "false", want: said({ exitCode: 1 }) },
    { script: "for i in 1 2 3; do echo n $i; done; exit 2", want: said({ stdout: "n 1\nn 2\nn 3\n", exitCode: 2 }) },
    { script: "for i in $(seq 3); do echo ${i}x; done", want: said({ stdout: "1x\n2x\n3x\n" }) },
    { script: "if true; then echo yes; else echo no; fi", want: said({ stdout: "yes\n" }) },
    { script: "if [ -f /x ]; then echo yes; else echo no; fi", want: said({ stdout: "no\n" }) },
    { script: "touch /x; if test -e /x; then echo yes; fi", want: said({ stdout: "yes\n" }) },
    {
      script: "cat /x",
      want: said({ stderr: "cat: can't open '/x': No such file or directory\n", exitCode: 1 })
    },
    { script: "echo hi > /x; echo you >> /x; cat /x; rm /x; cat /x 2>/dev/null", want: "any" },
    {
      script: "until [ -e /x ]; do sleep 1; touch /x; done; echo there",
      want: said({ stdout: "there\n", tookMs: 1000 })
    },
    { script: "# a comment\necho shown # not this", want: said({ stdout: "shown\n" }) },
    { script: "while true; do sleep 0.2; done", want: said({ tookMs: Infinity }) },
    { script: "while :; do :; done", want: said({ tookMs: Infinity }) },
    { script: "exec sleep 2", want: said({ tookMs: 2000 }) },
    { script: "test $(cut -d. -f1 /proc/uptime) -ge 0", want: "unknown" },
    { script: "my-server --port 80", want: "unknown" },
    { script: "echo a | wc -l", want: "unknown" },
    { script: "echo \"unclosed", want: "unknown" }
  ])("$script", ({ script, want }) => {
    const got = run(script)
    if (want === "any") assert.deepInclude(got, { stdout: "hi\nyou\n" })
    else assert.deepStrictEqual(got, want)
  })
})

const silent: Output = { print: () => {}, write: () => {} }

/** What becomes of the process if SIGTERM comes after `atMs`. */
const terminated = (command: ReadonlyArray<string>, atMs: number, isInit = true) => {
  const process = makeProcess(infer(command).program)
  let progress = advance(process, 0, silent)
  while (progress._tag === "Sleeping" && progress.until <= atMs) progress = advance(process, progress.until, silent)
  let now = atMs
  let next = terminate(process, now, isInit) ?? progress
  while (next._tag === "Sleeping") {
    now = next.until
    next = advance(process, now, silent)
  }
  return next._tag === "Exited" ? { code: next.code, atMs: now } : next._tag
}

const sh = (script: string) => ["sh", "-c", script]

describe("SIGTERM", () => {
  it.each([
    { command: ["sleep", "60"], isInit: true, want: { code: 0, atMs: 60_000 }, why: "the kernel spares PID 1" },
    { command: ["sleep", "60"], isInit: false, want: { code: 143, atMs: 1050 }, why: "the default kills others" },
    {
      command: sh("trap 'exit 0' TERM; while true; do sleep 0.2; done"),
      isInit: true,
      want: { code: 0, atMs: 1200 },
      why: "a trap waits for the sleep before it"
    },
    {
      command: sh("trap '' TERM; while true; do sleep 0.2; done"),
      isInit: false,
      want: "Forever",
      why: "ignored"
    },
    {
      command: sh("trap 'echo bye; exit 7' TERM; sleep 5; exit 0"),
      isInit: true,
      want: { code: 7, atMs: 5000 },
      why: "a trap waits for the program before it"
    },
    {
      command: sh("trap 'exit 7' TERM; sleep 60 & wait $!"),
      isInit: true,
      want: { code: 7, atMs: 1050 },
      why: "wait is cut short"
    },
    {
      command: sh("trap 'echo caught' TERM; sleep 2; exit 4"),
      isInit: true,
      want: { code: 4, atMs: 2000 },
      why: "a trap that does not exit goes on where it was"
    },
    { command: [], isInit: true, want: { code: 0, atMs: 1070 }, why: "an unknown server shuts down" },
    {
      command: ["/bin/unknown-server"],
      isInit: true,
      want: { code: 0, atMs: 1070 },
      why: "an unknown server shuts down"
    }
  ])("$command: $why", ({ command, isInit, want }) => {
    assert.deepStrictEqual(terminated(command, 1050, isInit), want)
  })

  it("a script's own answer to it", () => {
    const process = makeProcess(programOf({ onTerm: { afterMs: 500, exitCode: 9 }, runMs: 60_000 }))
    assert.strictEqual(advance(process, 0, silent)._tag, "Sleeping")
    const heard = terminate(process, 1000, true)
    assert.deepStrictEqual(heard, { _tag: "Sleeping", until: 1000 })
    assert.deepStrictEqual(advance(process, 1000, silent), { _tag: "Sleeping", until: 1500 })
    assert.strictEqual(terminate(process, 1200, true), undefined, "a second one changes nothing")
    assert.deepStrictEqual(advance(process, 1500, silent), { _tag: "Exited", code: 9 })
  })
})

describe("inference", () => {
  it.each([
    { command: ["/no/such/binary"], want: `exec: "/no/such/binary": stat /no/such/binary: no such file or directory` }
  ])("$command cannot start", ({ command, want }) => {
    assert.strictEqual(infer(command).program.startError, want)
  })

  it("a program nobody described is a server", () => {
    assert.isTrue(infer(["/usr/bin/nginx", "-g", "daemon off;"]).server)
    assert.isTrue(infer(sh("complicated | things")).server)
    assert.isFalse(infer(sh("sleep 1")).server)
  })
})
