/** Which optional packages a package-lock.json should list and does not. */

interface LockedPackage {
  readonly version?: string
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

export interface Lock {
  readonly packages: Readonly<Record<string, LockedPackage>>
}

export const missingFromLock = (lock: Lock): ReadonlyArray<{ readonly name: string; readonly version: string }> =>
  Object.entries(lock.packages).flatMap(([path, { optionalDependencies }]) =>
    Object.entries(optionalDependencies ?? {}).flatMap(([name, version]) =>
      `node_modules/${name}` in lock.packages || `${path}/node_modules/${name}` in lock.packages
        ? []
        : [{ name, version }]
    )
  )
