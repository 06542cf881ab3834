/** The kinds of flags that commands have which people type; the daemon's are the kubelet's own (`kubelet/flagTable.ts`). */
import { Option } from "effect"
import { Flag } from "effect/cli"

export const text = (name: string, description: string, absent: string) =>
  Flag.String(name).pipe(Flag.withDescription(description), Flag.withDefault(absent))

export const number = (name: string, description: string, absent: number) =>
  Flag.Int(name).pipe(Flag.withDescription(description), Flag.withDefault(absent))

/** Off unless it is given. */
export const toggle = (name: string, description: string) =>
  Flag.Boolean(name).pipe(Flag.withDescription(description), Flag.withDefault(false))

export const textOrNone = (name: string, description: string) =>
  Flag.String(name).pipe(Flag.withDescription(description), Flag.optional, Flag.map(Option.getOrUndefined))

export const numberOrNone = (name: string, description: string) =>
  Flag.Int(name).pipe(Flag.withDescription(description), Flag.optional, Flag.map(Option.getOrUndefined))
