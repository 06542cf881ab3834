#!/bin/sh
# Makes src/domain/cni/shimProgram.ts of shim.c. Needs gcc for x86-64 and for aarch64; users of kubeffect need neither.
set -eu
cd "$(dirname "$0")"
target=../../../domain/cni/shimProgram.ts
flags="-Os -std=c11 -static -nostdlib -ffreestanding -fno-builtin -fno-pie -no-pie -fno-stack-protector -fno-ident
 -fno-asynchronous-unwind-tables -fno-tree-loop-distribute-patterns -Wall -Wextra -Werror -Wl,--build-id=none
 -Wl,-z,noseparate-code -Wl,-z,max-page-size=65536 -Wl,-z,noexecstack"
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
encoded() {
  "$1-gcc" $flags -o "$work/$1" shim.c
  "$1-strip" -s -R .comment "$work/$1"
  base64 -w 116 "$work/$1" | sed 's/.*/    "&",/'
}
{
  cat <<'HEAD'
/**
 * The program of the shim plugin, compiled from `src/layers/cni/shim/shim.c` by the script beside it, so that installing
 * it takes no compiler. A test holds the two together.
 */
import { Result } from "effect"
import * as Base64 from "effect/encoding/Base64"

HEAD
  echo "/** Of the source that the programs are made of. */"
  echo "export const shimSourceSha256 = \"$(sha256sum shim.c | cut -d' ' -f1)\""
  echo
  echo "/** By Node's name of the architecture; base64 of the executable. */"
  echo "const programs: Readonly<Record<string, string>> = {"
  echo "  x64: ["
  encoded x86_64-linux-gnu
  echo "  ].join(\"\"),"
  echo "  arm64: ["
  encoded aarch64-linux-gnu
  echo "  ].join(\"\")"
  echo "}"
  cat <<'TAIL'

export interface ShimSettings {
  /** The agent's socket: 107 bytes at most. */
  readonly socketPath: string
  /** How long a request waits for an agent that is away. */
  readonly waitMs: number
  /** The same for STATUS and VERSION. */
  readonly quickMs: number
}

const mark = "KUBEFFECT-SHIM:"
const pathBytes = 108

const indexOf = (bytes: Uint8Array, text: Uint8Array): number =>
  bytes.findIndex((_, at) => text.every((byte, i) => bytes[at + i] === byte))

/** The executable for an architecture, as Node or the machine names it; undefined for one that it was not built for. */
export const shimProgram = (arch: string, settings: ShimSettings): Uint8Array | undefined => {
  const name = arch === "amd64" || arch === "x86_64" ? "x64" : arch === "aarch64" ? "arm64" : arch
  const encoded = Object.hasOwn(programs, name) ? programs[name] ?? "" : ""
  const path = new TextEncoder().encode(settings.socketPath)
  if (encoded === "" || path.length >= pathBytes) return undefined
  const program = Result.getOrThrow(Base64.decode(encoded)).slice()
  const at = indexOf(program, new TextEncoder().encode(mark)) + mark.length + 1
  const view = new DataView(program.buffer, program.byteOffset)
  view.setUint32(at, settings.waitMs, true)
  view.setUint32(at + 4, settings.quickMs, true)
  program.fill(0, at + 8, at + 8 + pathBytes)
  program.set(path, at + 8)
  return program
}
TAIL
} > "$work/out.ts"
cp "$work/out.ts" "$target"
