import { Layer } from "effect"
import * as CompressionLive from "../../../src/layers/host/CompressionLive.ts"
import * as HostFilesLive from "../../../src/layers/host/HostFilesLive.ts"
import { compressionContract } from "../../contract/CompressionContract.ts"
import { onDisk } from "./scratch.ts"

compressionContract("live", Layer.mergeAll(CompressionLive.layer, HostFilesLive.layer, onDisk))
