/** A sample as Prometheus spells it; what is no number is NaN. */
export const toNumber = (text: string): number =>
  text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text);
