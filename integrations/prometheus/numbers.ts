/** A sample as Prometheus spells it; what is no number is NaN. */
export const toNumber = (text: string): number =>
  text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text);

const NUMBER = /^(?:NaN|[+-]Inf|[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)$/;

/** Whether Prometheus can have written it. Of anything else, an empty text too, nobody knows what was meant. */
export const isWritten = (text: string): boolean => NUMBER.test(text);
