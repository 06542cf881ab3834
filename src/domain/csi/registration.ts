/** Which plugins that offer themselves are taken (parity J1). */

/** The CSI version that is spoken. */
const version = /^v?1(\.\d+){0,2}$/

/** Why a CSI driver is refused; undefined when it is welcome. */
export const csiPluginProblem = (
  name: string,
  versions: ReadonlyArray<string>
): string | undefined => {
  if (!/^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/.test(name)) return `invalid CSI driver name "${name}"`
  if (versions.length === 0) {
    return `driver ${name} failed to provide any supported versions`
  }
  return versions.some((one) => version.test(one))
    ? undefined
    : `none of the CSI versions reported by this driver are supported: ${versions.join(" ")}`
}
