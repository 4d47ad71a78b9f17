import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { gatesSubject } from '../../../core/domain/incidents/projections.ts';
import type { VendorResponse } from '../../../core/domain/ports/vendor-response.ts';
import { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import type { Vendor } from '../../../test/vendors/projectors/faults.ts';
import { anyTrouble, NO_TROUBLE } from '../../../test/vendors/projectors/trouble.ts';
import { configOf, START, type Trouble, World } from '../../../test/vendors/projectors/world.ts';
import { gatesProjector } from '../gates.ts';
import type { FluxObject, GateCluster } from '../schemas/freeze-gates.ts';
import type { ClusterGates } from '../types.ts';
import type { FluxGate, Mark } from '../vendors/kubernetes/flux-gate.ts';
import type { Entries } from '../vendors/kubernetes/parameters.ts';
import { freeze as aFreeze } from './decisions/builders.ts';
import { runs } from '../../../test/support/runs.ts';

/** A cluster in memory. Of its two objects, a person has suspended one. */
class MemoryGates implements Vendor<ClusterGates> {
  readonly marks = new Map<string, Mark>();
  readonly suspended = new Set(['release']);
  readonly data = new Map<string, string>();

  setSuspended(_: GateCluster, { name }: FluxObject, mark: Mark | null): VendorResponse<FluxGate> {
    if (this.suspended.has(name) && !this.marks.has(name)) return { kind: 'done', value: 'foreign' };
    if (mark === null) {
      if (this.marks.delete(name)) this.suspended.delete(name);
      return { kind: 'done', value: 'open' };
    }
    this.marks.set(name, mark);
    this.suspended.add(name);
    return { kind: 'done', value: 'closed' };
  }

  setEntries(_: GateCluster, __: object, entries: Entries): VendorResponse<'set'> {
    for (const [key, text] of entries)
      if (text === null) this.data.delete(key);
      else this.data.set(key, text);
    return { kind: 'done', value: 'set' };
  }
}

const GATES = {
  flux: [
    { kind: 'Kustomization', name: 'apps' },
    { kind: 'HelmRelease', name: 'release' },
  ],
  workloads: [{ kind: 'StatefulSet', name: 'checkout' }],
};

/** Milliseconds after which all faults are over. */
const LONG = 3 * 3_600_000;

/** A freeze closes the gates as soon as the cluster allows it, and leaves them as they were. */
async function expectClosedMeanwhile(trouble: Trouble, duration = LONG): Promise<void> {
  const cluster = new MemoryGates();
  let freeze = aFreeze('person', { id: 'frz-1', starts_at: START });
  const services = { checkout: { environments: { production: { freezeGates: GATES } } } };
  const world = new World('gates', trouble, configOf({ services }), (seen) =>
    gatesProjector({
      ...seen,
      freezes: Object.assign(Object.create(null), { get: async () => freeze, current: async () => [freeze] }),
      changes: Object.assign(Object.create(null), { recent: async () => [] }),
      decisions: Object.create(null),
      pins: { of: async () => [] },
      incidents: { read: async () => undefined, openAt: async () => undefined, view: async () => undefined },
      clusterGates: seen.vendor<ClusterGates>(cluster),
    }),
  );
  world.mark('freeze:frz-1');
  let during: unknown;
  world.expect(duration, () => {
    during = [[...cluster.marks.keys()], [...cluster.data.keys()]];
    freeze = { ...freeze, ended_at: world.clock.now(), ended_by: 'person:ada' };
    world.mark('freeze:frz-1');
  });
  await world.run();
  if (duration === LONG) expect(during).toEqual([['apps'], ['StatefulSet.default.checkout']]);
  expect([[...cluster.suspended], cluster.marks.size, cluster.data.size]).toEqual([['release'], 0, 0]);
  const here = { service: ServiceName.parse('checkout'), environment: EnvironmentName.parse('production') };
  expect(await world.callsWhenMarked('freeze:frz-1', gatesSubject(here))).toEqual([]);
}

test('a freeze closes the gates, and its end leaves them as they were', () => expectClosedMeanwhile(NO_TROUBLE));

const anyDuration = fc.oneof(
  fc.constant(LONG),
  fc.integer({ min: 1, max: 200 }).map((seconds) => seconds * 1000),
);

test('for any faults and interruptions, a freeze closes the gates, and its end leaves them as they were', async () => {
  await fc.assert(fc.asyncProperty(anyTrouble, anyDuration, expectClosedMeanwhile), { numRuns: runs(20) });
});
