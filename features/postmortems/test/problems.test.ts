import { IncidentDetails } from '../../../schemas/incidents/incident-details.ts';
import { beforeAll, describe, expect, test } from 'vitest';
import { executeResponseAction } from '../../../core/actions/incidents/response-action.ts';
import { keys } from '../../../core/stores/keys.ts';
import { Table } from '../../../core/stores/table.ts';
import { incidentText } from '../../../entrances/cli/commands/incidents/incident.ts';
import type { TargetResponse } from '../../../core/domain/rollback/targets.ts';
import type { IncidentView } from '../../../schemas/incidents/incident.ts';
import type { ServiceName, Version } from '../../../schemas/config/names.ts';
import { Config } from '../../../schemas/config/config.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { textOf } from '../../../test/support/hostile.ts';
import type { FakeWorld } from '../../../test/support/fake-deps.ts';
import {
  all,
  answers,
  answersWhatWaits,
  configured,
  deploys,
  ends,
  fires,
  type Moment,
  play,
  samplesOf,
  type Story,
  theIncident,
} from '../../../test/workflows/play.ts';
import { declares, reopens } from '../../../test/workflows/stories/closings.ts';
import { begins, finishes, recordsLate, unrecorded } from '../../../test/workflows/stories/late-changes.ts';
import { secondFailurePaths } from '../../../test/workflows/stories/second-failures.ts';
import { groupPaths, parentIn } from '../../../test/workflows/stories/groups.ts';
import { redeployPaths } from '../../../test/workflows/stories/redeploys.ts';
import { endedProblemsOf } from '../../../core/domain/incidents/problems.ts';
import { openProblem } from '../../../core/domain/incidents/new-onset.ts';
import { problemTexts } from '../../../core/domain/incidents/problem-words.ts';
import { gather } from '../actions/gather.ts';
import { draftDuePostmortems } from '../actions/jobs.ts';
import { readPostmortem } from '../actions/postmortem.ts';
import { draftOf } from '../decisions/draft.ts';
import { withPorts } from '../ports.ts';
import {
  ADA,
  consolePage,
  consoleText,
  doraOf,
  type Errors,
  measuring,
  minute,
  ratioAt,
  sectionOf,
  sweeps,
} from './told.ts';
import type { PostmortemView } from '../schemas/postmortem.ts';

/**
 * An incident with three problems, in minutes after noon: v2 fails and is rolled back, v3 is deployed, fails, and is rolled back with
 * approval, and 71 seconds after the resolution a dependency fails, and recovers by itself.
 */
const RESOLVED_FIRST = 23.01;
const AGAIN = RESOLVED_FIRST + 71 / 60;
const ERRORS: Errors = [
  [-4, 2, 0.3],
  [5.5, 9, 0.5],
  [AGAIN - 0.5, AGAIN + 10, 0.41],
];

const FIRST_TITLE = 'HighErrorRatio of checkout';

const returning = { began: 20, summary: 'checkout fails 41 % of its requests' };

/** The draft of the first end, which another draft replaces after the last one. */
const draftsAfterTheFirstEnd: Moment = async ({ deps }) => {
  expect(await draftDuePostmortems(withPorts(deps))).toEqual({ drafted: 1 });
};

const requestsRollback =
  (to: Version): Moment =>
  async (world) => {
    await executeResponseAction(world.deps, ADA, { id: theIncident(world), action: 'rollback', note: '', to });
  };

async function messyIncident(): Promise<{ world: FakeWorld; whileOpen: PostmortemView[] }> {
  const whileOpen: PostmortemView[] = [];
  const reads: Moment = async (world) => {
    const [deps, id] = [withPorts(world.deps), theIncident(world)];
    whileOpen.push(await readPostmortem(deps, ADA, { id }), await readPostmortem(deps, ADA, { id, revision: 1 }));
  };
  const { world } = await play({
    given: [measuring(ratioAt(ERRORS))],
    timeline: {
      '0 s': fires(),
      '180 s': ends(),
      '240 s': sweeps,
      '270 s': begins('v3'),
      '320 s': finishes('v3'),
      '370 s': fires({ began: 20, summary: 'checkout is slow at 4 s' }),
      '8 min': answers('approved'),
      '10 min': ends({ began: 20 }),
      '15 min': sweeps,
      [`${RESOLVED_FIRST + 0.5} min`]: draftsAfterTheFirstEnd,
      [`${AGAIN} min`]: fires(returning),
      [`${AGAIN + 1} min`]: sweeps,
      [`${AGAIN + 2} min`]: reads,
      [`${AGAIN + 11} min`]: ends(returning),
      [`${AGAIN + 40} min`]: sweeps,
    },
  });
  return { world, whileOpen };
}

