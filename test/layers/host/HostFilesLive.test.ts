import { Layer } from "effect"
import * as HostFilesLive from "../../../src/layers/host/HostFilesLive.ts"
import { hostFilesContract } from "../../contract/HostFilesContract.ts"
import { onDisk } from "./scratch.ts"

hostFilesContract("live", Layer.merge(HostFilesLive.layer, onDisk))
