import { Effect } from "effect"
import * as X509Memory from "../../../src/layers/certificates/X509Memory.ts"
import { x509Contract } from "../../contract/X509Contract.ts"

x509Contract(
  "in memory",
  X509Memory.layer,
  (request, validity) => Effect.fromResult(X509Memory.certify(request, validity))
)
