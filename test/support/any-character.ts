import * as fc from 'fast-check';

const SURROGATES_FROM = 0xd800;
const SURROGATES = 0x800;
const CODE_POINTS = 0x110000;

/**
 * Generates a character from any code point except surrogates, for `fc.string({ unit: anyCharacter })`. The unit
 * `binary` of fast-check generates the same characters, but builds a map of a million of them in each process first.
 */
export const anyCharacter = fc
  .nat({ max: CODE_POINTS - SURROGATES - 1 })
  .map((n) => String.fromCodePoint(n < SURROGATES_FROM ? n : n + SURROGATES));
