import { describe } from 'vitest';
import { boundariesOf } from '../boundaries.ts';
import { killAtEach } from '../each.ts';

describe('kill -9 at every boundary that a rollback has besides when a person is asked first', async () => {
  const others = new Set(await boundariesOf('act'));
  killAtEach(
    (await boundariesOf('approve')).filter((boundary) => !others.has(boundary)),
    'approve',
  );
});
