import { withPorts } from '../ports.ts';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { draftDuePostmortems, remindOfPostmortems } from '../actions/jobs.ts';
import { acknowledged } from '../../../core/domain/people/roles.ts';
import { lint } from '../decisions/lint.ts';
import { partsOf } from '../decisions/markdown.ts';
import { storeDueEvidence } from '../../../core/jobs/sweep/evidence.ts';
import { paths } from '../../../test/workflows/stories/rollbacks.ts';
import { NewChange } from '../../../schemas/changes/change.ts';
import type { ServiceName } from '../../../schemas/config/names.ts';
import { FakeWorld } from '../../../test/support/fake-deps.ts';
import {
  acting,
  answers,
  ends,
  fires,
  handlerWith,
  liveThrough,
  play,
  says,
  theIncident,
  type Moment,
} from '../../../test/workflows/play.ts';
import { VirtualExecutions } from '../../../test/workflows/virtual-executions.ts';

const GOLDEN = join(import.meta.dirname, 'golden/migration.md');

/**
 * A migration adds a column that is not nullable. The deployment ends at 13:55, the pipeline reports it at 14:02, the alert fires at
 * 14:03, the channel opens at 14:05, the rollback is approved and done at 14:12, the service has recovered at 14:15, and the incident
 * is resolved at 14:20.
 */
async function migrationStory(): Promise<FakeWorld> {
  const world = new FakeWorld('2026-11-20T13:55:00.000Z');
  const { now } = world.clock;
  // Entries of one millisecond are in no order.
  world.clock.now = () => {
    world.clock.set(world.clock.millis + 1);
    return now();
  };
  const virtual = new VirtualExecutions(world.clock, handlerWith(world.deps));
  world.engine = virtual;
  world.config = acting();
  Object.assign(world.config.services['checkout' as ServiceName] ?? {}, { team: 'payments' });
  const place = { service: 'checkout', environment: 'production' };
  const deployed = (version: string, at: string, more: object = {}) =>
    world.deps.changes.record(
      NewChange.parse({ ...place, version, started_at: at, finished_at: at, has_migration: false, ...more }),
    );
  await deployed('v41', '2026-11-20T09:00:00.000Z');
  const opensChannel: Moment = ({ deps }) => deps.incidents.setChannel(theIncident(world), '#incident-2611201', 'C1');
  const acknowledges: Moment = ({ deps, clock }) =>
    deps.incidents.amend(theIncident(world), acknowledged('person:ada', clock.now()));
  await liveThrough(world, virtual, {
    '7 min': async () => {
      await deployed('v42', '2026-11-20T13:55:00.000Z', { has_migration: true });
    },
    '8 min': fires({ began: 0 }),
    '10 min': opensChannel,
    '11 min': acknowledges,
    '17 min': answers('approved'),
    '20 min': ends(),
    '25 min': says(
      { kind: 'resolve', by: 'person:ada', note: 'Orders work again' },
      {
        timeline: {
          actor: 'person:ada',
          kind: 'resolve.requested',
          text: 'Orders work again, says person:ada',
          detail: null,
        },
      },
    ),
  });
  return world;
}

test('a failed deployment with a migration is drafted with exactly its times, its suspect, and the approval that it needed', async () => {
  const world = await migrationStory();
  const id = theIncident(world);
  expect(world.calls.filter((call) => call.startsWith('cd'))).toEqual(['cd roll-back.1 v42 to v41']);
  expect(await draftDuePostmortems(withPorts(world.deps))).toEqual({ drafted: 1 });
  const stored = await withPorts(world.deps).postmortems.read(id);
  const markdown = stored?.markdown ?? '';

  const rows = (partsOf(markdown).sections.find(({ heading }) => heading === 'Timeline')?.text ?? '').split('\n');
  const timeOf = (words: RegExp): string | undefined =>
    rows.find((row) => words.test(row))?.replace(/^- \*\*E\d+\*\* (\d\d:\d\d) — .*$/, '$1');
  expect([
    timeOf(/Deployment of v42, with a migration, finishes/),
    timeOf(/Alert fires: /),
    timeOf(/Channel \\#incident-2611201 opens/),
    timeOf(/Roll checkout in production back from v42 to v41\?/),
    timeOf(/Rolled back to v41/),
    timeOf(/Resolved: HighErrorRatio/),
    timeOf(/A responder: (?!Orders)/),
  ]).toMatchObject(['13:55', '14:03', '14:05', '14:03', '14:12', '14:15', expect.any(String)]);
  expect(rows.at(-1)).toMatch(/ 14:20 — /);

  const at = (time: string) => expect.stringContaining(`2026-11-20T${time}:00`);
  const about = (minutes: number) => expect.closeTo(60 * minutes, 0);
  expect(stored?.record.facts.times).toMatchObject({
    alerted_at: at('14:03'),
    acknowledged_at: at('14:06'),
    mitigated_at: at('14:12'),
    restored_at: at('14:15'),
    resolved_at: at('14:20'),
    duration_seconds: about(17),
    to_mitigate_seconds: about(9),
    to_restore_seconds: about(12),
  });
  expect(partsOf(markdown).title).toBe('checkout failed deployment with a migration — 2026-11-20');
  if (process.env['UPDATE_GOLDEN'] !== undefined) await writeFile(GOLDEN, markdown);
  expect(markdown).toContain('- **Severity:** SEV1 (critical)');
  expect(markdown).toContain('- **Time to restore:** 12 minutes\n- **Open:** from 2026-11-20 14:03 to 14:20 UTC');
  expect(markdown).toContain(
    'The probable cause is the deployment of v42 to checkout production, which contains a migration',
  );
  expect(markdown).toContain(
    'Because of the migration, Firebreak asked for approval instead of rolling back on its own',
  );
  expect(markdown).toContain('(owner: payments, due: 2026-12-04, P1)');
  expect(markdown).not.toContain('ada');

  if (process.env['UPDATE_GOLDEN'] !== undefined) await writeFile(GOLDEN, markdown);
  expect(markdown).toBe(await readFile(GOLDEN, 'utf8'));
});

test('every sentence of a draft points at entries that exist, and nothing in it blames anyone', async () => {
  const world = await migrationStory();
  await draftDuePostmortems(withPorts(world.deps));
  const { record, markdown = '' } = (await withPorts(world.deps).postmortems.read(theIncident(world))) ?? {};
  const refs = new Set(record?.facts.citations.map(({ ref }) => ref));
  const { sections } = partsOf(markdown);
  const drafted = sections
    .filter(({ heading }) => heading !== 'Timeline' && heading !== 'Action items')
    .flatMap(({ text }) => text.split('\n'))
    .filter((line) => line.trim() !== '' && !line.startsWith('> **Question:**'));
  expect(drafted.length).toBeGreaterThan(5);
  for (const sentence of drafted.flatMap((line) => line.split(/(?<=\])\. ?/)).filter((one) => one !== '')) {
    const [, cited = ''] = /\[(E\d+(?:, E\d+)*)\]$/.exec(sentence) ?? [];
    expect([sentence, cited.split(', ').every((ref) => refs.has(ref))]).toEqual([sentence, true]);
  }
  expect(lint(markdown, [], refs).filter(({ code }) => code !== 'open_question')).toEqual([]);
  // Every reference leads to a timeline entry, or to the record that it names.
  const story = await world.deps.incidents.story(theIncident(world), null);
  const positions = new Set(story?.timeline.map(({ position }) => position));
  for (const { id } of record?.facts.citations ?? [])
    expect([id, positions.has(id) || /^(?:change|channel|slo|health|impact|incident):/.test(id)]).toEqual([id, true]);
});

