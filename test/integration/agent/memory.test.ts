import * as ClusterServer from "../../fixture/node/ClusterServer.ts"
import { nodeSuite } from "./suite.ts"

nodeSuite("the API server in memory", ClusterServer.memory)
