import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { HistoryEvent } from './recorder.ts';
import type { VirtualExecution } from './virtual-executions.ts';

/** A recorded execution: its input, its events, and its result (null: it was stopped). */
export type Run = { input: unknown; result: unknown; events: HistoryEvent[] };

/** The histories of one path through a workflow; more than one if a run has handed over to the next. */
export type Golden = { runs: readonly Run[] };

/** A workflow, with a folder of golden histories; those of a feature are in its folder. */
export type Workflow = 'incident-response' | 'drill' | 'deploy-watch' | 'flag-on' | `features/${string}`;

const folderOf = (workflow: Workflow): string =>
  fileURLToPath(
    new URL(
      workflow.startsWith('features/') ? `../../${workflow}/test/golden` : `../golden/${workflow}`,
      import.meta.url,
    ),
  );

/**
 * Returns the reproducible part of a history. Operation IDs (hashes of positions) and times (set by the story) are
 * reproducible. IDs of callbacks depend on the test, so they are replaced.
 */
export function runOf({ result, error, status }: VirtualExecution, events: readonly HistoryEvent[]): Run {
  const [started] = events;
  if (started?.EventType !== 'ExecutionStarted') throw new Error('a history begins with ExecutionStarted');
  if (error !== null && status !== 'stopped') throw new Error(`the execution failed: ${error}`);
  return {
    input: JSON.parse(payloadOf(started, 'Input') ?? 'null'),
    result: result === null ? null : JSON.parse(result),
    events: events.map(steady),
  };
}

/** @param key `Input` or `Result` */
export function payloadOf(event: HistoryEvent, key: string): string | undefined {
  const details = detailsOf(event)[key] as { Payload?: string } | undefined;
  return details?.Payload;
}

export const detailsOf = (event: HistoryEvent): Record<string, unknown> =>
  (event[`${event.EventType}Details`] ?? {}) as Record<string, unknown>;

/** IDs of callbacks in an execution of `VirtualExecutions`. */
const CALLBACK_ID = /test-[\w-]+\.[0-9a-f]{16}/g;

function steady(event: HistoryEvent): HistoryEvent {
  return JSON.parse(JSON.stringify(event), (key, value: unknown) => {
    if (key === 'StackTrace') return undefined;
    if (key === 'CallbackId') return `callback-${event.Id}`;
    return typeof value === 'string' ? value.replaceAll(CALLBACK_ID, 'callback') : value;
  }) as HistoryEvent;
}

/**
 * Groups events by context, because an operation is identified by its place in its context. Child contexts may
 * interleave differently, but the order inside each is fixed. The end of a child context is its own last event.
 */
function byContext(events: readonly HistoryEvent[]): Record<string, HistoryEvent[]> {
  const names = new Map(events.filter(isContext).map((event) => [event.Id, `${event.Name} (${event.Id})`]));
  const contexts: Record<string, HistoryEvent[]> = {};
  for (const event of events) {
    const inside = isContext(event) && event.EventType !== 'ContextStarted' ? event.Id : event.ParentId;
    (contexts[names.get(inside) ?? 'root'] ??= []).push(event);
  }
  return contexts;
}

const isContext = ({ EventType }: HistoryEvent): boolean => EventType.startsWith('Context');

/** Returns a run in the form in which two runs of the same path are equal. */
export const inContexts = ({ input, result, events }: Run) => ({ input, result, events: byContext(events) });

/** Returns the names of all golden histories, without `.json`; includes subfolders, for example for released versions. */
export const recorded = (workflow: Workflow = 'incident-response'): string[] =>
  readdirSync(folderOf(workflow), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length))
    .toSorted();

export const updating = (): boolean => process.env['UPDATE_GOLDEN'] === '1';

export const isRecorded = (name: string, workflow: Workflow): boolean => existsSync(fileOf(name, workflow));

export const golden = (name: string, workflow: Workflow = 'incident-response'): Golden =>
  JSON.parse(readFileSync(fileOf(name, workflow), 'utf8')) as Golden;

/** Writes one event per line, so that a diff shows which events differ. */
export function record(name: string, { runs }: Golden, workflow: Workflow): void {
  const lines = (events: readonly HistoryEvent[]) => events.map((event) => `    ${JSON.stringify(event)}`).join(',\n');
  const text = runs.map(
    ({ input, result, events }) =>
      `  {\n   "input": ${JSON.stringify(input)},\n   "result": ${JSON.stringify(result)},\n   "events": [\n${lines(events)}\n   ]\n  }`,
  );
  mkdirSync(dirname(fileOf(name, workflow)), { recursive: true });
  writeFileSync(fileOf(name, workflow), `{\n "runs": [\n${text.join(',\n')}\n ]\n}\n`);
}

const fileOf = (name: string, workflow: Workflow): string => join(folderOf(workflow), `${name}.json`);
