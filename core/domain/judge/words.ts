/** Formats a share as a percentage with at most two decimals, more for small shares. */
export const percent = (share: number): string => `${significant(100 * share)} %`;

/** Formats a number with two to three significant digits. */
export const significant = (value: number): string =>
  value === 0 || !Number.isFinite(value)
    ? String(value)
    : String(Number(value.toPrecision(Math.abs(value) >= 100 ? Math.ceil(Math.log10(Math.abs(value))) : 2)));

/** Formats a number of requests. */
export const requests = (count: number): string => {
  const rounded = Math.round(count);
  return `${rounded.toLocaleString('en-US')} ${rounded === 1 ? 'request' : 'requests'}`;
};

export const chance = (p: number): string =>
  p < 0.000001 ? 'probability by chance below 0.0001 %' : `probability by chance ${percent(p)}`;
