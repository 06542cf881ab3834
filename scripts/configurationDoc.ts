/** The text of docs/configuration.md, made of the tables that the program itself uses. */
import { kubeletFlags, optionsWithoutEffect, removedFlags } from "../src/cli/kubelet/flagTable.ts"
import { KubeletConfigurationFile } from "../src/domain/kubeletConfig/file.ts"
import { gates } from "../src/domain/kubeletConfig/gateTable.ts"
import { withoutEffect } from "../src/domain/kubeletConfig/support.ts"

const fieldNames = Object.keys(KubeletConfigurationFile.fields).filter((name) =>
  name !== "apiVersion" && name !== "kind"
)

const idle: Readonly<Record<string, string>> = withoutEffect

const flagOf = (field: string): string =>
  kubeletFlags
    .filter(({ target }) => target._tag === "Field" && target.path[0] === field)
    .map(({ name }) => `\`--${name}\``)
    .join(" ")

const fieldRows = fieldNames.map((name) => `| \`${name}\` | ${flagOf(name)} | ${idle[name] ?? ""} |`)

const optionRows = kubeletFlags.flatMap(({ help, name, target }) =>
  target._tag === "Option" ? [`| \`--${name}\` | ${help} | ${optionsWithoutEffect[target.option] ?? ""} |`] : []
)

const ignoredRows = kubeletFlags.flatMap(({ name, target }) =>
  target._tag === "Ignored" ? [`| \`--${name}\` | ${target.why} |`] : []
)

const gateNames = (stage: string, byDefault: boolean) =>
  gates.filter((gate) => gate.stage === stage && gate.byDefault === byDefault).map(({ name }) => name).join(", ")

export const configurationDoc = `# Configuration

\`kubeffect kubelet\` is configured as the kubelet of Kubernetes 1.36 is: built-in defaults, then the file of \`--config\`, then the drop-ins of \`--config-dir\` in the order of their paths, then flags. What does not exist is an error that names it.

This page is generated from the tables in the sources (\`npm run docs\`).

## Fields of KubeletConfiguration

A field with a remark is accepted and has no effect here; the remark says what it does not do, and a warning at start repeats it.

| field | flags | no effect here |
|---|---|---|
${fieldRows.join("\n")}

## Options that only flags have

| flag | | no effect here |
|---|---|---|
${optionRows.join("\n")}

## Flags without effect

| flag | why |
|---|---|
${ignoredRows.join("\n")}

Flags that were removed from the kubelet are errors, as there: ${
  [...removedFlags].map(([name, release]) => `\`--${name}\` (${release})`).join(", ")
}.

## Feature gates

Every gate of the release can be named; those that are generally available are locked. On by default, in beta: ${
  gateNames("beta", true)
}.

Off by default, in beta: ${gateNames("beta", false)}.

Alpha, off by default: ${gateNames("alpha", false)}.
`
