/** Cipher suites by the names of the configuration, which are IANA's and Go's, as OpenSSL wants them. */

const tls13 = new Set(["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"])

/** `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256` → `ECDHE-RSA-AES128-GCM-SHA256`. */
export const opensslName = (suite: string): string =>
  tls13.has(suite)
    ? suite
    : suite
      .replace(/^TLS_/, "")
      .replace(/^RSA_WITH_/, "")
      .replace("_WITH_", "_")
      .replace(/AES_(128|256)_CBC/, "AES$1")
      .replace(/AES_(128|256)/, "AES$1")
      .replace("3DES_EDE_CBC", "DES_CBC3")
      .replace(/CHACHA20_POLY1305_SHA256/, "CHACHA20_POLY1305")
      .replaceAll("_", "-")

/** TLS 1.3 suites cannot be turned off by the configuration, as with Go. */
export const opensslCiphers = (suites: ReadonlyArray<string>): string =>
  [...tls13, ...suites.filter((suite) => !tls13.has(suite)).map(opensslName)].join(":")
