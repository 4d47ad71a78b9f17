import { serviceEntry } from '../../domain/catalogue/catalogue.ts';
import { toSignal, withoutTimesAhead } from '../../domain/alerts/signal.ts';
import type { Scope } from '../../domain/access/access.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { InTurns } from '../../stores/fair-turns.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';

/** An authenticated sender of alerts. */
export type Sender = {
  /** The name under which automatic actions requested by its alerts are counted. */
  name: string;
  /** The sender whose alerts it replays. */
  reporter?: string;
  /** @throws Refusal 403 if the sender may not send alerts for this scope */
  allow(scope: Scope): void;
  /** Whether its alerts may request a rollback in this scope. */
  mayRequestRollback(scope: Scope): boolean;
};

const LOWEST_TIER = 4;

/**
 * Returns a function that returns a signal with its sender, and without a rollback request that the sender may not make.
 * It asks for each service and environment once: the alerts of a request are mostly of the same.
 *
 * The function throws Refusal 403 if the sender may not send alerts for the signal's service and environment.
 */
function sentBy(sender: Sender | undefined): (signal: Signal) => Signal {
  if (sender === undefined) return (signal) => signal;
  const from = { sender: sender.name, ...(sender.reporter !== undefined && { reporter: sender.reporter }) };
  const asked = new Map<string, boolean>();
  const mayRequestRollback = (service: string, environment: string): boolean => {
    const key = JSON.stringify([service, environment]);
    const before = asked.get(key);
    if (before !== undefined) return before;
    sender.allow({ service, environment });
    const may = sender.mayRequestRollback({ service, environment });
    asked.set(key, may);
    return may;
  };
  return (signal) =>
    mayRequestRollback(signal.unmatched || signal.service, signal.environment)
      ? { ...signal, ...from }
      : { ...signal, ...from, requestsRollback: false, rollbackNotPermitted: true };
}

/** `before`: is called with the signals before they are enqueued. `inTurns`: how they are made. */
type EnqueueOptions = {
  asRollbackRequest?: boolean;
  sender?: Sender | undefined;
  before?: (signals: readonly Signal[]) => Promise<void>;
  inTurns?: InTurns;
};

const mapped: InTurns = (items, work) => Promise.all(Array.from(items, work));

/** Turns alerts into signals and enqueues them durably. */
export async function enqueue(
  deps: Pick<Deps, 'config' | 'queue'>,
  receipt: Parameters<Deps['queue']['sendAll']>[0],
  alerts: Parameters<typeof toSignal>[0][],
  { asRollbackRequest = false, sender, before, inTurns = mapped }: EnqueueOptions = {},
): Promise<Signal[]> {
  const config = await deps.config.current();
  const sent = sentBy(sender);
  const signals = await inTurns(alerts, (alert) =>
    sent(toSignal(withoutTimesAhead(alert, receipt.at), config, asRollbackRequest, config.routes.severities)),
  );
  await before?.(signals);
  // Enqueue the most critical services first.
  const tierOf = ({ service }: Signal): number => serviceEntry(config.services, service)?.tier ?? LOWEST_TIER;
  await deps.queue.sendAll(
    receipt,
    signals.toSorted((a, b) => tierOf(a) - tierOf(b)),
  );
  return signals;
}
