/** CPU amounts in the terms of the kernel: shares, CFS quota, and the weight of cgroup v2 (parity L2). */

export const minShares = 2
export const maxShares = 262_144
export const defaultQuotaPeriodUs = 100_000
const minQuotaUs = 1000

export const sharesOfMilli = (milliCpu: number): number =>
  Math.max(minShares, Math.min(maxShares, Math.floor((milliCpu * 1024) / 1000)))

/** CFS quota in microseconds a period; 0 when there is no limit. */
export const quotaOfMilli = (milliCpu: number, periodUs: number = defaultQuotaPeriodUs): number =>
  milliCpu === 0 ? 0 : Math.max(minQuotaUs, Math.floor((milliCpu * periodUs) / 1000))

/** Shares as CPU thousandths, rounded up; 0 for the minimum, which means that nothing was asked for. */
export const milliOfShares = (shares: number): number => shares <= minShares ? 0 : Math.ceil((shares * 1000) / 1024)

export const milliOfQuota = (quotaUs: number, periodUs: number): number =>
  quotaUs <= 0 || periodUs <= 0 ? 0 : Math.floor((quotaUs * 1000) / periodUs)

/** `cpu.weight` of groups that the agent makes: linear between 1 and 10000. */
export const weightOfShares = (shares: number): number =>
  1 + Math.floor(((Math.max(minShares, Math.min(maxShares, shares)) - minShares) * 9999) / (maxShares - minShares))
