import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  alertKeyOf,
  type Closed,
  highestSeverity,
  isEvent,
  type KnownEpisode,
  noveltyOf,
  opensIncident,
  RETURN_AFTER_SECONDS,
  scopeOf,
} from '../../../../core/domain/alerts/admission.ts';
import type { Mute } from '../../../../core/domain/alerts/routing.ts';
import { Severity } from '../../../../schemas/config/names.ts';
import type { Signal } from '../../../../schemas/alerts/signal.ts';
import { plusSeconds, type Timestamp } from '../../../../schemas/time/time.ts';
import { arrivals, signal } from '../../../support/signals.ts';
import { before, NOON } from '../../arbitraries.ts';
import { runs } from '../../../support/runs.ts';

const firing = signal();
const resolved = signal({ status: 'resolved', endsAt: NOON });

const known = (more: Partial<KnownEpisode> = {}): KnownEpisode => ({
  status: 'firing',
  requestsRollback: true,
  startsAt: firing.startsAt,
  endsAt: null,
  assumed: false,
  incidentId: 'an incident',
  severity: 'critical',
  muted: false,
  unseen: false,
  ...more,
});
const ended = known({ status: 'resolved', endsAt: before(5) });

/** Its end is received a second after noon. */
const endingLater = { ...ended, endReceivedAt: plusSeconds(NOON, 1) };

/** A failed deploy: its episode is over on receipt; its end is reported when a later deploy succeeds. */
const happened = known({ status: 'resolved', endsAt: null });
const failureOver = signal({ source: 'deployment', status: 'resolved', endsAt: NOON });

const slowBurn = signal({
  severity: 'warning',
  requestsRollback: false,
  labels: [
    ['slo', 'checkout-availability'],
    ['long_window', '3d'],
  ],
});
const burning: Signal = { ...slowBurn, startsAt: before(9) };
const closedLongAgo = { resolvedAt: plusSeconds(NOON, -RETURN_AFTER_SECONDS - 1) };

const times = (receivedAt: Timestamp, { at = receivedAt, faultAt = null as Timestamp | null } = {}) => ({
  receivedAt,
  at,
  faultAt,
});
const closedFor = (seconds: number): Closed => ({ resolvedAt: plusSeconds(NOON, -seconds) });
const novelty = (one: Signal, row: KnownEpisode | undefined, closed: Closed = null): string =>
  noveltyOf(one, row, closed, times(NOON));

describe('a signal', () => {
  test.each([
    ['of a new episode opens it', novelty(firing, undefined), 'opens'],
    ['that resolves an unknown episode is only recorded', novelty(resolved, undefined), 'ended'],
    [
      'of an episode that was assumed to have ended returns',
      novelty(firing, known({ status: 'resolved', endsAt: before(5), assumed: true })),
      'returns',
    ],
    [
      'without a start, in transit when its incident closed, is late, even if its episode was assumed to have ended',
      novelty(
        { ...firing, episodic: false },
        known({ status: 'resolved', endsAt: before(5), assumed: true }),
        closedFor(RETURN_AFTER_SECONDS),
      ),
      'nothing',
    ],
    ['that repeats is nothing new', novelty(firing, known()), 'nothing'],
    ['that resolves ends its episode', novelty(resolved, known()), 'resolves'],
    ['that resolves again is nothing new', novelty(resolved, ended), 'nothing'],
    ['that resolves a momentary event ends it', novelty(failureOver, happened), 'resolves'],
    ['and only once', novelty(failureOver, { ...happened, endsAt: NOON }), 'nothing'],
    [
      'that fires late, received before the end of its episode, is nothing new',
      novelty(firing, endingLater),
      'nothing',
    ],
    [
      'that fires late, received before the only notification of its episode, is nothing new',
      novelty(firing, { ...endingLater, unseen: true }),
      'nothing',
    ],
    [
      'that started before an end that was never seen firing is another episode',
      novelty(firing, known({ status: 'resolved', startsAt: before(2), endsAt: NOON, unseen: true })),
      'opens',
    ],
    [
      'that started before the end of another episode that was never seen firing is news',
      novelty(firing, known({ status: 'resolved', startsAt: before(9), endsAt: NOON, unseen: true })),
      'opens',
    ],
    [
      'that newly requests a rollback is a request',
      novelty(firing, known({ requestsRollback: false })),
      'requests_rollback',
    ],
    [
      'that no longer requests a rollback withdraws nothing',
      novelty({ ...firing, requestsRollback: false }, known()),
      'nothing',
    ],
    [
      'that still fires long after its incident closed returns',
      novelty(firing, known(), closedFor(RETURN_AFTER_SECONDS + 1)),
      'returns',
    ],
    [
      'that warns of a slow burn does not return to an incident that verification closed',
      novelty(slowBurn, known({ severity: 'warning' }), { ...closedLongAgo, verified: true }),
      'nothing',
    ],
    [
      'that warns of a slow burn returns to an incident that was closed otherwise',
      novelty(slowBurn, known({ severity: 'warning' }), closedLongAgo),
      'returns',
    ],
    [
      'that warns of a slow burn returns if it is critical now',
      novelty({ ...slowBurn, severity: 'critical' }, known({ severity: 'warning' }), {
        ...closedLongAgo,
        verified: true,
      }),
      'returns',
    ],
    [
      'of another alert returns to an incident that verification closed',
      novelty(firing, known(), { ...closedLongAgo, verified: true }),
      'returns',
    ],
    [
      'in transit when its incident closed does not reopen it',
      novelty(firing, known(), closedFor(RETURN_AFTER_SECONDS)),
      'nothing',
    ],
    [
      'that resolves after its incident closed ends its episode',
      novelty(resolved, known(), closedFor(3600)),
      'resolves',
    ],
    [
      'that fires late, received before the end of its episode, whose incident has closed, is nothing new',
      novelty(firing, endingLater, closedFor(3600)),
      'nothing',
    ],
  ])('%s', (_, actual, expected) => {
    expect(actual).toBe(expected);
  });
});