test('a repetition of the story, and of the draft, gives the same bytes', async () => {
  const [first, second] = [await migrationStory(), await migrationStory()];
  for (const world of [first, second]) await draftDuePostmortems(withPorts(world.deps));
  const textIn = async (world: FakeWorld) =>
    (await withPorts(world.deps).postmortems.read(theIncident(world)))?.markdown;
  expect(await textIn(first)).toBe(await textIn(second));
});

test('a draft is made once, also if the process ends between its steps', async () => {
  const world = await migrationStory();
  const id = theIncident(world);
  const kinds = async () =>
    (await world.deps.incidents.timeline(id, { limit: 100 })).items.filter(({ kind }) => kind === 'postmortem.drafted');
  const fails = () => {
    throw new Error('killed');
  };
  for (const moment of ['postmortems.save', 'incidents.note', 'postmortems.settle']) {
    world.on(moment, { before: fails });
    expect(await draftDuePostmortems(withPorts(world.deps))).toEqual({ drafted: 0 });
    world.on(moment, {});
  }
  expect(await draftDuePostmortems(withPorts(world.deps))).toEqual({ drafted: 1 });
  expect(await draftDuePostmortems(withPorts(world.deps))).toEqual({ drafted: 0 });
  expect(await kinds()).toHaveLength(1);
  expect((await withPorts(world.deps).postmortems.read(id))?.record.revision).toBe(1);
});

test('people are reminded of a draft until it changes, at most as often as configured', async () => {
  const world = await migrationStory();
  await draftDuePostmortems(withPorts(world.deps));
  const day = 86_400_000;
  const remindedAfter = async (days: number) => {
    world.clock.set(world.clock.millis + days * day);
    return (await remindOfPostmortems(withPorts(world.deps))).reminded;
  };
  expect([await remindedAfter(2), await remindedAfter(1.1), await remindedAfter(1)]).toEqual([0, 1, 0]);
  expect([await remindedAfter(3), await remindedAfter(3), await remindedAfter(3)]).toEqual([1, 1, 0]);
  const reminders = (await world.deps.incidents.timeline(theIncident(world), { limit: 100 })).items.filter(
    ({ kind }) => kind === 'postmortem.reminder',
  );
  expect(reminders.map(({ text }) => text)).toEqual([
    expect.stringContaining('unchanged for 10 days'),
    expect.stringContaining('unchanged for 7 days'),
    expect.stringContaining('unchanged for 3 days'),
  ]);
});

test('the severity decides: an offered or skipped post-mortem is not drafted', async () => {
  for (const need of ['offered', 'skipped'] as const) {
    const world = await migrationStory();
    world.config.postmortems.severities.critical = need;
    expect(await draftDuePostmortems(withPorts(world.deps))).toEqual({ drafted: 0 });
    expect(await withPorts(world.deps).postmortems.due()).toEqual([]);
    expect(await withPorts(world.deps).postmortems.read(theIncident(world))).toBeUndefined();
  }
});

test('the draft points at the evidence of what was done', async () => {
  const { world } = await play(paths['rollback-is-verified'] ?? { timeline: {} });
  const id = theIncident(world);
  await storeDueEvidence(world.deps);
  const [pack] = await world.deps.evidencePacks.list(id);
  await draftDuePostmortems({ ...withPorts(world.deps), publicUrl: 'https://firebreak.example.com' });
  const { markdown } = (await withPorts(world.deps).postmortems.read(id)) ?? expect.unreachable();
  expect(markdown).toContain(
    `[roll-back.1](https://firebreak.example.com/console/incidents/${id}/evidence/roll-back.1), SHA-256 \`${pack?.sha256}\` [E`,
  );
});
