import { Layer } from "effect"
import * as HostFilesLive from "../../../src/layers/host/HostFilesLive.ts"
import * as MountsLive from "../../../src/layers/host/MountsLive.ts"
import * as ProcessesLive from "../../../src/layers/host/ProcessesLive.ts"
import { hostMountsContract } from "../../contract/HostMountsContract.ts"
import { onDisk } from "../../layers/host/scratch.ts"

const files = HostFilesLive.layer
const mounts = MountsLive.layer.pipe(Layer.provide(Layer.merge(files, ProcessesLive.layer)))
hostMountsContract("live", Layer.mergeAll(files, mounts, onDisk))
