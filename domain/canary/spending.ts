/** Looks that share most of the false alarms. */
const FIRST_LOOKS_COUNT = 10;

/** Share of the false alarms that the first looks may cause. */
const FIRST_LOOKS_SHARE = 0.8;

/**
 * Returns the share of all permitted false alarms that a look may cause. The shares of all looks add up to 1 (alpha
 * spending, Lan and DeMets 1983), so by Bonferroni's inequality the number of false alarms does not grow with the number
 * of looks, however they depend on each other: 0.8 in equal parts for the first ten, the rest for all later ones.
 *
 * @param look the number of a look, from 1
 */
export function shareOfLook(look: number): number {
  if (look <= FIRST_LOOKS_COUNT) return FIRST_LOOKS_SHARE / FIRST_LOOKS_COUNT;
  // These add up to 1: LOOKS / (look - 1) - LOOKS / look.
  return ((1 - FIRST_LOOKS_SHARE) * FIRST_LOOKS_COUNT) / ((look - 1) * look);
}
