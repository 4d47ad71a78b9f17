import * as fc from 'fast-check';
import { test } from 'vitest';
import { anyHistory } from '../../../../test/vendors/projectors/history.ts';
import { expectFixedPoint, expectShown, played, type Scenario } from './statuspage-world.ts';
import { anyTrouble, NO_TROUBLE } from '../../../../test/vendors/projectors/trouble.ts';
import type { Trouble } from '../../../../test/vendors/projectors/world.ts';
import { runs } from '../../../../test/support/runs.ts';

const alone = anyHistory.map((history) => history.filter(({ fact }) => fact.kind !== 'joined parent'));

const anyScenario = (trouble: fc.Arbitrary<Trouble>): fc.Arbitrary<Scenario> =>
  fc.record({ checkout: alone, search: alone, searchAfter: fc.nat(300_000), trouble });

test('for any marks, each incident is published once, with its updates, without further calls', async () => {
  await fc.assert(
    fc.asyncProperty(anyScenario(fc.constant(NO_TROUBLE)), async (scenario) => {
      const shown = await played(scenario);
      expectShown(shown);
      await expectFixedPoint(shown);
    }),
    { numRuns: runs(20) },
  );
});

test('for any faults, each incident is published once', async () => {
  await fc.assert(
    fc.asyncProperty(anyScenario(anyTrouble), async (scenario) => {
      const shown = await played(scenario);
      expectShown(shown);
      await expectFixedPoint(shown);
    }),
    { numRuns: runs(40) },
  );
});