describe('a severity higher than any before in its episode', () => {
  const row = known({ severity: 'warning' });
  const silent: Mute = { by: 'silence', name: 's', until: null, reason: '' };

  test.each([
    ['is news', novelty(firing, row), 'raised'],
    ['is news without an incident, too', novelty(firing, { ...row, incidentId: null }), 'raised'],
    ['is news to an incident that has just been closed', novelty(firing, row, closedFor(1)), 'returns'],
    ['is news after the end that is known', novelty(firing, { ...ended, severity: 'info' }), 'opens'],
    ['is no news if it is lower', novelty({ ...firing, severity: 'info' }, row), 'nothing'],
    ['is unknown if no severity was stored', novelty(firing, { ...row, severity: null }), 'nothing'],
    ['is no news while the alert is silenced', noveltyOf(firing, row, null, times(NOON), silent), 'nothing'],
  ])('%s', (_, actual, expected) => {
    expect(actual).toBe(expected);
  });
});

test('services, environments, and unmatched names never share an alert, regardless of their fingerprints', () => {
  const anyText = fc.oneof(fc.string({ minLength: 1, unit: 'grapheme' }), fc.constantFrom('a', '#', 'a#b', 'b', ':'));
  const alert = fc.record({
    fingerprint: anyText,
    service: anyText,
    environment: anyText,
    unmatched: fc.option(anyText, { nil: null }),
  });
  fc.assert(
    fc.property(alert, alert, (a, b) => {
      const [one, other] = [a, b].map((names) => alertKeyOf({ ...firing, ...(names as Partial<Signal>) }));
      expect(one === other).toBe(JSON.stringify(a) === JSON.stringify(b));
    }),
    { numRuns: runs(100) },
  );
});

describe('without a start time, the same alert', () => {
  const again = (startsAt: Timestamp) => signal({ episodic: false, startsAt });

  test('fires again after it has ended', () => {
    expect(novelty(again(before(4)), ended)).toBe('opens');
  });

  test.each([before(5), before(6)])('does not fire again by a notification from before its end', (startsAt) => {
    expect(novelty(again(startsAt), ended)).toBe('nothing');
  });

  test('continues while it fires', () => {
    expect(novelty(again(NOON), known())).toBe('nothing');
  });

  test('may fire again if its end had no time', () => {
    expect(novelty(again(NOON), known({ status: 'resolved', startsAt: before(9) }))).toBe('opens');
  });
});

