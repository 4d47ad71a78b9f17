import { alertKeyOf, type Arrival } from '../../domain/alerts/admission.ts';
import { entriesOf } from '../../domain/messages/alert-notices.ts';
import type { Receipt } from '../../domain/ports/alerts.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { Admitted } from '../../domain/ports/incidents.ts';
import { destinationsOf } from '../../domain/alerts/routing.ts';
import type { Subject } from '../../schemas/incidents/projection.ts';
import type { Signal } from '../../schemas/alerts/signal.ts';
import { wake } from '../../workflows/wake.ts';
import { recordExpected } from '../experiments/expected-alerts.ts';
import { muteOf, mutesNow } from './muted-by.ts';
import { freezeByAlerts } from '../slo/burn-alerts.ts';

export type AdmissionDeps = Pick<
  Deps,
  | 'clock'
  | 'config'
  | 'silences'
  | 'incidents'
  | 'alertNotices'
  | 'projections'
  | 'decisions'
  | 'engine'
  | 'log'
  | 'freezes'
  | 'sloAlerts'
  | 'experiments'
>;

/**
 * Admits signals of one service and environment according to the routes: into an incident, whose workflow is started or
 * woken, or into the notice of a channel or ticket. Records every signal. Idempotent.
 */
export async function admitSignals(
  deps: AdmissionDeps,
  signals: readonly Signal[],
  receipt: Pick<Receipt, 'at' | 'trace'>,
): Promise<Admitted> {
  const mutes = signals.some(({ status }) => status === 'firing') ? await mutesNow(deps) : null;
  const config = mutes?.config ?? (await deps.config.current());
  const now = deps.clock.now();
  const arrivals = signals.map((signal): Arrival => ({
    signal,
    destinations: destinationsOf(signal, config, receipt.at),
    mute: mutes !== null && signal.status === 'firing' ? muteOf(signal, mutes) : null,
  }));
  if (mutes !== null) await recordExpected(deps, arrivals, mutes);
  const admitted = await deps.incidents.admit(arrivals, receipt, config.routes.unmatchedIncidents);
  for (const id of admitted.wake)
    deps.log.debug('incident woken', { trace: receipt.trace, incident: id, how: await wake(deps, id) });
  const withoutIncident = new Map(
    admitted.withoutIncident.map(({ arrival, status }) => [signalKey(arrival.signal), status]),
  );
  const entries = arrivals.flatMap((arrival) => {
    const status = withoutIncident.get(signalKey(arrival.signal));
    return entriesOf(arrival, status ?? arrival.signal.status, status !== undefined);
  });
  const alertNotices = entries.length > 0 ? await deps.alertNotices.record(entries, now) : [];
  await deps.projections.changed(...admitted.wake.map((id): Subject => `incident:${id}`), ...alertNotices);
  await freezeByAlerts(deps, config, signals);
  return admitted;
}

/** Returns a unique key of a signal: alerts of different services can have the same episode name. */
const signalKey = (signal: Signal): string => `${alertKeyOf(signal)} ${signal.episode}`;
