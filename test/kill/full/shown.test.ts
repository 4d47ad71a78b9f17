import { describe } from 'vitest';
import { deathsWhereShown } from '../boundaries.ts';
import { killWhereShown } from '../each.ts';
import { playShown } from '../shown.ts';

/** Of the projectors' own writes, those after which it is killed. */
const OWN = 12;

const seed = process.env['FIREBREAK_SEED'] ?? '1';

describe(`kill -9 around every effect where an incident is shown, FIREBREAK_SEED=${seed}`, async () => {
  killWhereShown(deathsWhereShown((await playShown()).passed, OWN, seed));
});
