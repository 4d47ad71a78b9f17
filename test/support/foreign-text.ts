import * as fc from 'fast-check';

/** What Slack could understand of a text that is not meant for it, and what no text should have. */
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

/** What alerts may hold: anything, of any length. */
export const foreign = fc.oneof(
  { weight: 6, arbitrary: fc.array(fc.constantFrom(...NASTY), { maxLength: 40 }).map((pieces) => pieces.join('')) },
  { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom(...NASTY), fc.integer({ min: 100, max: 5000 }))
      .map(([piece, times]) => piece.repeat(times)),
  },
);
