import { it } from "@effect/vitest"
import { fuzz } from "../../layers/streaming/hostile.ts"

it.live(
  "O3: 10,000 odd requests: none gets in, none gets through, and the server lives",
  () => fuzz(10_000, 11),
  120_000
)
