/**
 * Lambda's quotas that the emulation holds callers to. Bytes are of the UTF-8 text.
 *
 * @see AWS Lambda developer guide, "Lambda quotas" and "Invoke" (read 2026-11)
 */
export const SYNC_PAYLOAD_MAX_BYTES = 6 * 1024 * 1024;
export const ASYNC_PAYLOAD_MAX_BYTES = 1024 * 1024;

/** A synchronous caller of a durable function waits for the whole execution, so a longer one is refused. */
export const SYNC_EXECUTION_MAX_SECONDS = 15 * 60;

export const OPERATIONS_MAX = 3_000;
/** Everything an execution has stored: inputs, results, errors of its operations. */
export const EXECUTION_MAX_BYTES = 100 * 1024 * 1024;

/** What one step or context may put into a checkpoint; the durable SDK replays children of a context above this. */
export const OPERATION_PAYLOAD_MAX_BYTES = 256 * 1024;
export const CALLBACK_RESULT_MAX_BYTES = 1024 * 1024;
/** The whole update that carries an error, as the reference checkpoint server of the testing package counts it. */
export const ERROR_UPDATE_MAX_BYTES = 32 * 1024;

/** One page of operations: in the invocation event, and of GetDurableExecutionState. */
export const STATE_PAGE_MAX_OPERATIONS = 1_000;
export const STATE_PAGE_MAX_BYTES = 4 * 1024 * 1024;

export const PAGE_DEFAULT_ITEMS = 100;
export const PAGE_MAX_ITEMS = 1_000;

export const byteLength = (text: string | undefined): number => (text === undefined ? 0 : Buffer.byteLength(text));
