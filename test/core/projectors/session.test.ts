import { beforeEach, describe, expect, test } from 'vitest';
import type { VendorResponse } from '../../../core/domain/ports/vendor-response.ts';
import { type SyncContext, type Method, SyncSession } from '../../../core/projectors/session.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { SetClock, silent } from '../../support/fake-deps.ts';

let clock: SetClock;
let desk: SyncContext;
let turn: SyncSession;
let calls: number;
let subjects: number;

beforeEach(() => {
  clock = new SetClock('2026-11-20T12:00:00.000Z');
  desk = {
    clock,
    log: silent,
    pace: { buckets: {}, blocked: {} },
    timeScale: 1,
    inProgress: new Map(),
    turns: new Map(),
    until: null,
    renewLease: async () => undefined,
  };
  turn = new SyncSession(desk, 'first');
  calls = 0;
  subjects = 0;
});

const later = (seconds: number): void => clock.set(clock.millis + seconds * 1000);
const inSeconds = (seconds: number) => plusSeconds(clock.now(), seconds);

const POST: Method = { name: 'post', allowances: { post: { perSecond: 1, burst: 1 } } };
const EDIT: Method = { name: 'edit', allowances: {} };

const done: VendorResponse<string> = { kind: 'done', value: 'id' };
const attempt = (response: VendorResponse<string>, method = EDIT, record?: Parameters<SyncSession['attempt']>[2]) =>
  turn.attempt(
    method,
    async () => {
      calls += 1;
      return response;
    },
    record,
  );

/** Starts the session of the next subject in the same sync. */
const nextTurn = (): void => {
  subjects += 1;
  turn = new SyncSession(desk, `subject ${subjects}`);
};

describe('an attempt', () => {
  test('that succeeds returns its result and ends the turn', async () => {
    expect(await attempt(done)).toEqual(done);
    expect(turn.nextAt).toBeNull();
  });

  test('without allowance is not made, and is scheduled for when there is one', async () => {
    await attempt(done, POST);
    expect(await attempt(done, POST)).toBeUndefined();
    expect([calls, turn.nextAt]).toEqual([1, inSeconds(1)]);
    later(1);
    expect(await attempt(done, POST)).toEqual(done);
  });

  test('without allowance comes after those that wait for the same one, within a minute', async () => {
    await attempt(done, POST);
    const turns: (string | null)[] = [];
    for (let subject = 0; subject < 70; subject += 1) {
      nextTurn();
      expect(await attempt(done, POST)).toBeUndefined();
      turns.push(turn.nextAt);
    }
    const seconds = [...Array.from({ length: 60 }, (_, n) => n + 1), ...Array.from({ length: 10 }, () => 60)];
    expect(turns).toEqual(seconds.map(inSeconds));
    turn = new SyncSession(desk, 'subject 5'); // it changes again, and keeps its turn
    expect([await attempt(done, POST), turn.nextAt]).toEqual([undefined, inSeconds(5)]);
    later(30);
    nextTurn();
    expect(await attempt(done, POST)).toEqual(done);
  });

  test('that certainly failed is retried at the time that the vendor gives', async () => {
    const response: VendorResponse<string> = { kind: 'later', detail: 'answered 429', afterSeconds: 30 };
    expect(await attempt(response)).toEqual(response);
    expect(turn.nextAt).not.toBeNull();
    later(1);
    nextTurn();
    expect(await attempt(done)).toBeUndefined();
    expect([calls, turn.nextAt]).toEqual([1, inSeconds(29)]);
    nextTurn();
    expect(await attempt(done, POST)).toEqual(done); // another method
  });

  test('with an unclear outcome delays all calls to the vendor', async () => {
    await attempt({ kind: 'unclear', detail: 'no answer' });
    nextTurn();
    expect(await attempt(done, POST)).toBeUndefined();
    expect(turn.nextAt).toEqual(inSeconds(5));
    later(5);
    expect(await attempt(done, POST)).toEqual(done);
  });

  test.each([
    { kind: 'refused', code: 'is_archived', detail: 'is_archived' },
    { kind: 'off', detail: 'no token' },
  ] as const)('that is $kind is handled by the caller', async (told) => {
    expect(await attempt(told)).toEqual(told);
    expect(turn.nextAt).toBeNull();
    expect(await attempt(done)).toEqual(done);
  });

  test('is not made after another projector has taken over, and returns nothing then', async () => {
    let held = 2; // checks before the record, and right before the call
    desk.renewLease = async () => {
      held -= 1;
      if (held < 0) throw new Error('the lease has run out');
    };
    await expect(attempt(done)).rejects.toThrow('the lease has run out');
    expect(calls).toBe(1);
    await expect(attempt(done)).rejects.toThrow('the lease has run out');
    expect(calls).toBe(1);
  });
});

