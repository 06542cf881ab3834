/** The page docs/differences.md, from the table that the replay of the recordings is checked against. */
import { type Explanation, explanations, type Kind } from "../test/golden/differences.ts"
import { recordedCases } from "../test/golden/recording.ts"

const headings: ReadonlyArray<readonly [Kind, string, string]> = [
  ["not done", "Not done", "What the kubelet does and this agent does not, yet."],
  ["better", "On purpose", "Where this agent is quicker, says more, or does not repeat a mistake."],
  ["runtime version", "By version of the runtime", "Recorded on containerd 2.1; the replay also runs on 1.6."],
  ["machine", "By machine and moment", "What no two runs have in common."]
]

const escaped = (text: string): string => text.replaceAll("|", "\\|").replaceAll("<", "&lt;")

const row = ({ aspects, cases, containerd, reason, sometimes, what }: Explanation): string => {
  const where = cases === "all" ? "all" : cases.join(", ")
  const when = [
    ...containerd === undefined ? [] : [`containerd ${containerd} only`],
    ...sometimes === true ? ["not in every run"] : []
  ]
  const told = when.length === 0 ? what : `${what} (${when.join("; ")})`
  return `| ${escaped(told)} | ${escaped(reason)} | ${aspects.join(", ")} | ${where} |`
}

const section = ([kind, title, about]: readonly [Kind, string, string]): ReadonlyArray<string> => {
  const rows = explanations.filter((explanation) => explanation.kind === kind)
  return rows.length === 0 ? [] : [
    `## ${title}`,
    "",
    about,
    "",
    "| difference | reason | seen in | cases |",
    "|-|-|-|-|",
    ...rows.map(row),
    ""
  ]
}

export const differencesPage: string = [
  "# Differences from the Go kubelet",
  "",
  `${recordedCases.length} pods were recorded under the kubelet of Kubernetes 1.36 on containerd 2.1 (\`test/golden\`): the calls to`,
  "the runtime, the statuses, the events, the view from inside, the cgroup values. The integration test",
  "`test/integration/golden` plays each of them again on a real containerd and compares. This is all that differs: a",
  "difference that is not listed fails that test, and so does an entry for something that does not differ. Made by",
  "`npm run docs` from `test/golden/differences.ts`.",
  "",
  ...headings.flatMap(section)
].join("\n")
