/** Signals that end a container, as a pod's spec names them and as the runtime numbers them (KEP-4960, parity D20). */
import { Signal } from "../../gen/cri/api_pb.ts"

const numbers: ReadonlyMap<string, Signal> = new Map(Object.entries(Signal))
const names: ReadonlyMap<number, string> = new Map(Object.entries(Signal).map(([name, number]) => [number, name]))

/** `SIGRTMIN+2` and `SIGRTMAX-2` have no signs among the runtime's names. Undefined: the image or the runtime decides. */
export const signalOf = (text: string | undefined): Signal | undefined =>
  text === undefined ? undefined : numbers.get(text.replace("+", "PLUS").replace("-", "MINUS"))

/** Undefined when the runtime does not tell. */
export const signalName = (signal: Signal): string | undefined =>
  signal === Signal.RUNTIME_DEFAULT ? undefined : names.get(signal)?.replace("PLUS", "+").replace("MINUS", "-")
