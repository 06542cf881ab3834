/** Where the last lines of a file begin, found from its end a block at a time. */

export interface TailSearch {
  /** Newlines still to pass. The newline that ends the file is not a line of its own. */
  readonly wanted: number
  /** Offset of the block read next-to-last: everything at and after it is scanned. */
  readonly scannedFrom: number
}

export type TailStep =
  | { readonly _tag: "Found"; readonly offset: number }
  | { readonly _tag: "More"; readonly search: TailSearch }

const newline = 0x0a

/** Begins a search for the last `lines` lines of a file of `size` bytes. */
export const startTail = (lines: number, size: number): TailStep =>
  lines <= 0 || size === 0
    ? { _tag: "Found", offset: size }
    : { _tag: "More", search: { wanted: lines + 1, scannedFrom: size } }

/** Scans the block that ends where the last one began; its offset is `search.scannedFrom - block.length`. */
export const scanTail = (search: TailSearch, block: Uint8Array, size: number): TailStep => {
  const from = search.scannedFrom - block.length
  let wanted = search.wanted
  let at = block.length
  // A file that does not end in a newline has an unfinished line, which counts as one.
  if (search.scannedFrom === size && block.at(-1) !== newline) {
    wanted -= 1
  }
  while ((at = block.lastIndexOf(newline, at - 1)) >= 0) {
    wanted -= 1
    if (wanted === 0) {
      return { _tag: "Found", offset: from + at + 1 }
    }
    if (at === 0) {
      break
    }
  }
  return from <= 0 ? { _tag: "Found", offset: 0 } : { _tag: "More", search: { wanted, scannedFrom: from } }
}
