import { describe } from 'vitest';
import { boundariesOf } from '../boundaries.ts';
import { killAtEach } from '../each.ts';

describe('kill -9 at every boundary that only a rollback with an approval has', async () => {
  const others = new Set(await boundariesOf('act'));
  killAtEach(
    (await boundariesOf('approve')).filter((boundary) => !others.has(boundary)),
    'approve',
  );
});
