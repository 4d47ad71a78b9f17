import { afterEach, describe, expect, test, vi } from 'vitest';
import { GoldenHistories } from './golden-histories.ts';
import { golden, recorded, type Run } from './history.ts';
import type { HistoryEvent } from './recorder.ts';
import { transitionsOf } from './transitions.ts';

afterEach(() => void vi.unstubAllEnvs());

const { runs } = golden('rollback-is-verified');
const altered = (alter: (event: HistoryEvent) => HistoryEvent): Run[] =>
  runs.map((run) => ({ ...run, events: run.events.map(alter) }));

const withRenamedStep = altered((event) => (event.Name === 'roll-back' ? { ...event, Name: 'undo' } : event));

describe('transitions of a run', () => {
  const added = (other: readonly Run[]): string[] => [...transitionsOf(other).difference(transitionsOf(runs))];

  test('contain the names of operations, and how these ended', () => {
    expect(added(withRenamedStep)).toEqual([
      'mitigate: WaitSucceeded settle → StepStarted undo',
      'mitigate: StepStarted undo → StepSucceeded undo',
      'mitigate: StepSucceeded undo → StepStarted conclude',
    ]);
    const withFailedAttempt = altered((event) =>
      event.Name === 'roll-back' && event.EventType === 'StepSucceeded' ? { ...event, EventType: 'StepFailed' } : event,
    );
    expect(added(withFailedAttempt)).toEqual([
      'mitigate: StepStarted roll-back → StepFailed roll-back',
      'mitigate: StepFailed roll-back → StepStarted conclude',
    ]);
  });

  test('do not contain what differs between repetitions and between runbooks', () => {
    const transitions = [...transitionsOf(recorded().flatMap((name) => golden(name).runs))];
    expect(transitions).toContain('step: start → StepStarted prepare');
    expect(transitions.filter((transition) => /-\d|step-|\(/.test(transition))).toEqual([]);
  });
});

test('a transition that no golden history contains is reported, with one of its stories and the command that records it', () => {
  vi.stubEnv('UPDATE_GOLDEN', undefined);
  const histories = new GoldenHistories('incident-response');
  histories.compare('a-story-without-a-history', runs);
  histories.checkTransitions();
  histories.compare('a-new-story', withRenamedStep);
  histories.compare('another-new-story', withRenamedStep);
  expect(() => histories.checkTransitions()).toThrow(
    new Error(`No golden history contains these transitions:
- mitigate: WaitSucceeded settle → StepStarted undo (in "a-new-story")
- mitigate: StepStarted undo → StepSucceeded undo (in "a-new-story")
- mitigate: StepSucceeded undo → StepStarted conclude (in "a-new-story")
To record them: UPDATE_GOLDEN=1 npm test -- test/workflows/golden-histories.test.ts
Look at the new files before they are committed`),
  );
});