describe('an incident with two bad deploys and an outage right after its resolution', () => {
  let world: FakeWorld;
  let whileOpen: PostmortemView[];
  let incident: IncidentView;
  let markdown: string;

  beforeAll(async () => {
    ({ world, whileOpen } = await messyIncident());
    incident = (await world.deps.incidents.view(theIncident(world))) ?? expect.unreachable();
    await draftDuePostmortems(withPorts(world.deps));
    markdown = (await withPorts(world.deps).postmortems.read(incident.id))?.markdown ?? '';
  });

  test('is named by its newest problem, and each problem keeps its title', () => {
    expect(incident.title).toBe('checkout fails … of its requests');
    expect(incident.earlier_problems.map(({ title }) => title)).toEqual([FIRST_TITLE, 'checkout is slow']);
    expect(sectionOf(markdown, 'Summary')[0]).toContain(`an alert fired for checkout production: ${FIRST_TITLE}`);
  });

  test('has a cause, times, and an end for each problem in the post-mortem', () => {
    const summary = sectionOf(markdown, 'Summary');
    expect(summary.filter((line) => line.startsWith('- '))).toEqual([
      expect.stringMatching(
        /^- Problem 1 began at 11:56 UTC.*the deployment of v2 .*It was mitigated at 12:00 by undoing the change, and service was restored at 12:03/,
      ),
      expect.stringMatching(
        /^- Problem 2 began at 12:05 UTC.*the deployment of v3 .*Firebreak asked for approval.*It was mitigated at 12:08 by undoing the change, and service was restored at 12:10/,
      ),
      expect.stringMatching(
        /^- Problem 3 began at 12:23 UTC.*No change is its probable cause.*It ended at 12:35, and the record has no mitigation of it/,
      ),
    ]);
    expect(sectionOf(markdown, 'Response times').filter((line) => line.startsWith('- Problem'))).toEqual([
      expect.stringContaining('Problem 1: time to detect: 3 minutes, from 11:56'),
      expect.stringContaining('Problem 2: time to detect: 10 seconds, from 12:05'),
      expect.stringContaining('Problem 3: time to detect: 10 seconds, from 12:23'),
      expect.stringContaining('Problem 2: time to acknowledge: 2 minutes'),
      expect.stringContaining('Problem 1: time to mitigate: 70 seconds'),
      expect.stringContaining('Problem 2: time to mitigate: 2 minutes'),
      expect.stringContaining('Problem 1: time to restore: 4 minutes'),
      expect.stringContaining('Problem 2: time to restore: 4 minutes'),
      expect.stringContaining('Problem 3: time to restore: 11 minutes'),
    ]);
    expect(sectionOf(markdown, 'Impact')[0]).toMatch(
      /From 11:56 to 12:\d\d, without the time between the problems, (?:3\d|4\d)(?:\.\d)? % of them failed on average/,
    );
    const evidence = sectionOf(markdown, 'Suspect and evidence').join('\n');
    expect([...evidence.matchAll(/Problem (\d): began .* peaked at ([\d.]+ %)/g)].map(([, ...of]) => of)).toEqual([
      ['1', '30 %'],
      ['2', '50 %'],
      ['3', '41 %'],
    ]);
  });

  test('has nothing before its own cause in the post-mortem', () => {
    const rows = [...markdown.matchAll(/^- \*\*(E\d+)\*\* (\d\d:\d\d) — (.*)$/gm)].map(([, ref, time, text]) => ({
      ref,
      time: time ?? '',
      text: text ?? '',
    }));
    const at = (text: RegExp): number => rows.findIndex((row) => text.test(row.text));
    const order = [
      /^Deployment of v2/,
      /^Alert fires/,
      /^Rolling checkout in production back from v2/,
      /^Deployment of v3 begins/,
      /^Deployment of v3 finishes/,
      /^Firing: .*A new problem/,
      /from v3 to v1\?/,
      /Approved the rollback/,
      /^Reopened/,
    ].map(at);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(Math.min(...order)).toBeGreaterThanOrEqual(0);
  });

  test('has pages about the problem of their time', () => {
    const { pageRequests: pages } = world;
    const triggers = pages.filter(({ action }) => action === 'trigger');
    expect(triggers.map(({ details }) => details?.['since'])).toEqual([
      '2026-11-20 11:59 UTC',
      '2026-11-20 12:05 UTC',
      '2026-11-20 12:23 UTC',
    ]);
    const last = JSON.stringify(pages.filter(({ key }) => key.includes('.page.3')));
    expect(last).not.toMatch(/v[23]\b/);
  });

  test('has a curve with the errors of each problem, its onset, and its end', async () => {
    const page = await consolePage(world, incident.id);
    const [, data = ''] = /data-plot="([^"]*)"/.exec(page) ?? [];
    const { lines } = JSON.parse(data.replaceAll('&quot;', '"')) as { lines: [string, number[], number[]][] };
    const values = lines.flatMap(([, , ofLine]) => ofLine);
    expect(values.filter((value, n) => value !== values[n - 1])).toEqual([0.001, 0.3, 0.001, 0.5, 0.001, 0.41, 0.001]);
    const [, label = ''] = /aria-label="(Health of checkout[^"]*)"/.exec(page) ?? [];
    const told = [...label.matchAll(/(onset|recovered) at (\d\d:\d\d)/g)].map(([, kind, time]) => `${kind} ${time}`);
    expect(told).toEqual([
      'onset 11:56',
      'recovered 12:03',
      'onset 12:05',
      'recovered 12:10',
      'onset 12:23',
      'recovered 12:35',
    ]);
  });

  test('has a post-mortem of now while it is open again, and the draft of its first end stays beside it', () => {
    const told = whileOpen.map(({ markdown: text, times }) => [
      text.match(/^- \*\*(?:Time to restore|Open):\*\* .*/m)?.[0].replace(/, .*/, ''),
      sectionOf(text, 'Summary').filter((line) => line.startsWith('- Problem ')).length,
      times.resolved_at === null,
      times.to_restore_seconds,
    ]);
    expect(told).toEqual([
      ['- **Open:** 27 minutes so far', 3, true, null],
      ['- **Time to restore:** 8 minutes', 2, false, 490],
    ]);
  });

  const EARLIER = [
    'Problem 1, from 11:59. Probable cause: v2 (72 %). Mitigated at 12:00, ended at 12:03',
    'Problem 2, from 12:05. Probable cause: v3 (95 %). Mitigated at 12:08, ended at 12:10',
  ];

  test('is not said to be verified at its last end: the mitigations were those of the problems before', () => {
    const resolutions = world.store
      .dossier(incident.id)
      .timeline.flatMap(({ kind, text }) => (kind === 'incident.resolved' ? [text] : []));
    expect(resolutions).toEqual([
      'Resolved: all alerts have resolved, and the mitigation is verified',
      'Resolved: all alerts have resolved',
    ]);
    expect(markdown).not.toContain('recovery was verified');
  });

  test('has a verdict about each mitigation, with what ended its own problem', () => {
    expect(incident.earlier_problems.map(({ verification }) => verification)).toEqual(['passed', 'passed']);
    const { timeline } = world.store.dossier(incident.id);
    const verdicts = timeline.flatMap(({ kind, text, detail }) =>
      kind.startsWith('verification.') ? [[kind, (detail as { number: number }).number, text]] : [],
    );
    expect(verdicts).toEqual([
      [
        'verification.passed',
        1,
        'The mitigation had helped: its problem ended at 12:03 UTC, before the next one began',
      ],
      ['verification.passed', 2, expect.stringMatching(/^Healthy: /)],
    ]);
  });

  test('shows each problem in the console and in the CLI', async () => {
    const page = await consolePage(world, incident.id);
    for (const text of EARLIER) expect(page).toContain(`<li>${text}</li>`);
    expect(page).toContain('No known change could have caused this problem');
    expect(textOf(await consoleText(world, '/console/incidents?state=all'))).toContain('v2 72 %, v3 95 %');
    const lines = incidentText(IncidentDetails.parse(incident));
    expect(lines.filter((line) => line.startsWith('Problem '))).toEqual(EARLIER);
    expect(lines.filter((line) => line.startsWith('suspect '))).toEqual([]);
  });

  test('makes both deploys fail in the delivery figures, each until the end of its own problem', async () => {
    const dora = await doraOf(world);
    if (dora === null) return;
    expect(dora.change_failure_rate).toMatchObject({ failed: 2, deploys: 3 });
    const recovered = dora.records.deployments.items.flatMap(({ version, failures, recovery_s: seconds }: any) =>
      failures.length === 0 ? [] : [[version, failures.map(({ kind }: any) => kind), seconds]],
    );
    expect(recovered).toEqual([
      ['v3', ['incident', 'rollback'], 280],
      ['v2', ['incident', 'rollback'], 480],
    ]);
    const { record } = (await withPorts(world.deps).postmortems.read(incident.id)) ?? {};
    expect(dora.records.incidents.items).toMatchObject([
      {
        attributed_by: 'rolled_back',
        restore_s: record?.facts.times.to_restore_seconds,
        problems: [
          { attributed_by: 'rolled_back', opened_at: minute(-1), ended_at: minute(3) },
          { attributed_by: 'rolled_back', ended_at: minute(10) },
          { deployment_id: null, attributed_by: 'none' },
        ],
      },
    ]);
  });

  test('gets a new draft although it has become a part of a group since, which needs no post-mortem', async () => {
    const id = incident.id;
    const { postmortems } = withPorts(world.deps);
    world.clock.set(world.clock.millis + 60_000);
    await world.deps.incidents.reopen(id, { by: 'person:ada', note: 'Not over' });
    await new Table(world.store).update(keys.incident(id), { set: { parent_id: id } });
    world.clock.set(world.clock.millis + 60_000);
    const { consumed_seq: consumed = 0 } = (await world.deps.incidents.read(id)) ?? {};
    expect(await world.deps.incidents.resolve(id, consumed + 1, 'person:ada', 'Over')).toBe('resolved');
    world.clock.set(world.clock.millis + 600_000);
    await draftDuePostmortems(withPorts(world.deps));
    expect((await postmortems.read(id))?.record.revision).toBe(3);
    const summary = sectionOf((await postmortems.read(id))?.markdown ?? '', 'Summary');
    expect(summary.findLast((line) => line.startsWith('- '))).toMatch(
      /^- Problem 4 began at 13:05 UTC .*It ended at 13:06, and the record has no mitigation of it/,
    );
    expect(summary.at(-1)).toContain('The time to restore was 21 minutes, and the incident was resolved at 13:06 UTC');
  });
});

