/** Once before the integration tests, in a process that runs none of them. */
import { Effect } from "effect"
import { sweepLeftovers } from "../fixture/containerd/TestContainerd.ts"

export const setup = () => Effect.runPromise(sweepLeftovers)
