import { describe, expect, test } from 'vitest';
import type { HistoryEvent } from '../../local/aws/lambda/history.ts';
import { golden, recorded, type Run } from './history.ts';
import { replay, type Replayed, strangers } from './replay.ts';

/** Of a long history not every moment is tried: a loop that was gone through a hundred times is the same each time. */
const MOMENTS_MAX = 90;

/** How many events of a history have happened, at the moments that are tried. */
function moments({ events }: Run): number[] {
  const step = Math.max(1, events.length / MOMENTS_MAX);
  const all = new Set<number>();
  for (let moment = 1; moment < events.length; moment += step) all.add(Math.floor(moment));
  return [...all, events.length - 1];
}

const runs = recorded().flatMap((name) =>
  golden(name).runs.map((run, index) => ({ name: index === 0 ? name : `${name}, run ${index + 1}`, run })),
);

const hasEnded = ({ events }: Run): boolean => events.at(-1)?.EventType === 'ExecutionSucceeded';

/** Whether every operation of the history had begun by then, or has begun now; and none of them waits any more. */
function nothingElseBegins({ events }: Run, moment: number, updates: Replayed['updates']): boolean {
  const begun = new Set([...events.slice(0, moment), ...updates].map(({ Id }) => Id));
  const over = new Set(events.slice(0, moment).filter(({ EventType }) => !EventType.endsWith('Started')).map(({ Id }) => Id));
  const waits = ({ Id, EventType }: HistoryEvent) => /^(Wait|Callback)Started$/.test(EventType) && !over.has(Id);
  return events.every(({ Id }) => begun.has(Id)) && !events.some((event) => waits(event) && !isAbandoned(event));

  /** Nobody waits on it at the end either. */
  function isAbandoned({ Id }: HistoryEvent): boolean {
    return !events.some((event) => event.Id === Id && !event.EventType.endsWith('Started'));
  }
}

describe('a history that was recorded', () => {
  test.each(runs.filter(({ run }) => hasEnded(run)))('$name comes to the same without a single call', async ({ run }) => {
    const { output, updates, calls } = await replay(run.events.slice(0, -1));
    expect(calls).toEqual([]);
    expect(updates).toEqual([]);
    expect(output).toEqual({ Status: 'SUCCEEDED', Result: JSON.stringify(run.result) });
  });

  test.each(runs)('$name goes on as it did, wherever it was cut off', async ({ run }) => {
    await Promise.all(
      moments(run).map(async (moment) => {
        const { output, updates, calls } = await replay(run.events.slice(0, moment));
        const where = `after event ${moment}: ${run.events[moment - 1]?.EventType} ${run.events[moment - 1]?.Name}`;
        expect(strangers(run, updates), where).toEqual([]);
        const ready = calls.length === 0 && nothingElseBegins(run, moment, updates);
        expect(output.Status, where).toBe(ready && hasEnded(run) ? 'SUCCEEDED' : 'PENDING');
      }),
    );
  });
});

describe('the test of replays notices', () => {
  const run = golden('acts-and-is-verified').runs[0];
  const events = (alter: (event: HistoryEvent) => HistoryEvent): HistoryEvent[] => (run?.events ?? []).map(alter);

  test('a step that has another name now', async () => {
    const history = events((event) => (event.Name === 'quiet-hours' ? { ...event, Name: 'silent-hours' } : event));
    const { output } = await replay(history.slice(0, -1));
    expect(output).toMatchObject({ Status: 'FAILED' });
  });

  test('an operation that comes at another place now', async () => {
    const history = events((event) => (event.Name === 'withdraw-questions' ? { ...event, Name: 'resolve-pages' } : event));
    const upToIt = history.findIndex(({ Name }) => Name === 'resolve-pages');
    const { updates } = await replay(history.slice(0, upToIt));
    expect(strangers({ input: null, result: null, events: history }, updates)).toHaveLength(2);
  });
});