test('the draft of an open incident tells the errors of its own problems, and no recovery of the open one', async () => {
  const BEFORE = -30; // another incident, in the half hour that is read before the first problem
  const bad: Errors = [[BEFORE, BEFORE + 0.6, 0.9], ...ERRORS.slice(0, 1), [5.5, 60, 0.2]];
  const drafts: string[] = [];
  const drafted: Moment = async (world) => {
    const gathered = await gather(withPorts(world.deps), theIncident(world), null);
    if (gathered !== undefined) drafts.push(draftOf(gathered.record, gathered.end).markdown);
  };
  await play({
    given: [measuring(ratioAt(bad))],
    timeline: {
      '0 s': fires(),
      '150 s': sweeps,
      '155 s': drafted,
      '180 s': ends(),
      '270 s': begins('v3'),
      '320 s': finishes('v3'),
      '370 s': fires({ began: 20 }),
      '18 min': drafted,
      '60 min': ends({ began: 20 }),
    },
  });
  const [first = '', second = ''] = drafts.map((text) => sectionOf(text, 'Suspect and evidence').join(' '));
  expect(first).toContain('The problem began at 11:56, and the health query peaked at 30 % (healthy up to 1 %)');
  expect(second).toMatch(
    /Problem 1: began at 11:56, .* peaked at 30 % .*Problem 2: began at 12:05, .* peaked at 20 % /,
  );
  expect(drafts.map((text) => text.includes('recovery was verified'))).toEqual([false, false]);
});

describe('a problem whose alert ends before health is within its limit', () => {
  const LATE: Record<string, { errors: Errors; timeline: Record<string, Moment>; ends: number }> = {
    'after a rollback': { errors: [[-4, 6, 0.3]], timeline: { '0 s': fires(), '180 s': ends() }, ends: 6 },
    'as a later problem, which nothing mitigates': {
      errors: [
        [-4, 2, 0.3],
        [5.5, 12, 0.5],
      ],
      timeline: { '0 s': fires(), '180 s': ends(), '370 s': fires({ began: 20 }), '9 min': ends({ began: 20 }) },
      ends: 12,
    },
  };

  test.each(Object.entries(LATE))('is over when health is, %s', async (_, { errors, timeline, ends: end }) => {
    const { world } = await play({
      given: [measuring(ratioAt(errors))],
      timeline: { ...timeline, '16 min': sweeps },
    });
    const id = theIncident(world);
    await draftDuePostmortems(withPorts(world.deps));
    const { markdown = '', record } = (await withPorts(world.deps).postmortems.read(id)) ?? {};
    const clock = minute(end).slice(11, 16);
    const { recovered_at: recovered } = world.store.dossier(id).record;
    expect(recovered?.slice(11, 16)).toBe(clock); // the first sample within the limit
    expect(record?.facts.times.restored_at).toBe(recovered);
    expect(markdown).toMatch(
      new RegExp(`— The problem was not over at .* health is within its limit since ${clock} UTC`),
    );
    expect(markdown).toMatch(new RegExp(`service was restored at ${clock}|It ended at ${clock}`));
    const page = await consolePage(world, id);
    expect(page.match(/(?<=recovered at )\d\d:\d\d/g)?.at(-1)).toBe(clock);
    const dora = await doraOf(world);
    if (dora === null) return;
    expect(dora.records.incidents.items[0].restore_s).toBe(record?.facts.times.to_restore_seconds);
  });
});

test('times have seconds if a problem ends in the same minute as its alerts', async () => {
  const { world } = await play({
    given: [measuring(ratioAt([[-4, 3.3, 0.3]]))],
    timeline: { '0 s': fires(), '185 s': ends() },
  });
  const texts = world.store.dossier(theIncident(world)).timeline.map(({ text }) => text);
  expect(texts).toContainEqual(
    expect.stringMatching(/^The problem was not over at 12:03:05 UTC, .* within its limit since 12:03:\d\d UTC$/),
  );
});

