import { describe, expect, test } from 'vitest';
import type { StoredActionItem } from '../../../core/domain/ports/action-items.ts';
import type { DigestSection } from '../../../core/domain/ports/extensions.ts';
import { plainOf } from '../../../core/domain/messages/plain-text.ts';
import { digestScope, digestSections } from '../decisions/sections.ts';
import { type DigestRecords, tasksIn, teamDigest } from '../decisions/team-digest.ts';
import { digestMain } from '../pages.ts';
import { DecisionView, type Effect, type IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { Freeze } from '../../freeze/schemas/freeze.ts';
import { IncidentId } from '../../../schemas/config/names.ts';
import type { TeamDigest } from '../digest.ts';
import { plusSeconds, Timestamp } from '../../../schemas/time/time.ts';
import { expectHarmless, hostile, textOf } from '../../../test/support/hostile.ts';
import { incident } from '../../../test/core/stories.ts';

/** A Monday at 09:00; the week begins on the Monday before. */
const UNTIL = Timestamp.parse('2026-11-16T09:00:00.000Z');
const on = (day: string, time = '12:00'): Timestamp => Timestamp.parse(`2026-${day}T${time}:00.000Z`);

const idOf = (n: number): IncidentId => IncidentId.parse(`01JCYZ7Q8M3N5P7R9T1V3X5Z7${n}`);

const restored = (
  n: number,
  opened_at: Timestamp,
  seconds: number | null,
  severity: IncidentRecord['severity'] = 'critical',
): IncidentRecord => ({
  ...incident({ id: idOf(n) }),
  severity,
  opened_at,
  status: seconds === null ? 'open' : 'resolved',
  resolved_by: null,
  resolved_at: seconds === null ? null : plusSeconds(opened_at, seconds),
});

const effect = (n: number, name: string, more: Partial<Effect> = {}): Effect => ({
  key: `${idOf(n)}.${name}`,
  kind: 'roll-back',
  target: 'argo-cd',
  class: 'keyed',
  state: 'succeeded',
  at: on('11-12'),
  detail: '',
  ...more,
});

const decision = (number: number, more: Partial<DecisionView>): DecisionView =>
  DecisionView.parse({
    id: `dec-${number}`,
    kind: 'roll_back',
    because: 'suspect',
    at: on('11-12'),
    digest: 'd',
    state: 'final',
    from_version: 'v2',
    to_version: 'v1',
    reasons: [],
    answered_by: null,
    ...more,
  });

const freeze = (id: string, more: Partial<Freeze>): Freeze =>
  Freeze.parse({
    id,
    cause: 'budget',
    service: 'checkout',
    environment: 'production',
    team: null,
    reason: 'spent',
    ends_when: 'later',
    starts_at: on('11-10'),
    until: null,
    not_before: null,
    ended_at: null,
    ended_by: null,
    end_reason: null,
    settled_at: null,
    opened_by: 'evaluation',
    opened_at: on('11-10'),
    slo: null,
    incident_id: null,
    calendar: null,
    overrides: [],
    ...more,
  });

const launches: DigestSection = {
  id: 'launches',
  title: 'Launches',
  summary: 'One launch.',
  columns: ['Name'],
  rows: [[[{ link: '/console/launches', text: 'v2' }]]],
  path: '/console/launches',
};

function records(more: Partial<DigestRecords> = {}): DigestRecords {
  const incidents = [
    restored(3, on('11-14'), null),
    restored(2, on('11-12'), 1800, 'warning'),
    restored(1, on('11-10'), 600),
    restored(4, on('11-04'), 7200),
    // Exactly at the boundary of two weeks: it belongs to the earlier one.
    restored(5, on('11-09', '09:00'), 3600),
  ];
  return {
    team: 'payments',
    until: UNTIL,
    environments: ['production'],
    incomplete: [],
    incidents,
    tasks: [],
    rollbacksOutside: 0,
    budgets: [],
    freezes: [],
    noisy: { days: 14, items: [] },
    overdue: [],
    ofFeatures: [launches],
    ...more,
  };
}

const digestOf = (more: Partial<DigestRecords> = {}, toilMinutes = {}) => teamDigest(records(more), toilMinutes);

describe('the digest', () => {
  test('says which of its numbers are too low', () => {
    const scopeOf = (more: Partial<DigestRecords>) => plainOf(digestScope(digestOf(more)));
    expect(scopeOf({})).not.toContain('too low');
    expect(scopeOf({ incomplete: ['toil', 'noisy'] })).toContain(
      'the numbers of Toil saved, Noisy alerts are too low.',
    );
    expect(digestOf({ incomplete: ['toil'] })).toMatchObject({ complete: false, incomplete: ['toil'] });
  });

  test('counts the time of the problems of an incident, without that between them, as the delivery figures do', () => {
    const opened_at = on('11-10');
    const at = (seconds: number): Timestamp => plusSeconds(opened_at, seconds);
    const twice: IncidentRecord = {
      ...restored(1, opened_at, 900),
      earlier_problems: [{ at: opened_at, judged: 1, suspects: [], verification: 'passed', recovered_at: at(60) }],
      new_onset: { at: at(600), recovered_at: at(60), seq: 1, judged: 1 },
      recovered_at: at(700),
    };
    expect(digestOf({ incidents: [twice] }).incidents.items).toMatchObject([{ restore_s: 160 }]);
  });

  test('counts the incidents of seven days, and the median time to restore of each of four weeks', () => {
    const { incidents, restore } = digestOf();
    expect(incidents).toMatchObject({ opened: 3, open: 1, by_severity: { critical: 2, warning: 1, info: 0 } });
    expect(restore.map(({ incidents: count, median_s: median }) => [count, median])).toEqual([
      [0, null],
      [0, null],
      [2, 5400],
      [2, 1200],
    ]);
  });

  test('counts the time in which at least one freeze was in force, within the week only', () => {
    const { freezes } = digestOf({
      freezes: [
        // Began before the week, and ended on its first day, after three hours.
        freeze('a', { starts_at: on('11-01'), ended_at: on('11-09', '12:00') }),
        freeze('b', { starts_at: on('11-10', '10:00'), ended_at: on('11-10', '12:00') }),
        freeze('c', { starts_at: on('11-10', '11:00'), until: on('11-10', '14:00') }),
        freeze('d', { starts_at: on('11-16', '08:00') }),
        freeze('over', { starts_at: on('11-01'), ended_at: on('11-02') }),
        freeze('planned', { cause: 'calendar', starts_at: on('12-24') }),
      ],
    });
    expect(freezes.items.map(({ id, seconds }) => [id, seconds / 3600])).toEqual([
      ['d', 1],
      ['c', 3],
      ['b', 2],
      ['a', 3],
    ]);
    expect([freezes.began, freezes.seconds / 3600]).toEqual([3, 3 + 4 + 1]);
    expect(freezes.items[0]?.ended_at).toBeNull();
  });

  const tasks = [
    {
      incident: incident({ id: idOf(1), channel_opened_at: on('11-10') }),
      effects: [
        effect(1, 'page.1', { kind: 'page' }),
        effect(1, 'page.2', { kind: 'page', stand_in: true }),
        effect(1, 'page.3', { kind: 'page', followed: { id: 'P1', url: null, assigned_to: [] } }),
        effect(1, 'roll-back.1'),
        effect(1, 'roll-back.2'),
        effect(1, 'roll-back.3'),
        effect(1, 'roll-back.4', { state: 'failed' }),
        effect(1, 'runbook.1.scale', { kind: 'scale' }),
        effect(1, 'runbook.2.restart', { kind: 'restart' }),
      ],
      decisions: [
        decision(1, {}),
        decision(2, { kind: 'approve', state: 'approved', answered_by: 'ada' }),
        decision(3, { because: 'requested_by_person' }),
        decision(4, {}),
      ],
      runs: new Map([
        [1, { by: undefined }],
        [2, { by: 'ada' }],
      ]),
    },
    {
      incident: incident({ id: idOf(2), channel_opened_at: on('11-10'), channel_stand_in: true }),
      effects: [],
      decisions: [],
      runs: new Map(),
    },
  ].flatMap(tasksIn);

  test('separates what was done automatically from what people did, and computes minutes from the configuration', () => {
    const { toil } = digestOf({ tasks, rollbacksOutside: 2 }, { rollback: 20, page: 2 });
    const rows = toil.tasks.map(
      ({ task, automatic, by_people: people, saved_minutes: saved, spent_minutes: spent }) => [
        task,
        automatic,
        people,
        saved,
        spent,
      ],
    );
    expect(rows).toEqual([
      ['rollback', 1, 4, 20, 80],
      ['runbookStep', 1, 1, null, null],
      ['page', 1, null, 2, null],
      ['channel', 1, null, null, null],
    ]);
    expect([toil.saved_minutes, toil.spent_minutes]).toEqual([22, 80]);
    expect(toil.simulated).toBe(2);
    const unset = digestOf({ tasks, rollbacksOutside: 2 }).toil;
    expect([unset.saved_minutes, unset.spent_minutes]).toEqual([null, null]);
  });
});

const overdue: StoredActionItem[] = [
  {
    id: `${idOf(4)}-00000001`,
    incident_id: idOf(4),
    experiment_id: null,
    service: 'checkout',
    environment: 'production',
    alert: 'a',
    updated_at: UNTIL,
    title: hostile('Add a check | of [writes](http://evil.test)'),
    done: false,
    owner: 'payments',
    due: '2026-11-10',
    priority: 'P1',
  },
];

describe('the sections on the page', () => {
  const noisy = {
    name: hostile('Disk | almost full'),
    service: 'checkout',
    environment: 'production',
    times: 9,
    lastAt: UNTIL,
    incidents: 2,
    acknowledged: 0,
    pages: 4,
    newest: idOf(1),
  };
  const budget = { remaining: 0.5, spent_at_least: 0.5, coverage: 1, events: 1000, errors: 5, significant: true };
  const status = {
    id: 'checkout-availability',
    service: 'checkout',
    environment: 'production',
    budget,
    burning: [],
    corrected: { count: 2, uncorrected: { budget: { ...budget, remaining: -0.25 } } },
  } as unknown as DigestRecords['budgets'][number]['status'];
  const budgets = [
    { status, spent: 0.75 },
    { status: { ...status, id: 'search', corrected: null } as typeof status, spent: 0 },
  ];
  const full = digestOf({ budgets, freezes: [freeze('b', {})], noisy: { days: 14, items: [noisy] }, overdue });

  const markupOf = async (digest: TeamDigest) => String(await digestMain(digest, ['payments']));

  test('show the sections with their numbers', async () => {
    const page = textOf(await markupOf(full));
    for (const { title, summary, rows } of digestSections(full)) {
      expect(page).toContain(title);
      expect(page).toContain(summary);
      for (const [, ...cells] of rows)
        for (const cell of cells.flat()) if (typeof cell === 'string') expect(page).toContain(cell);
    }
  });

  test('name the cause of a freeze as other pages do', () => {
    const section = digestSections(digestOf({ freezes: [freeze('b', { cause: 'burn' })] })).find(
      ({ id }) => id === 'freezes',
    );
    expect(section?.rows.map(([, cause]) => cause)).toEqual([['burn rate']]);
  });

  test('show a corrected budget with the one that counts everything', () => {
    expect(full.budgets.map(({ remaining, corrected }) => [remaining, corrected])).toEqual([
      [0.5, { corrections: 2, uncorrected_remaining: -0.25 }],
      [0.5, null],
    ]);
    const section = digestSections(full).find(({ id }) => id === 'budgets');
    expect(section?.rows.map(([, , left]) => left)).toEqual([['50 %', ' (-25 % without 2 corrections)'], ['50 %']]);
    expect(section?.summary).toContain('Corrections leave periods out of one budget; the errors of this week include');
  });

  test('say so when there is nothing to report', async () => {
    const empty = digestOf({ incidents: [], ofFeatures: [] });
    const page = textOf(await markupOf(empty));
    for (const { summary, rows } of digestSections(empty)) {
      expect(rows).toEqual([]);
      expect(page).toContain(summary);
    }
  });

  test('say that tasks were done in the sandbox only', () => {
    const simulated = { task: 'rollback', isAutomatic: true, isSimulated: true, incident: idOf(1) } as const;
    const toilOf = (tasks: DigestRecords['tasks']) =>
      digestSections(digestOf({ tasks })).find(({ id }) => id === 'toil')?.summary;
    expect(toilOf([simulated])).toBe(
      'No task of incident response was done outside the sandbox, where 1 task was done. Tasks in the sandbox save nobody time.',
    );
    expect(toilOf([{ ...simulated, isSimulated: false }, simulated, simulated])).toBe(
      '1 task done automatically, 0 by people or with their approval. Set toilMinutes in response.yaml to see the minutes saved. 2 tasks in the sandbox do not count.',
    );
  });

  test('name the incidents of a task by their numbers', () => {
    const incidents = records({}).incidents.map((one) => (one.id === idOf(1) ? { ...one, number: 42 } : one));
    const doneIn = (one: IncidentId) =>
      ({ task: 'page', isAutomatic: true, isSimulated: false, incident: one }) as const;
    const tasks = [doneIn(idOf(1)), doneIn(idOf(2))];
    const section = digestSections(digestOf({ incidents, tasks })).find(({ id }) => id === 'toil');
    expect(section?.rows.map((row) => row.at(-1))).toEqual([
      [
        { link: '/console/incidents/INC-42', text: 'INC-42' },
        ', ',
        { link: `/console/incidents/${idOf(2)}`, text: idOf(2) },
      ],
    ]);
  });

  test('show hostile text as text', async () => expectHarmless(await markupOf(full), 1));

  test('lead to the records behind the numbers', async () => {
    const links = [...(await markupOf(full)).matchAll(/href="([^"]+)"/g)].map(([, link = '']) =>
      link.replaceAll('&amp;', '&'),
    );
    expect(links).toContain(`/console/incidents/${idOf(1)}`);
    expect(links).toContain('/console/delivery?days=7&figure=time_to_restore&team=payments#records');
    expect(links).toContain('/console/launches');
    expect(links).toContain(`/console/incidents/${idOf(4)}/postmortem`);
  });
});
