import { expect, test } from 'vitest';
import { withAcknowledgement } from '../../core/domain/paging/acknowledgement.ts';
import { judgeIncident } from '../../workflows/steps/judge-incident.ts';
import { configured, ends, fires, type Moment, play, theIncident } from './play.ts';

const asking = (onApprovalTimeout: string): Moment =>
  configured({
    autoRollback: {
      mode: 'approve',
      evidence: 'time',
      unknownMigration: 'act',
      approvalTimeoutMinutes: 15,
      onApprovalTimeout,
    },
  });

const acknowledges: Moment = async (world) => {
  const at = world.clock.now();
  await world.deps.incidents.amend(theIncident(world), (incident) =>
    withAcknowledgement(incident, { by: 'person:ada', at }),
  );
};

const opens: Moment = async (world) => {
  const at = world.clock.now();
  await world.deps.incidents.amend(theIncident(world), () => ({ handling: { seen: { by: 'person:ada', at } } }));
};

/** Returns the number of pages for an incident whose question is not answered. */
async function pagesOf(onApprovalTimeout: string, timeline: Record<string, Moment>): Promise<number> {
  const { world } = await play({
    given: [asking(onApprovalTimeout)],
    timeline: { '0 s': fires(), ...timeline, '20 min': ends() },
  });
  expect((await world.deps.decisions.get(theIncident(world), 1))?.state).toBe('expired');
  expect(world.calls.filter((call) => call.startsWith('cd '))).toEqual([]);
  return world.calls.filter((call) => call.startsWith('pager trigger')).length;
}

test.each([
  ['withdraw', 'nobody has seen pages before and after its end', {}, 3],
  ['page', 'nobody has seen pages before and after its end', {}, 3],
  ['withdraw', 'a person has acknowledged pages nobody when it ends', { '2 min': acknowledges }, 1],
  ['page', 'a person has acknowledged pages when it ends', { '2 min': acknowledges }, 2],
  ['withdraw', 'a person has opened pages nobody when it ends', { '2 min': opens }, 1],
  ['page', 'a person has opened pages when it ends', { '2 min': opens }, 2],
])('with onApprovalTimeout: %s, a question that %s', async (onApprovalTimeout, _, timeline, pages) => {
  expect(await pagesOf(onApprovalTimeout, timeline)).toBe(pages);
});

test('an incident that is resolved during its judgement is not asked about', async () => {
  const { world } = await play({ given: [asking('page')], timeline: { '0 s': fires(), '4 s': ends() } });
  const { record, decisions, timeline } = world.store.dossier(theIncident(world));
  expect(record.status).toBe('resolved');
  const before = structuredClone([[...decisions.keys()], timeline]);
  expect(await judgeIncident(world.deps, record.id, 2, { by: 'alert', name: '' })).toBeNull();
  expect([[...decisions.keys()], timeline]).toEqual(before);
});
