/** Certificates as text: what lies between the blocks, and headers of their own, is left out. */

const block = /-----BEGIN ([A-Z0-9 ]+)-----\s([\s\S]*?)-----END \1-----/g

/** Bodies of the blocks, without white space. */
export const pemBodies = (pem: string): ReadonlyArray<string> =>
  [...pem.matchAll(block)].map(([, , body = ""]) =>
    body.split("\n").filter((line) => !line.includes(":")).join("").replaceAll(/\s/g, "")
  )

export const certificatePem = (bodies: ReadonlyArray<string>): string =>
  bodies.map((body) =>
    `-----BEGIN CERTIFICATE-----\n${(body.match(/.{1,64}/g) ?? []).join("\n")}\n-----END CERTIFICATE-----\n`
  ).join("")
