import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import type { VendorResponse } from '../../../core/domain/ports/vendor-response.ts';
import type { Log } from '../../../core/domain/ports/system.ts';
import type { Lease } from '../../../core/domain/incidents/projections.ts';
import { sync, type Projector } from '../../../core/projectors/sync.ts';
import type { Subject } from '../../../schemas/incidents/projection.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { SetClock } from '../../support/fake-deps.ts';
import { StoredProjections } from '../../vendors/projectors/stored-projections.ts';

const A: Subject = 'incident:a';
const B: Subject = 'incident:b';
const C: Subject = 'incident:c';

let clock: SetClock;
let projections: StoredProjections;
/** Requested wake-ups, in seconds. */
let wakes: number[];
let shown: Subject[];
let errors: unknown[];

beforeEach(() => {
  clock = new SetClock('2026-11-20T12:00:00.000Z');
  wakes = [];
  shown = [];
  errors = [];
  projections = new StoredProjections(clock, async (target, afterSeconds) => {
    if (target === 'slack') wakes.push(afterSeconds);
  });
});

const log: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: (_, fields) => void errors.push(fields?.['subject']),
  with: () => log,
};
const later = (seconds: number): void => clock.set(clock.millis + seconds * 1000);
const showing = (project: Projector = async () => undefined) =>
  sync('slack', { clock, log, projections }, async (subject, turn) => {
    shown.push(subject);
    await project(subject, turn);
  });

/** Marks subjects, one per second, and clears the recorded wake-ups. */
async function marked(...subjects: Subject[]): Promise<void> {
  for (const subject of subjects) {
    await projections.changed(subject);
    later(1);
  }
  wakes.length = 0;
}

/** Another projector that holds the lease until it dies. */
async function somebodyElse(): Promise<Lease> {
  const lease = await projections.lease('slack', 15);
  if (lease === undefined) throw new Error('somebody works there already');
  return lease;
}

const waiting = (): Promise<number> => projections.waiting('slack');

describe('a sync', () => {
  test('projects due subjects, oldest first, each once', async () => {
    await marked(B, A, C);
    await showing();
    expect(shown).toEqual([B, A, C]);
    expect([await waiting(), wakes]).toEqual([0, []]);
  });

  test('to a target that is off settles all subjects at once, and uses up no allowance', async () => {
    const subjects = Array.from({ length: 30 }, (_, n): Subject => `incident:${n}`);
    await projections.changed(...subjects);
    wakes.length = 0;
    const method = { name: 'post', allowances: { post: { perSecond: 1, burst: 2 } } };
    const answers: VendorResponse<number>['kind'][] = [];
    const asking = (response: VendorResponse<number>) =>
      showing(
        async (_, turn) => void answers.push((await turn.attempt(method, async () => response))?.kind ?? 'later'),
      );
    await asking({ kind: 'off', detail: 'no token' });
    expect([new Set(answers), answers.length]).toEqual([new Set(['off']), 30]);
    expect([await waiting(), wakes]).toEqual([0, []]);
    answers.length = 0;
    await projections.changed(A, B, C);
    await asking({ kind: 'done', value: 1 });
    expect(answers).toEqual(['done', 'done', 'later']);
  });

  test('without due subjects schedules nothing', async () => {
    await showing();
    expect([shown, wakes]).toEqual([[], []]);
  });

  test('projects a subject again that changes during its projection, and new subjects', async () => {
    await marked(A);
    await showing(async () => {
      if (shown.length === 1) await projections.changed(A, C);
    });
    expect(shown).toEqual([A, A, C]);
    expect(await waiting()).toBe(0);
  });

  test('schedules a wake-up for subjects that are not due yet', async () => {
    await marked(A, B);
    await showing(async (subject, turn) => {
      if (subject === A) turn.scheduleNext(plusSeconds(clock.now(), 30));
    });
    expect([shown, await waiting(), wakes]).toEqual([[A, B], 1, [30]]);
    later(29);
    await showing();
    expect(shown).toEqual([A, B]);
    later(1);
    await showing();
    expect(shown).toEqual([A, B, A]);
    expect(await waiting()).toBe(0);
  });

  test('with several scheduled turns uses the earliest time', async () => {
    await marked(A);
    await showing(async (_, turn) => {
      for (const seconds of [30, 20, 25]) turn.scheduleNext(plusSeconds(clock.now(), seconds));
    });
    expect(wakes).toEqual([20]);
  });

  test('schedules one wake-up, even if other passes run before it', async () => {
    await marked(A);
    await showing(async (_, turn) => turn.scheduleNext(plusSeconds(clock.now(), 60)));
    for (const _ of [1, 2, 3]) {
      later(5);
      await showing();
    }
    expect(wakes).toEqual([60]);
  });

  test('schedules another wake-up only for an earlier due time', async () => {
    await marked(A);
    await showing(async (_, turn) => turn.scheduleNext(plusSeconds(clock.now(), 60)));
    await marked(B);
    await showing(async (_, turn) => turn.scheduleNext(plusSeconds(clock.now(), 10)));
    expect(wakes).toEqual([10]);
    await marked(C);
    await showing(async (_, turn) => turn.scheduleNext(plusSeconds(clock.now(), 100)));
    expect(wakes).toEqual([]);
  });

  test('schedules wake-ups at most 15 minutes ahead', async () => {
    await marked(A);
    await showing(async (_, turn) => turn.scheduleNext(plusSeconds(clock.now(), 3600)));
    expect(wakes).toEqual([900]);
    later(901);
    await showing();
    expect([shown, wakes]).toEqual([[A], [900, 900]]);
  });

  test('ends after its time limit, and continues immediately in the next pass', async () => {
    await marked(A, B, C);
    await showing(async () => later(20));
    expect([shown, await waiting(), wakes]).toEqual([[A, B], 1, [0]]);
    await showing();
    expect([shown, await waiting()]).toEqual([[A, B, C], 0]);
  });

  test('continues after an exception for one subject, which is retried later', async () => {
    await marked(A, B, C);
    await showing(async (subject) => {
      if (subject === A) throw new TypeError('of undefined');
    });
    expect(shown).toEqual([A, B, C]);
    expect([errors, await waiting(), wakes]).toEqual([[A], 1, [60]]);
    later(60);
    await showing();
    expect([shown.at(-1), await waiting()]).toEqual([A, 0]);
  });

  test('stores the pace of the vendor for the next pass', async () => {
    const post = { name: 'post', allowances: { post: { perSecond: 0.1, burst: 1 } } };
    const calls: Subject[] = [];
    const posts: Projector = async (subject, turn) => {
      await turn.attempt(post, async (): Promise<VendorResponse<null>> => {
        calls.push(subject);
        return { kind: 'done', value: null };
      });
    };
    await marked(A, B);
    await showing(posts);
    expect([calls, wakes]).toEqual([[A], [10]]);
    later(5);
    await marked(C);
    await showing(posts);
    expect(calls).toEqual([A]);
    later(5);
    await showing(posts);
    expect(calls).toEqual([A, B]);
  });
});

