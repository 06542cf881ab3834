/** Tokens, reviews and certificate requests: who is who, and who may do what. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { X509Certificate } from "node:crypto"
import * as Resources from "../../../../src/domain/k8s/resources.ts"
import { loopback } from "../../../../src/layers/api/memory/state.ts"
import { certificateRequest } from "./certificateRequest.ts"
import { at, pod, pods, start } from "./server.ts"

type Server = Effect.Success<ReturnType<typeof start>>

const tokenFor = (server: Server, account: string, spec: Record<string, unknown> = {}) =>
  Effect.map(
    server.rest.post(server.targetOf(Resources.serviceAccounts, account, "token"), { spec }, { user: loopback }),
    (answer) => ({
      token: String(at(answer, "status", "token")),
      until: at(answer, "status", "expirationTimestamp")
    })
  )

const review = (server: Server, token: string, audiences?: ReadonlyArray<string>) =>
  Effect.map(server.create(Resources.tokenReviews, { spec: { token, audiences } }), (answer) => at(answer, "status"))

const claims = (token: string): unknown => JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString())

describe("service account tokens", () => {
  it.effect("name the account, their audience and their time, and are known for that long", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(1_000_000_000_000)
      const server = yield* start()
      const { token, until } = yield* tokenFor(server, "default", { audiences: ["vault"], expirationSeconds: 600 })
      assert.strictEqual(until, "2001-09-09T01:56:40Z")
      assert.deepInclude(claims(token), {
        aud: ["vault"],
        sub: "system:serviceaccount:default:default",
        exp: 1_000_000_600
      })
      const known = yield* review(server, token, ["vault"])
      assert.strictEqual(at(known, "authenticated"), true)
      assert.strictEqual(at(known, "user", "username"), "system:serviceaccount:default:default")
      assert.include([at(known, "user", "groups")].flat(), "system:serviceaccounts:default")
      assert.isUndefined(at(yield* review(server, token, ["other"]), "authenticated"))
      yield* TestClock.adjust("10 minutes")
      assert.isUndefined(at(yield* review(server, token, ["vault"]), "authenticated"))
    }))

  it.effect("bound to a pod die with it, and name it", () =>
    Effect.gen(function*() {
      const server = yield* start({ binder: false })
      const { metadata } = yield* server.create(pods, pod("a"))
      const boundObjectRef = { kind: "Pod", apiVersion: "v1", name: "a", uid: metadata.uid }
      const { token } = yield* tokenFor(server, "default", { boundObjectRef })
      const extra = at(yield* review(server, token), "user", "extra")
      assert.deepStrictEqual(at(extra, "authentication.kubernetes.io/pod-name"), ["a"])
      yield* server.remove(pods, "a")
      assert.isUndefined(at(yield* review(server, token), "authenticated"))
    }))

  it.effect.each([
    { spec: { expirationSeconds: 60 }, want: /may not specify a duration less than 10 minutes/ },
    { spec: { boundObjectRef: { kind: "Pod", name: "none" } }, want: /pods "none" not found/ },
    { spec: { boundObjectRef: { kind: "Pod", name: "a", uid: "x" } }, want: /does not match the UID in record/ }
  ])("are refused: $want", ({ spec, want }) =>
    Effect.gen(function*() {
      const server = yield* start({ binder: false })
      yield* server.create(pods, pod("a"))
      assert.match((yield* Effect.flip(tokenFor(server, "default", spec))).message, want)
    }))

  it.effect("of another server, or changed, belong to nobody", () =>
    Effect.gen(function*() {
      const [one, other] = [yield* start(), yield* start()]
      const { token } = yield* tokenFor(other, "default")
      const [head = "", , proof = ""] = token.split(".")
      const forged = Buffer.from(JSON.stringify({ ...Object(claims(token)), sub: "admin" })).toString("base64url")
      for (const bad of [token, `${head}.${forged}.${proof}`, "x.y.z", "", "."]) {
        assert.isUndefined(at(yield* review(one, bad), "authenticated"))
      }
    }))
})

describe("reviews", () => {
  it.effect("know the tokens that the server was given", () =>
    Effect.gen(function*() {
      const server = yield* start({ tokens: { t: { username: "jane", groups: ["dev"], uid: "7" } } })
      assert.deepStrictEqual(at(yield* review(server, "t"), "user"), {
        username: "jane",
        groups: ["dev", "system:authenticated"],
        uid: "7"
      })
    }))

  it.effect("O2: ask the policy of the server who may do what", () =>
    Effect.gen(function*() {
      const server = yield* start({
        authorize: ({ resource, user }) => user === "jane" && at(resource, "verb") === "get"
      })
      const may = (user: string, verb: string) =>
        Effect.map(
          server.create(Resources.subjectAccessReviews, {
            spec: { user, resourceAttributes: { verb, resource: "nodes", subresource: "proxy" } }
          }),
          (answer) => at(answer, "status", "allowed")
        )
      assert.deepStrictEqual(
        [yield* may("jane", "get"), yield* may("jane", "create"), yield* may("joe", "get")],
        [true, false, false]
      )
    }))
})

describe("certificate requests", () => {
  const request = (name: string, signerName: string) =>
    Effect.map(certificateRequest("O=system:nodes, CN=system:node:n1", ["n1.local"]), (pem) => ({
      metadata: { name },
      spec: {
        request: Buffer.from(pem).toString("base64"),
        signerName,
        usages: ["digital signature", "client auth"],
        expirationSeconds: 3600
      }
    }))
  const issued = (object: unknown) =>
    new X509Certificate(Buffer.from(String(at(object, "status", "certificate")), "base64"))
  const kubelet = "kubernetes.io/kube-apiserver-client-kubelet"

  it.effect("A11: those of kubelets are approved and signed, with the names they ask for", () =>
    Effect.gen(function*() {
      const server = yield* start({ signCertificates: true })
      yield* server.create(Resources.certificateSigningRequests, yield* request("a", kubelet))
      const signed = yield* server.get(Resources.certificateSigningRequests, "a")
      assert.strictEqual(at([at(signed, "status", "conditions")].flat()[0], "type"), "Approved")
      const certificate = issued(signed)
      assert.strictEqual(certificate.subject, "O=system:nodes\nCN=system:node:n1")
      assert.strictEqual(certificate.subjectAltName, "DNS:n1.local")
      const authority = new X509Certificate((yield* server.api.authority).certificate)
      assert.isTrue(certificate.checkIssued(authority) && certificate.verify(authority.publicKey))
      const life = Date.parse(certificate.validTo) - Date.parse(certificate.validFrom)
      assert.strictEqual(life, 3_600_000)
    }))

  it.effect("others wait for somebody's approval, and all of them where the server does not sign", () =>
    Effect.gen(function*() {
      const server = yield* start({ signCertificates: true })
      const resource = Resources.certificateSigningRequests
      const made = yield* server.create(resource, yield* request("a", "kubernetes.io/kube-apiserver-client"))
      assert.isUndefined(at(yield* server.get(resource, "a"), "status", "certificate"))
      const conditions = [{ type: "Approved", status: "True", reason: "Manual", message: "fine" }]
      yield* server.update(resource, { ...made, status: { conditions } }, "approval")
      assert.match(issued(yield* server.get(resource, "a")).subject, /system:node:n1/)
      const idle = yield* start()
      yield* idle.create(resource, yield* request("a", kubelet))
      assert.isUndefined(at(yield* idle.get(resource, "a"), "status", "conditions"))
    }))

  it.effect("one that cannot be read fails with the reason", () =>
    Effect.gen(function*() {
      const server = yield* start({ signCertificates: true })
      const bad = yield* request("a", kubelet)
      yield* server.create(Resources.certificateSigningRequests, { ...bad, spec: { ...bad.spec, request: "eA==" } })
      const failed = yield* server.get(Resources.certificateSigningRequests, "a")
      assert.deepInclude([at(failed, "status", "conditions")].flat()[1], { type: "Failed", status: "True" })
    }))
})
