/** The runtime contract, on a private containerd. */
import { criContract } from "../../contract/CriContract.ts"
import * as CriHost from "./CriHost.ts"

criContract("containerd", CriHost.layer)
