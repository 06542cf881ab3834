/**
 * Names of images as users write them: checked, split, and given their default tag (parity N1). The grammar is that of
 * container registries: `[host[:port]/]path[:tag][@algorithm:hex]`, where a first part without a dot, a colon or a
 * capital letter is no host but belongs to Docker Hub.
 */
import { Result, Schema } from "effect"

export interface ImageName {
  /** `docker.io` where the user names none. */
  readonly registry: string
  /** `library/busybox` for a plain `busybox`. */
  readonly repository: string
  /** `latest` where the user names neither tag nor digest; empty beside a digest alone. */
  readonly tag: string
  /** `sha256:…`, or empty. */
  readonly digest: string
  /** What the runtime is asked for: what the user wrote, with the default tag. */
  readonly reference: string
}

/** Text that names no image. `detail` is what users read. */
export class MalformedImageName extends Schema.TaggedError<MalformedImageName>()("MalformedImageName", {
  image: Schema.String,
  detail: Schema.String
}) {
  /** As the status and the events of a container show it. */
  override get message(): string {
    const image = JSON.stringify(this.image)
    return `Failed to apply default image tag ${image}: couldn't parse image name ${image}: ${this.detail}`
  }
}

const label = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
const registryPattern = new RegExp(`^(?:${label}(?:\\.${label})*|\\[(?:[a-fA-F0-9:]+)\\])(?::[0-9]+)?$`)
const component = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*"
const pathPattern = new RegExp(`^${component}(?:/${component})*$`)
const tagPattern = /^\w[\w.-]{0,127}$/
const digestPattern = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/
const bareId = /^[a-f0-9]{64}$/
const maxPathLength = 255

const splitRegistry = (text: string): { readonly registry: string; readonly rest: string } => {
  const slash = text.indexOf("/")
  const first = text.slice(0, slash)
  const isHost = slash !== -1 && (/[.:]/.test(first) || first === "localhost" || first.toLowerCase() !== first)
  const registry = isHost ? first : "docker.io"
  const rest = isHost ? text.slice(slash + 1) : text
  if (registry === "index.docker.io") return splitRegistry(`docker.io/${rest}`)
  return { registry, rest: registry === "docker.io" && !rest.includes("/") ? `library/${rest}` : rest }
}

const splitTag = (text: string): { readonly path: string; readonly tag: string | undefined } => {
  const colon = text.indexOf(":", text.lastIndexOf("/") + 1)
  return colon === -1 ? { path: text, tag: undefined } : { path: text.slice(0, colon), tag: text.slice(colon + 1) }
}

const wrongFormat = "invalid reference format"

/** What is wrong with the parts, if anything. */
const complaint = (
  registry: string,
  path: string,
  tag: string | undefined,
  digest: string | undefined
): string | undefined => {
  if (path.toLowerCase() !== path) return `${wrongFormat}: repository name (${path}) must be lowercase`
  if (!registryPattern.test(registry) || !pathPattern.test(path)) return wrongFormat
  if (path.length > maxPathLength) return "repository name must not be more than 255 characters"
  if (tag !== undefined && !tagPattern.test(tag)) return wrongFormat
  return digest !== undefined && !digestPattern.test(digest) ? wrongFormat : undefined
}

/** The parts of a name, its default tag put in. */
export const parseImageName = (image: string): Result.Result<ImageName, MalformedImageName> => {
  if (bareId.test(image)) {
    return Result.fail(new MalformedImageName({ image, detail: "cannot specify 64-byte hexadecimal strings" }))
  }
  const { registry, rest } = splitRegistry(image)
  const at = rest.indexOf("@")
  const digest = at === -1 ? undefined : rest.slice(at + 1)
  const { path, tag } = splitTag(at === -1 ? rest : rest.slice(0, at))
  const detail = complaint(registry, path, tag, digest)
  if (detail !== undefined) return Result.fail(new MalformedImageName({ image, detail }))
  const bare = tag === undefined && digest === undefined
  return Result.succeed({
    registry,
    repository: path,
    tag: tag ?? (bare ? "latest" : ""),
    digest: digest ?? "",
    reference: bare ? `${image}:latest` : image
  })
}

/** Registry and repository, without tag and digest: what credentials are looked up and remembered by. */
export const repositoryOf = ({ registry, repository }: Pick<ImageName, "registry" | "repository">): string =>
  `${registry}/${repository}`
