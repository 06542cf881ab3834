/**
 * The program of a sandbox: a static executable of under 300 bytes that reaps orphans and ends on SIGTERM or SIGINT. It is
 * written as machine code, so that neither a compiler nor a download is needed.
 */

/**
 * Blocks all signals, then for ever: waits for one (rt_sigtimedwait), ends on 2 or 15, and on SIGCHLD calls wait4 without
 * blocking until there is nothing left to reap. Waiting for blocked signals works for process 1 too, to which the kernel
 * would deliver none that it has no handler for.
 */
const machineCode: Readonly<Record<string, { readonly elfMachine: number; readonly code: string }>> = {
  x64: {
    elfMachine: 62,
    code: "6affb80e00000031ff4889e631d241ba080000000f05b8800000004889e731f631d241ba080000000f0583f80f742583f80274" +
      "2083f81175ddb83d0000004883cfff31f6ba010000004531d20f0585c07fe7ebc2b83c00000031ff0f05"
  },
  arm64: {
    elfMachine: 183,
    code: "00008092e00f1ff8e81080d2000080d2e1030091020080d2030180d2010000d4281180d2e0030091010080d2020080d2030180" +
      "d2010000d41f3c0071c00100541f080071800100541f440071a1feff54882080d200008092010080d2220080d2030080d2010000d4" +
      "1f0000712cffff54ecffff17a80b80d2000080d2010000d4"
  }
}

const headerBytes = 64
const segmentBytes = 56
const loadAddress = 0x400000n

/** The executable for a Node `process.arch`; undefined for machines it was not written for. */
export const pauseProgram = (arch: string): Uint8Array | undefined => {
  const machine = Object.hasOwn(machineCode, arch) ? machineCode[arch] : undefined
  if (machine === undefined) return undefined
  const code = Buffer.from(machine.code, "hex")
  const start = headerBytes + segmentBytes
  const program = Buffer.alloc(start + code.length)
  // ELF header: 64 bit, little endian, System V, an executable with one segment right behind the header.
  program.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0])
  program.writeUInt16LE(2, 16)
  program.writeUInt16LE(machine.elfMachine, 18)
  program.writeUInt32LE(1, 20)
  program.writeBigUInt64LE(loadAddress + BigInt(start), 24)
  program.writeBigUInt64LE(BigInt(headerBytes), 32)
  program.writeUInt16LE(headerBytes, 52)
  program.writeUInt16LE(segmentBytes, 54)
  program.writeUInt16LE(1, 56)
  // The segment: the whole file, readable and executable.
  program.writeUInt32LE(1, headerBytes)
  program.writeUInt32LE(5, headerBytes + 4)
  program.writeBigUInt64LE(0n, headerBytes + 8)
  program.writeBigUInt64LE(loadAddress, headerBytes + 16)
  program.writeBigUInt64LE(loadAddress, headerBytes + 24)
  program.writeBigUInt64LE(BigInt(program.length), headerBytes + 32)
  program.writeBigUInt64LE(BigInt(program.length), headerBytes + 40)
  program.writeBigUInt64LE(0x1000n, headerBytes + 48)
  program.set(code, start)
  return program
}
