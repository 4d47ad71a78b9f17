import {
  type DurableExecutionClient,
  type DurableExecutionInvocationInput,
  type DurableExecutionInvocationOutput,
  InvocationStatus,
} from '@aws/durable-execution-sdk-js';
import { untouchable } from '../support/fake-deps.ts';
import { detailsOf, golden, payloadOf, recorded, type Run, type Workflow } from './history.ts';
import { handlerWith } from './play.ts';
import { flagHandlerWith } from './stories/flags.ts';
import { drillHandlerWith } from './stories/drills.ts';
import { watchHandlerWith } from './stories/watches.ts';
import type { HistoryEvent } from './recorder.ts';
import { transitionsIn } from './transitions.ts';
import { lambdaContext, withoutCooldown } from './virtual-executions.ts';

/** An operation, as the handler receives it. */
type Operation = Record<string, unknown> & {
  Id: string;
  Type: string;
  Status: string;
  Name?: string;
  ParentId?: string;
};

type Update = Parameters<DurableExecutionClient['checkpoint']>[0]['Updates'] extends (infer U)[] | undefined
  ? U
  : never;

/** The result of replaying a history with the current code: its output, its next operations, and the ports it called. */
export type Replayed = { output: DurableExecutionInvocationOutput; updates: Update[]; calls: string[] };

/**
 * Runs the current workflow code on the first events of a history, as if the process had died there and new code took
 * over. No port answers, so it advances exactly to the end of the history, and one step further in each context.
 *
 * @param handlerFor creates the handler of the workflow; default: incident response
 */
export async function replay(
  events: readonly HistoryEvent[],
  handlerFor: typeof handlerWith = handlerWith,
): Promise<Replayed> {
  const updates: Update[] = [];
  const calls: string[] = [];
  const client: DurableExecutionClient = {
    checkpoint: async ({ Updates = [] }) => {
      updates.push(...Updates);
      return { CheckpointToken: 'token', NewExecutionState: { Operations: Updates.map(taken) as never } };
    },
    getExecutionState: () => Promise.reject(new Error('all of the state is in the event')),
  };
  const handler = handlerFor(untouchable((call) => calls.push(call)))(client);
  const event = {
    DurableExecutionArn: 'replay',
    CheckpointToken: 'token',
    InitialExecutionState: { Operations: operationsOf(events) },
  } as unknown as DurableExecutionInvocationInput;
  return { output: await withoutCooldown(() => handler(event, lambdaContext)), updates, calls };
}

/** Returns the operation as it is after an update. */
function taken(update: Update): Operation {
  const { Id = '', Type = '', Action, ...rest } = update;
  const operation = { Id, Type, ...pick(rest, ['Name', 'SubType', 'ParentId']) };
  switch (Action) {
    case 'START':
      return {
        ...operation,
        Status: 'STARTED',
        ...(Type === 'CALLBACK' ? { CallbackDetails: { CallbackId: `callback-${Id}` } } : {}),
      };
    case 'RETRY':
      return { ...operation, Status: 'PENDING', StepDetails: { Attempt: 1 } };
    case 'SUCCEED':
      return {
        ...operation,
        Status: 'SUCCEEDED',
        [`${Type === 'STEP' ? 'Step' : 'Context'}Details`]: { Result: rest.Payload },
      };
    case 'FAIL':
    case 'CANCEL':
    case undefined:
      throw new Error(`${Type} ${Id}: unexpected action ${Action} in a replay`);
  }
}

