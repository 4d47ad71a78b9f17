/**
 * Lambda quotas that the emulation enforces. Bytes count UTF-8 text.
 *
 * @see AWS Lambda developer guide, "Lambda quotas" and "Invoke" (read 2026-11)
 */
export const SYNC_PAYLOAD_MAX_BYTES = 6 * 1024 * 1024;
export const ASYNC_PAYLOAD_MAX_BYTES = 1024 * 1024;

/** The maximum execution timeout for a synchronous invocation, because the caller waits for the complete execution. */
export const SYNC_EXECUTION_MAX_SECONDS = 15 * 60;

export const OPERATIONS_MAX = 3_000;
/** The maximum total of all stored inputs, results, and errors of an execution. */
export const EXECUTION_MAX_BYTES = 100 * 1024 * 1024;

/**
 * The maximum payload of a step or context in a checkpoint. Above it, the durable SDK replays the children of a
 * context.
 */
export const OPERATION_PAYLOAD_MAX_BYTES = 256 * 1024;
export const CALLBACK_RESULT_MAX_BYTES = 1024 * 1024;
/**
 * The maximum size of a complete update with an error, counted as in the checkpoint server of AWS's testing package.
 */
export const ERROR_UPDATE_MAX_BYTES = 32 * 1024;

/** The maximum size of one page of operations, in the invocation event and in GetDurableExecutionState. */
export const STATE_PAGE_MAX_OPERATIONS = 1_000;
export const STATE_PAGE_MAX_BYTES = 4 * 1024 * 1024;

export const PAGE_DEFAULT_ITEMS = 100;
export const PAGE_MAX_ITEMS = 1_000;

export const byteLength = (text: string | undefined): number => (text === undefined ? 0 : Buffer.byteLength(text));
