import { increment } from '../../core/domain/incidents/metrics.ts';
import type { Counters } from '../../core/domain/ports/system.ts';

/**
 * Outcomes to count by response kind. Other kinds mean that the vendor was not called, or say nothing about the vendor.
 */
const OUTCOMES: Partial<Record<string, 'ok' | 'refused' | 'error'>> = {
  done: 'ok',
  taken: 'ok',
  succeeded: 'ok',
  in_progress: 'ok',
  answered: 'ok',
  count: 'ok',
  state: 'ok',
  superseded: 'ok',
  holds: 'ok',
  drifted: 'ok',
  busy: 'refused',
  refused: 'refused',
  failed: 'refused',
  later: 'error',
  unclear: 'error',
  unknown: 'error',
};

/**
 * Wraps a vendor's port and counts its responses by kind. The caller waits for the count, for a limited time: a Lambda
 * function does not continue after it has returned.
 */
export function countedCalls<T extends object>(vendor: string, port: T, counters: Pick<Counters, 'add'>): T {
  const count = async (outcome: string | undefined): Promise<void> => {
    if (outcome !== undefined) await counters.add([increment('firebreak_vendor_calls_total', vendor, outcome)]);
  };
  return new Proxy(port, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key);
      if (typeof value !== 'function') return countedMembers(vendor, value, counters);
      return (...args: unknown[]): unknown => {
        const result: unknown = Reflect.apply(value, target, args);
        if (!(result instanceof Promise)) return result;
        return result.then(
          async (answer: unknown) => {
            await count(OUTCOMES[kindOf(answer)]);
            return answer;
          },
          async (error: unknown) => {
            await count('error');
            throw error;
          },
        );
      };
    },
  });
}

/** Deployers keep optional operations in nested objects. */
const countedMembers = (vendor: string, value: unknown, counters: Pick<Counters, 'add'>): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).some(isFunction)
    ? countedCalls(vendor, value, counters)
    : value;

const isFunction = (value: unknown): boolean => typeof value === 'function';

const kindOf = (answer: unknown): string =>
  typeof answer === 'object' && answer !== null && 'kind' in answer ? String(answer.kind) : '';