const pick = (from: object, keys: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(Object.entries(from).filter(([key, value]) => keys.includes(key) && value !== undefined));

const TYPES: Readonly<Record<string, string>> = {
  Execution: 'EXECUTION',
  Context: 'CONTEXT',
  Step: 'STEP',
  Wait: 'WAIT',
  Callback: 'CALLBACK',
};

/** Returns the operations of a history. Omits those inside finished child contexts, as AWS does. */
function operationsOf(events: readonly HistoryEvent[]): Operation[] {
  const operations = new Map<string, Operation>();
  for (const event of events) {
    const [, kind = '', what = ''] = /^(Execution|Context|Step|Wait|Callback)(.+)$/.exec(event.EventType) ?? [];
    const Type = TYPES[kind];
    if (Type === undefined || event.Id === undefined) throw new Error(`a replay does not support ${event.EventType}`);
    const before = operations.get(event.Id) ?? {
      Id: event.Id,
      Type,
      Status: 'STARTED',
      ...pick(event, ['Name', 'SubType', 'ParentId']),
    };
    operations.set(event.Id, { ...before, ...after(event, kind, what) });
  }
  return [...operations.values()].filter(({ ParentId }) => !isInsideFinished(operations, ParentId));
}

/** Whether a context or one of its ancestors has ended. AWS returns only the result of such a context. */
function isInsideFinished(operations: ReadonlyMap<string, Operation>, parentId: string | undefined): boolean {
  const parent = parentId === undefined ? undefined : operations.get(parentId);
  if (parent === undefined) return false;
  return parent.Status !== 'STARTED' || isInsideFinished(operations, parent.ParentId);
}

const STATUSES: Readonly<Record<string, string>> = {
  Started: 'STARTED',
  Succeeded: 'SUCCEEDED',
  Failed: 'FAILED',
  TimedOut: 'TIMED_OUT',
};

function after(event: HistoryEvent, kind: string, what: string): Record<string, unknown> {
  const details = detailsOf(event);
  const at = new Date(event.EventTimestamp * 1000).toISOString();
  const error = (details['Error'] as { Payload?: unknown } | undefined)?.Payload;
  const came = { Result: payloadOf(event, 'Result'), Error: error };
  const retry = details['RetryDetails'] as { CurrentAttempt: number; NextAttemptDelaySeconds?: number } | undefined;
  if (kind === 'Execution')
    return { StartTimestamp: at, ExecutionDetails: { InputPayload: payloadOf(event, 'Input') } };
  if (what === 'Started')
    return { Status: 'STARTED', StartTimestamp: at, [`${kind}Details`]: { CallbackId: details['CallbackId'] } };
  if (retry?.NextAttemptDelaySeconds !== undefined) {
    const due = new Date((event.EventTimestamp + retry.NextAttemptDelaySeconds) * 1000).toISOString();
    return { Status: 'PENDING', StepDetails: { ...came, Attempt: retry.CurrentAttempt, NextAttemptTimestamp: due } };
  }
  const own =
    kind === 'Step'
      ? { Attempt: retry?.CurrentAttempt }
      : kind === 'Callback'
        ? { CallbackId: `callback-${event.Id}` }
        : {};
  return { Status: STATUSES[what], EndTimestamp: at, [`${kind}Details`]: { ...came, ...own } };
}

/**
 * Describes each operation of the current code that differs from the history; empty if it continues as recorded.
 * The ID of an operation is derived from its place, so the same ID must be the same operation.
 */
export function strangers({ events }: Run, updates: readonly Update[]): string[] {
  const started = new Map(
    events.filter(({ EventType }) => EventType.endsWith('Started')).map((event) => [event.Id, event]),
  );
  return updates.flatMap((update) => {
    const original = started.get(update.Id);
    if (original === undefined) return [`${spell(update)}, which is not in the history`];
    const [was, is] = [spellRecorded(original), spell(update)];
    return was === is ? [] : [`${is}, where the history has ${was}`];
  });
}

const spell = ({ Type, SubType, Name, ParentId, WaitOptions, CallbackOptions }: Update): string =>
  words(Type, SubType, Name, ParentId, WaitOptions?.WaitSeconds ?? CallbackOptions?.TimeoutSeconds);

function spellRecorded(event: HistoryEvent): string {
  const details = detailsOf(event);
  const Type = TYPES[event.EventType.slice(0, -'Started'.length)];
  return words(Type, event.SubType, event.Name, event.ParentId, details['Duration'] ?? details['Timeout']);
}

const words = (...parts: unknown[]): string => parts.map((part) => JSON.stringify(part ?? null)).join(' ');

const HANDLERS = {
  'incident-response': handlerWith,
  drill: drillHandlerWith,
  'deploy-watch': watchHandlerWith,
  'flag-on': flagHandlerWith,
};

/** All recorded runs, with the handlers that replay them. */
export const recordedRuns = (['incident-response', 'drill', 'deploy-watch', 'flag-on'] as const).flatMap((workflow) =>
  recordedRunsOf(workflow, HANDLERS[workflow]),
);

/** The recorded runs of a workflow, with the handler that replays them. */
export function recordedRunsOf(workflow: Workflow, handlerFor: typeof handlerWith) {
  return recorded(workflow).flatMap((name) =>
    golden(name, workflow).runs.map((run, index) => ({
      name: `${workflow}: ${name}${index === 0 ? '' : `, run ${index + 1}`}`,
      run,
      handlerFor,
    })),
  );
}

/**
 * Moments of a history: each, each first one after a transition, because the iterations of a loop are alike, or those
 * after some events, by number.
 */
type Moments = 'each' | 'first' | readonly number[];

/** Returns one moment after each transition of the runs, in the shortest of those that have it. */
export function onceAfterEach(runs: readonly Pick<(typeof recordedRuns)[number], 'run' | 'handlerFor'>[]) {
  const known = new Map<typeof handlerWith, Set<string>>();
  const moments = new Map<Run, number[]>(runs.map(({ run }) => [run, []]));
  for (const { run, handlerFor } of runs.toSorted((a, b) => a.run.events.length - b.run.events.length)) {
    const seen = known.get(handlerFor) ?? new Set<string>();
    known.set(handlerFor, seen);
    const transitions = transitionsIn(run);
    for (const [index, event] of run.events.slice(0, -1).entries()) {
      const transition = transitions.get(event) ?? '';
      if (!seen.has(transition)) moments.get(run)?.push(index + 1);
      seen.add(transition);
    }
  }
  return moments;
}

/** Returns the numbers of events after which a history is cut off. */
function numbersOf(moments: Moments, run: Run): readonly number[] {
  if (typeof moments !== 'string') return moments;
  const numbers = run.events.map((event, index) => [event, index + 1] as const).slice(0, -1);
  if (moments === 'each') return numbers.map(([, number]) => number);
  const transitions = transitionsIn(run);
  return [...new Map(numbers.toReversed().map(([event, number]) => [transitions.get(event), number])).values()];
}

/** Describes where the current code differs from the history, continued from moments of it. */
export async function differencesFrom(run: Run, moments: Moments, handlerFor: typeof handlerWith): Promise<string[]> {
  return (await Promise.all(numbersOf(moments, run).map((moment) => differences(run, moment, handlerFor)))).flat();
}

/** Describes where the current code differs from the history after its first `moment` events; empty if it does not. */
async function differences(run: Run, moment: number, handlerFor: typeof handlerWith): Promise<string[]> {
  const happened = run.events.slice(0, moment);
  const { output, updates, calls } = await replay(happened, handlerFor);
  const begun = new Set([...happened, ...updates].map(({ Id }) => Id));
  const missing = run.events.filter(({ Id }) => !begun.has(Id));
  const early = output.Status === InvocationStatus.SUCCEEDED && (calls.length > 0 || missing.length > 0);
  const endsContext = updates.filter(({ Type, Action }) => Type === 'CONTEXT' && Action === 'SUCCEED');
  const missingInside = missing.filter(({ ParentId }) => endsContext.some(({ Id }) => Id === ParentId));
  const wrong = [
    ...strangers(run, updates),
    ...(output.Status === InvocationStatus.FAILED ? [`it failed: ${output.Error.ErrorMessage}`] : []),
    ...missingInside.map(({ Name }) => `a branch ended, without ${Name}`),
    ...(early ? [`it ended, without ${missing.map(({ Name }) => Name).join(', ')}`] : []),
  ];
  return wrong.map((what) => `after event ${moment} (${happened.at(-1)?.EventType} ${happened.at(-1)?.Name}): ${what}`);
}
