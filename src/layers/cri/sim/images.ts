/** Images: their names, what registries say of them, and the ones that are on the node. */
import { createHash } from "node:crypto"
import { GrpcCode } from "../Cri.ts"

/** What a registry has under a name. */
export type RegistryAnswer =
  | {
    readonly _tag: "Image"
    readonly sizeBytes: number
    /** Resolve, download and unpack; varied by a fifth. From the size when absent. */
    readonly pullMs?: number
    /** Its user, as a number or a name; root when absent. */
    readonly user?: number | string
  }
  | { readonly _tag: "NotFound" | "Denied" | "Unreachable"; readonly afterMs?: number }
  | { readonly _tag: "Error"; readonly code: number; readonly detail: string; readonly afterMs?: number }

/** Asked with the full name, `docker.io/library/busybox:1.29`, and what the pull shows: nothing when it is anonymous. */
export type Registry = (
  reference: string,
  shown?: { readonly username: string; readonly password: string }
) => RegistryAnswer

export interface StoredImage {
  readonly id: string
  readonly sizeBytes: number
  readonly user: number | string
  readonly pinned: boolean
  readonly tags: Array<string>
  readonly digests: Array<string>
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex")

/** `busybox` is `docker.io/library/busybox:latest`. */
export const fullName = (reference: string): string => {
  const slash = reference.indexOf("/")
  const host = slash < 0 ? "" : reference.slice(0, slash)
  const withHost = host.includes(".") || host.includes(":") || host === "localhost"
    ? reference
    : `docker.io/${slash < 0 ? "library/" : ""}${reference}`
  const last = withHost.slice(withHost.lastIndexOf("/"))
  return last.includes("@") || last.includes(":") ? withHost : `${withHost}:latest`
}

const repositoryOf = (name: string): string => name.replace(/@.*$/, "").replace(/:[^/:]*$/, "")

const mebibyte = 2 ** 20

/** A registry that has every image, between 2 and 200 MiB by its name; hosts below `.invalid` do not exist. */
export const anyImage: Registry = (reference) => {
  if (/^[^/]*\.invalid(:\d+)?\//.test(reference)) return { _tag: "Unreachable" }
  const dice = Number.parseInt(sha256(reference).slice(0, 8), 16)
  return { _tag: "Image", sizeBytes: 2 * mebibyte + dice % (198 * mebibyte) }
}

/** 50 MB a second after a quarter of a second of asking. */
export const pullMsOf = (answer: RegistryAnswer & { readonly _tag: "Image" }): number =>
  answer.pullMs ?? 250 + answer.sizeBytes / 50_000

/** How a pull fails, in containerd's words. */
export const pullRefusal = (name: string, answer: Exclude<RegistryAnswer, { readonly _tag: "Image" }>): {
  readonly code: number
  readonly detail: string
} => {
  const host = name.slice(0, name.indexOf("/"))
  const prefix = `failed to pull and unpack image "${name}": failed to resolve image: `
  switch (answer._tag) {
    case "NotFound":
      return { code: GrpcCode.NotFound, detail: `${prefix}${name}: not found` }
    case "Denied":
      return {
        code: GrpcCode.Unknown,
        detail: `${prefix}pull access denied, repository does not exist or may require authorization: ` +
          "server message: insufficient_scope: authorization failed"
      }
    case "Unreachable": {
      const path = repositoryOf(name).slice(host.length + 1)
      const version = name.slice(name.lastIndexOf(name.includes("@") ? "@" : ":") + 1)
      return {
        code: GrpcCode.Unknown,
        detail: `${prefix}failed to do request: Head "https://${host}/v2/${path}/manifests/${version}": ` +
          `dial tcp: lookup ${host}: no such host`
      }
    }
    case "Error":
      return { code: answer.code, detail: answer.detail }
  }
}

export class ImageStore {
  readonly #byId = new Map<string, StoredImage>()
  /** Tags and digests. */
  readonly #names = new Map<string, string>()

  /** By id, with or without its algorithm, or by any name. */
  find(reference: string): StoredImage | undefined {
    return this.#byId.get(reference) ?? this.#byId.get(`sha256:${reference}`) ??
      this.#byId.get(this.#names.get(fullName(reference)) ?? "")
  }

  add(name: string, answer: RegistryAnswer & { readonly _tag: "Image" }, pinned = false): StoredImage {
    const digest = name.includes("@") ? name : `${repositoryOf(name)}@sha256:${sha256(`manifest ${name}`)}`
    const known = this.#byId.get(this.#names.get(digest) ?? "")
    const image: StoredImage = known ?? {
      id: `sha256:${sha256(`config ${digest}`)}`,
      sizeBytes: answer.sizeBytes,
      user: answer.user ?? 0,
      pinned,
      tags: [],
      digests: [digest]
    }
    if (name !== digest && !image.tags.includes(name)) image.tags.push(name)
    this.#byId.set(image.id, image)
    for (const each of [...image.tags, digest]) this.#names.set(each, image.id)
    return image
  }

  remove(reference: string): void {
    const image = this.find(reference)
    if (image === undefined) return
    this.#byId.delete(image.id)
    for (const name of [...image.tags, ...image.digests]) this.#names.delete(name)
  }

  /** In the order of their pulls. */
  all(): ReadonlyArray<StoredImage> {
    return [...this.#byId.values()]
  }
}
