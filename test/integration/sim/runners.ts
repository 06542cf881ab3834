/** Processes of `kubeffect sim` that share nodes, each before the API server by a door of its own that sees what it writes. */
import { Effect, Stream } from "effect"
import { ChildProcess } from "effect/process"
import { createServer, request as ask } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"

const nodeOf = (text: string): string | undefined => /\bsim-\d+/.exec(text)?.[0]

/** A write of a process that did not have the lock of the node that it wrote for. */
export interface Trespass {
  readonly runner: string
  readonly path: string
  readonly holder: string
}

/** Reads in the engine's own tables who may act for a node. */
export const makeWatch = (database: string) => {
  const trespasses: Array<Trespass> = []
  const rightful = new Set<string>()
  let writes = 0
  let opened: DatabaseSync | undefined
  const holderOf = (node: string): string => {
    opened ??= new DatabaseSync(database, { readOnly: true, timeout: 2000 })
    const row = opened.prepare(
      "SELECT l.address AS holder FROM cluster_messages m JOIN cluster_locks l ON l.shard_id = m.shard_id " +
        "WHERE m.entity_id = ?"
    ).get(node)
    return String(row?.["holder"] ?? "nobody")
  }
  return {
    trespasses,
    /** Who wrote for nodes that were theirs. */
    rightful,
    writes: () => writes,
    wrote: (runner: string, path: string) => {
      const node = nodeOf(path)
      if (node === undefined) return
      writes += 1
      const holder = holderOf(node)
      if (holder.endsWith(runner)) rightful.add(runner)
      else trespasses.push({ runner, path, holder })
    },
    close: () => opened?.close()
  }
}

/** Passes everything on to the API server, and tells of writes. Gives its URL. */
export const door = Effect.fn("door")(function*(api: string, wrote: (path: string) => void) {
  const target = new URL(api)
  const server = createServer((incoming, answer) => {
    const { headers, method = "GET", url = "/" } = incoming
    if (method !== "GET") wrote(url)
    const outgoing = ask({ host: target.hostname, port: target.port, path: url, method, headers }, (reply) => {
      answer.writeHead(reply.statusCode ?? 502, reply.headers)
      reply.pipe(answer)
      reply.on("error", () => answer.destroy())
    })
    outgoing.on("error", () => answer.destroy())
    answer.on("close", () => outgoing.destroy())
    incoming.pipe(outgoing)
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
    () =>
      Effect.sync(() => {
        server.close()
        server.closeAllConnections()
      })
  )
  const address = server.address() as AddressInfo
  return `http://127.0.0.1:${address.port}`
})

export interface Runner {
  readonly pid: number
  /** How many nodes it said last that it runs. */
  readonly nodes: () => number
  readonly said: () => string
}

/** Ends with the scope. */
export const startRunner = Effect.fn("startRunner")(function*(options: {
  readonly kubeconfig: string
  readonly database: string
  readonly config: string
  readonly port: number
  readonly nodes: number
}) {
  let said = ""
  const { config, database, kubeconfig, nodes, port } = options
  const child = yield* ChildProcess.make(join(import.meta.dirname, "../../../bin/kubeffect"), [
    "sim",
    `--kubeconfig=${kubeconfig}`,
    `--cluster=sqlite:${database}`,
    `--nodes=${nodes}`,
    `--runner-port=${port}`,
    "--takeover-after=4s",
    `--config=${config}`
  ], { forceKillAfter: "3 seconds" })
  yield* Effect.forkScoped(Effect.ignore(
    Stream.runForEach(Stream.decodeText(Stream.merge(child.stdout, child.stderr)), (text) =>
      Effect.sync(() => {
        said += text
      }))
  ))
  const runner: Runner = {
    pid: Number(child.pid),
    nodes: () => Number([...said.matchAll(/: (\d+) of \d+ nodes run here/g)].at(-1)?.[1] ?? 0),
    said: () => said
  }
  return runner
})
