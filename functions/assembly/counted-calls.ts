import * as z from 'zod';
import { increment } from '../../core/domain/incidents/metrics.ts';
import type { Counters, Log } from '../../core/domain/ports/system.ts';
import { IncidentId } from '../../schemas/config/names.ts';

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
  instances: 'ok',
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

/** Milliseconds after which a log line says that an action was not answered yet. */
const SLOW_AFTER_MS = 10_000;

/** What the request of an action in an incident has, such as a rollback or a page. */
const ActionRequest = z.object({ incident: IncidentId, service: z.string(), environment: z.string() });

type Observers = {
  counters: Pick<Counters, 'add'>;
  log: Log;
  /** Returns the title of an incident. */
  titleOf: (incident: IncidentId) => Promise<string | undefined>;
};

/**
 * Wraps a vendor's port, counts its responses by kind, and logs an action that is not answered for 10 s. The caller waits for
 * the count, for a limited time: a Lambda function does not continue after it has returned.
 */
export function countedCalls<T extends object>(vendor: string, port: T, observers: Observers): T {
  const { counters } = observers;
  const count = async (outcome: string | undefined): Promise<void> => {
    if (outcome !== undefined) await counters.add([increment('firebreak_vendor_calls_total', vendor, outcome)]);
  };
  return new Proxy(port, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key);
      if (typeof value !== 'function') return countedMembers(vendor, value, observers);
      return (...args: unknown[]): unknown => {
        const result: unknown = Reflect.apply(value, target, args);
        if (!(result instanceof Promise)) return result;
        logIfSlow(observers, result, { vendor, call: String(key), request: args.at(-1) });
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

/** Logs a call that is not answered in time, if its request is one of an action in an incident. A stream of changes never ends. */
function logIfSlow(
  { log, titleOf }: Observers,
  result: Promise<unknown>,
  { request, ...call }: { vendor: string; call: string; request: unknown },
): void {
  const about = ActionRequest.safeParse(request).data;
  if (about === undefined) return;
  const warn = async (): Promise<void> => {
    const line = { ...about, alert: await titleOf(about.incident), ...call };
    log.warn('a vendor has not answered for 10 seconds; Firebreak waits', line);
  };
  const timer = setTimeout(() => void warn(), SLOW_AFTER_MS);
  const stop = (): void => clearTimeout(timer);
  result.then(stop, stop);
}

/** Deployers keep optional operations in nested objects. */
const countedMembers = (vendor: string, value: unknown, observers: Observers): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).some(isFunction)
    ? countedCalls(vendor, value, observers)
    : value;

const isFunction = (value: unknown): boolean => typeof value === 'function';

const kindOf = (answer: unknown): string =>
  typeof answer === 'object' && answer !== null && 'kind' in answer ? String(answer.kind) : '';
