import type { Attempt } from '../../core/domain/ports/common.ts';
import type { VendorResponse } from '../../core/domain/ports/vendor-response.ts';
import type { TargetResponse, DriftCheck } from '../../core/domain/rollback/targets.ts';
import type { FailedResponse } from './client.ts';

/** The result of an attempt without a usable response, or with a response that ends it. */
export type Ending = Extract<TargetResponse, { detail: string }>;

/** Ends the attempt that throws it. `orEnding` converts it to a result, so it never leaves an attempt. */
export class Ended extends Error {
  override readonly name = 'Ended';
  readonly ending: Ending;

  constructor(ending: Ending) {
    super(ending.detail);
    this.ending = ending;
  }
}

export const refuse = (detail: string): Ended => new Ended({ kind: 'refused', detail });
export const retryLater = (detail: string): Ended => new Ended({ kind: 'later', detail, afterSeconds: null });

/**
 * Converts the response to a call that was not done. An unclear result becomes `later`, because the next attempt checks
 * the state first.
 *
 * @param hint appended to a refusal: what to do about it
 */
export function endedBy(failed: FailedResponse, hint = ''): Ended {
  switch (failed.kind) {
    case 'later':
      return new Ended({ kind: 'later', detail: failed.detail, afterSeconds: failed.afterSeconds });
    case 'unclear':
      return retryLater(failed.detail);
    case 'off':
      return refuse(`${failed.detail}, so it was not called`);
    case 'refused':
      return refuse(failed.detail + hint);
  }
}

/** Converts an ended check to `unknown`, because it shows nothing about the state. */
export const driftOrUnknown = (response: DriftCheck | Ending): DriftCheck =>
  response.kind === 'holds' || response.kind === 'drifted' || response.kind === 'unknown'
    ? response
    : { kind: 'unknown', detail: response.detail };

/**
 * Returns the result of `work`, or its ending.
 * @throws any other error, which is a defect in Firebreak
 */
export async function orEnding<T>(work: () => Promise<T>): Promise<T | Ending> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Ended) return error.ending;
    throw error;
  }
}

/** Converts an ending for callers that track vendors. A call without a usable response may still be executed. */
export const vendorResponse = (ending: Ending): Exclude<VendorResponse<never>, { kind: 'done' }> => {
  if (ending.kind !== 'later') return { kind: 'refused', code: ending.kind, detail: ending.detail };
  const { detail, afterSeconds } = ending;
  return afterSeconds === null ? { kind: 'unclear', detail } : { kind: 'later', detail, afterSeconds };
};

/** Converts an ending for callers that track attempts. A busy target can be tried again. */
export function attemptOf(ending: Ending): Attempt {
  const { kind, detail } = ending;
  if (kind === 'later') return { kind, detail, afterSeconds: ending.afterSeconds ?? null };
  return kind === 'busy' ? { kind: 'later', detail, afterSeconds: null } : { kind: 'refused', detail };
}
