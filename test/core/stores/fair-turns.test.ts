import { describe, expect, test } from 'vitest';
import { FairTurns } from '../../../core/stores/fair-turns.ts';

/** Each item takes one millisecond, so that a turn has five. `log`: the items by caller, and `|` between turns. */
function world() {
  let now = 0;
  let log = '';
  const turns = new FairTurns(
    () => now,
    async () => void (log += '|'),
  );
  const run = (caller: string, items: number, name = caller) =>
    turns.map(caller, Array.from({ length: items }).keys(), (item) => {
      now += 1;
      log += name;
      return item;
    });
  return { run, turns, log: () => log.replace(/\|+$/, '') };
}

describe('turns', () => {
  test('a large request has five items in a turn, and its results are in order', async () => {
    const { run, log } = world();
    expect(await run('a', 12)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(log()).toBe('aaaaa|aaaaa|aa');
  });

  test('small requests share a turn', async () => {
    const { run, log } = world();
    await Promise.all([run('a', 2), run('b', 1), run('c', 0), run('d', 2)]);
    expect(log()).toBe('aabdd');
  });

  test('a small request waits for one turn of each other caller, however much they have', async () => {
    const { run, log } = world();
    await Promise.all([...[1, 2, 3].map((n) => run('a', 15, `${n}`)), run('b', 1)]);
    expect(log()).toMatch(/^11111\|b/);
  });

  test('the requests of a caller take turns', async () => {
    const { run, log } = world();
    const order: string[] = [];
    const note = (name: string) => () => void order.push(name);
    await Promise.all([
      run('a', 15, '1').then(note('1')),
      run('a', 15, '2').then(note('2')),
      run('a', 1, '3').then(note('3')),
    ]);
    expect(log()).toMatch(/^11111\|22222\|31111\|/);
    expect(order).toEqual(['3', '1', '2']);
  });

  test('an error ends its request only, and takes no further items', async () => {
    const { run, turns, log } = world();
    let taken = 0;
    const failing = turns.map('a', [1, 2, 3], () => {
      taken += 1;
      throw new Error('unreadable');
    });
    const other = run('b', 7);
    await expect(failing).rejects.toThrow('unreadable');
    expect(taken).toBe(1);
    expect(await other).toHaveLength(7);
    expect(log()).toBe('bbbbb|bb');
    expect(await run('a', 1)).toEqual([0]);
  });

  test('work can wait, and other requests do not interrupt it', async () => {
    const { run, turns, log } = world();
    const first = turns.map('a', [1, 2], async (item) => {
      await Promise.resolve();
      return run.length + item;
    });
    await Promise.all([first, run('b', 1)]);
    expect(await first).toHaveLength(2);
    expect(log()).toBe('b');
  });
});
