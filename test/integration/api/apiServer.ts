/**
 * A real API server of one's own: etcd and kube-apiserver of the folder that `KUBEBUILDER_ASSETS` names, with RBAC, the
 * node authorizer and NodeRestriction, on free ports, gone with the scope.
 */
import { NodeServices } from "@effect/platform-node"
import { Effect, FileSystem, Schedule, Stream } from "effect"
import { ChildProcess } from "effect/process"
import { generateKeyPairSync } from "node:crypto"
import { freePort } from "../../../src/cli/compose/freePort.ts"
import { KubeApi } from "../../../src/layers/api/KubeApi.ts"
import * as KubeApiLive from "../../../src/layers/api/KubeApiLive.ts"
import type { ServerAccess, UserAccess } from "../../../src/layers/api/Kubeconfig.ts"
import { makeAuthority, type Pair } from "../../layers/api/live/certificates.ts"

export interface ApiServer {
  readonly folder: string
  /** Signs the clients of the server, and the server as a client of its nodes. */
  readonly clientCa: string
  readonly admin: ServerAccess
  /** As the kubelet of the node `name`, by client certificate. */
  readonly node: (name: string) => Effect.Effect<ServerAccess>
}

const run = Effect.fnUntraced(function*(log: string, command: string, args: ReadonlyArray<string>) {
  const fs = yield* FileSystem.FileSystem
  const child = yield* ChildProcess.make(command, args, { stdin: "ignore", forceKillAfter: "10 seconds" })
  yield* Effect.forkScoped(Stream.run(child.all, fs.sink(log)))
  return child
})

const pemClient = (pair: Pair): UserAccess => ({
  clientCertificate: { cert: { _tag: "Inline", pem: pair.cert }, key: { _tag: "Inline", pem: pair.key } }
})

export const start = Effect.fn("apiServer.start")(function*(assets: string) {
  const fs = yield* FileSystem.FileSystem
  const folder = yield* fs.makeTempDirectoryScoped({ prefix: "kubeffect-api-" })
  const write = (name: string, text: string) =>
    Effect.as(fs.writeFileString(`${folder}/${name}`, text), `${folder}/${name}`)
  const ca = yield* makeAuthority("test-ca")
  const serving = yield* ca.issue("CN=kube-apiserver", ["127.0.0.1", "localhost"])
  const toNodes = yield* ca.issue("O=system:masters, CN=kube-apiserver-kubelet-client")
  const signing = generateKeyPairSync("rsa", { modulusLength: 2048 })
  const [etcdPort, peerPort, port] = yield* Effect.all([
    freePort("127.0.0.1"),
    freePort("127.0.0.1"),
    freePort("127.0.0.1")
  ])
  const etcd = `http://127.0.0.1:${etcdPort}`
  yield* run(`${folder}/etcd.log`, `${assets}/etcd`, [
    `--data-dir=${folder}/etcd`,
    `--listen-client-urls=${etcd}`,
    `--advertise-client-urls=${etcd}`,
    `--listen-peer-urls=http://127.0.0.1:${peerPort}`,
    "--unsafe-no-fsync"
  ])
  const pkcs8 = signing.privateKey.export({ type: "pkcs8", format: "pem" }).toString()
  const spki = signing.publicKey.export({ type: "spki", format: "pem" }).toString()
  const server = yield* run(`${folder}/apiserver.log`, `${assets}/kube-apiserver`, [
    `--etcd-servers=${etcd}`,
    // Watches of configmaps are etcd's own, and its history is short: what a test needs to see a version expire.
    "--watch-cache-sizes=configmaps#0",
    "--etcd-compaction-interval=2s",
    `--secure-port=${port}`,
    "--bind-address=127.0.0.1",
    "--advertise-address=127.0.0.1",
    `--cert-dir=${folder}`,
    `--tls-cert-file=${yield* write("serving.crt", serving.cert)}`,
    `--tls-private-key-file=${yield* write("serving.key", serving.key)}`,
    `--client-ca-file=${yield* write("ca.crt", ca.cert)}`,
    `--kubelet-client-certificate=${yield* write("to-nodes.crt", toNodes.cert)}`,
    `--kubelet-client-key=${yield* write("to-nodes.key", toNodes.key)}`,
    "--kubelet-preferred-address-types=InternalIP",
    `--token-auth-file=${yield* write("tokens.csv", `admin-token,admin,1,"system:masters"\n`)}`,
    `--service-account-key-file=${yield* write("sa.pub", spki)}`,
    `--service-account-signing-key-file=${yield* write("sa.key", pkcs8)}`,
    "--service-account-issuer=https://kubernetes.default.svc",
    "--authorization-mode=Node,RBAC",
    "--enable-admission-plugins=NodeRestriction",
    "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition",
    "--service-cluster-ip-range=10.96.0.0/16",
    "--allow-privileged=true"
  ])
  const base = {
    server: `https://127.0.0.1:${port}`,
    insecure: false,
    ca: { _tag: "Inline" as const, pem: ca.cert }
  }
  const made: ApiServer = {
    folder,
    clientCa: ca.cert,
    admin: { ...base, user: { token: "admin-token" } },
    node: (name) =>
      Effect.map(ca.issue(`O=system:nodes, CN=system:node:${name}`), (pair) => ({ ...base, user: pemClient(pair) }))
  }
  const ready = Effect.gen(function*() {
    const api = yield* KubeApi
    const answer = yield* api.request({ method: "GET", path: "/readyz" })
    if (answer.status !== 200) return yield* Effect.fail(new Error(`/readyz answered ${answer.status}`))
  }).pipe(
    Effect.provide(KubeApiLive.layer(made.admin)),
    Effect.retry(Schedule.spaced("500 millis")),
    Effect.timeout("90 seconds")
  )
  const died = Effect.flatMap(
    server.exitCode,
    (code) => Effect.fail(new Error(`kube-apiserver exited with ${code}, see ${folder}/apiserver.log`))
  )
  yield* Effect.raceFirst(ready, died)
  return made
}, Effect.provide(NodeServices.layer))
