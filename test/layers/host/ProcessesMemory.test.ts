import { Effect } from "effect"
import type { ProcessRequest } from "../../../src/layers/host/Processes.ts"
import * as ProcessesMemory from "../../../src/layers/host/ProcessesMemory.ts"
import { hostProcessesContract, scripts } from "../../contract/HostProcessesContract.ts"

const handle = ProcessesMemory.makeHandle()
handle.programs.set("/bin/sh", ({ args: [, script], stdin }: ProcessRequest) => {
  switch (script) {
    case scripts.fails:
      return Effect.succeed({ exitCode: 3, stdout: "out\n", stderr: "err\n" })
    case scripts.copies:
      return Effect.succeed({ exitCode: 0, stdout: String(stdin), stderr: "" })
    default:
      return Effect.never
  }
})

hostProcessesContract("memory", ProcessesMemory.layer(handle))
