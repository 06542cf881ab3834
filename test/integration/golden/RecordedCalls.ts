/**
 * Writes down what the agent asks of the runtime while it runs: a layer around the real `Cri`, and the list of calls that
 * change something, in the order in which they were made and in the JSON of their proto.
 */
import { create, type DescMessage, type MessageInitShape, type MessageShape, toJson } from "@bufbuild/protobuf"
import { Clock, Context, Effect, Layer } from "effect"
import * as Pb from "../../../src/gen/cri/api_pb.ts"
import { Cri, type CriCalls, type CriError } from "../../../src/layers/cri/Cri.ts"

export interface MadeCall {
  readonly atMs: number
  readonly method: string
  readonly request: unknown
  /** Empty until it has answered. */
  response: unknown
  error: string | undefined
}

export class RecordedCalls extends Context.Service<RecordedCalls, {
  readonly calls: ReadonlyArray<MadeCall>
}>()("kubeffect/test/integration/golden/RecordedCalls") {}

const json = <D extends DescMessage>(schema: D, message: MessageInitShape<D>): unknown =>
  toJson(schema, create(schema, message), { useProtoFieldName: true })

const recorder =
  (calls: Array<MadeCall>) =>
  <I extends DescMessage, O extends DescMessage, Rest extends ReadonlyArray<unknown>>(
    method: string,
    input: I,
    output: O,
    call: (request: MessageInitShape<I>, ...rest: Rest) => Effect.Effect<MessageShape<O>, CriError>
  ) =>
  (request: MessageInitShape<I>, ...rest: Rest): Effect.Effect<MessageShape<O>, CriError> =>
    Effect.gen(function*() {
      const made: MadeCall = {
        atMs: yield* Clock.currentTimeMillis,
        method,
        request: json(input, request),
        response: undefined,
        error: undefined
      }
      calls.push(made)
      return yield* call(request, ...rest).pipe(
        Effect.tap((response) =>
          Effect.sync(() => {
            made.response = toJson(output, response, { useProtoFieldName: true })
          })
        ),
        Effect.tapError((error) =>
          Effect.sync(() => {
            made.error = error.detail
          })
        )
      )
    })

const recorded = (cri: CriCalls, calls: Array<MadeCall>): CriCalls => {
  const record = recorder(calls)
  return {
    ...cri,
    runPodSandbox: record(
      "RunPodSandbox",
      Pb.RunPodSandboxRequestSchema,
      Pb.RunPodSandboxResponseSchema,
      cri.runPodSandbox
    ),
    stopPodSandbox: record(
      "StopPodSandbox",
      Pb.StopPodSandboxRequestSchema,
      Pb.StopPodSandboxResponseSchema,
      cri.stopPodSandbox
    ),
    removePodSandbox: record(
      "RemovePodSandbox",
      Pb.RemovePodSandboxRequestSchema,
      Pb.RemovePodSandboxResponseSchema,
      cri.removePodSandbox
    ),
    createContainer: record(
      "CreateContainer",
      Pb.CreateContainerRequestSchema,
      Pb.CreateContainerResponseSchema,
      cri.createContainer
    ),
    startContainer: record(
      "StartContainer",
      Pb.StartContainerRequestSchema,
      Pb.StartContainerResponseSchema,
      cri.startContainer
    ),
    stopContainer: record(
      "StopContainer",
      Pb.StopContainerRequestSchema,
      Pb.StopContainerResponseSchema,
      cri.stopContainer
    ),
    removeContainer: record(
      "RemoveContainer",
      Pb.RemoveContainerRequestSchema,
      Pb.RemoveContainerResponseSchema,
      cri.removeContainer
    ),
    updateContainerResources: record(
      "UpdateContainerResources",
      Pb.UpdateContainerResourcesRequestSchema,
      Pb.UpdateContainerResourcesResponseSchema,
      cri.updateContainerResources
    ),
    updatePodSandboxResources: record(
      "UpdatePodSandboxResources",
      Pb.UpdatePodSandboxResourcesRequestSchema,
      Pb.UpdatePodSandboxResourcesResponseSchema,
      cri.updatePodSandboxResources
    ),
    execSync: record("ExecSync", Pb.ExecSyncRequestSchema, Pb.ExecSyncResponseSchema, cri.execSync),
    pullImage: record("PullImage", Pb.PullImageRequestSchema, Pb.PullImageResponseSchema, cri.pullImage)
  }
}

/** `Cri` with every changing call written down, over another `Cri`. */
export const layer: Layer.Layer<Cri | RecordedCalls, never, Cri> = Layer.effectContext(
  Effect.map(Cri, (cri) => {
    const calls: Array<MadeCall> = []
    return Context.make(Cri, Cri.of(recorded(cri, calls))).pipe(Context.add(RecordedCalls, { calls }))
  })
)
