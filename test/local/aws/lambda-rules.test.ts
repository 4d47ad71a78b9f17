import { describe, expect, test } from 'vitest';
import { checkUpdates } from '../../../local/aws/lambda/durable/rules.ts';
import type { Operation, OperationStatus, OperationUpdate } from '../../../local/aws/lambda/durable/operation.ts';

type Action = OperationUpdate['Action'];
const ACTIONS: Action[] = ['START', 'SUCCEED', 'FAIL', 'RETRY', 'CANCEL'];
const STATES = [undefined, 'STARTED', 'PENDING', 'READY', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'TIMED_OUT'] as const;

const update = (
  Type: OperationUpdate['Type'],
  Action: Action,
  more: Partial<OperationUpdate> = {},
): OperationUpdate => ({
  Id: 'a',
  Type,
  Action,
  ...(Action === 'RETRY' && { StepOptions: { NextAttemptDelaySeconds: 1 } }),
  ...more,
});

const stored = (type: Operation['type'], status: OperationStatus, id = 'a'): Operation => ({
  id,
  type,
  status,
  startedAt: 0,
});

const verdict = (updates: OperationUpdate[], ...state: Operation[]): string => {
  try {
    checkUpdates(updates, (id) => state.find((operation) => operation.id === id));
    return 'allowed';
  } catch (error) {
    return (error as Error).message;
  }
};

/** The states in which each action is allowed; `undefined` means that the operation doesn't exist. */
const ALLOWED: Record<string, Partial<Record<Action, readonly (OperationStatus | undefined)[]>>> = {
  STEP: {
    START: [undefined, 'READY'],
    SUCCEED: [undefined, 'STARTED', 'READY'],
    FAIL: [undefined, 'STARTED', 'READY'],
    RETRY: [undefined, 'STARTED', 'READY'],
  },
  CONTEXT: { START: [undefined], SUCCEED: [undefined, 'STARTED'], FAIL: [undefined, 'STARTED'] },
  WAIT: { START: [undefined], CANCEL: ['STARTED'] },
  CALLBACK: { START: [undefined], CANCEL: ['STARTED'] },
  CHAINED_INVOKE: { START: [undefined], CANCEL: ['STARTED'] },
};

describe('the allowed changes of an operation', () => {
  const types = Object.keys(ALLOWED) as OperationUpdate['Type'][];
  const table = types.flatMap((type) =>
    ACTIONS.flatMap((action) => STATES.map((state) => [type, action, state] as const)),
  );

  test.each(table)('%s %s from %s', (type, action, state) => {
    const before = state === undefined ? [] : [stored(type, state)];
    const allowed = ALLOWED[type]?.[action]?.includes(state) ?? false;
    expect(verdict([update(type, action)], ...before) === 'allowed').toBe(allowed);
  });

  test("the type of an operation can't change", () => {
    expect(verdict([update('STEP', 'SUCCEED')], stored('CONTEXT', 'STARTED'))).toMatch(/is a CONTEXT/);
  });
});

describe('the allowed content of a checkpoint', () => {
  test.each([
    ['a step that starts and ends', [update('STEP', 'START'), update('STEP', 'SUCCEED')], 'allowed'],
    ['a step that starts and is retried', [update('STEP', 'START'), update('STEP', 'RETRY')], 'allowed'],
    ['a context that starts and ends', [update('CONTEXT', 'START'), update('CONTEXT', 'FAIL')], 'allowed'],
    [
      'two ends',
      [update('STEP', 'SUCCEED'), update('STEP', 'SUCCEED')],
      'Cannot update the same operation twice in a single request.',
    ],
    [
      'two starts',
      [update('STEP', 'START'), update('STEP', 'START')],
      'Cannot update the same operation twice in a single request.',
    ],
    [
      'a wait twice',
      [update('WAIT', 'START'), update('WAIT', 'CANCEL')],
      'Cannot update the same operation twice in a single request.',
    ],
    [
      'the end of the execution, last',
      [update('STEP', 'SUCCEED'), update('EXECUTION', 'SUCCEED', { Id: 'e' })],
      'allowed',
    ],
    [
      'the end of the execution before something else',
      [update('EXECUTION', 'SUCCEED', { Id: 'e' }), update('STEP', 'SUCCEED')],
      'EXECUTION checkpoint must be the last update.',
    ],
    [
      'the end of the execution twice',
      [update('EXECUTION', 'SUCCEED', { Id: 'e' }), update('EXECUTION', 'FAIL', { Id: 'f' })],
      'Cannot checkpoint multiple EXECUTION updates.',
    ],
    ['the start of the execution', [update('EXECUTION', 'START')], 'Invalid action for the given operation type.'],
    [
      'a failure with a payload',
      [update('STEP', 'FAIL', { Payload: '1' })],
      'Cannot provide a Payload for FAIL action.',
    ],
    [
      'a success with an error',
      [update('CONTEXT', 'SUCCEED', { Error: {} })],
      'Cannot provide an Error for SUCCEED action.',
    ],
    [
      'a retry without a delay',
      [update('STEP', 'RETRY', { StepOptions: null })],
      'Invalid StepOptions for the given action.',
    ],
    [
      'a retry with error and payload',
      [update('STEP', 'RETRY', { Error: {}, Payload: '1' })],
      'Cannot provide both error and payload to RETRY a STEP.',
    ],
  ] as const)('%s', (_, updates, expected) => {
    expect(verdict([...updates])).toBe(expected);
  });

  test('a parent must be a started context', () => {
    const child = update('STEP', 'START', { Id: 'child', ParentId: 'a' });
    expect(verdict([child])).toBe('Invalid parent operation id.');
    expect(verdict([child], stored('STEP', 'STARTED'))).toBe('Invalid parent operation id.');
    expect(verdict([child], stored('CONTEXT', 'STARTED'))).toBe('allowed');
    expect(verdict([update('CONTEXT', 'START'), child])).toBe('allowed');
    expect(verdict([update('STEP', 'START'), child])).toBe('Invalid parent operation id.');
    expect(verdict([child, update('CONTEXT', 'START')])).toBe('Invalid parent operation id.');
  });
});
