import { describe } from 'vitest';
import { chanceOf } from '../boundaries.ts';
import { killAtEach } from '../each.ts';

const MOMENTS = 12;

/** Milliseconds from the start of the program to the end of the story, on a fast machine. */
const LIFE_MS = 1200;

const seed = process.env['FIREBREAK_SEED'] ?? '1';

describe(`kill -9 at random times, chosen by FIREBREAK_SEED=${seed}`, () => {
  const moments = Array.from({ length: MOMENTS }, (_, n) => Math.floor(chanceOf(`moment ${seed} ${n}`) * LIFE_MS));
  killAtEach(
    moments.map((ms) => `at ${ms} ms ; at ${Math.floor((LIFE_MS - ms) / 2)} ms`),
    'act',
    0.5, // a faster machine ends the story before the later times
  );
});
