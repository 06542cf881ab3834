/** What the errno names of Linux mean for a caller and how they read: shared by the live and in-memory hosts. */
import { type Failure, NotFound, Permanent, Retryable } from "../../domain/failure.ts"
import { HostFileError } from "./HostFiles.ts"

const texts: Readonly<Record<string, string>> = {
  E2BIG: "argument list too long",
  EACCES: "permission denied",
  EBADF: "bad file descriptor",
  EBUSY: "device or resource busy",
  EEXIST: "file exists",
  EFBIG: "file too large",
  EINVAL: "invalid argument",
  EIO: "input/output error",
  EISDIR: "is a directory",
  ELOOP: "too many levels of symbolic links",
  EMFILE: "too many open files",
  ENAMETOOLONG: "file name too long",
  ENODEV: "no such device",
  ENOENT: "no such file or directory",
  ENOMEM: "cannot allocate memory",
  ENOSPC: "no space left on device",
  ENOTDIR: "not a directory",
  ENOTEMPTY: "directory not empty",
  ENXIO: "no such device or address",
  EPERM: "operation not permitted",
  EROFS: "read-only file system",
  ESRCH: "no such process",
  EXDEV: "invalid cross-device link"
}

/** Worth another try as it is: the condition passes without anybody changing the call. */
const passing = new Set([
  "EAGAIN",
  "EBUSY",
  "EDQUOT",
  "EHOSTDOWN",
  "EHOSTUNREACH",
  "EINTR",
  "EIO",
  "EMFILE",
  "ENFILE",
  "ENOMEM",
  "ENOSPC",
  "ENOTEMPTY",
  "ESTALE",
  "ETIMEDOUT"
])

/** `no such file or directory`; the name itself where we have no words for it. */
export const errnoText = (code: string): string => texts[code] ?? code

export const errnoReason = (code: string): Failure =>
  code === "ENOENT" || code === "ESRCH"
    ? new NotFound()
    : passing.has(code)
    ? new Retryable({})
    : new Permanent()

export const fileError = (op: string, path: string, code: string, extra?: { detail?: string; cause?: unknown }) =>
  new HostFileError({
    op,
    path,
    code,
    reason: errnoReason(code),
    detail: extra?.detail ?? errnoText(code),
    ...(extra?.cause === undefined ? {} : { cause: extra.cause })
  })
