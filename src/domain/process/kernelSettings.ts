/** The kernel's settings that a node runs with (parity A15): memory is given freely, and a broken kernel starts anew. */

export interface KernelSetting {
  /** Below `/proc/sys`. */
  readonly name: string
  readonly wanted: number
}

export const kernelSettings: ReadonlyArray<KernelSetting> = [
  { name: "vm/overcommit_memory", wanted: 1 },
  { name: "vm/panic_on_oom", wanted: 0 },
  { name: "kernel/panic", wanted: 10 },
  { name: "kernel/panic_on_oops", wanted: 1 },
  { name: "kernel/keys/root_maxkeys", wanted: 1_000_000 },
  { name: "kernel/keys/root_maxbytes", wanted: 25_000_000 }
]

/** Those that the machine has otherwise. `actual` by name; what cannot be read is left alone. */
export const unlike = (actual: ReadonlyMap<string, number>): ReadonlyArray<KernelSetting & { readonly is: number }> =>
  kernelSettings.flatMap((setting) => {
    const is = actual.get(setting.name)
    return is === undefined || is === setting.wanted ? [] : [{ ...setting, is }]
  })

export const kernelProblem = ({ is, name, wanted }: KernelSetting & { readonly is: number }): string =>
  `invalid kernel flag: ${name}, expected value: ${wanted}, actual value: ${is}`
