/** hostPath volumes: the path is the node's own, the agent only checks it, and makes it where asked (parity I4). */
import { Effect } from "effect"
import { checkHostPath, HostPathVerdict, type PathKind } from "../../domain/volumes/hostPathCheck.ts"
import { type FileType, HostFiles } from "../../layers/host/HostFiles.ts"
import { refuse } from "./VolumeError.ts"

const kindOf = (type: FileType): PathKind => {
  switch (type) {
    case "directory":
    case "socket":
    case "charDevice":
    case "blockDevice":
      return type
    default:
      return "file"
  }
}

export const setUpHostPath = Effect.fnUntraced(function*(wish: { readonly path: string; readonly type: string }) {
  const files = yield* HostFiles
  if (wish.type === "") return wish.path
  const found = yield* files.stat(wish.path).pipe(
    Effect.map((stat): PathKind => kindOf(stat.type)),
    Effect.catchReason("HostFileError", "NotFound", () => Effect.succeed<PathKind>("absent"))
  )
  yield* HostPathVerdict.$match(checkHostPath(wish.path, wish.type, found), {
    Fine: () => Effect.void,
    MakeDirectory: () => files.makeDirectory(wish.path, { mode: 0o755, recursive: true }),
    MakeFile: () => files.writeFile(wish.path, "", { mode: 0o644 }),
    Refused: ({ message }) => Effect.fail(refuse(message))
  })
  return wish.path
})
