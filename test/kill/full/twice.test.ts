import { describe } from 'vitest';
import { boundariesOf, chanceOf, sampleOf } from '../boundaries.ts';
import { killAtEach } from '../each.ts';

const SEQUENCES = 16;

/** Approximate number of calls in the second life until the story ends. */
const CALLS_OF_A_LIFE = 160;

const seed = process.env['FIREBREAK_SEED'] ?? '1';

describe(`kill -9 twice, at boundaries chosen by FIREBREAK_SEED=${seed}`, async () => {
  const first = sampleOf(await boundariesOf('act'), SEQUENCES, `twice ${seed}`);
  const rows = first.map((boundary) => {
    const nth = 1 + Math.floor(chanceOf(`${seed} then ${boundary}`) * CALLS_OF_A_LIFE);
    return `${boundary} ; ${chanceOf(`${seed} side ${boundary}`) < 0.5 ? 'before' : 'after'} call #${nth}`;
  });
  killAtEach(rows, 'act');
});
