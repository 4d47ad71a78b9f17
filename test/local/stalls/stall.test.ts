import { describe, expect, test } from 'vitest';
import { CHECK_EVERY_MS, type Consequence, HEALTHY, judge, type Watched } from '../../../local/stalls/stall.ts';
import { watchdogMs } from '../../../local/stalls/watch.ts';

/** Returns the consequences of each check: `b` with a beat, `-` without one. */
function play(checks: string, { watchdog, elapsed = CHECK_EVERY_MS }: { watchdog?: number; elapsed?: number } = {}) {
  let watched = HEALTHY;
  return [...checks].map((check): Consequence[] => {
    const result = judge(watched, { haveBeaten: [check === 'b'], elapsedMs: elapsed }, watchdog);
    watched = result.watched;
    return result.consequences;
  });
}

describe('a stall', () => {
  test('is reported once, after two seconds without a beat, and again when it ends, with its length', () => {
    expect(play('b-b---b')).toEqual([[], [], [], [], ['report'], [], [{ ended: 0, stalledMs: 4_000 }, 'over']]);
  });

  test('that follows another one is a new one', () => {
    expect(play('--b--')).toEqual([[], ['report'], [{ ended: 0, stalledMs: 3_000 }, 'over'], [], ['report']]);
  });

  test('has no other consequence without a watchdog', () => {
    expect(new Set(play('-'.repeat(600)).flat())).toEqual(new Set(['report']));
  });

  test('of one thread is reported with that thread, and its end does not wait for another one', () => {
    const step = (watched: Watched, ...haveBeaten: boolean[]) =>
      judge(watched, { haveBeaten, elapsedMs: CHECK_EVERY_MS }, undefined);
    const first = step(HEALTHY, true, false);
    const second = step(first.watched, false, false);
    expect([second.consequences, second.watched.longest]).toEqual([['report'], 1]);
    const third = step(second.watched, false, true);
    expect(third.consequences).toEqual([{ ended: 1, stalledMs: 3_000 }]);
    expect(third.watched).toMatchObject({ longest: 0, reported: true });
    expect(step(third.watched, true, true).consequences).toEqual([{ ended: 0, stalledMs: 3_000 }, 'over']);
  });

  test('of one thread counts as that of this thread, although another one misses a beat at its end', () => {
    let watched = HEALTHY;
    const all = [
      [false, true],
      [false, true],
      [false, true],
      [true, false],
      [true, true],
    ].map((haveBeaten) => {
      const result = judge(watched, { haveBeaten, elapsedMs: CHECK_EVERY_MS }, undefined);
      ({ watched } = result);
      return result.consequences;
    });
    expect(all).toEqual([[], ['report'], [], [{ ended: 0, stalledMs: 4_000 }], ['over']]);
  });

  test('of the whole machine is not one of the main thread', () => {
    expect(play('b-', { elapsed: 1_500 })).toEqual([[], []]);
    const resumed = judge(HEALTHY, { haveBeaten: [false], elapsedMs: 3_600_000 }, 60_000);
    expect(resumed.watched.stalledMs).toEqual([2 * CHECK_EVERY_MS]);
    expect(resumed.consequences).not.toContain('store');
  });
});

describe('a watchdog of systemd', () => {
  test('is notified at a third of its time while the main thread beats', () => {
    const at = play('b'.repeat(60), { watchdog: 60_000 }).flatMap((all, index) =>
      all.includes('notify') ? [index + 1] : [],
    );
    expect(at).toEqual([20, 40, 60]);
  });

  test('is not notified during a stall, and at once after it', () => {
    const all = play(`${'-'.repeat(50)}b`, { watchdog: 60_000 });
    expect(all.slice(0, -1).flat()).not.toContain('notify');
    expect(all.at(-1)).toEqual([{ ended: 0, stalledMs: 51_000 }, 'over', 'notify']);
  });

  test('leads to storing the input once, after half of its time', () => {
    const all = play('-'.repeat(60), { watchdog: 60_000 });
    expect(all.flatMap((one, index) => (one.includes('store') ? [index + 1] : []))).toEqual([30]);
  });

  test('stores the input before it restarts the process, whenever the stall begins', () => {
    for (const beats of [1, 5, 19, 20, 21, 39]) {
      const all = play(`${'b'.repeat(beats)}${'-'.repeat(60)}`, { watchdog: 60_000 });
      const notified = all.findLastIndex((one) => one.includes('notify')) + 1;
      expect(all.findIndex((one) => one.includes('store')) + 1).toBeLessThan(notified + 60);
    }
  });
});

describe('the watchdog is that of this process', () => {
  const socket = { NOTIFY_SOCKET: '/run/systemd/notify', WATCHDOG_USEC: '60000000' };
  test.each([
    ['with the time of the unit', socket, 60_000],
    ['if systemd names this process', { ...socket, WATCHDOG_PID: '12' }, 60_000],
    ['not if systemd names another one, such as npm', { ...socket, WATCHDOG_PID: '7' }, undefined],
    ['not without a time', { NOTIFY_SOCKET: '/run/systemd/notify' }, undefined],
    ['not without a socket', { WATCHDOG_USEC: '60000000' }, undefined],
  ])('%s', (_, systemd, expected) => {
    expect(watchdogMs(systemd, 12)).toBe(expected);
  });
});
