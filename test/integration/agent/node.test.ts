import * as ClusterServer from "../../fixture/node/ClusterServer.ts"
import { nodeSuite } from "./suite.ts"

nodeSuite("the API server in memory", ClusterServer.memory)

// The real one is taken from where envtest users have it.
const assets = process.env["KUBEBUILDER_ASSETS"]
if (assets !== undefined) nodeSuite("a real API server", ClusterServer.real(assets))
