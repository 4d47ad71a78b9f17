import { describe, expect, test } from 'vitest';
import {
  type ChannelPause,
  emailTextOf,
  isPaused,
  type LastNotification,
  notSent,
  pauseAfter,
  sentLater,
} from '../../../core/domain/messages/notifications.ts';
import { isDue, neverNotified, nextNotification, notificationState, notifiedStateOf } from '../decisions/digest.ts';
import { statusUpdate } from '../decisions/status-update.ts';
import { Config } from '../../../schemas/config/config.ts';
import { DecisionView, type IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { Version } from '../../../schemas/config/names.ts';
import { Stakeholder } from '../stakeholder.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { incident, story } from '../../../test/core/stories.ts';

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
const NOT_NOTIFIED = { notified: false };

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
      before(incident(), NOT_NOTIFIED),
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
      before(incident(), { refused: true, ...NOT_NOTIFIED }),
    ],
    [
      false,
      'whose first notification was refused is not notified of a lower severity',
      incident({ severity: 'warning' }),
      {},
      before(incident(), { refused: true, ...NOT_NOTIFIED }),
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
      'is notified again at once if the clock was set back since',
      updated,
      {},
      before(incident(), { again: { at: minutes(122), tries: 1 } }),
      1,
    ],
    [
      true,
      'is notified at an interval although the clock was set back since',
      incident(),
      HOURLY,
      before(incident(), { at: minutes(120) }),
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

describe('an update', () => {
  const text = (more: Parameters<typeof story>[0], next: Timestamp | null = null) =>
    emailTextOf(statusUpdate(story(more), {}, next));
  const order = (said: string) =>
    ['\nImpact\n', '\nWhat is being done\n', '\nNext update\n', '\nStatus: '].map((heading) => said.indexOf(heading));

  test('says the impact, what is being done, and when more follows, in this order', () => {
    const said = text({ incident: updated }, minutes(60));
    expect(order(said)).toEqual(order(said).toSorted((a, b) => a - b));
    expect(order(said)).not.toContain(-1);
    expect(said).toContain('\nImpact\ncheckout in production: errors\nSince 2026-11-20 12:00 UTC.\n');
    expect(said).toContain('\nWhat is being done\nsoon\n(posted 2026-11-20 12:00 UTC)\nNobody has taken over yet.\n');
    expect(said).toContain('\nNext update\nBy 2026-11-20 13:00 UTC, or earlier if something changes.\n');
  });

  test.each<[string, Partial<IncidentRecord>]>([
    ['A fix is being applied.', { status: 'mitigating' }],
    ['A fix is in place. Whether it helps is being checked.', { status: 'mitigated', verification: 'pending' }],
    ['A fix is in place, and the service recovered.', { status: 'mitigated', verification: 'passed' }],
    [
      'The service recovered.',
      {
        status: 'mitigated',
        verification: 'passed',
        verifying: { number: 1, at },
        new_onset: { at, recovered_at: at, seq: 2, judged: 1, after: { number: 1 } },
      },
    ],
    ['A fix did not help. Responders look for another one.', { verification: 'failed' }],
    ['The problem is over: the service recovered.', { status: 'resolved', resolved_at: at }],
    ['A responder closed the incident.', { status: 'resolved', resolved_at: at, resolved_by: 'person:ada' }],
    [
      'The incident was closed, but nothing has shown that the service recovered.',
      { status: 'resolved', resolved_at: at, resolved_by: 'firebreak:quiet' },
    ],
  ])('says in plain words: %s', (expected, of) => {
    expect(text({ incident: incident(of) })).toContain(`\nWhat is being done\n${expected}\n`);
  });

  test('says that nothing follows the end, unless the problem returns', () => {
    expect(text({ incident: resolved })).toContain('\nNext update\nNone, unless the problem returns.\n');
    expect(text({})).toContain('\nNext update\nWhen the status changes, or a responder posts an update.\n');
  });

  test('follows after the interval of the stakeholder', () => {
    const next = (of: IncidentRecord, everyMinutes: Stakeholder['everyMinutes'], timeScale = 1) =>
      nextNotification(of, { everyMinutes }, { now: at, timeScale });
    expect(next(incident(), 60)).toBe(minutes(60));
    expect(next(incident(), 60, 60)).toBe(minutes(1));
    expect(next(incident(), 'changes')).toBe(null);
    expect(next(resolved, 60)).toBe(null);
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
  const emailText = (would: DecisionView[]) => emailTextOf(statusUpdate(story({ decisions: would })));
  expect(emailText([decision])).toContain(
    'What automation would have done\nWould have rolled back from v2 to v1 (shadow mode).\nv2 is new.',
  );
  expect(emailText([{ ...decision, kind: 'suggest', would: undefined }])).not.toContain('would have');
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
  const emailText = (state: DecisionView['state'], urls = new Map([['1', url]])) =>
    emailTextOf(statusUpdate(story({ decisions: [{ ...decision, state }] }), { approvals: urls }));
  expect(emailText('waiting')).toMatch(/Waits for an approval\n.*v2.*\nv2 is new\.\n.*console\/approve\/signed/);
  expect(emailText('final')).not.toContain('approve');
  expect(emailText('waiting', new Map())).not.toContain('Waits for');
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

test('a channel does not pause longer when the clock is set back', () => {
  const pause = pauseAfter(undefined, { detail: 'nobody answers', afterSeconds: 300 }, { now: at, timeScale: 1 });
  expect([minutes(0), minutes(4), minutes(5), minutes(-120)].map((now) => isPaused(pause, now))).toEqual([
    true,
    true,
    false,
    false,
  ]);
});
