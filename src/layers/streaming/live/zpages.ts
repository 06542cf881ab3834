/** `/statusz` and `/flagz`: what runs here, since when, and how it was started; for people, not for programs. */
import { Clock, Effect } from "effect"
import { performance } from "node:perf_hooks"
import { type ResponseRoute, route, text } from "./route.ts"

export interface ZPages {
  readonly version: string
  /** The flags as they are in force, by name, without secrets. */
  readonly flags: Readonly<Record<string, string>>
}

const warning =
  "Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees "
  + "and is for debugging purposes only.\n"

export const zpagesRoutes = ({ flags, version }: ZPages): ReadonlyArray<ResponseRoute> => [
  route(["GET"], "/statusz", () =>
    Effect.map(Clock.currentTimeMillis, (now) => {
      const minutes = Math.floor((now - performance.timeOrigin) / 60_000)
      return text([
        "",
        "kubelet statusz",
        warning,
        `Started: ${new Date(performance.timeOrigin).toUTCString()}`,
        `Up: ${Math.floor(minutes / 60)} hr ${String(minutes % 60).padStart(2, "0")} min`,
        `Runtime version: node ${process.versions.node}`,
        `Binary version: ${version}`,
        ""
      ].join("\n"))
    })),
  route(
    ["GET"],
    "/flagz",
    () =>
      Effect.sync(() =>
        text(
          `\nkubelet flagz\n${warning}\n${
            Object.entries(flags).sort(([a], [b]) => a < b ? -1 : 1).map(([name, value]) => `${name}=${value}\n`).join(
              ""
            )
          }`
        )
      )
  )
]
