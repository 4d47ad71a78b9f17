import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { MemoryReturn } from '../../local/memory.ts';

const MB = 2 ** 20;

/** Returns in which of the looks memory is returned, if the heap then has as much as at first. */
function returnsOf(looks: readonly (readonly [utilization: number, heapMb: number])[]): number[] {
  const decision = new MemoryReturn(50 * MB);
  return looks.flatMap(([utilization, heapMb], index) => {
    if (!decision.isDue({ utilization, heapBytes: heapMb * MB })) return [];
    decision.returned(50 * MB);
    return [index];
  });
}

describe('memory is returned', () => {
  test('once, when it is quiet after a load', () => {
    const quiet = Array.from({ length: 9 }, () => [0.01, 200] as const);
    expect(returnsOf([[0.9, 120], [0.9, 250], ...quiet.slice(0, 4), ...quiet.map(() => [0.01, 50] as const)])).toEqual([
      5,
    ]);
  });

  test('also if the heap is smaller by then: V8 keeps the pages', () => {
    expect(returnsOf([[0.9, 250], ...Array.from({ length: 4 }, () => [0.01, 60] as const)])).toEqual([4]);
  });

  test('not during a load, nor in its pauses', () => {
    const load = Array.from({ length: 20 }, (_, index) => [index % 4 === 0 ? 0.6 : 0.01, 300] as const);
    expect(returnsOf(load)).toEqual([]);
  });

  test('not if the heap has hardly grown', () => {
    expect(returnsOf([[0.9, 70], ...Array.from({ length: 9 }, () => [0.01, 70] as const)])).toEqual([]);
  });
});

test('a quiet thread after a load makes one collection that reduces memory', () => {
  const memory = join(resolve(import.meta.dirname, '../..'), 'local/memory.ts');
  const script = `
    import { returnMemory } from ${JSON.stringify(memory)};
    globalThis.gc = (options) => {
      console.log(JSON.stringify(options));
      stop();
      clearInterval(alive);
    };
    const alive = setInterval(() => {}, 1000);
    const stop = returnMemory(10);
    globalThis.kept = Array.from({ length: 100 }, () => Array.from({ length: 10_000 }, (_, index) => ({ index })));
  `;
  const args = ['--input-type=module', '--eval', script];
  const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 300_000 });
  expect(stdout).toBe('{"type":"major","execution":"sync","flavor":"last-resort"}\n');
});
