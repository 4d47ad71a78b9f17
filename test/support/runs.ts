/** How many times the cases of `npm test` a search plays: `npm run test:long -- properties` sets ten. */
const FACTOR = Number(process.env['FIREBREAK_RUNS'] ?? 1);

/** Returns the number of random cases of a property. `few` are enough to find a fault that is not rare. */
export const runs = (few: number): number => Math.ceil(few * FACTOR);
