import type { ActAnswer } from '../../domain/targets.ts';
import { truncate } from '../text.ts';

/** One attempt, whatever number of calls it takes. A third of the workflow function's time-out at most. */
const ATTEMPT_TIMEOUT_MS = 15_000;

/** Why an attempt came to no answer. */
export type Halt = Extract<ActAnswer, { kind: 'busy' | 'refused' | 'later' }>;

type Options = { abortSignal: AbortSignal };

/** Makes one call of the attempt; what it gives is the API's answer. Anything else ends the attempt. */
export type Ask = <T>(call: (options: Options) => Promise<T>) => Promise<T>;

/** Ends an attempt from inside. Never leaves this folder. */
class Halted extends Error {
  override readonly name = 'Halted';
  readonly halt: Halt;

  constructor(halt: Halt) {
    super(halt.detail);
    this.halt = halt;
  }
}

/** Ends the attempt: it will not be done, however often it is asked. */
export function refuse(detail: string): never {
  throw new Halted({ kind: 'refused', detail });
}

/**
 * Runs `work` within one time limit over all of its calls.
 *
 * @param api how messages call it
 */
export async function attempt<T>(api: string, work: (ask: Ask) => Promise<T>): Promise<T | Halt> {
  const signal = AbortSignal.timeout(ATTEMPT_TIMEOUT_MS);
  // The signal ends calls, but not the look for credentials before them.
  const over = new Promise<never>((_, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
  );
  over.catch(() => undefined);
  const ask: Ask = async (call) => {
    try {
      return await Promise.race([call({ abortSignal: signal }), over]);
    } catch (error) {
      throw new Halted(signal.aborted ? later(`${api} gave no answer in time`) : haltOf(api, error));
    }
  };
  try {
    return await work(ask);
  } catch (error) {
    if (error instanceof Halted) return error.halt;
    throw error;
  }
}

/** The names by which the APIs say that a limit was exceeded, mostly as 400. */
const THROTTLED = /Throttl|^TooManyRequests|^RequestLimitExceeded$|^SlowDown$/;

/** The target is at something else, which ends. */
const BUSY = new Set(['DeploymentLimitExceededException', 'ResourceConflictException', 'UpdateInProgressException']);

/** Somebody has changed it between our look and our call; credentials that a new try replaces. */
const LOOK_AGAIN = new Set([
  'PreconditionFailedException',
  'DeploymentAlreadyCompletedException',
  'ExpiredToken',
  'ExpiredTokenException',
]);

/** Nothing that time would mend: no credentials at all, and an address that is none. */
const SETTINGS = new Set(['CredentialsProviderError', 'TypeError']);

function haltOf(api: string, error: unknown): Halt {
  if (!(error instanceof Error)) return later(`${api}: ${String(error)}`);
  const { status, afterSeconds } = answerOf(error);
  const words = truncate(`${error.name}: ${error.message}`, 300);
  if (status === undefined || status < 400) {
    return SETTINGS.has(error.name)
      ? { kind: 'refused', detail: `${api} could not be called: ${words}` }
      : later(`${api} gave no answer: ${words}`);
  }
  const detail = `${api} answered ${status} ${words}`;
  if (status === 429 || THROTTLED.test(error.name)) return { kind: 'later', detail, afterSeconds };
  if (status >= 500 || status === 408 || isTheirs(error) || LOOK_AGAIN.has(error.name)) return later(detail);
  return { kind: BUSY.has(error.name) ? 'busy' : 'refused', detail };
}

const later = (detail: string): Halt => ({ kind: 'later', detail, afterSeconds: null });

/** What the SDKs put onto their errors, where there was an answer. */
function answerOf(error: Error): { status: number | undefined; afterSeconds: number | null } {
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

/** ECS tells a fault of its own by 400 at times, but by name. */
const isTheirs = (error: Error): boolean =>
  /^(?:Server|Service|InternalServer)(?:Exception|Error|Fault)$/.test(error.name);