describe('between two notifications an alert ends and starts again:', () => {
  const at = (minutes: number, more: Partial<Signal> = {}) => signal({ startsAt: before(minutes), ...more });
  const over = (began: number, end: number) => at(began, { status: 'resolved', endsAt: before(end) });
  const since = (minutes: number, more: Partial<KnownEpisode> = {}) => known({ startsAt: before(minutes), ...more });
  const received = (one: Signal, row: KnownEpisode, minutes: number) =>
    noveltyOf(one, row, null, times(before(minutes)));
  const until = (minutes: number, began = 9) => since(began, { status: 'resolved', endsAt: before(minutes) });

  test.each([
    ['a later beginning is another episode', novelty(at(5), since(9)), 'opens'],
    ['also if the known episode was assumed to have ended', novelty(at(5), { ...until(2), assumed: true }), 'opens'],
    ['also after an incident that has just been closed', novelty(at(5), since(9), closedFor(1)), 'opens'],
    ['an earlier beginning shows that the end was none', novelty(at(9), until(2, 5)), 'returns'],
    ['an earlier beginning that is received before the end is late', received(at(9), until(2, 5), 3), 'nothing'],
    ['an earlier beginning of a firing episode is nothing new', novelty(at(9), since(5)), 'nothing'],
    [
      'unless its incident was closed, and it goes on',
      novelty(at(9), since(5), closedFor(RETURN_AFTER_SECONDS + 1)),
      'returns',
    ],
    ['a beginning of before the known end shows that it was none', novelty(at(5), until(2)), 'returns'],
    ['one that is received before the end is late', received(at(5), until(2), 3), 'nothing'],
    ['one of after it is news', novelty(at(1), until(2)), 'opens'],
    ['the end of a later episode ends this one', novelty(over(5, 2), since(9)), 'resolves'],
    ['the end of an earlier one, later than this began, ends this one', novelty(over(9, 2), since(5)), 'resolves'],
    ['an end of before this began is late', novelty(over(9, 7), since(5)), 'nothing'],
    ['an end without a time is of now', novelty(at(9, { status: 'resolved' }), since(5)), 'resolves'],
    ['the end of an unknown episode is recorded', novelty(over(1, 0), until(2)), 'ended'],
    ['the end of an earlier episode is nothing new', novelty(over(9, 7), until(2, 5)), 'nothing'],
  ])('%s', (_, actual, expected) => {
    expect(actual).toBe(expected);
  });
});

describe('a start that is reported again after its end', () => {
  const at = (seconds: number) => plusSeconds(NOON, seconds);
  /** Its end is received at noon. */
  const over = known({ status: 'resolved', startsAt: before(9), endsAt: before(1), endReceivedAt: NOON });
  const again = signal({ startsAt: before(9) });
  const received = (
    seconds: number,
    row = over,
    faultAt: Timestamp | null = null,
    one = again,
    closed: Closed = null,
  ) => noveltyOf(one, row, closed, times(at(seconds), { faultAt }));
  const held = { ...over, held: { at: at(5), until: at(60) } };
  const back = { ...over, status: 'firing' as const, endsAt: null, returned: { after: before(1), at: at(61) } };
  const peer = (seconds: number) => signal({ startsAt: plusSeconds(before(9), seconds) });

  test.each([
    ['was received before it', received(-1), 'nothing'],
    ['is held for the delay of a pair', received(60), 'held'],
    ['returns after that', received(61), 'returns'],
    ['of the other sender of a pair, seven seconds earlier, too', received(61, over, null, peer(-7)), 'returns'],
    ['of the other sender of a pair, seven seconds later, too', received(61, over, null, peer(7)), 'returns'],
    ['returns also if a person has just closed the incident', received(61, over, null, again, closedFor(0)), 'returns'],
    ['may be a retry after a refusal', received(400, over, at(100)), 'held'],
    ['is no retry later', received(401, over, at(100)), 'returns'],
    ['is held once', received(30, held), 'nothing'],
    ['fires when the time is over', received(60, held), 'returns'],
    ['was late if its end is reported again', received(30, held, null, { ...again, status: 'resolved' }), 'released'],
    ['is held despite an end from before it', received(4, held, null, { ...again, status: 'resolved' }), 'nothing'],
    ['is news if it is more severe', received(1, { ...over, severity: 'warning' }), 'opens'],
    ['of an assumed end returns, too', received(61, { ...over, assumed: true, endReceivedAt: undefined }), 'returns'],
    [
      'of an assumed end is held, too',
      received(-1, { ...over, assumed: true, endReceivedAt: undefined, endsAt: at(-9) }),
      'held',
    ],
    [
      'can be after its end, if the clock of the sender is ahead',
      received(61, { ...over, endsAt: before(10) }),
      'returns',
    ],
    ['repeats nothing once it has returned', received(99, back), 'nothing'],
    ['repeats nothing, as the copy of the other sender', received(99, back, null, peer(7)), 'nothing'],
    ['is not ended by an end from before', received(60, back, null, { ...again, status: 'resolved' }), 'nothing'],
    ['ends after that', received(62, back, null, { ...again, status: 'resolved' }), 'resolves'],
    ['of an event is no news', received(99, over, null, { ...again, source: 'deployment' }), 'nothing'],
    [
      'of a slow burn is no news after a verified close',
      received(99, over, null, burning, { ...closedLongAgo, verified: true }),
      'nothing',
    ],
  ])('%s', (_, actual, expected) => {
    expect(actual).toBe(expected);
  });
});

