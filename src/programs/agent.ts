/**
 * The node agent: every loop of it, each supervised by itself. It is a program over services only; what it runs on is
 * decided by the layers it is given.
 */
import { Effect } from "effect"
import { HeartbeatApi } from "../layers/api/HeartbeatApi.ts"
import { KubeApi } from "../layers/api/KubeApi.ts"
import { AgentConfig } from "./AgentConfig.ts"
import { orphanPods } from "./cleanup/orphanPods.ts"
import { nodeLease } from "./node/nodeLease.ts"
import { nodeStatusLoop } from "./node/nodeStatusLoop.ts"
import { ownNode } from "./node/ownNode.ts"
import { apiPods } from "./pods/apiPods.ts"
import { podWorkers } from "./pods/podWorkers.ts"
import { mirrorPods } from "./staticPods/mirrorPods.ts"
import { staticFiles } from "./staticPods/staticFiles.ts"
import { supervise } from "./supervise.ts"
