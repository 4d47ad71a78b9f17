import { inContexts, type Run } from './history.ts';
import type { HistoryEvent } from './recorder.ts';

/** Returns the transitions of runs. */
export const transitionsOf = (runs: readonly Run[]): Set<string> =>
  new Set(runs.flatMap((run) => [...transitionsIn(run).values()]));

/**
 * Returns the transition of each event: from the event before it in its context. So the end of an operation counts as
 * well: success, failure before a retry, or time-out.
 */
export const transitionsIn = (run: Run): Map<HistoryEvent, string> =>
  new Map(
    Object.entries(inContexts(run).events).flatMap(([context, events]) =>
      events.map((event, index) => {
        const before = events[index - 1];
        return [event, `${kindOf(context)}: ${before ? wordsOf(before) : 'start'} → ${wordsOf(event)}`] as const;
      }),
    ),
  );

const wordsOf = ({ EventType, Name }: HistoryEvent): string => `${EventType} ${kindOf(Name)}`.trim();

/** Returns the name of an operation without its number, its ID, and the name that a runbook gave to its step. */
const kindOf = (name = ''): string =>
  name
    .replace(/ \(.*\)$/, '')
    .replace(/-\d+$/, '')
    .replace(/^step-.*$/, 'step');
