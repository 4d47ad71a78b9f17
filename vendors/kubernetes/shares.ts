/** Shares in percent by backend, including backends that Firebreak does not control. */
export type Shares = ReadonlyMap<string, number>;

/** Returns shares from weights. All weights 0: nothing gets traffic. */
export function sharesOf(weights: readonly (readonly [backend: string, weight: number])[]): Map<string, number> {
  const total = weights.reduce((sum, [, weight]) => sum + weight, 0);
  const shares = new Map<string, number>();
  for (const [backend, weight] of weights)
    shares.set(backend, (shares.get(backend) ?? 0) + (total === 0 ? 0 : (100 * weight) / total));
  return shares;
}

/** Returns whole numbers: shares in percent or, if one has decimals, in hundredths of a percent. */
export const weightsOf = (shares: Shares): Map<string, number> => {
  const factor = [...shares.values()].every(Number.isInteger) ? 1 : 100;
  return new Map([...shares].map(([backend, share]) => [backend, Math.round(share * factor)]));
};
