import { type Count, routingDelay } from '../../domain/incidents/metrics.ts';
import { INCIDENT_EVENTS } from '../../domain/incidents/incident-events.ts';
import type { Quarantine } from '../../domain/ports/alerts.ts';
import type { Log } from '../../domain/ports/system.ts';
import { readSignalMessage, type SignalMessage } from '../../../schemas/alerts/signal.ts';
import { secondsBetween } from '../../../schemas/time/time.ts';
import { type AdmissionDeps, admitSignals } from '../../actions/alerts/admit-signals.ts';
import { isPermanent } from './permanent-errors.ts';
import type { Batch, FailedMessage, Message } from '../../../platforms/queues.ts';
import { handleBatch } from './queue-batch.ts';
import { inputProblemText } from '../../../schemas/parsing/input-problems.ts';

export type RouteDeps = AdmissionDeps & { quarantine: Quarantine };

/**
 * Moves signals from the queue to the table, and starts or wakes the workflows of their incidents. Only failures of our
 * own infrastructure fail a message, and with it all later ones of its group. A message that cannot be parsed is quarantined,
 * and completes.
 */
export const route = (deps: RouteDeps, batch: Batch): Promise<FailedMessage[]> =>
  handleBatch(deps, batch, (message) => routeMessage(deps, message), {
    patienceMs: PATIENCE_MS,
    quarantineAs: 'queue',
  });

/**
 * The time limit of a batch: enough for a slow message, but short, so that a hanging group does not block the others.
 */
const PATIENCE_MS = 10_000;

async function routeMessage(deps: RouteDeps, { id, body }: Message): Promise<boolean> {
  const log = deps.log.with({ queue_message: id });
  try {
    const message = readSignalMessage(body);
    if (message.success) await admit(deps, message.data, log);
    else await quarantineMessage(deps, body, inputProblemText(message.error), log);
    return true;
  } catch (error) {
    log.error('signals could not be routed; the queue delivers them again', {
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
    return false;
  }
}

/**
 * Admits signals. After a permanent error, admits each one separately, so that one bad signal does not block the
 * others.
 */
async function admit(deps: RouteDeps, message: SignalMessage, log: Log): Promise<void> {
  const { receipt, receivedAt, trace, signals } = message;
  try {
    const admitted = await admitSignals(deps, signals, { at: receivedAt, trace });
    const counts = { signals: signals.length, ...admitted.counts };
    const { counts: countsByResult } = admitted;
    await deps.counters.add([
      ...routingDelay(secondsBetween(receivedAt, deps.clock.now())),
      ...Object.entries(countsByResult).map(([result, by]): Count => ({
        name: 'firebreak_alerts_routed_total',
        labels: [result],
        by,
      })),
    ]);
    log.info(INCIDENT_EVENTS['alerts.routed'], {
      event: 'alerts.routed',
      receipt,
      trace,
      ...serviceEnvironmentOf(signals),
      ...counts,
      opened_incidents: admitted.opened,
      incidents: admitted.wake,
    });
  } catch (error) {
    if (!isPermanent(error)) throw error;
    if (signals.length > 1) {
      for (const signal of signals) await admit(deps, { ...message, signals: [signal] }, log);
    } else await quarantineMessage(deps, JSON.stringify(message), String(error), log);
  }
}

/** Returns the service and environment of the signals, if all have the same. */
function serviceEnvironmentOf(signals: SignalMessage['signals']): {
  service?: string | undefined;
  environment?: string | undefined;
} {
  const services = new Set(signals.map(({ service, unmatched }) => unmatched || service));
  const environments = new Set(signals.map(({ environment }) => environment));
  const [service] = services;
  const [environment] = environments;
  return services.size === 1 && environments.size === 1 ? { service, environment } : {};
}

async function quarantineMessage(deps: RouteDeps, body: string, detail: string, log: Log): Promise<void> {
  const quarantine = await deps.quarantine.keep({
    source: 'queue',
    sender: null,
    receiver: 'queue',
    body: Buffer.from(body),
    contentType: 'application/json',
    status: null,
    detail,
  });
  log.error('a message could not be processed and was quarantined', { quarantine, detail });
}
