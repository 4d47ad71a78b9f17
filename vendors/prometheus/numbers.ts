/** Parses a sample value in Prometheus's format; NaN for any other text. */
export const toNumber = (text: string): number =>
  text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text);

const NUMBER = /^(?:NaN|[+-]Inf|[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)$/;

/**
 * Returns whether a text is in Prometheus's number format. Any other text, including the empty text, is not
 * interpreted.
 */
export const isNumberText = (text: string): boolean => NUMBER.test(text);
