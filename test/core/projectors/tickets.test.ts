import * as fc from 'fast-check';
import { test } from 'vitest';
import { anyBeats } from '../../vendors/projectors/alert-notices.ts';
import { expectWritten } from '../../vendors/projectors/tickets-world.ts';
import { anyTrouble, NO_TROUBLE } from '../../vendors/projectors/trouble.ts';
import { runs } from '../../support/runs.ts';

test('for any marks, each round has one ticket, with one comment at its end', async () => {
  await fc.assert(
    fc.asyncProperty(anyBeats, async (beats) => expectWritten(beats, NO_TROUBLE)),
    { numRuns: runs(20) },
  );
});

test('for any faults, each round has one ticket, with one comment at its end', async () => {
  await fc.assert(fc.asyncProperty(anyBeats, anyTrouble, expectWritten), { numRuns: runs(40) });
});