describe('an attempt with a record', () => {
  test('is recorded with its time after the allowance is checked', async () => {
    const recorded: string[] = [];
    const record = async (at: string) => recorded.push(at) > 0;
    await attempt(done, POST, record);
    await attempt(done, POST, record);
    expect([recorded, calls]).toEqual([[clock.now()], 1]);
  });

  test('is not made while it is in progress elsewhere, and uses no allowance', async () => {
    expect(await attempt(done, POST, async () => false)).toBeUndefined();
    expect([calls, turn.nextAt]).toEqual([0, inSeconds(1)]);
    expect(await attempt(done, POST)).toEqual(done);
  });

  test('is not made if storing the record took too long, because the record may be outdated', async () => {
    const slow = async (): Promise<boolean> => {
      later(6);
      return true;
    };
    expect(await attempt(done, POST, slow)).toMatchObject({ kind: 'later' });
    expect([calls, turn.nextAt]).toEqual([0, clock.now()]);
  });
});

describe('a turn', () => {
  test('is scheduled for the earliest requested time', () => {
    expect(turn.nextAt).toBeNull();
    for (const seconds of [30, 10, 20]) turn.scheduleNext(inSeconds(seconds));
    expect(turn.nextAt).toEqual(inSeconds(10));
  });

  test('retries refusals every minute, less often after the end, until a day after the end', () => {
    turn.scheduleRetryAfterRefusal(null);
    expect(turn.nextAt).toEqual(inSeconds(60));
    nextTurn();
    turn.scheduleRetryAfterRefusal(inSeconds(-24 * 3600 + 1));
    expect(turn.nextAt).toEqual(inSeconds(600));
    nextTurn();
    turn.scheduleRetryAfterRefusal(inSeconds(-24 * 3600));
    expect(turn.nextAt).toBeNull();
  });
});

describe('parallel attempts', () => {
  const held = () => Promise.withResolvers<VendorResponse<string>>();
  const LATER: VendorResponse<string> = { kind: 'later', detail: 'no answer', afterSeconds: null };

  test('of one method run one after the other, and none after an unanswered one', async () => {
    const answer = held();
    const other = new SyncSession(desk, 'other');
    const first = turn.attempt(EDIT, () => answer.promise);
    const second = other.attempt(EDIT, async () => {
      calls += 1;
      return done;
    });
    await Promise.resolve();
    expect(calls).toBe(0);
    answer.resolve(LATER);
    expect([await first, await second, calls]).toEqual([LATER, undefined, 0]);
    expect(other.nextAt).toBe(inSeconds(5));
  });

  test('of several methods do not wait for each other, and share their allowances', async () => {
    const answer = held();
    const first = turn.attempt(EDIT, () => answer.promise);
    expect(await new SyncSession(desk, 'other').attempt(POST, async () => done)).toEqual(done);
    answer.resolve(done);
    await first;
    expect(await new SyncSession(desk, 'other').attempt(POST, async () => done)).toBeUndefined();
    expect(desk.inProgress.size).toBe(0);
  });

  test('are not started after the time limit of the pass', async () => {
    desk = { ...desk, until: inSeconds(10) };
    const [answer, late] = [held(), new SyncSession(desk, 'other')];
    const first = new SyncSession(desk, 'other').attempt(EDIT, () => answer.promise);
    const second = late.attempt(EDIT, async () => done);
    later(11);
    answer.resolve(done);
    expect([await first, await second, late.nextAt]).toEqual([done, undefined, clock.now()]);
  });
});
