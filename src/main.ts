/** Entry of the bundle behind `bin/kubeffect`. */
import { NodeRuntime } from "@effect/platform-node"
import { main } from "./cli/kubeffect.ts"

NodeRuntime.runMain(main)
