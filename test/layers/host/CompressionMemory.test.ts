import { Layer } from "effect"
import * as CompressionMemory from "../../../src/layers/host/CompressionMemory.ts"
import * as HostFilesMemory from "../../../src/layers/host/HostFilesMemory.ts"
import { compressionContract } from "../../contract/CompressionContract.ts"
import { inMemory } from "./scratch.ts"

const host = new HostFilesMemory.MemoryHost()

compressionContract(
  "memory",
  CompressionMemory.layer.pipe(Layer.provideMerge(HostFilesMemory.layer(host)), Layer.merge(inMemory(host)))
)
