import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Told } from '../../domain/outlets.ts';
import type { Log } from '../../domain/ports.ts';
import type { Lease } from '../../domain/projections.ts';
import { pass, type Projector } from '../../projectors/pass.ts';
import type { Subject } from '../../schemas/projection.ts';
import { plusSeconds } from '../../schemas/time.ts';
import { SetClock } from '../support/fake-deps.ts';
import { MemoryProjections } from './memory-projections.ts';

const A: Subject = 'incident:a';
const B: Subject = 'incident:b';
const C: Subject = 'incident:c';

let clock: SetClock;
let projections: MemoryProjections;
/** In so many seconds, as they were asked for. */
let wakes: number[];
let shown: Subject[];
let errors: unknown[];

beforeEach(() => {
  clock = new SetClock('2026-11-20T12:00:00.000Z');
  wakes = [];
  shown = [];
  errors = [];
  projections = new MemoryProjections(clock, (target, afterSeconds) => {
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
  pass('slack', { clock, log, projections }, async (subject, turn) => {
    shown.push(subject);
    await project(subject, turn);
  });

/** Marks them, each a second after the one before; and forgets who was woken for it. */
async function marked(...subjects: Subject[]): Promise<void> {
  for (const subject of subjects) {
    await projections.changed(subject);
    later(1);
  }
  wakes.length = 0;
}

/** Somebody else works there, until it dies. */
async function somebodyElse(): Promise<Lease> {
  const lease = await projections.lease('slack', 15);
  if (lease === undefined) throw new Error('somebody works there already');
  return lease;
}

const waiting = (): number => projections.waiting('slack');

describe('a pass', () => {
  test('shows what is due, oldest first, each once', async () => {
    await marked(B, A, C);
    await showing();
    expect(shown).toEqual([B, A, C]);
    expect([waiting(), wakes]).toEqual([0, []]);
  });

  test('with nothing to show asks for nothing', async () => {
    await showing();
    expect([shown, wakes]).toEqual([[], []]);
  });

  test('shows again what changes while it is shown, and what comes up meanwhile', async () => {
    await marked(A);
    await showing(async () => {
      if (shown.length === 1) await projections.changed(A, C);
    });
    expect(shown).toEqual([A, A, C]);
    expect(waiting()).toBe(0);
  });

  test('leaves what is not yet due, and asks to be woken for it', async () => {
    await marked(A, B);
    await showing(async (subject, turn) => {
      if (subject === A) turn.comeAgain(plusSeconds(clock.now(), 30));
    });
    expect([shown, waiting(), wakes]).toEqual([[A, B], 1, [30]]);
    later(29);
    await showing();
    expect(shown).toEqual([A, B]);
    later(1);
    await showing();
    expect(shown).toEqual([A, B, A]);
    expect(waiting()).toBe(0);
  });

  test('that was told to come again by several comes at the first of these times', async () => {
    await marked(A);
    await showing(async (_, turn) => {
      for (const seconds of [30, 20, 25]) turn.comeAgain(plusSeconds(clock.now(), seconds));
    });
    expect(wakes).toEqual([20]);
  });

  test('asks once to be woken, however many come by before that', async () => {
    await marked(A);
    await showing(async (_, turn) => turn.comeAgain(plusSeconds(clock.now(), 60)));
    for (const _ of [1, 2, 3]) {
      later(5);
      await showing();
    }
    expect(wakes).toEqual([60]);
  });

  test('asks again when something is due before that, and not when it is due after it', async () => {
    await marked(A);
    await showing(async (_, turn) => turn.comeAgain(plusSeconds(clock.now(), 60)));
    await marked(B);
    await showing(async (_, turn) => turn.comeAgain(plusSeconds(clock.now(), 10)));
    expect(wakes).toEqual([10]);
    await marked(C);
    await showing(async (_, turn) => turn.comeAgain(plusSeconds(clock.now(), 100)));
    expect(wakes).toEqual([]);
  });

  test('asks to be woken after a quarter of an hour at most, and then again', async () => {
    await marked(A);
    await showing(async (_, turn) => turn.comeAgain(plusSeconds(clock.now(), 3600)));
    expect(wakes).toEqual([900]);
    later(901);
    await showing();
    expect([shown, wakes]).toEqual([[A], [900, 900]]);
  });

  test('ends in time, and goes on at once with the next one', async () => {
    await marked(A, B, C);
    await showing(async () => later(20));
    expect([shown, waiting(), wakes]).toEqual([[A, B], 1, [0]]);
    await showing();
    expect([shown, waiting()]).toEqual([[A, B, C], 0]);
  });

  test('keeps the others going when one of them has a bug, which comes again in a while', async () => {
    await marked(A, B, C);
    await showing(async (subject) => {
      if (subject === A) throw new TypeError('of undefined');
    });
    expect(shown).toEqual([A, B, C]);
    expect([errors, waiting(), wakes]).toEqual([[A], 1, [60]]);
    later(60);
    await showing();
    expect([shown.at(-1), waiting()]).toEqual([A, 0]);
  });

  test('leaves the pace of the vendor to the next one', async () => {
    const post = { name: 'post', allowances: { post: { perSecond: 0.1, burst: 1 } } };
    const calls: Subject[] = [];
    const posts: Projector = async (subject, turn) => {
      await turn.attempt(post, async (): Promise<Told<null>> => {
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

describe('a pass that shows several side by side', () => {
  const both = (project: Projector) =>
    pass(
      'slack',
      { clock, log, projections },
      async (subject, turn) => {
        shown.push(subject);
        await project(subject, turn);
      },
      { subjects: 2, pause: (_, signal) => sleep(10, undefined, { signal }) },
    );

  test('keeps none waiting for another, as far as there is room, and each subject has one turn at a time', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    await marked(A, B, C);
    const passed = both((subject) => (subject === A ? promise : Promise.resolve()));
    await expect.poll(() => shown).toEqual([A, B, C]);
    await projections.changed(A, B); // while A is still being shown
    await expect.poll(() => shown).toEqual([A, B, C, B]);
    resolve();
    await passed;
    expect(shown).toEqual([A, B, C, B, A]);
    expect(waiting()).toBe(0);
  });

  test('ends for all when its lease has run out', async () => {
    await marked(A, B, C);
    await both(async () => {
      later(16);
      await projections.lease('slack', 15);
    });
    expect([shown, waiting()]).toEqual([[A, B], 3]);
  });
});

describe('a pass where somebody else works', () => {
  test('shows nothing, and comes by again should that one have died', async () => {
    await marked(A);
    await somebodyElse();
    await showing();
    expect([shown, waiting(), wakes]).toEqual([[], 1, [15]]);
    later(16);
    await showing();
    expect([shown, waiting()]).toEqual([[A], 0]);
  });

  test('has nothing to do where nothing is due', async () => {
    await somebodyElse();
    await showing();
    expect(wakes).toEqual([]);
  });

  test('stops when its own lease has run out, and settles nothing any more', async () => {
    await marked(A, B);
    let other: Lease | undefined;
    await showing(async () => {
      later(16);
      other ??= await somebodyElse();
    });
    expect([shown, waiting(), wakes, errors]).toEqual([[A], 2, [], []]);
    expect(await projections.renew(other ?? (await somebodyElse()), 15)).toBe(true); // it was not given back for it
  });

  test('calls no vendor once its lease has run out', async () => {
    await marked(A);
    let calls = 0;
    await showing(async (_, turn) => {
      later(16);
      await somebodyElse();
      await turn.attempt({ name: 'post', allowances: {} }, async (): Promise<Told<null>> => {
        calls += 1;
        return { kind: 'done', value: null };
      });
    });
    expect([calls, waiting(), errors]).toEqual([0, 1, []]);
  });

  test('keeps its lease as long as it works', async () => {
    await marked(A, B, C);
    const others: unknown[] = [];
    await showing(async () => {
      later(10);
      others.push(await projections.lease('slack', 15));
    });
    expect([shown, others, waiting()]).toEqual([[A, B, C], [undefined, undefined, undefined], 0]);
  });

  test('gives it back, and it is free at once', async () => {
    await marked(A);
    await showing();
    expect(await projections.lease('slack', 15)).toBeDefined();
  });

  test('that was marked for in the last moment is woken', async () => {
    await marked(A);
    // Whoever marks at the very end finds the lease taken, and leaves again.
    const { release } = projections;
    projections.release = async (lease) => {
      await release.call(projections, lease);
      await projections.changed(B);
      wakes.length = 0;
    };
    await showing();
    expect([shown, waiting(), wakes]).toEqual([[A], 1, [0]]);
  });
});
