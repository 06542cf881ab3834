/** A vitest reporter that ends with a line for each failure, setups included: of a long log only the end may be kept. */
import type { Reporter, TestModule, TestSuite } from "vitest/node"

const longestMessage = 4000

const line = (module: TestModule, name: string, errors: ReadonlyArray<{ readonly message: string }>) => {
  const message = errors.map((error) => error.message.replace(/\s+/g, " ")).join("; ")
  return `FAILED ${module.relativeModuleId} ${name}: ${message.slice(0, longestMessage)}`
}

const linesOf = (module: TestModule): ReadonlyArray<string> => [
  ...module.errors().map((error) => line(module, "(the file)", [error])),
  ...[...module.children.allSuites()].flatMap((suite: TestSuite) =>
    suite.errors().length === 0 ? [] : [line(module, `${suite.fullName} (the setup)`, suite.errors())]
  ),
  ...[...module.children.allTests("failed")].map((test) => line(module, test.fullName, test.result().errors ?? []))
]

export default class FailureLines implements Reporter {
  onTestRunEnd(modules: ReadonlyArray<TestModule>) {
    for (const text of modules.flatMap(linesOf)) console.log(text)
  }
}
