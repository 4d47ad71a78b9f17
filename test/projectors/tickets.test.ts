import * as fc from 'fast-check';
import { test } from 'vitest';
import { anyBeats } from './bulletins.ts';
import { expectWritten } from './tickets-world.ts';
import { anyTrouble, NO_TROUBLE, runs } from './trouble.ts';

test('whatever the marks, each round has one ticket, which is told once that it is over', async () => {
  await fc.assert(
    fc.asyncProperty(anyBeats, async (beats) => expectWritten(beats, NO_TROUBLE)),
    runs(40),
  );
});

test('whatever goes wrong on the way, each round has one ticket, which is told once that it is over', async () => {
  await fc.assert(fc.asyncProperty(anyBeats, anyTrouble, expectWritten), runs(60));
});
