import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { IncidentRecord } from '../../schemas/incidents/incident.ts';
import { settleChildren } from '../../workflows/steps/settle-children.ts';
import { wake } from '../../workflows/wake.ts';
import type { FakeWorld } from '../support/fake-deps.ts';
import { groupPaths, alarm, saysThatAllIsOver } from './stories/groups.ts';
import { all, ends, fires, type Moment, play } from './play.ts';

/*
 * Random stories: services fail in any order, a person resolves the parent repeatedly, and processes die in between.
 * Every open incident is paged for, and every open child is counted by its parent.
 */

const ALERTS = ['cart', 'search', 'ledger', 'checkout'].flatMap((service) => [
  alarm(service),
  alarm(service, `${service} fails again`),
]);

const hasParent = ({ store }: FakeWorld): boolean =>
  [...store.dossiers.values()].some(({ record }) => record.group_reason !== undefined && record.status !== 'resolved');

const wakesParents: Moment = async (world) => {
  for (const { record } of world.store.dossiers.values())
    if (record.group_reason !== undefined && record.status !== 'resolved') await wake(world.deps, record.id);
};

/** A person resolves the parent, unless an earlier parent was already resolved. */
const isOver =
  (rings: boolean): Moment =>
  async (world) => {
    if (!hasParent(world)) return;
    const over = [...world.store.dossiers.values()].filter(
      ({ record }) => record.group_reason !== undefined && record.status === 'resolved',
    );
    if (over.length === 0) await saysThatAllIsOver(world);
    if (rings) await wakesParents(world);
  };

const fails =
  (method: string): Moment =>
  (world) => {
    let left = 1;
    world.on(method, {
      before: () => {
        left -= 1;
        if (left === 0) throw new Error('the table did not answer');
      },
    });
  };

/** Repeats the moment while the table does not answer: several of its calls can be about to fail. */
const again =
  (moment: Moment): Moment =>
  async (world) => {
    for (let attempt = 1; ; attempt += 1)
      try {
        return await moment(world);
      } catch (error) {
        if (attempt === 9) throw error;
      }
  };

const anyMoment: fc.Arbitrary<Moment> = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...ALERTS).map((alert): Moment => fires(alert)) },
  { weight: 2, arbitrary: fc.constantFrom(...ALERTS).map((alert): Moment => ends(alert)) },
  { weight: 2, arbitrary: fc.boolean().map(isOver) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(
        'incidents.post',
        'incidents.signals',
        'incidentGroups.detach',
        'incidentGroups.children',
        'engine.completeCallback',
      )
      .map(fails),
  },
);

const anyStory = fc.array(fc.tuple(fc.integer({ min: 0, max: 40 }), anyMoment), { minLength: 8, maxLength: 20 });

/** Does what the sweeper does each minute. */
const sweeps: Moment = async (world) => {
  for (const id of world.store.pending) await wake(world.deps, id);
  const parents = new Set(world.store.open.flatMap((id) => world.store.dossier(id).record.parent_id ?? []));
  for (const parent of parents) await settleChildren(world.deps, parent);
};

function checks(found: string[]): Moment {
  return (world) => {
    const open = world.store.open.map((id) => world.store.dossier(id));
    for (const { record } of open) {
      const parent = record.parent_id === undefined ? undefined : world.store.dossier(record.parent_id).record;
      if (parent?.status === 'resolved') found.push(`${record.service} is a child of a resolved parent`);
      if (!hasRung(world, parent ?? record)) found.push(`no page was sent for ${record.service}`);
    }
    for (const { record, children } of world.store.dossiers.values()) {
      if (record.group_reason === undefined) continue;
      const parts = children.map((id) => world.store.dossier(id).record);
      const left = parts.filter(({ parent_id, status }) => parent_id === record.id && status !== 'resolved').length;
      const word = wordOf(world, record.id);
      for (const part of parts)
        if (part.resolved_by === 'person:ada' && part.parent_id === record.id && hasFiredSince(world, part.id, word))
          found.push(`${part.service} was closed, although it has fired since a person resolved the parent`);
      if (record.firing !== left) found.push(`${record.id} counts ${record.firing} parts, and has ${left}`);
    }
  };
}

/** Returns the time at which a person last said that the incident is over: a lost request is repeated. */
const wordOf = ({ store }: FakeWorld, id: IncidentRecord['id'] | undefined) =>
  id && store.dossier(id).timeline.findLast(({ kind }) => kind === 'resolve.requested')?.at;

const hasFiredSince = ({ store }: FakeWorld, id: IncidentRecord['id'], at: string | undefined): boolean =>
  at !== undefined &&
  store.dossier(id).signals.some(({ status, first_seen_at }) => status === 'firing' && first_seen_at > at);

/** Whether it was paged for: after it left its parent, if an alert has fired since. */
function hasRung(world: FakeWorld, { id }: IncidentRecord): boolean {
  const { effects, timeline } = world.store.dossier(id);
  const left = timeline.findLast(({ kind }) => kind === 'incident.left');
  const word = wordOf(world, (left?.detail as { parent?: IncidentRecord['id'] } | undefined)?.parent);
  const since = hasFiredSince(world, id, word) ? (word ?? '') : '';
  return [...effects.values()].some(({ kind, state, at }) => kind === 'page' && state === 'succeeded' && at > since);
}

test('with alerts and resolutions in any order, every open incident is paged for, and counted by its parent', async () => {
  const stories = fc.sample(anyStory, { numRuns: 30, seed: Number(process.env['FIREBREAK_SEED'] ?? 1) });
  let resolved = 0;
  for (const story of stories) {
    const found: string[] = [];
    const moments = story
      .toSorted(([a], [b]) => a - b)
      .map(([at, moment], n): [string, Moment] => [`${at * 10 + n / 100} s`, again(moment)]);
    const { world } = await play({
      given: groupPaths['parent-pages-for-simultaneous-incidents']?.given ?? [],
      timeline: {
        ...Object.fromEntries(moments),
        '10 min': again(sweeps),
        '11 min': again(sweeps),
        '14 min': checks(found),
        '15 min': all(...ALERTS.map((alert) => again(ends(alert)))),
      },
    });
    const all_ = [...world.store.dossiers.values()].map(({ record }) => record);
    if (
      all_.some(
        ({ group_reason: groupReason, resolved_by }) => groupReason !== undefined && resolved_by === 'person:ada',
      )
    )
      resolved += 1;
    expect([found, all_.map(({ status }) => status)]).toEqual([[], all_.map(() => 'resolved')]);
  }
  expect(resolved, 'stories in which a person resolved a parent').toBeGreaterThan(0);
});
