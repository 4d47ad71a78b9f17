import { unlessAborted } from '../../core/domain/concurrency.ts';
import { Ended, type Ending, orEnding, refuse as refusalOf } from '../shared/refusals.ts';
import { truncate } from '../shared/text.ts';

/** Milliseconds for one attempt with all its calls: at most a third of the workflow function's timeout. */
const ATTEMPT_TIMEOUT_MS = 15_000;

type Options = { abortSignal: AbortSignal };

/** Makes one call of the attempt and returns the API's response. Any error ends the attempt. */
export type AwsCall = <T>(send: (options: Options) => Promise<T>) => Promise<T>;

/** Ends the attempt with a refusal, which is not retried. As an expression, unlike `throw`. */
export function refuse(detail: string): never {
  throw refusalOf(detail);
}

/**
 * Runs `work` with one time limit for all its calls.
 *
 * @param api the name of the API in messages
 */
export async function attempt<T>(api: string, work: (call: AwsCall) => Promise<T>): Promise<T | Ending> {
  const signal = AbortSignal.timeout(ATTEMPT_TIMEOUT_MS);
  const call: AwsCall = async (send) => {
    try {
      // The signal aborts calls, but not the search for credentials before them.
      return await unlessAborted(send({ abortSignal: signal }), signal);
    } catch (error) {
      throw new Ended(signal.aborted ? later(`${api} did not answer in time`) : endingOf(api, error));
    }
  };
  return orEnding(() => work(call));
}

/** The error names for exceeded limits, mostly with status 400. */
const THROTTLING_ERROR = /Throttl|^TooManyRequests|^RequestLimitExceeded$|^SlowDown$/;

/** Errors of a target that is busy with another change. */
const BUSY_ERRORS = new Set([
  'DeploymentLimitExceededException',
  'ResourceConflictException',
  'UpdateInProgressException',
  'PriorRequestNotComplete',
]);

/** Errors after a concurrent change between read and write, and expired credentials, which the next attempt renews. */
const TRANSIENT_ERRORS = new Set([
  'PreconditionFailedException',
  'DeploymentAlreadyCompletedException',
  'ExpiredToken',
  'ExpiredTokenException',
]);

/** Errors that a retry can't fix: missing credentials, and an invalid address. */
const SETTINGS_ERRORS = new Set(['CredentialsProviderError', 'TypeError']);

function endingOf(api: string, error: unknown): Ending {
  if (!(error instanceof Error)) return later(`${api}: ${String(error)}`);
  const { status, afterSeconds } = responseOf(error);
  const errorText = truncate(`${error.name}: ${error.message}`, 300);
  if (status === undefined || status < 400) {
    return SETTINGS_ERRORS.has(error.name)
      ? { kind: 'refused', detail: `${api} could not be called: ${errorText}` }
      : later(`${api} did not answer: ${errorText}`);
  }
  const detail = `${api} answered ${status} ${errorText}`;
  if (status === 429 || THROTTLING_ERROR.test(error.name)) return { kind: 'later', detail, afterSeconds };
  if (status >= 500 || status === 408 || isServerFault(error) || TRANSIENT_ERRORS.has(error.name)) return later(detail);
  return { kind: BUSY_ERRORS.has(error.name) ? 'busy' : 'refused', detail };
}

const later = (detail: string): Ending => ({ kind: 'later', detail, afterSeconds: null });

/** Returns the response fields that the SDKs add to their errors, if there was a response. */
function responseOf(error: Error): { status: number | undefined; afterSeconds: number | null } {
  const { $metadata, $response } = error as {
    $metadata?: { httpStatusCode?: number };
    $response?: { headers?: Record<string, string>; statusCode?: number };
  };
  const after = Number($response?.headers?.['retry-after'] ?? Number.NaN);
  return {
    status: $metadata?.httpStatusCode ?? $response?.statusCode,
    afterSeconds: Number.isFinite(after) && after >= 0 ? after : null,
  };
}

/**
 * Returns whether the fault is on the server side. ECS reports some of its own faults with status 400, recognizable
 * only by name.
 */
const isServerFault = (error: Error): boolean =>
  /^(?:Server|Service|InternalServer)(?:Exception|Error|Fault)$/.test(error.name);
