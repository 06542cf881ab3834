import { NodeFileSystem } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Result } from "effect"
import * as Kubeconfig from "../../../../src/layers/api/Kubeconfig.ts"

const pem = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"
const pem64 = Buffer.from(pem).toString("base64")

/** A kubeconfig of one cluster, user and context; the arguments are YAML flow mappings. */
const file = (cluster: string, user = "{token: abc}", context = "{cluster: c, user: u}") =>
  `apiVersion: v1
kind: Config
clusters: [{name: other, cluster: {server: "https://other"}}, {name: c, cluster: ${cluster}}]
contexts: [{name: x, context: ${context}}]
users: [{name: u, user: ${user}}]
current-context: x
`

const good = `{server: "https://10.0.0.1:6443/"}`

const parse = (text: string) => Kubeconfig.parse(text, "/etc/kubernetes/kubelet.conf")

describe("Kubeconfig", () => {
  it("A10: takes cluster, user and context, and resolves paths against the file's folder", () => {
    const access = Result.getOrThrow(parse(file(
      `{server: "https://10.0.0.1:6443/", certificate-authority: pki/ca.crt, tls-server-name: api, proxy-url: "http://p:3128"}`,
      `{client-certificate: /var/c.pem, client-key: ../k.pem, tokenFile: token}`
    )))
    assert.deepStrictEqual(access, {
      server: "https://10.0.0.1:6443",
      serverName: "api",
      insecure: false,
      ca: { _tag: "File", path: "/etc/kubernetes/pki/ca.crt" },
      proxyUrl: "http://p:3128",
      user: {
        clientCertificate: { cert: { _tag: "File", path: "/var/c.pem" }, key: { _tag: "File", path: "/etc/k.pem" } },
        tokenFile: "/etc/kubernetes/token"
      }
    })
  })

  it("A10: data in place wins over a path", () => {
    const access = Result.getOrThrow(
      parse(file(`{server: "https://a", certificate-authority: ca.crt, certificate-authority-data: ${pem64}}`))
    )
    assert.deepStrictEqual(access.ca, { _tag: "Inline", pem })
  })

  it("a context without a user is anonymous", () => {
    assert.deepStrictEqual(Result.getOrThrow(parse(file(good, "{}", "{cluster: c}"))).user, {})
  })

  it("null lists and fields, as Go writes them, are absent ones", () => {
    const text = file(`{server: "https://a", extensions: null}`, "{token: abc, exec: null}")
    assert.deepStrictEqual(Result.getOrThrow(parse(text)).user, { token: "abc" })
  })

  it("understands an exec plugin", () => {
    const access = Result.getOrThrow(parse(file(
      `{server: "https://a", extensions: [{name: client.authentication.k8s.io/exec, extension: {k: v}}]}`,
      `{exec: {apiVersion: client.authentication.k8s.io/v1, command: ./get, args: [-x], interactiveMode: Never,
        env: [{name: A, value: B}], provideClusterInfo: true}}`
    )))
    assert.deepStrictEqual(access.user.exec, {
      apiVersion: "client.authentication.k8s.io/v1",
      command: "/etc/kubernetes/get",
      args: ["-x"],
      env: { A: "B" },
      installHint: "",
      clusterInfo: { config: { k: "v" } }
    })
  })

  const exec = (fields: string) => `{exec: {command: get, ${fields}}}`
  it.each([
    { text: "", want: "the file is empty" },
    { text: "a: [", want: "", why: "not YAML" },
    { text: "clusters: 5", want: "clusters: ", why: "not a list" },
    { text: "clusters: [{name: c, cluster: {server: 5}}]", want: "clusters[0].cluster.server: ", why: "not text" },
    { text: "kind: Config", want: "current-context: not set" },
    { text: "current-context: y", want: `current-context: no context named "y"` },
    { text: file(good, "{}", "{cluster: foo}"), want: `contexts[0].context.cluster: no cluster named "foo"` },
    { text: file(good, "{}", "{cluster: c, user: v}"), want: `contexts[0].context.user: no user named "v"` },
    { text: file("{}"), want: "clusters[1].cluster.server: not set" },
    { text: file("{server: 10.0.0.1}"), want: `clusters[1].cluster.server: "10.0.0.1" is not an http or https URL` },
    {
      text: file(`{server: "https://a", proxy-url: "ftp://x"}`),
      want: `clusters[1].cluster.proxy-url: "ftp://x" is not an http, https or socks5 URL`
    },
    {
      text: file(`{server: "https://a", certificate-authority: ca, insecure-skip-tls-verify: true}`),
      want: "clusters[1].cluster.insecure-skip-tls-verify: a certificate authority is given as well: choose one"
    },
    {
      text: file(`{server: "https://a", certificate-authority-data: "%%%"}`),
      want: "clusters[1].cluster.certificate-authority-data: does not hold base64 of PEM text"
    },
    {
      text: file(good, "{client-certificate: a}"),
      want: "users[0].user.client-key: must be set together with client-certificate"
    },
    {
      text: file(good, "{token: a, username: b}"),
      want: "users[0].user: more than one of token, username and exec is given: choose one"
    },
    {
      text: file(good, "{auth-provider: {name: gcp}}"),
      want: "users[0].user.auth-provider: removed from Kubernetes in 1.26: use exec"
    },
    {
      text: file(good, exec("apiVersion: client.authentication.k8s.io/v1alpha1")),
      want: `users[0].user.exec.apiVersion: "client.authentication.k8s.io/v1alpha1" is not one of `
    },
    {
      text: file(good, exec("apiVersion: client.authentication.k8s.io/v1")),
      want: "users[0].user.exec.interactiveMode: must be one of Never, IfAvailable, Always"
    },
    {
      text: file(good, exec("apiVersion: client.authentication.k8s.io/v1beta1, interactiveMode: Always")),
      want: "users[0].user.exec.interactiveMode: the plugin wants a terminal, which the agent has not"
    }
  ])("A10: names file and field: $want", ({ text, want }) => {
    const error = Result.getOrThrow(Result.flip(parse(text)))
    assert.isTrue(error.message.startsWith(`kubeconfig /etc/kubernetes/kubelet.conf: ${want}`), error.message)
  })

  it.effect("A10: load names the missing file and the field that asked for it", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const folder = yield* fs.makeTempDirectoryScoped()
      const path = `${folder}/kubeconfig`
      const absent = yield* Effect.flip(Kubeconfig.load(path))
      assert.include(absent.message, `kubeconfig ${path}: `)
      yield* fs.writeFileString(path, file(good, "{tokenFile: token}"))
      const error = yield* Effect.flip(Kubeconfig.load(path))
      assert.strictEqual(error.field, "tokenFile")
      assert.include(error.message, `${folder}/token`)
      yield* fs.writeFileString(`${folder}/token`, "abc\n")
      assert.strictEqual((yield* Kubeconfig.load(path)).user.tokenFile, `${folder}/token`)
    }).pipe(Effect.provide(NodeFileSystem.layer)))
})
