import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { HistoryEvent } from '../../local/aws/lambda/history.ts';
import type { ExecutionRow } from '../../local/aws/lambda/store.ts';

/** One execution as it was recorded: what it began with, what happened, what it came to (null: it was stopped). */
export type Run = { input: unknown; result: unknown; events: HistoryEvent[] };

/** The histories of one path through a workflow; more than one where a run has handed over to the next. */
export type Golden = { runs: Run[] };

/** Which workflow's: each has a folder. */
export type Workflow = 'incident-response' | 'drill';

const folderOf = (workflow: Workflow): string => fileURLToPath(new URL(`../golden/${workflow}`, import.meta.url));

/**
 * What of a history is the same each time. Operation ids are (they are hashes of positions), and times are the story's;
 * the ids of execution, callbacks and invocations are chance. When handlers suspended is not part of what happened.
 */
export function runOf({ result, error, status }: ExecutionRow, events: readonly HistoryEvent[]): Run {
  const [started] = events;
  if (started?.EventType !== 'ExecutionStarted') throw new Error('a history begins with ExecutionStarted');
  if (error !== null && status !== 'STOPPED') throw new Error(`the execution failed: ${error}`);
  const root = started.Id;
  return {
    input: JSON.parse(payloadOf(started, 'Input') ?? 'null'),
    result: result === null ? null : JSON.parse(result),
    events: events.filter(({ EventType }) => EventType !== 'InvocationCompleted').map((event) => steady(event, root)),
  };
}

/** @param key `Input` or `Result` */
export function payloadOf(event: HistoryEvent, key: string): string | undefined {
  const details = detailsOf(event)[key] as { Payload?: string } | undefined;
  return details?.Payload;
}

export const detailsOf = (event: HistoryEvent): Record<string, unknown> =>
  (event[`${event.EventType}Details`] ?? {}) as Record<string, unknown>;

/** The emulation's callback ids are base64 of `["arn:…`. */
const CALLBACK_ID = /WyJhcm46[\w-]+/g;

function steady(event: HistoryEvent, root: string | undefined): HistoryEvent {
  return JSON.parse(JSON.stringify(event), (key, value: unknown) => {
    if (key === 'StackTrace' || key === 'ExecutionTimeout') return undefined;
    if (key === 'Name' && event.EventType.startsWith('Execution')) return undefined;
    if (key === 'Id' && value === root) return 'execution';
    if (key === 'CallbackId') return `callback-${event.Id}`;
    return typeof value === 'string' ? value.replaceAll(CALLBACK_ID, 'callback') : value;
  }) as HistoryEvent;
}

/**
 * The events of each context by themselves, since operations are known by their place in their context: how branches
 * interleave may differ, the order inside each may not. A branch's own end is its last event.
 */
export function byContext(events: readonly HistoryEvent[]): Record<string, HistoryEvent[]> {
  const names = new Map(events.filter(isContext).map((event) => [event.Id, `${event.Name} (${event.Id})`]));
  const contexts: Record<string, HistoryEvent[]> = {};
  for (const event of events) {
    const inside = isContext(event) && event.EventType !== 'ContextStarted' ? event.Id : event.ParentId;
    (contexts[names.get(inside) ?? 'root'] ??= []).push(event);
  }
  return contexts;
}

const isContext = ({ EventType }: HistoryEvent): boolean => EventType.startsWith('Context');

/** Every file of golden histories, as its name without the ending; folders for released versions may be added. */
export const recorded = (workflow: Workflow = 'incident-response'): string[] =>
  readdirSync(folderOf(workflow), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length))
    .toSorted();

export const updating = (): boolean => process.env['UPDATE_GOLDEN'] === '1';

/** @throws when there is none, with what makes one */
export function golden(name: string, workflow: Workflow = 'incident-response'): Golden {
  const file = fileOf(name, workflow);
  if (!existsSync(file))
    throw new Error(`${file} is missing; UPDATE_GOLDEN=1 records it. Look at it before it is committed`);
  return JSON.parse(readFileSync(file, 'utf8')) as Golden;
}

/** One event on a line, so that a difference is read as what happened otherwise. */
export function record(name: string, { runs }: Golden, workflow: Workflow = 'incident-response'): void {
  const lines = (events: readonly HistoryEvent[]) => events.map((event) => `    ${JSON.stringify(event)}`).join(',\n');
  const text = runs.map(
    ({ input, result, events }) =>
      `  {\n   "input": ${JSON.stringify(input)},\n   "result": ${JSON.stringify(result)},\n   "events": [\n${lines(events)}\n   ]\n  }`,
  );
  mkdirSync(dirname(fileOf(name, workflow)), { recursive: true });
  writeFileSync(fileOf(name, workflow), `{\n "runs": [\n${text.join(',\n')}\n ]\n}\n`);
}

const fileOf = (name: string, workflow: Workflow): string => join(folderOf(workflow), `${name}.json`);
