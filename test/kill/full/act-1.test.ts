import { describe } from 'vitest';
import { boundariesOf, shareOf } from '../boundaries.ts';
import { killAtEach } from '../each.ts';

/** Split into two files, because files run in parallel. */
describe('kill -9 at every boundary of an automatic rollback, first half', async () => {
  killAtEach(shareOf(await boundariesOf('act'), 0, 2), 'act');
});
