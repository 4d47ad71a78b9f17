import { describe } from 'vitest';
import { boundariesOf, sampleOf } from './boundaries.ts';
import { killAtEach, killInRunbook } from './each.ts';

/** The one that a repeat would make a second rollback of is always among them. */
const ALWAYS = 'inside CD roll-back #1';
const SAMPLE = 1;

/** Another seed, another choice; all of them are played by `npm run test:kill`. */
const seed = process.env['FIREBREAK_SEED'] ?? '1';

describe(`kill -9 at some boundaries, chosen by FIREBREAK_SEED=${seed}`, async () => {
  const others = (await boundariesOf('act')).filter((boundary) => boundary !== ALWAYS);
  killAtEach([ALWAYS, ...sampleOf(others, SAMPLE, seed)], 'act');
});

/** The answer is in the table; the process dies before it wakes anybody. */
const ANSWERED =
  'after TransactWriteItems Update INC/DEC, Update INC/META, Put INC/IN, Update PENDING, Put INC/TL, Put LOGWAITING #1';

/** What it gave is known by nobody but the one who has called; and the act is done, and not written down. */
const IN_A_RUNBOOK = ['inside POST /drains #1', 'after TransactWriteItems Put INC/RBKMEM #4'];

describe('a runbook goes on where it stood', () => {
  killInRunbook(IN_A_RUNBOOK);
});

describe('an approval that was given when the process died is found after the restart', () => {
  killAtEach([ANSWERED], 'approve');
});
