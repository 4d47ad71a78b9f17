import { describe } from 'vitest';
import { deathsWhereShown } from '../boundaries.ts';
import { killWhereShown } from '../each.ts';
import { playShown } from '../shown.ts';

const seed = process.env['FIREBREAK_SEED'] ?? '1';

describe(`kill -9 around the effects that show an incident, a sample by FIREBREAK_SEED=${seed}`, async () => {
  killWhereShown(deathsWhereShown((await playShown()).passed, seed));
});
