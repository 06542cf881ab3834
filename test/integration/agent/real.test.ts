import * as ClusterServer from "../../fixture/node/ClusterServer.ts"
import { nodeSuite } from "./suite.ts"

// A real API server is taken from where envtest users have it; without one there is nothing to register here.
const assets = process.env["KUBEBUILDER_ASSETS"]
if (assets !== undefined) nodeSuite("a real API server", ClusterServer.real(assets))
