/**
 * The kubeconfig file format, as far as a node agent uses it. Field names are the file's own, so that an error can name
 * the field a person has to look at.
 */
import { Schema } from "effect"

const text = Schema.optionalKey(Schema.String)

const ClusterFields = Schema.Struct({
  server: text,
  "tls-server-name": text,
  "insecure-skip-tls-verify": Schema.optionalKey(Schema.Boolean),
  "certificate-authority": text,
  "certificate-authority-data": text,
  "proxy-url": text,
  extensions: Schema.optionalKey(Schema.Array(Schema.Struct({ name: Schema.String, extension: Schema.Unknown })))
})

const ExecFields = Schema.Struct({
  command: text,
  args: Schema.optionalKey(Schema.Array(Schema.String)),
  env: Schema.optionalKey(Schema.Array(Schema.Struct({ name: Schema.String, value: Schema.String }))),
  apiVersion: text,
  installHint: text,
  provideClusterInfo: Schema.optionalKey(Schema.Boolean),
  interactiveMode: text
})

const UserFields = Schema.Struct({
  "client-certificate": text,
  "client-certificate-data": text,
  "client-key": text,
  "client-key-data": text,
  token: text,
  tokenFile: text,
  username: text,
  password: text,
  "auth-provider": Schema.optionalKey(Schema.Unknown),
  exec: Schema.optionalKey(ExecFields)
})

const ContextFields = Schema.Struct({ cluster: text, user: text })

/** `kind: Config`. Lists of named entries; unknown fields are left alone. */
export const KubeconfigFile = Schema.toCodecGoJson(Schema.Struct({
  apiVersion: text,
  kind: text,
  clusters: Schema.optionalKey(Schema.Array(Schema.Struct({ name: Schema.String, cluster: ClusterFields }))),
  users: Schema.optionalKey(Schema.Array(Schema.Struct({ name: Schema.String, user: UserFields }))),
  contexts: Schema.optionalKey(Schema.Array(Schema.Struct({ name: Schema.String, context: ContextFields }))),
  "current-context": text
}))
export type KubeconfigFile = typeof KubeconfigFile.Type

export type ClusterFields = typeof ClusterFields.Type
export type UserFields = typeof UserFields.Type
export type ExecFields = typeof ExecFields.Type
