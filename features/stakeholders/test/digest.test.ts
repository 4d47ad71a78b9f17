import { describe, expect, test } from 'vitest';
import {
  type ChannelPause,
  emailTextOf,
  type LastNotification,
  notSent,
  pauseAfter,
  sentLater,
} from '../../../domain/messages/notifications.ts';
import { digestOf, isDue, neverNotified, notificationState, notifiedStateOf } from '../decisions/digest.ts';
import { Config } from '../../../schemas/config/config.ts';
import { DecisionView, type IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { Version } from '../../../schemas/config/names.ts';
import { Stakeholder } from '../stakeholder.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { incident, story } from '../../../test/domain/stories.ts';

const at = '2026-11-20T12:00:00.000Z' as Timestamp;
const minutes = (n: number): Timestamp => plusSeconds(at, n * 60);
const { services } = Config.parse({
  version: 'test',
  services: { checkout: { team: 'payments' }, search: {} },
  paging: {},
});

const resolved = incident({ status: 'resolved', resolved_at: at });
const updated = incident({ handling: { stakeholder_update: { by: 'ada', at, text: 'soon' } } });

const HOURLY = { everyMinutes: 60 };
const before = (of: IncidentRecord, more: Partial<LastNotification> = {}): LastNotification => ({
  ...notificationState(of, at),
  ...more,
});
const NEVER_HEARD = { notified: false };

describe('a stakeholder', () => {
  test.each<[expected: boolean, what: string, IncidentRecord, object, LastNotification | undefined, number?]>([
    [true, 'is notified of an incident', incident(), {}, undefined],
    [false, 'is not notified of a child incident', incident({ parent_id: incident().id }), {}, undefined],
    [false, 'is not notified of a lower severity', incident({ severity: 'warning' }), {}, undefined],
    [
      true,
      'is notified of a lower severity if subscribed to it',
      incident({ severity: 'warning' }),
      { from: 'warning' },
      undefined,
    ],
    [false, 'is not notified of other services', incident(), { services: ['search'] }, undefined],
    [true, 'is notified of services of their team', incident(), { teams: ['payments'] }, undefined],
    [false, 'is not notified twice of the same state', incident(), {}, before(incident())],
    [true, 'is notified of a changed status', incident({ status: 'mitigated' }), {}, before(incident())],
    [true, 'is notified of a lowered severity', incident({ severity: 'warning' }), {}, before(incident())],
    [true, 'is notified of an update', updated, {}, before(incident())],
    [true, 'is notified of the resolution', resolved, {}, before(incident())],
    [false, 'is notified of the resolution only once', resolved, HOURLY, before(resolved), 120],
    [false, 'without an earlier notification is not notified of the resolution', resolved, {}, undefined],
    [
      false,
      'whose earlier notification failed is not notified of the resolution',
      resolved,
      {},
      before(incident(), NEVER_HEARD),
    ],
    [false, 'is not notified before the interval has passed', incident(), HOURLY, before(incident()), 59],
    [true, 'is notified after the interval', incident(), HOURLY, before(incident()), 60],
    [
      false,
      'whose notification was refused is not notified of the same state again',
      incident(),
      HOURLY,
      before(incident(), { refused: true }),
      60,
    ],
    [true, 'whose notification was refused is notified of news', updated, {}, before(incident(), { refused: true })],
    [
      true,
      'whose first notification was refused is notified of news',
      updated,
      {},
      before(incident(), { refused: true, ...NEVER_HEARD }),
    ],
    [
      false,
      'whose first notification was refused is not notified of a lower severity',
      incident({ severity: 'warning' }),
      {},
      before(incident(), { refused: true, ...NEVER_HEARD }),
    ],
    [
      false,
      'is not notified again before the retry time',
      updated,
      {},
      before(incident(), { again: { at: minutes(2), tries: 1 } }),
      1,
    ],
    [
      true,
      'is notified again at the retry time',
      updated,
      {},
      before(incident(), { again: { at: minutes(2), tries: 1 } }),
      2,
    ],
  ])('%s: %s', (expected, _what, now, stakeholder, notification, after = 1) => {
    const recipient = Stakeholder.parse({ email: 'cto@acme.example', ...stakeholder });
    expect(isDue(now, recipient, notification, { services, now: minutes(after), timeScale: 1 })).toBe(expected);
  });

  test('is notified by the scaled clock', () => {
    const recipient = Stakeholder.parse({ email: 'cto@acme.example', ...HOURLY });
    const due = (after: number) =>
      isDue(incident(), recipient, before(incident()), { services, now: minutes(after), timeScale: 60 });
    expect([due(0.9), due(1)]).toEqual([false, true]);
  });
});

describe('a notification', () => {
  const requested = { now: minutes(5), timeScale: 1 };

  test('that was certainly not sent restores the previous state, or records none', () => {
    expect(notSent(before(incident()), minutes(5))).toEqual(before(incident()));
    expect(notSent(undefined, minutes(5))).toEqual({ about: '', at: minutes(5), notified: false });
  });

  test('is repeated after increasing pauses', () => {
    let notification: LastNotification | undefined;
    const waits = Array.from({ length: 8 }, () => {
      notification = sentLater(notification, requested);
      return (Date.parse(notification.again?.at ?? '') - Date.parse(requested.now)) / 60_000;
    });
    expect(waits).toEqual([1, 2, 4, 8, 16, 30, 30, 30]);
    expect(notification).toMatchObject({ about: '', notified: false });
  });

  test('to a rejected recipient is not counted as received, and is not repeated', () => {
    const notification = notificationState(updated, minutes(5));
    expect(neverNotified(notification, undefined)).toEqual({
      about: notifiedStateOf(updated),
      at: minutes(5),
      notified: false,
      refused: true,
    });
    expect(neverNotified(notification, before(incident()))).toMatchObject({ notified: true });
  });
});

test('says what automation would have done in shadow mode', () => {
  const reasons = [{ code: 'suspect', text: 'v2 is new' }];
  const [from_version, to_version] = ['v2', 'v1'].map((version) => Version.parse(version));
  const decision = DecisionView.parse({
    id: '1',
    kind: 'shadow',
    because: 'mode_shadow',
    at,
    digest: 'd',
    state: 'final',
    reasons,
    answered_by: null,
    from_version,
    to_version,
    would: { kind: 'roll_back', reasons },
  });
  const letter = (would: DecisionView[]) => emailTextOf(digestOf(story({ decisions: would })));
  expect(letter([decision])).toContain(
    'What automation would have done\nWould have rolled back from v2 to v1 (shadow mode).\nv2 is new.',
  );
  expect(letter([{ ...decision, kind: 'suggest', would: undefined }])).not.toContain('would have');
});

test('links to the question that waits for an approval', () => {
  const decision = DecisionView.parse({
    id: '1',
    kind: 'suggest',
    because: 'mode_suggest',
    at,
    digest: 'd',
    state: 'waiting',
    reasons: [{ code: 'suspect', text: 'v2 is new' }],
    answered_by: null,
    from_version: Version.parse('v2'),
    to_version: Version.parse('v1'),
  });
  const url = 'https://firebreak.example.com/console/approve/signed';
  const letter = (state: DecisionView['state'], urls = new Map([['1', url]])) =>
    emailTextOf(digestOf(story({ decisions: [{ ...decision, state }] }), undefined, urls));
  expect(letter('waiting')).toMatch(/Waits for an approval\n.*v2.*\nv2 is new\.\n.*console\/approve\/signed/);
  expect(letter('final')).not.toContain('approve');
  expect(letter('waiting', new Map())).not.toContain('Waits for');
});

test('a failing channel pauses for increasing times, and as long as it requests', () => {
  let pause: ChannelPause | undefined;
  const failed = { detail: 'nobody answers', afterSeconds: null };
  const waits = Array.from({ length: 5 }, () => {
    pause = pauseAfter(pause, failed, { now: at, timeScale: 1 });
    return (Date.parse(pause.until) - Date.parse(at)) / 60_000;
  });
  expect(waits).toEqual([1, 2, 4, 5, 5]);
  expect(pauseAfter(undefined, { ...failed, afterSeconds: 300 }, { now: at, timeScale: 60 }).until).toBe(minutes(5));
  expect(pauseAfter(undefined, failed, { now: at, timeScale: 60 }).until).toBe(plusSeconds(at, 1));
});
