import { beforeEach, describe, expect, test } from 'vitest';
import { reminderFor } from '../../../../core/domain/paging/reminders.ts';
import type { IncidentRecord } from '../../../../schemas/incidents/incident.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { Triage } from '../../../../schemas/incidents/triage.ts';
import { NOON } from '../../arbitraries.ts';
import { incident } from '../../stories.ts';

const after = (minutes: number) => plusSeconds(NOON, minutes * 60);

const reminderAt = (one: IncidentRecord, minutes: number, triage: object = {}, timeScale = 1) =>
  reminderFor(one, { triage: Triage.parse(triage), people, timeScale }, after(minutes));

let people: number;
beforeEach(() => (people = 5));

const ada = { name: 'ada', shown: 'Ada', slack: 'U0ADA', at: NOON };
const said = { by: 'ada', at: after(1) };
const cared = { acknowledged: said, triaged: said };

/** Returns all reminders of a day without any response. */
function allOf(one: IncidentRecord, triage: object = {}): string[] {
  let now = one;
  const all: string[] = [];
  for (let minute = 0; minute <= 24 * 60; minute += 1) {
    const due = reminderAt(now, minute, triage);
    if (due === undefined) continue;
    all.push(`${minute} ${due.kind}`);
    now = { ...now, handling: { ...now.handling, reminded: due.reminded } };
  }
  return all;
}

describe('people are reminded', () => {
  test('of missing acknowledgement and triage after five minutes', () => {
    expect(reminderAt(incident(), 4.9)).toBeUndefined();
    expect(reminderAt(incident(), 5)).toMatchObject({
      kind: 'triage',
      text: expect.stringContaining('This incident is not acknowledged yet'),
    });
    expect(reminderAt(incident({ handling: { acknowledged: said } }), 5)?.text).toContain(
      'The severity critical is not confirmed yet',
    );
  });

  test('of the page of a later problem five minutes after that began', () => {
    const onset = { at: after(60), recovered_at: after(30), seq: 3, judged: 1, pages: 1 };
    const again = incident({
      handling: { ...cared, acknowledged: { ...said, page: 1 } },
      roles: { commander: ada },
      pages: 2,
      new_onset: onset,
    });
    const triageAt = (minutes: number) => reminderAt(again, minutes, { updateMinutes: 'off' });
    expect(triageAt(64)).toBeUndefined();
    expect(triageAt(65)?.text).toMatch(/^The newest page of this incident is not acknowledged yet/);
  });

  test('that the commander role is vacant, and who should publish updates', () => {
    expect(reminderAt(incident({ handling: cared }), 10)).toMatchObject({ kind: 'commander', mention: [] });
    const led = incident({ handling: cared, roles: { commander: ada } });
    expect(reminderAt(led, 29)).toBeUndefined();
    expect(reminderAt(led, 30)).toMatchObject({ kind: 'update', mention: ['U0ADA'] });
  });

  test('by name if their Slack ID is unknown', () => {
    const grace = { name: 'grace', shown: 'Grace Moreau', slack: null, at: NOON };
    const led = (roles: IncidentRecord['roles']) => reminderAt(incident({ handling: cared, roles }), 30);
    expect(led({ commander: grace })).toMatchObject({
      text: expect.stringMatching(/^Grace Moreau: No update since the incident was opened/),
      to: { name: 'grace' },
      mention: [],
    });
    expect(led({ commander: ada, communications: grace })?.text).toMatch(/^Grace Moreau: /);
    expect(led({ commander: grace, communications: ada })).toMatchObject({ to: null, mention: ['U0ADA'] });
    expect(led({})).toMatchObject({ text: expect.stringMatching(/^This incident has no commander/), to: null });
  });

  test('with buttons for the action', () => {
    const requested = (one: IncidentRecord, minutes: number) => reminderAt(one, minutes)?.remedies;
    expect(requested(incident(), 5)).toEqual(['acknowledge', 'severity']);
    expect(requested(incident({ handling: { triaged: said } }), 5)).toEqual(['acknowledge']);
    expect(requested(incident({ handling: { acknowledged: said } }), 5)).toEqual(['severity']);
    expect(requested(incident({ handling: cared }), 10)).toEqual(['take_command']);
    expect(requested(incident({ handling: cared, roles: { commander: ada } }), 30)).toEqual(['publish']);
  });

  test('a limited number of times for the same reason', () => {
    expect(allOf(incident())).toEqual([
      '5 triage',
      '10 triage',
      '11 commander',
      '15 triage',
      '21 commander',
      '30 update',
      '31 commander',
      '60 update',
      '90 update',
    ]);
  });

  test('once if the team is small, unless the configuration says how often', () => {
    people = 4;
    expect(allOf(incident())).toEqual(['5 triage', '10 commander', '30 update']);
    expect(allOf(incident(), { times: 2 })).toHaveLength(6);
  });

  test('again some time after an update', () => {
    const updatedAt = {
      ...cared,
      stakeholder_update: { by: 'ada', at: after(50) },
      reminded: { update: { at: after(30), times: 3 } },
    };
    const one = incident({ handling: updatedAt, roles: { commander: ada } });
    expect(reminderAt(one, 79)).toBeUndefined();
    expect(reminderAt(one, 80)?.reminded.update).toEqual({ at: after(80), times: 1 });
  });

  test('of an update at the time that the last one has named, and then at the interval', () => {
    const named = { ...cared, stakeholder_update: { by: 'ada', at: after(50), next_at: after(110) } };
    const one = incident({ handling: named, roles: { commander: ada } });
    expect(reminderAt(one, 109)).toBeUndefined();
    expect(reminderAt(one, 110)?.reminded.update).toEqual({ at: after(110), times: 1 });
    const reminded = { ...named, reminded: { update: { at: after(110), times: 1 } } };
    expect([139, 140].map((minute) => reminderAt({ ...one, handling: reminded }, minute)?.kind)).toEqual([
      undefined,
      'update',
    ]);
  });

  test('of nothing that is turned off', () => {
    const off = { acknowledgeMinutes: 'off', commanderMinutes: 'off', updateMinutes: 'off' };
    expect(allOf(incident(), off)).toEqual([]);
  });

  test.each<[string, Partial<IncidentRecord>]>([
    ['over', { status: 'resolved' }],
    ['a part of another one', { parent_id: incident().id }],
    ['not severe enough', { severity: 'warning' }],
  ])('of nothing that is %s', (_, more) => {
    expect(allOf(incident(more))).toEqual([]);
  });

  test('of a missing commander only until the mitigation', () => {
    const mitigated = incident({ handling: cared, status: 'mitigated' });
    expect(allOf(mitigated)).toEqual(['30 update', '60 update', '90 update']);
  });

  test('sooner with a faster clock', () => {
    expect(reminderAt(incident(), 0.05, {}, 100)?.kind).toBe('triage');
  });
});
