import * as fc from 'fast-check';
import { anyCharacter } from './any-character.ts';

/** Texts that Slack could interpret, and texts that should not occur. */
export const NASTY = [
  '<!channel>',
  '@here',
  '<@U1>',
  '<#C1|x>',
  '<https://evil.test|ok>',
  '&lt;',
  '&',
  '`',
  '```',
  '*',
  '_',
  '~',
  '\n',
  '>',
  '>>>',
  '|',
  '\ud83d',
  '\u0000',
  '\u202e',
  '🔥',
  ' ',
  'a',
  ':fire:',
  'https://evil.test',
  '#general',
  '"',
  '\\',
];

/** Arbitrary texts in alerts, of any length. */
export const foreign = fc.oneof(
  { weight: 6, arbitrary: fc.array(fc.constantFrom(...NASTY), { maxLength: 40 }).map((pieces) => pieces.join('')) },
  { weight: 3, arbitrary: fc.string({ unit: anyCharacter, maxLength: 60 }) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom(...NASTY), fc.integer({ min: 100, max: 5000 }))
      .map(([piece, times]) => piece.repeat(times)),
  },
);
