import { describe } from 'vitest';
import { boundariesOf, shareOf } from '../boundaries.ts';
import { killAtEach } from '../each.ts';

describe('kill -9 at every boundary of a rollback that goes by itself, second half', async () => {
  killAtEach(shareOf(await boundariesOf('act'), 1, 2), 'act');
});
