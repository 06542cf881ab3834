import { Effect } from "effect"
import { live } from "./victim.ts"

await Effect.runPromise(live(process.argv[2] ?? "", process.argv[3] ?? ""))