describe('a sync with parallel subjects', () => {
  const both = (project: Projector) =>
    sync(
      'slack',
      { clock, log, projections },
      async (subject, turn) => {
        shown.push(subject);
        await project(subject, turn);
      },
      { subjects: 2, pause: (_, signal) => sleep(10, undefined, { signal }) },
    );

  test('runs subjects in parallel up to its limit, with one turn per subject at a time', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    await marked(A, B, C);
    const passed = both((subject) => (subject === A ? promise : Promise.resolve()));
    await expect.poll(() => shown).toEqual([A, B, C]);
    await projections.changed(A, B); // while A is being projected
    await expect.poll(() => shown).toEqual([A, B, C, B]);
    resolve();
    await passed;
    expect(shown).toEqual([A, B, C, B, A]);
    expect(await waiting()).toBe(0);
  });

  test('ends for all subjects when its lease has expired', async () => {
    await marked(A, B, C);
    await both(async () => {
      later(16);
      await projections.lease('slack', 15);
    });
    expect([shown, await waiting()]).toEqual([[A, B], 3]);
  });
});

describe('a sync with another projector', () => {
  test('projects nothing, and checks again in case the other projector has died', async () => {
    await marked(A);
    await somebodyElse();
    await showing();
    expect([shown, await waiting(), wakes]).toEqual([[], 1, [15]]);
    later(16);
    await showing();
    expect([shown, await waiting()]).toEqual([[A], 0]);
  });

  test('schedules nothing if nothing is due', async () => {
    await somebodyElse();
    await showing();
    expect(wakes).toEqual([]);
  });

  test('stops when its own lease has expired, and settles nothing', async () => {
    await marked(A, B);
    let other: Lease | undefined;
    await showing(async () => {
      later(16);
      other ??= await somebodyElse();
    });
    expect([shown, await waiting(), wakes, errors]).toEqual([[A], 2, [], []]);
    expect(await projections.renew(other ?? (await somebodyElse()), 15)).toBe(true); // the other lease was not released
  });

  test('makes no call after its lease has expired', async () => {
    await marked(A);
    let calls = 0;
    await showing(async (_, turn) => {
      later(16);
      await somebodyElse();
      await turn.attempt({ name: 'post', allowances: {} }, async (): Promise<VendorResponse<null>> => {
        calls += 1;
        return { kind: 'done', value: null };
      });
    });
    expect([calls, await waiting(), errors]).toEqual([0, 1, []]);
  });

  test('renews its lease while it works', async () => {
    await marked(A, B, C);
    const others: unknown[] = [];
    await showing(async () => {
      later(10);
      others.push(await projections.lease('slack', 15));
    });
    expect([shown, others, await waiting()]).toEqual([[A, B, C], [undefined, undefined, undefined], 0]);
  });

  test('releases its lease at the end', async () => {
    await marked(A);
    await showing();
    expect(await projections.lease('slack', 15)).toBeDefined();
  });

  test('is woken for a subject that was marked at the last moment', async () => {
    await marked(A);
    // A projector that is woken at the very end finds the lease taken, and ends.
    const { release } = projections;
    projections.release = async (lease) => {
      await release.call(projections, lease);
      await projections.changed(B);
      wakes.length = 0;
    };
    await showing();
    expect([shown, await waiting(), wakes]).toEqual([[A], 1, [0]]);
  });
});
