import { describe } from 'vitest';
import { boundariesOf, sampleOf } from './boundaries.ts';
import { killAtEach } from './each.ts';

const SAMPLE = 8;

/** Another seed, another choice; all of them are played by `npm run test:kill`. */
const seed = process.env['FIREBREAK_SEED'] ?? '1';

describe(`kill -9 at some boundaries, chosen by FIREBREAK_SEED=${seed}`, async () => {
  killAtEach(sampleOf(await boundariesOf('act'), SAMPLE, seed), 'act');
});

/** The answer is in the table; the process dies before it wakes anybody. */
describe('an approval that was given when the process died is found after the restart', () => {
  killAtEach(
    ['after TransactWriteItems Update INC/DEC, Update INC/META, Put INC/IN, Update PENDING, Put INC/TL #1'],
    'approve',
  );
});
