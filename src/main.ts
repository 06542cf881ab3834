/** Entry of the bundle behind `bin/kubeffect`. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { main } from "./cli/kubeffect.ts"

// Set by bin/kubeffect for this process; plugins and runtimes that it starts are others.
for (const name of ["MALLOC_ARENA_MAX", "MALLOC_MMAP_THRESHOLD_", "NODE_COMPILE_CACHE"]) delete process.env[name]

NodeRuntime.runMain(main)