describe('a CD system that accepts a rollback, and does not answer for long', () => {
  const underWay: TargetResponse = { kind: 'in_progress', id: 'rb-1', handle: '/rb-1' };

  /** Plays an incident whose alert ends at 5 min. @param asked how often the status of the rollback is read until it has succeeded */
  const hangs = (asked: number, errors: Errors | null, more: Record<string, Moment> = {}): ReturnType<typeof play> =>
    play({
      given: [
        ...(errors === null ? [] : [measuring(ratioAt(errors))]),
        (world) => {
          const looks = [...Array.from({ length: asked }, () => underWay), { kind: 'succeeded', id: 'rb-1' } as const];
          Object.assign(world, { rollbacks: [underWay], looks });
        },
      ],
      timeline: { '0 s': fires(), '5 min': ends(), ...more, '80 min': sweeps },
    });

  test.each([
    ['when its alert ended, if the answer comes later', 200, null, '12:05', 'before'],
    ['when its alert ended, if the answer never comes', 2000, [[-4, 3, 0.3]], '12:05', 'never'],
    ['when health is within its limit, if the answer comes before that', 60, [[-4, 12, 0.3]], '12:12', 'after'],
    ['when health is within its limit, if the answer comes after that', 200, [[-4, 12, 0.3]], '12:12', 'before'],
  ] satisfies [string, number, Errors | null, string, string][])(
    'the service is restored %s',
    async (_, asked, errors, clock, order) => {
      const { world } = await hangs(asked, errors);
      const id = theIncident(world);
      await draftDuePostmortems(withPorts(world.deps));
      const { markdown = '', record } = (await withPorts(world.deps).postmortems.read(id)) ?? {};
      const { restored_at: restored, to_restore_seconds: seconds } = record?.facts.times ?? {};
      expect(restored?.slice(11, 16)).toBe(clock);
      expect(markdown).toMatch(new RegExp(`service was restored at ${clock}|It ended at ${clock}`, 'i'));
      // What is known to be done only later supports no suspicion.
      expect(markdown.includes('before its mitigation by undoing the change was known to be done')).toBe(
        order === 'before',
      );
      expect(/Undoing the suspected change restored|Firebreak mitigated on its own/.test(markdown)).toBe(
        order === 'after',
      );
      const curve = /(?<=recovered at )\d\d:\d\d/.exec(await consolePage(world, id))?.[0];
      expect(curve).toBe(errors === null ? undefined : clock);
      const dora = await doraOf(world);
      if (dora === null) return;
      expect(dora.records.incidents.items[0].restore_s).toBe(seconds);
    },
  );

  test.each([
    ['goes on', 50, undefined],
    ['ends later', 32, '12:32'],
    ['ends with the rollback', 25, '12:25'],
  ])('begins no other problem with errors from before its answer: what fails then %s', async (_, until, clock) => {
    const { world } = await hangs(140, [
      [-4, 4, 0.3],
      [20, until, 0.3],
    ]);
    const { recovered_at: recovered, ...record } = world.store.dossier(theIncident(world)).record;
    expect(record.verifying?.at?.slice(11, 16)).toBe('12:25');
    expect(recovered?.slice(11, 16)).toBe(clock);
    expect(record.pages).toBe(clock === undefined ? 2 : 1);
    expect(record).not.toHaveProperty('new_onset');
  });

  test('keeps the end of its problem when another one begins', async () => {
    const again = { began: 20 };
    const { world } = await hangs(140, null, { '28 min': fires(again), '35 min': ends(again) });
    const { record } = world.store.dossier(theIncident(world));
    expect(record.verifying?.at?.slice(11, 16)).toBe('12:25');
    const [first, ...others] = record.earlier_problems ?? [];
    expect(others).toEqual([]);
    expect(first?.recovered_at).toBe(minute(5));
  });

  test('has ended the problem with its alert in a second rollback, too, after one that did not help', async () => {
    const { world } = await play({
      given: [
        measuring(ratioAt([[-4, 21, 0.3]])),
        deploys('v0', 600),
        (now) => {
          const looks = [...Array.from({ length: 100 }, () => underWay), { kind: 'succeeded', id: 'rb-2' } as const];
          Object.assign(now, { rollbacks: [{ kind: 'succeeded', id: 'rb-1' }, underWay], looks });
        },
      ],
      timeline: {
        '0 s': fires(),
        '17 min': requestsRollback('v0' as Version),
        '22 min': ends(),
        '80 min': sweeps,
      },
    });
    const id = theIncident(world);
    const { record } = world.store.dossier(id);
    expect(record.verifying?.number).toBe(3); // the second judgement followed the verdict
    expect(record.verifying?.at && record.verifying.at > minute(23)).toBe(true);
    expect(record.recovered_at).toBe(minute(22));
    await draftDuePostmortems(withPorts(world.deps));
    const { markdown = '' } = (await withPorts(world.deps).postmortems.read(id)) ?? {};
    expect(markdown).toMatch(/service was restored at 12:22|It ended at 12:22/i);
  });

  test('has restored nothing if health is above its limit at the verdict, although the alert ended', async () => {
    const { world } = await hangs(60, [[-4, 22, 0.3]]);
    const id = theIncident(world);
    expect(world.store.dossier(id).record).toMatchObject({ verification: 'failed' });
    expect(world.store.dossier(id).record).not.toHaveProperty('recovered_at');
    expect(await consolePage(world, id)).not.toContain('recovered at');
  });
});

