import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  changeAnnotation,
  incidentAnnotation,
  annotationTag,
} from '../../../../core/domain/incidents/graph-annotations.ts';
import type { Annotation, Annotations } from '../../../../core/domain/ports/annotations.ts';
import { grafanaProjector } from '../../../../vendors/grafana/projector/grafana.ts';
import type { Change } from '../../../../schemas/changes/change.ts';
import type { IncidentId } from '../../../../schemas/config/names.ts';
import { change as aChange } from '../../../core/arbitraries.ts';
import type { Subject } from '../../../../schemas/incidents/projection.ts';
import { type Fault, WELL } from '../../projectors/faults.ts';
import { anyHistory, type Step } from '../../projectors/history.ts';
import { anyTrouble, NO_TROUBLE } from '../../projectors/trouble.ts';
import { MemoryAnnotations } from '../../projectors/vendors.ts';
import { configOf, START, type Trouble, World } from '../../projectors/world.ts';
import { runs } from '../../../support/runs.ts';

const INCIDENT = '01TEST00000000000000000001' as IncidentId;

/** Later states of a deploy, with milliseconds after it was recorded. */
type Rollout = { status: Change['status']; after: number; marks: readonly number[] };

type Scenario = { history: readonly Step[]; rollout: readonly Rollout[]; trouble: Trouble };

const anyRollout: fc.Arbitrary<Rollout> = fc.record({
  status: fc.constantFrom('succeeded', 'failed', 'cancelled'),
  after: fc.nat(200_000),
  marks: fc.array(fc.nat(100_000), { maxLength: 2 }),
});

const anyScenario = (trouble: fc.Arbitrary<Trouble>): fc.Arbitrary<Scenario> =>
  fc.record({ history: anyHistory, rollout: fc.array(anyRollout, { maxLength: 3 }), trouble });

/** Sets up an incident and a deploy, before the first projection. */
function storyOf({ history, rollout, trouble }: Scenario) {
  const annotations = new MemoryAnnotations();
  let change = aChange('v2', 0, { status: 'started', started_at: START, finished_at: null });
  const changes = { get: async () => change };
  const world = new World('grafana', trouble, configOf(), (seen) =>
    grafanaProjector({ ...seen, changes, annotations: seen.vendor<Annotations>(annotations) }),
  );
  world.incidents.begin(INCIDENT, {});
  world.tell(INCIDENT, history);
  const subject: Subject = `change:${change.id}`;
  world.mark(subject);
  for (const { status, after, marks } of rollout) {
    world.expect(after, () => {
      change = { ...change, status, finished_at: world.clock.now() };
    });
    for (const mark of marks) world.expect(after + mark, () => world.mark(subject));
  }
  world.expect(Math.max(0, ...rollout.map(({ after }) => after)) + 1, () => world.mark(subject));
  return { world, annotations, subject, change: () => change };
}

async function expectShown(scenario: Scenario): Promise<void> {
  const { world, annotations, subject, change } = storyOf(scenario);
  await world.run();
  const of = (tag: string): Annotation[] =>
    annotations.marks
      .filter(({ tags }) => tags.includes(annotationTag(tag)))
      .map(({ from, until, tags, text }) => ({ from, until, tags, text }));
  expect(of(INCIDENT)).toEqual([incidentAnnotation(world.incidents.now(INCIDENT))]);
  expect(of(change().id)).toEqual([changeAnnotation(change())]);
  expect(await world.callsWhenMarked(subject, `incident:${INCIDENT}`)).toEqual([]);
}

test('for any marks, each change and each incident has one correct annotation', async () => {
  await fc.assert(fc.asyncProperty(anyScenario(fc.constant(NO_TROUBLE)), expectShown), { numRuns: runs(15) });
});

test('for any faults, each change and each incident has one correct annotation', async () => {
  await fc.assert(fc.asyncProperty(anyScenario(anyTrouble), expectShown), { numRuns: runs(40) });
});

test('an annotation that is written late does not overwrite a newer one', async () => {
  const faults: Fault[] = [...Array.from({ length: 4 }, () => WELL), { kind: 'unclear', at: 40_000 }];
  const resolved = { fact: { kind: 'resolved' as const }, after: 5000, late: 0, marks: [0] };
  const severity = { fact: { kind: 'severity' as const, to: 'warning' as const }, after: 20_000, late: 0, marks: [0] };
  await expectShown({ history: [severity, resolved], rollout: [], trouble: { ...NO_TROUBLE, faults } });
});

test('a permanent refusal of Grafana is not retried forever', async () => {
  const { world } = storyOf({ history: [], rollout: [], trouble: { ...NO_TROUBLE, forbidden: ['create'] } });
  await world.run(25, true);
  expect(world.calls.filter((call) => call.startsWith('create ')).length).toBeLessThan(2000);
  expect((await world.projections.due('grafana')).map(({ subject }) => subject)).toEqual([`incident:${INCIDENT}`]);
});

test('an update that is refused after an unclear attempt is retried as rarely as any other', async () => {
  const resolved = { fact: { kind: 'resolved' as const }, after: 5000, late: 0, marks: [0] };
  const { world } = storyOf({ history: [resolved], rollout: [], trouble: NO_TROUBLE });
  let updates = 0;
  world.vendorIs((method) => {
    if (method !== 'update') return WELL;
    updates += 1;
    return updates === 1 ? { kind: 'unclear', at: null } : { kind: 'refused' };
  });
  await world.run(2, true);
  expect(updates).toBeGreaterThan(3);
  expect(updates).toBeLessThan(50);
});
