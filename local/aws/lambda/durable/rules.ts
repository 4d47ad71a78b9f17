import { invalidParameter } from '../errors.ts';
import {
  ASYNC_PAYLOAD_MAX_BYTES,
  byteLength,
  ERROR_UPDATE_MAX_BYTES,
  OPERATION_PAYLOAD_MAX_BYTES,
  SYNC_PAYLOAD_MAX_BYTES,
} from '../limits.ts';
import type { Operation, OperationStatus, OperationType, OperationUpdate } from './operation.ts';

/** Finds an operation of the execution that is being changed. */
export type Lookup = (id: string) => Operation | undefined;

type Action = OperationUpdate['Action'];

const ACTIONS: Record<OperationType, readonly Action[]> = {
  STEP: ['START', 'SUCCEED', 'FAIL', 'RETRY'],
  CONTEXT: ['START', 'SUCCEED', 'FAIL'],
  WAIT: ['START', 'CANCEL'],
  CALLBACK: ['START', 'CANCEL'],
  CHAINED_INVOKE: ['START', 'CANCEL'],
  EXECUTION: ['SUCCEED', 'FAIL'],
};

/**
 * Maximum payload bytes. An execution's result and a chained invoke's input are Lambda payloads; all others are part of
 * the checkpoint.
 */
const PAYLOAD_MAX_BYTES: Record<OperationType, number> = {
  STEP: OPERATION_PAYLOAD_MAX_BYTES,
  CONTEXT: OPERATION_PAYLOAD_MAX_BYTES,
  WAIT: OPERATION_PAYLOAD_MAX_BYTES,
  CALLBACK: OPERATION_PAYLOAD_MAX_BYTES,
  CHAINED_INVOKE: ASYNC_PAYLOAD_MAX_BYTES,
  EXECUTION: SYNC_PAYLOAD_MAX_BYTES * 2,
};

/**
 * Checks a complete checkpoint before any update is applied, so that it is applied completely or not at all.
 *
 * The rules and their messages are those of the checkpoint server in AWS's own testing package.
 *
 * @throws ApiError InvalidParameterValueException, which fails the execution (only a stale token does not)
 */
export function checkUpdates(updates: readonly OperationUpdate[], find: Lookup): void {
  checkExecutionUpdateIsLast(updates);
  checkParentsAndRepeats(updates, find);
  const seenIds = new Set<string>();
  for (const update of updates) {
    checkSizes(update);
    if (!ACTIONS[update.Type].includes(update.Action))
      throw invalidParameter('Invalid action for the given operation type.');
    checkPayloadFitsAction(update);
    // A second update of an operation follows its START in the same request, which was checked against the stored
    // state.
    if (!seenIds.has(update.Id)) checkTransition(update, find(update.Id));
    seenIds.add(update.Id);
  }
}

function checkExecutionUpdateIsLast(updates: readonly OperationUpdate[]): void {
  const count = updates.filter((update) => update.Type === 'EXECUTION').length;
  if (count > 1) throw invalidParameter('Cannot checkpoint multiple EXECUTION updates.');
  if (count === 1 && updates.at(-1)?.Type !== 'EXECUTION') {
    throw invalidParameter('EXECUTION checkpoint must be the last update.');
  }
}

/** Checks that a parent is a started context, and that only a step or context occurs twice: START, then its end. */
function checkParentsAndRepeats(updates: readonly OperationUpdate[], find: Lookup): void {
  const started = new Map<string, OperationType>();
  const last = new Map<string, OperationUpdate>();
  for (const update of updates) {
    const earlier = last.get(update.Id);
    const mayFollow =
      earlier?.Action === 'START' &&
      update.Action !== 'START' &&
      (earlier.Type === 'STEP' || earlier.Type === 'CONTEXT');
    if (earlier && !mayFollow) throw invalidParameter('Cannot update the same operation twice in a single request.');
    if (update.ParentId && (started.get(update.ParentId) ?? find(update.ParentId)?.type) !== 'CONTEXT') {
      throw invalidParameter('Invalid parent operation id.');
    }
    if (update.Action === 'START') started.set(update.Id, update.Type);
    last.set(update.Id, update);
  }
}

function checkSizes(update: OperationUpdate): void {
  if (update.Error && byteLength(JSON.stringify(update)) > ERROR_UPDATE_MAX_BYTES) {
    throw invalidParameter(`Error object size must be less than ${ERROR_UPDATE_MAX_BYTES} bytes.`);
  }
  const limit = PAYLOAD_MAX_BYTES[update.Type];
  if (byteLength(update.Payload ?? undefined) > limit) {
    throw invalidParameter(`${update.Type} output payload size must be less than or equal to ${limit} bytes.`);
  }
}

function checkPayloadFitsAction({ Type, Action, Payload, Error, StepOptions }: OperationUpdate): void {
  if (Action === 'FAIL' && Payload != null) throw invalidParameter('Cannot provide a Payload for FAIL action.');
  if (Action === 'SUCCEED' && Error != null) throw invalidParameter('Cannot provide an Error for SUCCEED action.');
  if (Action !== 'RETRY') return;
  if (StepOptions == null) throw invalidParameter('Invalid StepOptions for the given action.');
  if (Error != null && Payload != null)
    throw invalidParameter(`Cannot provide both error and payload to RETRY a ${Type}.`);
}

/**
 * The states in which an action is allowed; `undefined` means that the operation doesn't exist. Contexts, and steps
 * that run at least once, can close without a start.
 */
const ALLOWED_STATES: Record<'STEP' | 'CONTEXT', Partial<Record<Action, readonly (OperationStatus | undefined)[]>>> = {
  STEP: {
    START: [undefined, 'READY'],
    SUCCEED: [undefined, 'STARTED', 'READY'],
    FAIL: [undefined, 'STARTED', 'READY'],
    RETRY: [undefined, 'STARTED', 'READY'],
  },
  CONTEXT: { START: [undefined], SUCCEED: [undefined, 'STARTED'], FAIL: [undefined, 'STARTED'] },
};

const ACTION_VERBS: Partial<Record<Action, string>> = {
  START: 'start',
  SUCCEED: 'close',
  FAIL: 'close',
  RETRY: 're-attempt',
};

function checkTransition({ Type, Action }: OperationUpdate, operation: Operation | undefined): void {
  if (Type === 'EXECUTION') return;
  if (operation && operation.type !== Type) throw invalidParameter(`Operation is a ${operation.type}, not a ${Type}.`);
  if (Type === 'STEP' || (Type === 'CONTEXT' && Action !== 'START')) {
    if (ALLOWED_STATES[Type][Action]?.includes(operation?.status)) return;
    throw invalidParameter(`Invalid current ${Type} state to ${ACTION_VERBS[Action]}.`);
  }
  if (Action === 'START' && operation) throw invalidParameter(`Cannot start a ${Type} that already exists.`);
  if (Action === 'CANCEL' && operation?.status !== 'STARTED') {
    throw invalidParameter(`Cannot cancel a ${Type} that does not exist or has already completed.`);
  }
}