test('a verified recovery is told in all places, although an alert still fires and keeps the incident open', async () => {
  const told: Record<string, unknown> = {};
  const reads: Moment = async (world) => {
    const [deps, id] = [withPorts(world.deps), theIncident(world)];
    const { markdown, times } = await readPostmortem(deps, ADA, { id });
    const { status_text: status } = (await deps.incidents.view(id)) ?? {};
    Object.assign(told, { markdown, times, status, dora: await doraOf(world) });
  };
  await play({
    given: [measuring(ratioAt([[-4, 2, 0.3]]))],
    timeline: { '0 s': fires(), '20 min': reads, '21 min': ends() },
  });
  const { markdown, times, status, dora } = told as Record<string, any>;
  expect(status).toBe('mitigated and verified');
  expect(times).toMatchObject({ resolved_at: null, restored_at: plusSeconds(minute(2), 10), to_restore_seconds: 190 });
  expect(sectionOf(markdown, 'Summary').join(' ')).toMatch(
    /mitigated at 12:00 by undoing the change, and service was restored at 12:02 .* The incident is still open/,
  );
  expect(sectionOf(markdown, 'What went well').join(' ')).toMatch(/The recovery was verified \[/);
  expect(markdown).not.toContain('When was the service restored?');
  if (dora === null) return;
  expect(dora.time_to_restore).toMatchObject({ incidents: 1, open: 0 });
  expect(dora.records.incidents.items).toMatchObject([{ closed_as: null, restore_s: 190 }]);
  const failed = dora.records.deployments.items.filter(({ failures }: any) => failures.length > 0);
  expect(failed.map(({ version, recovery_s: seconds }: any) => [version, seconds === null])).toEqual([['v2', false]]);
});

const resolvesByHand: Moment = async (world) => {
  await executeResponseAction(world.deps, ADA, { id: theIncident(world), action: 'resolve', note: '' });
};

test.each<[string, Record<string, Moment>, string]>([
  ['its alert fires', { '0 s': fires(), '60 s': resolvesByHand }, 'an alert fired'],
  [
    'its health is above its limit',
    { '0 s': fires(), '30 s': ends(), '60 s': resolvesByHand },
    'its health was above its limit',
  ],
])('a person who resolves an incident while %s has not restored the service', async (_, timeline, state) => {
  const { world } = await play({
    given: [measuring(ratioAt([[-4, 90, 0.3]]), { autoRollback: { mode: 'suggest' } })],
    timeline,
  });
  const id = theIncident(world);
  await draftDuePostmortems(withPorts(world.deps));
  const { markdown = '', record } = (await withPorts(world.deps).postmortems.read(id)) ?? {};
  expect(record?.facts.times).toMatchObject({ restored_at: null, to_restore_seconds: null });
  expect(sectionOf(markdown, 'Summary').join(' ')).toContain(
    `A person resolved the incident at 12:01 UTC, while ${state}, and nothing has shown that the service recovered`,
  );
  expect(sectionOf(markdown, 'Response times').join(' ')).toContain(
    `When was the service restored? A person resolved the incident at 12:01, while ${state}, and nothing has shown`,
  );
  const dora = await doraOf(world);
  if (dora === null) return;
  expect(dora.time_to_restore).toMatchObject({ incidents: 0, open: 0, unverified: 1 });
});

const onlySuggests = configured({ autoRollback: { mode: 'suggest' } });
const isOver: Story['timeline'] = { '1 s': fires(), '5 min': ends() };

/** Two alerts, of which Alertmanager lists one no longer, and has reported only the end of the other. */
const endsUnreported: Story['timeline'] = {
  '1 s': all(fires(), fires({ name: 'HighLatency' })),
  '5 min': ends(),
  '6 min': (world) => void (world.alertState = 'over'),
};

/** An incident whose alert flaps: it stays open for ten minutes after the last end of that, at 7 min. */
const flapping = (errors: Errors, ...given: Moment[]): Story => ({
  given: [measuring(ratioAt([[-4, 4, 0.3], ...errors]), { autoRollback: { mode: 'suggest' } }), ...given],
  timeline: { '0 s': fires(), '5 min': ends(), '6 min': fires({ began: 0 }), '7 min': ends({ began: 0 }) },
});

/** One request in 20 seconds, of which health describes five minutes. */
const hasFewRequests: Moment = async (world) => {
  const { range } = world.deps.metrics;
  const ratio = 'sum(rate(errors[5m])) / sum(rate(requests[5m]))';
  const health = { promql: ratio, max: 0.01, traffic: 'sum(rate(requests[5m]))' };
  await configured({ health, autoRollback: { mode: 'suggest' } })(world);
  world.deps.metrics.range = async (promql, ...of) =>
    promql === ratio ? range(promql, ...of) : samplesOf(of[0], of[1], () => 0.05);
};

test.each<[string, Story, Timestamp]>([
  [
    'that stays open because its alert flaps',
    groupPaths['flapping-incident-stays-open'] ?? expect.unreachable(),
    minute(8),
  ],
  [
    'that a person resolves later',
    { given: [onlySuggests], timeline: { '0 s': declares, ...isOver, '30 min': resolvesByHand } },
    minute(5),
  ],
  [
    'that a person has reopened, after its alert had ended',
    { given: [onlySuggests], timeline: { ...isOver, '10 min': reopens, '30 min': resolvesByHand } },
    minute(30),
  ],
  ['whose last alert ends, which is not reported,', { given: [onlySuggests], timeline: endsUnreported }, minute(17.5)],
  [
    'whose last alert ends, which is not reported, and that a person resolves later,',
    { given: [onlySuggests], timeline: { '0 s': declares, ...endsUnreported, '40 min': resolvesByHand } },
    minute(17.5),
  ],
  ['whose alert flaps, with one late sample above the limit,', flapping([[12.75, 13.25, 0.3]]), minute(7)],
  [
    'whose alert flaps, with one failed request of few minutes later,',
    flapping([[10, 15, 1 / 15]], hasFewRequests),
    minute(7),
  ],
  [
    'whose alert flaps, with one failed request of few when it closes,',
    flapping([[14, 19, 1 / 15]], hasFewRequests),
    minute(7),
  ],
  [
    'whose alert flaps, and that fails again without one,',
    flapping([
      [9.25, 11.75, 0.3],
      [14.25, 14.75, 0.3],
    ]),
    minute(12),
  ],
])('an incident %s ends at the same time in the post-mortem and the delivery figures', async (_, story, end) => {
  const { world } = await play(story);
  const { record } = [...world.store.dossiers.values()].at(-1) ?? expect.unreachable();
  const gathered = await gather(withPorts(world.deps), record.id, null);
  const { facts } = gathered === undefined ? expect.unreachable() : draftOf(gathered.record, gathered.end);
  expect(facts.times.restored_at).toBe(end);
  expect(endedProblemsOf(record).at(-1)?.ended_at).toBe(end);
  const dora = await doraOf(world);
  if (dora === null) return;
  const told = dora.records.incidents.items.find(({ id }: any) => id === record.id);
  expect(told.restore_s).toBe(facts.times.to_restore_seconds);
});

test('a problem ends with the newest end of an alert, also if that was not reported', async () => {
  const { world } = await play({ given: [onlySuggests], timeline: endsUnreported });
  const gathered = await gather(withPorts(world.deps), theIncident(world), null);
  const { markdown } = gathered === undefined ? expect.unreachable() : draftOf(gathered.record, gathered.end);
  const ref = /Time to restore: 18 minutes \[E\d+, (E\d+)\]/.exec(markdown)?.[1];
  expect(markdown).toMatch(new RegExp(`\\*\\*${ref}\\*\\* 12:17 — The alert is no longer listed at its source`));
});

test('an incident that a person declared has not begun with an alert', async () => {
  const { world } = await play({ given: [configured({})], timeline: { '0 s': declares, '60 s': fires() } });
  const gathered = await gather(withPorts(world.deps), theIncident(world), null);
  const { markdown } = gathered === undefined ? expect.unreachable() : draftOf(gathered.record, gathered.end);
  expect(sectionOf(markdown, 'Summary').join(' ')).toMatch(
    /^At 12:00 UTC (?:ada|a responder) declared an incident of checkout production: customers cannot pay \[/,
  );
});

test('a later problem of a declared incident ends with its alert, while the incident stays open', async () => {
  const statuses: (string | undefined)[] = [];
  const looks: Moment = async ({ deps }) => {
    const [incident] = await deps.incidents.open();
    statuses.push((await deps.incidents.view(incident?.id ?? expect.unreachable()))?.status_text);
  };
  const { world } = await play({
    given: [unrecorded('v2'), measuring(ratioAt([[21, 30, 0.4]]), { autoRollback: { mode: 'suggest' } })],
    timeline: {
      '0 s': declares,
      '20 min': begins('v3'),
      '20.5 min': finishes('v3'),
      '22 min': fires({ began: 20 }),
      '23 min': looks,
      '31 min': ends(),
      '32 min': looks,
      '33 min': fires({ name: 'HighLatency', began: 20 }),
      '34 min': looks,
      '35 min': ends({ name: 'HighLatency' }),
      '36 min': looks,
    },
  });
  expect(statuses).toEqual([
    'open: another problem began after deploy v3',
    'open: the problem is over',
    'open: another problem began after deploy v3',
    'open: the problem is over',
  ]);
  const gathered = await gather(withPorts(world.deps), theIncident(world), null);
  const { markdown } = gathered === undefined ? expect.unreachable() : draftOf(gathered.record, gathered.end);
  expect(sectionOf(markdown, 'Summary')).toContainEqual(
    expect.stringMatching(/^- Problem 2 began at 12:2\d UTC, after deploy v3 .* It is over since 12:35 \[/),
  );
});

test('a problem that only health showed was detected when Firebreak had read health', async () => {
  const { world } = await play(
    secondFailurePaths['second-failure-is-measured-while-the-first-alert-still-fires'] ?? expect.unreachable(),
  );
  const id = theIncident(world);
  const { timeline } = world.store.dossier(id);
  const noticed = timeline.find(({ kind }) => kind === 'incident.failing_again') ?? expect.unreachable();
  const { new_onset: onset } = (await world.deps.incidents.read(id)) ?? {};
  await draftDuePostmortems(withPorts(world.deps));
  const { markdown = '' } = (await withPorts(world.deps).postmortems.read(id)) ?? {};
  expect([onset?.at, noticed.at].map((at) => at?.slice(11, 16))).toEqual(['12:06', '12:09']);
  expect(sectionOf(markdown, 'Response times').join(' ')).toContain('Problem 2: time to detect: 3 minutes, from 12:06');
});

test('neither a problem nor its errors begin before the change that is its cause', async () => {
  const slowly: Errors = [
    [-4, 2, 0.3],
    [4, 4.9, 0.1],
    [4.9, 5.4, 0.3],
    [5.4, 9, 0.5],
  ];
  const { world } = await play({
    given: [measuring(ratioAt(slowly))],
    timeline: {
      '0 s': fires(),
      '270 s': begins('v3'),
      '320 s': finishes('v3'),
      '370 s': fires({ began: 20, name: 'HighLatency' }),
      '395 s': answersWhatWaits('approved'),
      '10 min': all(ends(), ends({ began: 20, name: 'HighLatency' })),
    },
  });
  const id = theIncident(world);
  await draftDuePostmortems(withPorts(world.deps));
  const { markdown = '' } = (await withPorts(world.deps).postmortems.read(id)) ?? {};
  const evidence = sectionOf(markdown, 'Suspect and evidence').join('\n');
  const told = [...evidence.matchAll(/Problem \d: began at ([\d:]+), .* peaked at ([\d.]+ %)/g)];
  expect(told.map(([, ...of]) => of)).toEqual([
    ['11:56', '30 %'],
    ['12:04', '50 %'],
  ]);
  const label = /aria-label="(Health of checkout[^"]*)"/.exec(await consolePage(world, id))?.[1];
  expect(label).toMatch(/deploy of v3 begins at (12:04:30)\..* onset at \1, between \1 and 12:04:\d\d\./);
});

test('a problem without a change as its cause names the dependency that failed at the same time', async () => {
  const payments = { name: 'Down', labels: { service: 'payments', action: '' } };
  const { world } = await play({
    given: [
      (now) => {
        const checkout = { ...now.config.services['checkout' as ServiceName], dependsOn: ['payments'] };
        now.config = Config.parse({
          ...now.config,
          services: { payments: { environments: { production: {} } }, checkout },
        });
      },
    ],
    timeline: {
      '0 s': fires(),
      '180 s': ends(),
      '365 s': fires(payments),
      '370 s': fires(returning),
      '20 min': ends(returning),
      '21 min': ends(payments),
    },
  });
  const id = [...world.store.dossiers.values()].find(({ record }) => record.service === 'checkout')?.record.id;
  const gathered = await gather(withPorts(world.deps), id ?? expect.unreachable(), null);
  const { markdown } = gathered === undefined ? expect.unreachable() : draftOf(gathered.record, gathered.end);
  expect(sectionOf(markdown, 'Summary').join(' ')).toMatch(/ Its dependency payments failed at the same time \[E\d+\]/);
  expect(sectionOf(markdown, 'Suspect and evidence')).toContainEqual(
    expect.stringMatching(/^Problem 2: its dependency payments failed at the same time \[E\d+\]/),
  );
});

test('the draft of a group tells what was found for each of its incidents', async () => {
  const { world } = await play(groupPaths['child-incident-asks-before-a-rollback'] ?? expect.unreachable());
  const gathered = await gather(withPorts(world.deps), parentIn(world).id, null);
  const { markdown } = gathered === undefined ? expect.unreachable() : draftOf(gathered.record, gathered.end);
  expect(markdown).toMatch(/^# Outage of cart, search and checkout — 2026-11-20$/m);
  expect(markdown).toContain('- **Services:** cart, search and checkout in production');
  expect(sectionOf(markdown, 'Summary').map((line) => line.replace(/ \[E[^\]]+\]/, ''))).toEqual([
    'At 12:00 UTC incidents of several services became a group: failures of several services, among them cart, checkout and search.',
    '',
    '- INC-1 cart production: from 11:59. No change is its probable cause. Not mitigated, ended at 12:20, after INC-3 checkout was mitigated at 12:04.',
    '- INC-2 search production: from 11:59. No change is its probable cause. Not mitigated, ended at 12:20, after INC-3 checkout was mitigated at 12:04.',
    '- INC-3 checkout production: from 11:59. Probable cause: v2 (70 %). Mitigated at 12:04, ended at 12:20.',
    '',
    'The time to restore was 21 minutes, and the incident was resolved at 12:20 UTC.',
  ]);
  expect(markdown).not.toMatch(
    /several-services|Alert fires|found no|has no mitigation|Describe or automate|No health query|no samples/,
  );
  expect(sectionOf(markdown, 'Suspect and evidence').join(' ')).toMatch(
    /^- INC-3 checkout: the probable cause is v2 \(70 %\) \[E\d+\]\. .*What do the graphs show\? The samples of health belong to/,
  );
  expect(
    [...markdown.matchAll(/^- \*\*E\d+\*\* (\d\d:\d\d — (?!Joined|Group opens).*checkout.*)$/gm)].map(([, row]) => row),
  ).toEqual([
    '11:52 — Deployment of v2 of checkout begins',
    '11:55 — Deployment of v2 of checkout finishes',
    expect.stringMatching(/^12:00 — Roll checkout in production back from v2 to v1\? .* \(INC-3 checkout\)$/),
    '12:04 — A responder: Approved the rollback (INC-3 checkout)',
    '12:04 — Rolled back to v1 (INC-3 checkout)',
    expect.stringMatching(/^12:19 — .* \(INC-3 checkout\)$/),
    expect.stringMatching(/^12:20 — All alerts have resolved .* \(INC-3 checkout\)$/),
    '12:20 — Resolved: all alerts have resolved, and the mitigation is verified (INC-3 checkout)',
  ]);
  expect(sectionOf(markdown, 'Response times').filter((line) => line.startsWith('- '))).toEqual([
    expect.stringMatching(/^- INC-3 checkout: time to mitigate: 5 minutes \[E\d+\]/),
    expect.stringMatching(/^- Time to restore: 21 minutes /),
  ]);
});

test('the draft of a storm reads the entries and changes of its first incidents only', async () => {
  const { world } = await play(groupPaths['child-incident-asks-before-a-rollback'] ?? expect.unreachable());
  const { id } = parentIn(world);
  const { incidents, incidentGroups, changes } = world.deps;
  const [child = expect.unreachable()] = await incidentGroups.children(id);
  const inService = (n: number) => ({ ...child, incident: { ...child.incident, service: `s${n}` as ServiceName } });
  const read = { stories: 0, changes: 0 };
  const deps = Object.assign({}, world.deps, {
    incidentGroups: { children: async () => Array.from(Array(500).keys(), inService) },
    incidents: {
      story: (...of: Parameters<typeof incidents.story>) => ((read.stories += 1), incidents.story(...of)),
    },
    changes: { recent: (...of: Parameters<typeof changes.recent>) => ((read.changes += 1), changes.recent(...of)) },
  });
  const gathered = await gather(withPorts(deps), id, null);
  expect(gathered?.record.members).toHaveLength(500);
  expect(read.changes).toBe(31); // each incident is one of another service
  expect(read.stories).toBeLessThanOrEqual(3 * 31);
});

test('a redeploy by hand is the mitigation: in the post-mortem, the console, the CLI, and the delivery figures', async () => {
  const asks = { autoRollback: { mode: 'approve', evidence: 'time', unknownMigration: 'act' } };
  const { world } = await play({
    ...(redeployPaths['redeploy-by-hand'] ?? expect.unreachable()),
    given: [measuring(ratioAt([[-4, 4, 0.3]]), asks)],
  });
  const id = theIncident(world);
  await draftDuePostmortems(withPorts(world.deps));
  const { markdown = '', record } = (await withPorts(world.deps).postmortems.read(id)) ?? {};
  expect(sectionOf(markdown, 'Summary').join(' ')).toMatch(
    /The probable cause is the deployment of v2 .*It was mitigated at 12:04 by deploying the earlier version again, outside Firebreak/,
  );
  expect(sectionOf(markdown, 'Timeline').join(' ')).toMatch(
    /12:04 — .*checkout v1 was deployed again by (?:ada|a responder), which replaces v2, the probable cause/,
  );
  expect(record?.facts.times).toMatchObject({ mitigated_at: minute(4) });
  expect(sectionOf(markdown, 'What went well').join(' ')).not.toContain('mitigated on its own');
  const page = await consolePage(world, id);
  expect(page).toContain('checkout v1 was deployed again by ada, which replaces v2');
  expect(/aria-label="(Health of checkout[^"]*)"/.exec(page)?.[1]).toContain('earlier version deployed again at 12:04');
  const { items } = await world.deps.incidents.timeline(id, { limit: 100 });
  expect(items.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['mitigation.by_hand', 'verification.passed']));
  const dora = await doraOf(world);
  if (dora === null) return;
  const failed = dora.records.deployments.items.flatMap(({ version, failures }: any) =>
    failures.length === 0 ? [] : [[version, failures.map(({ kind }: any) => kind)]],
  );
  expect(failed).toEqual([['v2', ['incident', 'rollback']]]);
  expect(dora.records.incidents.items).toMatchObject([{ restore_s: record?.facts.times.to_restore_seconds }]);
});

