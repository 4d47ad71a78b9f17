import { describe, expect, test } from 'vitest';
import { golden, type Run } from './history.ts';
import { handlerWith } from './play.ts';
import type { HistoryEvent } from './recorder.ts';
import { differencesFrom, onceAfterEach, recordedRuns, replay, strangers } from './replay.ts';

const hasEnded = ({ events }: Run): boolean => events.at(-1)?.EventType === 'ExecutionSucceeded';

describe('a recorded history', () => {
  test.each(recordedRuns.filter(({ run }) => hasEnded(run)))(
    '$name gives the same result without a call',
    async ({ run, handlerFor }) => {
      const { output, updates, calls } = await replay(run.events.slice(0, -1), handlerFor);
      expect(calls).toEqual([]);
      expect(updates).toEqual([]);
      expect(output).toEqual({ Status: 'SUCCEEDED', Result: JSON.stringify(run.result) });
    },
  );

  const moments = onceAfterEach(recordedRuns);
  test.each(recordedRuns.filter(({ run }) => moments.get(run)?.length !== 0))(
    '$name continues as recorded after each transition that no shorter one has',
    async ({ run, handlerFor }) => {
      expect(await differencesFrom(run, moments.get(run) ?? [], handlerFor)).toEqual([]);
    },
  );
});

describe('the replay test detects', () => {
  const run = golden('rollback-is-verified').runs[0];
  const events = (alter: (event: HistoryEvent) => HistoryEvent): HistoryEvent[] => (run?.events ?? []).map(alter);

  test('a renamed step', async () => {
    const history = events((event) =>
      event.Name === 'withdraw-questions' ? { ...event, Name: 'take-back-questions' } : event,
    );
    const { output } = await replay(history.slice(0, -1));
    expect(output).toMatchObject({ Status: 'FAILED' });
  });

  test('an operation at a different place', async () => {
    const history = events((event) =>
      event.Name === 'withdraw-questions' ? { ...event, Name: 'resolve-pages' } : event,
    );
    const upToIt = history.findIndex(({ Name }) => Name === 'resolve-pages');
    const { updates } = await replay(history.slice(0, upToIt));
    expect(strangers({ input: null, result: null, events: history }, updates)).toHaveLength(2);
  });

  test('a branch that ends too early', async () => {
    const history = events((event) => event);
    const end = history.findIndex(({ Name, EventType }) => Name === 'page-1' && EventType === 'ContextSucceeded');
    const more = { EventType: 'StepStarted', EventTimestamp: 0, Id: 'more', Name: 'more', ParentId: history[end]?.Id };
    history.splice(end, 0, more as HistoryEvent);
    const differences = await differencesFrom({ input: null, result: null, events: history }, 'first', handlerWith);
    expect(differences.join('\n')).toContain('a branch ended, without more');
  });
});

test.each(['page-1', 'mitigate-1', 'confirm-alerts-1'])(
  'an end of branch %s that this code cannot read fails the run, and neither the process nor another branch',
  async (name) => {
    const run = golden('rollback-is-verified').runs[0];
    const events = (run?.events ?? []).map((event) =>
      event.Name === name && event.EventType === 'ContextSucceeded'
        ? { ...event, ContextSucceededDetails: { Result: { Payload: '"succeeded"', Truncated: false } } }
        : event,
    );
    const { output, calls } = await replay(events.slice(0, -1));
    expect(output).toMatchObject({
      Status: 'FAILED',
      Error: { ErrorMessage: expect.stringContaining(`Cannot read the recorded end of branch "${name}"`) },
    });
    expect(calls).toEqual([]);
  },
);
