/** Which devices which container has (parity L12), and which it gets next. Pods are told apart by UID. */
import type { Container } from "../k8s/container.ts"
import type { Pod } from "../k8s/pod.ts"
import { valueOfText } from "../resources/quantity.ts"
import { type DeviceResources, healthyDevices } from "./plugins.ts"

export interface HeldDevices {
  readonly ids: ReadonlyArray<string>
  /** The plugin's answer, as it came: what the container needs to use them. */
  readonly response: Uint8Array
}

export interface DeviceHolding extends HeldDevices {
  readonly podUid: string
  readonly container: string
  readonly resource: string
}

export interface DeviceWish {
  readonly container: string
  readonly resource: string
  readonly count: number
  /** An init container that ends leaves its devices to those after it. */
  readonly leaves: boolean
}

/** In the order in which containers start. Only resources that plugins know of are devices. */
export const deviceWishes = ({ spec }: Pod, isDevice: (resource: string) => boolean): ReadonlyArray<DeviceWish> => {
  const wishesOf = ({ name, resources, restartPolicy }: Container, init: boolean) =>
    Object.entries(resources?.limits ?? {}).filter(([resource]) => isDevice(resource)).map(([resource, text]) => ({
      container: name,
      resource,
      count: valueOfText(text),
      leaves: init && restartPolicy !== "Always"
    }))
  return [
    ...(spec.initContainers ?? []).flatMap((container) => wishesOf(container, true)),
    ...spec.containers.flatMap((container) => wishesOf(container, false))
  ].filter(({ count }) => count > 0)
}

export interface Choice {
  /** Must be among those chosen. */
  readonly fixed: ReadonlyArray<string>
  /** May be chosen, in the order they would be. */
  readonly free: ReadonlyArray<string>
  readonly count: number
}

export type ChoiceResult =
  | { readonly _tag: "Choose"; readonly choice: Choice }
  /** In the kubelet's words. */
  | { readonly _tag: "Impossible"; readonly why: string }

const impossible = (why: string): ChoiceResult => ({ _tag: "Impossible", why })

/** `reusable`: devices that an init container of the same pod leaves. */
export const choose = (
  { count, resource }: DeviceWish,
  resources: DeviceResources,
  holdings: ReadonlyArray<DeviceHolding>,
  reusable: ReadonlySet<string>
): ChoiceResult => {
  const known = resources.get(resource)
  if (known === undefined) return impossible(`cannot allocate unregistered device ${resource}`)
  const healthy = healthyDevices(known).map(({ id }) => id)
  if (healthy.length === 0) {
    return impossible(`no healthy devices present; cannot allocate unhealthy devices ${resource}`)
  }
  const taken = new Set(holdings.filter((held) => held.resource === resource).flatMap(({ ids }) => ids))
  const fixed = healthy.filter((id) => reusable.has(id)).sort().slice(0, count)
  const free = healthy.filter((id) => !taken.has(id) && !fixed.includes(id)).sort()
  const missing = count - fixed.length
  return free.length < missing
    ? impossible(
      `requested number of devices unavailable for ${resource}. Requested: ${missing}, Available: ${free.length}`
    )
    : { _tag: "Choose", choice: { fixed, free, count } }
}

/** Those chosen, the plugin's preference first where it may be followed. */
export const settle = ({ count, fixed, free }: Choice, preferred: ReadonlyArray<string>): ReadonlyArray<string> => {
  const allowed = new Set(free)
  const wanted = preferred.filter((id) => allowed.has(id))
  return [...new Set([...fixed, ...wanted, ...free])].slice(0, count).sort()
}