test('a redeploy by hand that did not help has mitigated nothing, whatever ended the problem later', async () => {
  const suggests = { autoRollback: { mode: 'suggest', evidence: 'time', unknownMigration: 'act' } };
  const { world } = await play({
    ...(redeployPaths['redeploy-by-hand'] ?? expect.unreachable()),
    given: [measuring(ratioAt([[-4, 24, 0.3]]), suggests)],
    timeline: { '0 s': fires(), '4 min': recordsLate('v1', 3, { author: 'ada' }), '25 min': ends() },
  });
  const id = theIncident(world);
  const incident = (await world.deps.incidents.view(id)) ?? expect.unreachable();
  expect(incident).toMatchObject({ status: 'resolved', closed_as: 'verified' });
  const { items } = await world.deps.incidents.timeline(id, { limit: 100 });
  expect(items.map(({ kind }) => kind)).toEqual(
    expect.arrayContaining(['mitigation.by_hand', 'verification.failed', 'incident.resolved']),
  );
  expect(items.find(({ kind }) => kind === 'incident.resolved')?.text).toBe('Resolved: all alerts have resolved');
  const gathered = await gather(withPorts(world.deps), id, null);
  const { markdown, facts } = gathered === undefined ? expect.unreachable() : draftOf(gathered.record, gathered.end);
  expect(facts.times).toMatchObject({ mitigated_at: null, to_mitigate_seconds: null, restored_at: minute(25) });
  const summary = sectionOf(markdown, 'Summary').join(' ');
  expect(summary).toMatch(/A mitigation at 12:04 did not help\b.* \[E\d+, E\d+\]/);
  expect(summary).not.toMatch(/mitigated at/i);
  expect(sectionOf(markdown, 'What went well').join(' ')).not.toContain('supports the suspicion');
  const [problem] = problemTexts([openProblem(world.store.dossier(id).record)]);
  expect(problem).toContain('A mitigation outside Firebreak at 12:04 did not help');
  const dora = await doraOf(world);
  if (dora !== null) expect(dora.records.incidents.items).toMatchObject([{ deployment_id: null }]);
});

