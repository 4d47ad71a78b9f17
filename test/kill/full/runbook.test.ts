import { describe } from 'vitest';
import { boundariesIn, boundariesOf, sampleOf } from '../boundaries.ts';
import { killInRunbook } from '../each.ts';
import { playRunbookKilledAt } from '../runbook.ts';

/** Calls of runbook steps are always included. Of the other calls, the seed chooses some. */
const CALLS = /(PATCH|POST) /;
const OTHERS = 7;

const seed = process.env['FIREBREAK_SEED'] ?? '1';

describe(`kill -9 at the boundaries that only a runbook has, a sample by FIREBREAK_SEED=${seed}`, async () => {
  const known = new Set(await boundariesOf('act'));
  const own = boundariesIn((await playRunbookKilledAt([])).passed).filter((boundary) => !known.has(boundary));
  const others = own.filter((boundary) => !CALLS.test(boundary));
  killInRunbook([...own.filter((boundary) => CALLS.test(boundary)), ...sampleOf(others, OTHERS, `runbook ${seed}`)]);
});
