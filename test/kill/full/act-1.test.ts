import { describe } from 'vitest';
import { boundariesOf, shareOf } from '../boundaries.ts';
import { killAtEach } from '../each.ts';

/** Two files, since files run side by side. */
describe('kill -9 at every boundary of a rollback that goes by itself, first half', async () => {
  killAtEach(shareOf(await boundariesOf('act'), 0, 2), 'act');
});