test('a version over the cause is one of the service of the cause', async () => {
  const payments = { service: 'payments' as ServiceName };
  const { world } = await play({
    given: [
      (now) => {
        const checkout = { ...now.config.services['checkout' as ServiceName], dependsOn: ['payments'] };
        const asks = { environments: { production: { autoRollback: { mode: 'suggest', evidence: 'time' } } } };
        now.config = Config.parse({ ...now.config, services: { payments: asks, checkout: { ...checkout, ...asks } } });
      },
      unrecorded('v2'),
      recordsLate('p1', 600, payments),
      recordsLate('p2', 5, payments),
    ],
    timeline: {
      '0 s': fires({ name: 'Down', labels: { service: 'payments', action: '' } }),
      '30 s': fires(),
      '240 s': recordsLate('v5', 0),
      '300 s': recordsLate('p3', 0, payments),
      '15 min': ends(),
    },
  });
  const id = [...world.store.dossiers.values()].find(({ record }) => record.service === 'checkout')?.record.id;
  const gathered = await gather(withPorts(world.deps), id ?? expect.unreachable(), null);
  const { markdown } = gathered === undefined ? expect.unreachable() : draftOf(gathered.record, gathered.end);
  const summary = sectionOf(markdown, 'Summary').join(' ');
  expect(summary).toMatch(/the deployment of p2 to payments .*p3 was deployed over it at 12:05/);
  expect(summary).not.toContain('v5');
});

describe('an outage without a change, and a deploy of another service that was undone during it', () => {
  const CART = { service: 'cart' as ServiceName };
  const ratio = ratioAt([[-2, 40, 0.3]]);
  const withCart =
    (dependsOn: readonly string[]): Moment =>
    async (world) => {
      await measuring(ratio)(world);
      const suggests = { autoRollback: { mode: 'suggest', evidence: 'time' } };
      const of = (service: string) => ({
        environments: { production: { ...suggests, health: { promql: `job:${service}:error_ratio`, max: 0.01 } } },
      });
      world.config = Config.parse({
        ...world.config,
        services: { cart: of('cart'), checkout: { dependsOn, ...of('checkout') } },
      });
    };

  test.each([
    ['a declared dependency', ['cart']],
    ['a service that is not known to be related', []],
  ])('does not blame the deploy afterwards: %s', async (_, dependsOn) => {
    const { world } = await play({
      given: [withCart(dependsOn), unrecorded('v2'), recordsLate('c1', 600, CART), recordsLate('c3', 2.6, CART)],
      timeline: {
        '0 s': fires(),
        '10 min': recordsLate('c1', 1, { ...CART, author: 'ada' }),
        '41 min': ends(),
      },
    });
    const id = theIncident(world);
    const { items } = await world.deps.incidents.timeline(id, { limit: 100 });
    expect(items.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['mitigation.by_hand', 'verification.failed', 'incident.resolved']),
    );
    await draftDuePostmortems(withPorts(world.deps));
    const { markdown = '' } = (await withPorts(world.deps).postmortems.read(id)) ?? {};
    expect(markdown).toMatch(/^# checkout outage /);
    const summary = sectionOf(markdown, 'Summary').join(' ');
    expect(summary).toMatch(
      /A mitigation at 12:10 did not help: the deployment of c3 to cart production had been suspected/,
    );
    expect(summary).not.toMatch(/probable cause|deployed over/);
    const dora = await doraOf(world);
    if (dora !== null) expect(dora.records.incidents.items).toMatchObject([{ deployment_id: null }]);
  });
});

