import { describe } from 'vitest';
import { chanceOf } from '../boundaries.ts';
import { killAtEach } from '../each.ts';

const MOMENTS = 12;

/** From the first line of the program until the story is over, on a fast machine. Milliseconds. */
const LIFE_MS = 1200;

const seed = process.env['FIREBREAK_SEED'] ?? '1';

describe(`kill -9 at moments chosen by FIREBREAK_SEED=${seed}, whatever goes on then`, () => {
  const moments = Array.from({ length: MOMENTS }, (_, n) => Math.floor(chanceOf(`moment ${seed} ${n}`) * LIFE_MS));
  killAtEach(
    moments.map((ms) => `at ${ms} ms ; at ${Math.floor((LIFE_MS - ms) / 2)} ms`),
    'act',
    0.5, // a faster machine is done before the later ones
  );
});
