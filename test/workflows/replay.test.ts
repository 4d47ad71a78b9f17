import { InvocationStatus } from '@aws/durable-execution-sdk-js';
import { describe, expect, test } from 'vitest';
import type { HistoryEvent } from '../../local/aws/lambda/durable/history.ts';
import { drillHandlerWith } from './stories/drills.ts';
import { golden, recorded, type Run } from './history.ts';
import { handlerWith } from './play.ts';
import { replay, strangers } from './replay.ts';

/** The most moments tried per history. In long histories, the iterations of a loop are all alike. */
const MOMENTS_MAX = 90;

/** Returns the numbers of events after which a history is cut off. */
function moments({ events }: Run): number[] {
  const step = Math.max(1, events.length / MOMENTS_MAX);
  const all = new Set<number>();
  for (let moment = 1; moment < events.length; moment += step) all.add(Math.floor(moment));
  return [...all, events.length - 1];
}

const HANDLERS = { 'incident-response': handlerWith, drill: drillHandlerWith };

const runs = (['incident-response', 'drill'] as const).flatMap((workflow) =>
  recorded(workflow).flatMap((name) =>
    golden(name, workflow).runs.map((run, index) => ({
      name: `${workflow}: ${name}${index === 0 ? '' : `, run ${index + 1}`}`,
      run,
      handlerFor: HANDLERS[workflow],
    })),
  ),
);

const hasEnded = ({ events }: Run): boolean => events.at(-1)?.EventType === 'ExecutionSucceeded';

/** Describes where the current code differs from the history after its first `moment` events; empty if it does not. */
async function differences(run: Run, moment: number, handlerFor: typeof handlerWith): Promise<string[]> {
  const happened = run.events.slice(0, moment);
  const { output, updates, calls } = await replay(happened, handlerFor);
  const begun = new Set([...happened, ...updates].map(({ Id }) => Id));
  const missing = run.events.filter(({ Id }) => !begun.has(Id));
  const early = output.Status === InvocationStatus.SUCCEEDED && (calls.length > 0 || missing.length > 0);
  const wrong = [
    ...strangers(run, updates),
    ...(output.Status === InvocationStatus.FAILED ? [`it failed: ${output.Error.ErrorMessage}`] : []),
    ...(early ? [`it ended, without ${missing.map(({ Name }) => Name).join(', ')}`] : []),
  ];
  return wrong.map((what) => `after event ${moment} (${happened.at(-1)?.EventType} ${happened.at(-1)?.Name}): ${what}`);
}

describe('a recorded history', () => {
  test.each(runs.filter(({ run }) => hasEnded(run)))(
    '$name gives the same result without a call',
    async ({ run, handlerFor }) => {
      const { output, updates, calls } = await replay(run.events.slice(0, -1), handlerFor);
      expect(calls).toEqual([]);
      expect(updates).toEqual([]);
      expect(output).toEqual({ Status: 'SUCCEEDED', Result: JSON.stringify(run.result) });
    },
  );

  test.each(runs)('$name continues as recorded from every moment', async ({ run, handlerFor }) => {
    const found = await Promise.all(moments(run).map((moment) => differences(run, moment, handlerFor)));
    expect(found.flat()).toEqual([]);
  });
});

describe('the replay test detects', () => {
  const run = golden('acts-and-is-verified').runs[0];
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
});
