/**
 * The npm library that writes X.509, with what it wants to find when it is loaded. Import this file when a certificate
 * has to be made, which most starts do not do; a bundler would bring the library itself in without its names.
 */
import "reflect-metadata"
import * as library from "@peculiar/x509"

export const x509 = library
