/**
 * The images that the recorded pods name. The test image `agnhost` cannot be had offline: a script of its name answers
 * on its port as it does, every path with 200, and ends on TERM with Go's exit code.
 */
import { Effect } from "effect"
import type { ImageSource } from "../../../src/layers/containerd/imageArchive.ts"
import { busyboxSource, TestContainerd } from "../../fixture/containerd/TestContainerd.ts"

const script = `#!/bin/sh
trap 'exit 2' TERM
while true; do
  nc -l -p 8080 -e /bin/sh -c 'read line; printf "HTTP/1.0 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok"' &
  wait $!
done
`

const agnhost = (): ImageSource => {
  const { entries, ...source } = busyboxSource("k8s.gcr.io/e2e-test-images/agnhost:2.21")
  return {
    ...source,
    entries: [...entries, { kind: "file", path: "agnhost", content: script, mode: 0o755 }],
    config: { ...source.config, Entrypoint: ["/agnhost"], Cmd: [] }
  }
}

/** Beside `busybox:1.29`, which the fixture has. */
export const importImages = Effect.gen(function*() {
  const { importImage } = yield* TestContainerd
  yield* importImage(busyboxSource("localhost/busybox:1"))
  yield* importImage(agnhost())
})
