/** SHA-256 of a text as lower-case hex: paths and names of the kubelet's CSI layer are made of it (FIPS 180-4). */

const isPrime = (n: number): boolean => {
  for (let d = 2; d * d <= n; d++) if (n % d === 0) return false
  return true
}

const firstPrimes = (count: number): ReadonlyArray<number> => {
  const primes: Array<number> = []
  for (let n = 2; primes.length < count; n++) if (isPrime(n)) primes.push(n)
  return primes
}

/** The first 32 bits of the fraction. */
const fractionBits = (x: number): number => ((x - Math.floor(x)) * 2 ** 32) | 0

const primes = firstPrimes(64)
const roundConstants = primes.map((prime) => fractionBits(Math.cbrt(prime)))
const initialState = primes.slice(0, 8).map((prime) => fractionBits(Math.sqrt(prime)))

const rotate = (x: number, bits: number): number => (x >>> bits) | (x << (32 - bits))

const padded = (bytes: Uint8Array): DataView => {
  const blocks = Math.ceil((bytes.length + 9) / 64)
  const all = new Uint8Array(blocks * 64)
  all.set(bytes)
  all[bytes.length] = 0x80
  const view = new DataView(all.buffer)
  view.setUint32(all.length - 8, Math.floor((bytes.length * 8) / 2 ** 32))
  view.setUint32(all.length - 4, (bytes.length * 8) >>> 0)
  return view
}

const schedule = (view: DataView, offset: number): Int32Array => {
  const w = new Int32Array(64)
  const at = (i: number): number => w[i] ?? 0
  for (let i = 0; i < 64; i++) {
    if (i < 16) w[i] = view.getInt32(offset + i * 4)
    else {
      const [x, y] = [at(i - 15), at(i - 2)]
      const s0 = rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3)
      const s1 = rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10)
      w[i] = at(i - 16) + s0 + at(i - 7) + s1
    }
  }
  return w
}

const compress = (state: Int32Array, w: Int32Array): void => {
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state
  for (let i = 0; i < 64; i++) {
    const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
    const choice = (e & f) ^ (~e & g)
    const t1 = (h + s1 + choice + (roundConstants[i] ?? 0) + (w[i] ?? 0)) | 0
    const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)
    const majority = (a & b) ^ (a & c) ^ (b & c)
    ;[h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + s0 + majority) | 0]
  }
  const next = [a, b, c, d, e, f, g, h]
  for (let i = 0; i < 8; i++) state[i] = (state[i] ?? 0) + (next[i] ?? 0)
}

export const sha256Hex = (text: string): string => {
  const view = padded(new TextEncoder().encode(text))
  const state = Int32Array.from(initialState)
  for (let offset = 0; offset < view.byteLength; offset += 64) compress(state, schedule(view, offset))
  return [...state].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("")
}
