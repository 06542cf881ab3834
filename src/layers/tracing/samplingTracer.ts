/**
 * Decides which spans are worth sending. A trace begins where somebody says so, or with a request from outside; all
 * else that has no parent (the loops of the agent call the runtime all day) is not told of. A trace ends with its
 * first span: what its fibers do later belongs to it no more.
 */
import { Option, Tracer } from "effect"
import { isSampled } from "../../domain/tracing/sampling.ts"

type SpanOptions = Parameters<Tracer.Tracer["span"]>[0]

/** `ratePerMillion` of the traces that begin here are kept; one that began elsewhere is kept if it is kept there. */
export const samplingTracer = (inner: Tracer.Tracer, ratePerMillion: number): Tracer.Tracer =>
  Tracer.make({
    span: (asked) => {
      const options = asked.kind === "server" ? asRequest(asked) : asked
      const unsampled = () => inner.span({ ...options, sampled: false })
      if (!options.sampled) return unsampled()
      if (Option.isSome(options.parent)) return isOpen(options.parent.value) ? inner.span(options) : unsampled()
      if (!options.root) return unsampled()
      const span = inner.span(options)
      return isSampled(span.traceId, ratePerMillion) ? span : unsampled()
    }
  })

/** A request's parent can only be its caller's: the span that the server was opened in is over, and not of its trace. */
const asRequest = (options: SpanOptions): SpanOptions =>
  Option.exists(options.parent, ({ _tag }) => _tag === "ExternalSpan")
    ? options
    : { ...options, parent: Option.none(), root: true, sampled: true }

const isOpen = (parent: Tracer.AnySpan): boolean =>
  parent.sampled && (parent._tag === "ExternalSpan" || parent.status._tag === "Started")
