/**
 * From a configuration document to values, strictly: what does not fit is named with its file and field. The real
 * kubelet falls back to a lenient reading with a warning (parity A2); here a field that nothing reads is an error,
 * because a setting that is silently ignored is how nodes end up misconfigured.
 */
import { Result, Schema, SchemaIssue } from "effect"
import { withoutNulls } from "../k8s/decode.ts"
import { apiVersion, kind, KubeletConfigurationFile } from "./file.ts"

/** A configuration cannot be used. Each problem names its field. */
export class KubeletConfigError extends Schema.TaggedError<KubeletConfigError>()("KubeletConfigError", {
  /** The file, or what else the configuration came from. */
  source: Schema.String,
  problems: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return this.problems.map((problem) => `kubelet config ${this.source}: ${problem}`).join("\n")
  }
}

/** A JSON object as it was read, before any field is looked at. */
export type JsonObject = Readonly<Record<string, unknown>>

export const isJsonObject = (u: unknown): u is JsonObject => typeof u === "object" && u !== null && !Array.isArray(u)

const issuesOf = SchemaIssue.makeFormatterStandardSchemaV1({
  leafHook: (issue) => issue._tag === "UnexpectedKey" ? "unknown field" : SchemaIssue.defaultLeafHook(issue)
})

const pathText = (path: ReadonlyArray<unknown>): string =>
  path.map((key) => typeof key === "number" ? `[${key}]` : `.${String(key)}`).join("").replace(/^\./, "")

/** Each with its field; a field that nothing reads is one, too. */
export const problemsOf = (issue: SchemaIssue.Issue): ReadonlyArray<string> =>
  issuesOf(issue).issues.map(({ path, message }) => {
    const field = pathText((path ?? []).map((part) => typeof part === "object" ? part.key : part))
    return message === "unknown field" ? `unknown field "${field}"` : `${field}: ${message}`
  })

const decodeFields = Schema.decodeUnknownResult(KubeletConfigurationFile, { onExcessProperty: "error", errors: "all" })

/** The fields of one complete document. `source` names it in errors. */
export const decodeConfiguration = (
  document: unknown,
  source: string
): Result.Result<KubeletConfigurationFile, KubeletConfigError> => {
  const fail = (problems: ReadonlyArray<string>) => Result.fail(new KubeletConfigError({ source, problems }))
  if (!isJsonObject(document)) return fail([`the document is not an object`])
  if (document["apiVersion"] !== apiVersion || document["kind"] !== kind) {
    const found = `apiVersion "${document["apiVersion"] ?? ""}", kind "${document["kind"] ?? ""}"`
    return fail([`${found}: want apiVersion "${apiVersion}", kind "${kind}"`])
  }
  // A field written without a value counts as absent, as it does for Go.
  const decoded = decodeFields(withoutNulls(document))
  return Result.isFailure(decoded) ? fail(problemsOf(decoded.failure.issue)) : Result.succeed(decoded.success)
}