describe('after the clock was set back by two hours, a notification', () => {
  const at = (seconds: number) => plusSeconds(NOON, seconds);
  const over = known({ status: 'resolved', startsAt: before(9), endsAt: before(1), endReceivedAt: NOON });
  const held = { ...over, held: { at: at(5), until: at(60) } };
  const back = { ...over, status: 'firing' as const, endsAt: null, returned: { after: before(1), at: at(61) } };
  const again = signal({ startsAt: before(9) });
  const end = { ...again, status: 'resolved' as const };
  const now = at(-7200);
  const reported = (one: Signal, row: KnownEpisode, receivedAt = now) =>
    noveltyOf(one, row, null, times(receivedAt, { at: now }));

  test.each([
    ['of an ended alert reopens it', reported(again, over), 'returns'],
    ['of an alert that is held is decided', reported(again, held), 'returns'],
    ['of the end of what is held is no old one', reported(end, held), 'released'],
    ['ends an alert that has returned', reported(end, back), 'resolves'],
  ])('%s', (_, actual, expected) => {
    expect(actual).toBe(expected);
  });

  test('is older than the end if that was received a minute ahead, as by another process', () => {
    expect(noveltyOf(again, over, null, times(at(-60)))).toBe('nothing');
  });
});

test('the same alert firing again is another episode if its sender reports the start', () => {
  expect(signal({ startsAt: before(1) }).episode).not.toBe(signal({ startsAt: before(2) }).episode);
});

test('in any state, a second delivery of the same signal changes nothing', () => {
  const anySignal = fc
    .record({
      status: fc.constantFrom('firing' as const, 'resolved' as const),
      requestsRollback: fc.boolean(),
      episodic: fc.boolean(),
      severity: fc.constantFrom(...Severity.options),
    })
    .map((more) => signal({ ...more, endsAt: more.status === 'resolved' ? NOON : null }));
  const anyRow = fc.option(
    fc.constantFrom(
      known(),
      ended,
      known({ requestsRollback: false }),
      known({ severity: 'info' }),
      known({ severity: null }),
      { ...ended, severity: 'warning' as const },
    ),
    { nil: undefined },
  );
  fc.assert(
    fc.property(anySignal, anyRow, (one, row) => {
      const first = noveltyOf(one, row, null, times(NOON));
      const after: KnownEpisode =
        first === 'nothing' && row !== undefined
          ? row
          : {
              status: one.status,
              requestsRollback: one.requestsRollback || (row?.requestsRollback ?? false),
              startsAt: one.startsAt,
              endsAt: one.endsAt,
              assumed: false,
              incidentId: null,
              severity:
                first === 'opens'
                  ? one.severity
                  : highestSeverity([one.severity, ...(row?.severity ? [row.severity] : [])]),
              muted: false,
              unseen: first === 'ended',
              ...(one.status === 'resolved' && { endReceivedAt: NOON }),
            };
      expect(noveltyOf(one, after, null, times(NOON))).toBe('nothing');
    }),
  );
});

describe('an incident is opened by', () => {
  const warning = signal({ severity: 'warning', requestsRollback: false });

  test.each([
    ['something critical', [signal({ requestsRollback: false })], true],
    ['something that asks for an action', [signal({ severity: 'info' })], true],
    ['the one of many that does', [warning, warning, signal()], true],
    ['no warning', [warning], false],
    ['nothing that has resolved', [resolved], false],
    ['nothing at all', [], false],
  ])('%s', (_, signals, opens) => {
    expect(opensIncident(arrivals(signals))).toBe(opens);
  });
});

test('the highest severity is the most severe', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...Severity.options)), (severities) => {
      const worst = severities.includes('critical') ? 'critical' : severities.includes('warning') ? 'warning' : 'info';
      expect(highestSeverity(severities)).toBe(worst);
    }),
  );
});

test('a failed deploy is an event, an alert is not', () => {
  expect([isEvent(signal({ source: 'deployment' })), isEvent(firing)]).toEqual([true, false]);
});

test('services and environments never share a scope, regardless of their names', () => {
  const anyName = fc.oneof(
    fc.string({ minLength: 1, unit: 'grapheme' }),
    fc.constantFrom('a', '#', 'a#b', 'b', '%23', '%'),
  );
  const serviceEnvironment = fc.record({
    service: anyName,
    environment: anyName,
    unmatched: fc.option(anyName, { nil: null }),
  });
  fc.assert(
    fc.property(serviceEnvironment, serviceEnvironment, (a, b) => {
      const [one, other] = [a, b].map((names) => scopeOf({ ...firing, ...(names as Partial<Signal>) }));
      expect(one === other).toBe(JSON.stringify(a) === JSON.stringify(b));
    }),
    { numRuns: runs(100) },
  );
});