test('an incident that a newer version ended says so, and is not said to have ended by itself', async () => {
  const suggests = { autoRollback: { mode: 'suggest', evidence: 'time', unknownMigration: 'act' } };
  const { world } = await play({
    given: [measuring(ratioAt([[-4, 4.6, 0.3]]), suggests)],
    timeline: {
      '0 s': fires(),
      '240 s': begins('v3'),
      '260 s': recordsLate('v7', 0, { service: 'payments' }),
      '270 s': finishes('v3'),
      '10 min': ends(),
      '15 min': sweeps,
    },
  });
  const gathered = await gather(withPorts(world.deps), theIncident(world), null);
  const { markdown } = gathered === undefined ? expect.unreachable() : draftOf(gathered.record, gathered.end);
  expect(sectionOf(markdown, 'Summary').join(' ')).toMatch(
    /the deployment of v2 .*It ended at 12:\d\d, after v3 was deployed over it at 12:04 \[E\d+, E\d+\]/,
  );
  expect(sectionOf(markdown, 'Response times').join(' ')).toContain(
    'The record has no mitigation, but it ended after v3 was deployed.',
  );
  expect(sectionOf(markdown, 'Root cause').join(' ')).toMatch(
    /What did v3 change that ended the failure\?(?!.*fault of its own)/,
  );
});

test('a problem that ended while its suspect ran on says so', async () => {
  const suggests = { autoRollback: { mode: 'suggest', evidence: 'time', unknownMigration: 'act' } };
  const { world } = await play({
    given: [measuring(ratioAt([[-4, 4.6, 0.3]]), suggests)],
    timeline: { '0 s': fires(), '10 min': ends(), '15 min': sweeps },
  });
  const gathered = await gather(withPorts(world.deps), theIncident(world), null);
  const { markdown } = gathered === undefined ? expect.unreachable() : draftOf(gathered.record, gathered.end);
  expect(sectionOf(markdown, 'Summary').join(' ')).toMatch(
    /probable cause is the deployment of v2 .* It ended at 12:\d\d while v2 ran on, and the record has nothing that was done: another cause is possible \[E\d+, E\d+\]/,
  );
});

describe('a second bad deploy over the first, before anything was undone', () => {
  const over = (mode: 'approve' | 'suggest', more: Record<string, Moment>) =>
    play({
      given: [
        measuring(
          ratioAt([
            [-4, 4.5, 0.3],
            [4.5, 23, 0.45],
          ]),
          { autoRollback: { mode, evidence: 'time', unknownMigration: 'act' } },
        ),
      ],
      timeline: {
        '0 s': fires(),
        '60 s': sweeps,
        '240 s': begins('v3'),
        '270 s': finishes('v3'),
        '8 min': sweeps,
        '15 min': sweeps,
        ...more,
        '25 min': ends(),
        '45 min': sweeps,
      },
    });
  const byHand = { '22 min': recordsLate('v1', 1, { author: 'ada', kind: 'rollback' }) };

  test.each([
    ['a person rolls both back', 'suggest', byHand, 'It was mitigated at 12:22 by deploying the earlier version again'],
    ['a person rolls both back while asked', 'approve', byHand, 'It was mitigated at 12:22 by deploying the earlier'],
    [
      'a person asks Firebreak to roll both back',
      'suggest',
      { '22 min': requestsRollback('v1' as Version) },
      'It was mitigated at 12:22 by undoing the change',
    ],
    [
      'Firebreak rolls both back with approval',
      'approve',
      { '22 min': answersWhatWaits('approved') },
      'It was mitigated at 12:22 by undoing the change',
    ],
  ] as const)('is recorded with both deploys, and with what ended it: %s', async (_, mode, more, mitigated) => {
    const { world } = await over(mode, more);
    const id = theIncident(world);
    await draftDuePostmortems(withPorts(world.deps));
    const markdown = (await withPorts(world.deps).postmortems.read(id))?.markdown ?? '';
    const summary = sectionOf(markdown, 'Summary').join(' ');
    expect(summary).toContain(mitigated);
    expect(summary).toMatch(
      /the deployment of v2 .*v3 was deployed over it at 12:04, and was undone with it \[E\d+, E\d+\]/,
    );
    expect(sectionOf(markdown, 'Root cause')).toContainEqual(
      expect.stringContaining('Did v3, which was deployed over v2,'),
    );
    expect(/asked for approval.*?: (.*?) \[/.exec(summary)?.[1] ?? null).toBe(
      mode === 'approve' ? 'v3 was deployed since and has not helped: a rollback to v1 undoes it as well as v2' : null,
    );
    const rows = sectionOf(markdown, 'Timeline').join('\n');
    const told = [...rows.matchAll(/ (\d\d:\d\d) — ((?:Deployment|Rollback) (?:of|to) v\d (?:begins|finishes))$/gm)];
    expect(told.map(([, time, text]) => `${time} ${text}`).slice(0, 4)).toEqual([
      '11:52 Deployment of v2 begins',
      '11:55 Deployment of v2 finishes',
      '12:04 Deployment of v3 begins',
      '12:04 Deployment of v3 finishes',
    ]);
    const pins = await world.deps.pins.of(world.store.dossier(id).record);
    expect(pins.map(({ version }) => version).toSorted()).toEqual(['v2', 'v3']);
    expect((await world.deps.incidents.view(id))?.status).toBe('resolved');
    const dora = await doraOf(world);
    if (dora !== null) expect(dora.change_failure_rate).toMatchObject({ failed: 2 });
  });
});

test.each([
  ['a flap needs no post-mortem, and counts in no time to restore', '3 s', 0],
  ['an alert that lasted longer than an evaluation needs one', '40 s', 1],
] as const)('%s', async (_, end, counted) => {
  const { world } = await play({ given: [], timeline: { '0 s': fires({ began: 0 }), [end]: ends({ began: 0 }) } });
  const id = theIncident(world);
  await draftDuePostmortems(withPorts(world.deps));
  expect([await withPorts(world.deps).postmortems.read(id)].filter(Boolean)).toHaveLength(counted);
  const dora = await doraOf(world);
  if (dora !== null) expect(dora.time_to_restore).toMatchObject({ incidents: counted, open: 0, unverified: 0 });
});
