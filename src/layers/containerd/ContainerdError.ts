/** Why a private containerd could not be started, filled with images, or taken down. */
import { Schema } from "effect"

export class ContainerdError extends Schema.TaggedError<ContainerdError>()("ContainerdError", {
  op: Schema.String,
  target: Schema.String,
  detail: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    return `${this.op} ${this.target}: ${this.detail}`
  }
}
