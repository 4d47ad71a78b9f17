import { describe } from 'vitest';
import { boundariesOf, shareOf } from '../boundaries.ts';
import { killAtEach } from '../each.ts';

describe('kill -9 at every boundary of an automatic rollback, second half', async () => {
  killAtEach(shareOf(await boundariesOf('act'), 1, 2), 'act');
});
