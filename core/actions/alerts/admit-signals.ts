import { sha256 } from '../../stores/hash.ts';
import { type Arrival, reporterOf, reportKeyOf } from '../../domain/alerts/admission.ts';
import { entriesOf, type AlertNotices } from '../../domain/messages/alert-notices.ts';
import type { Receipt } from '../../domain/ports/alerts.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { Silences } from '../../domain/ports/silences.ts';
import type { Projections } from '../../domain/incidents/projections.ts';
import type { Counters } from '../../domain/ports/system.ts';
import type { Admitted } from '../../domain/ports/incidents.ts';
import { lastingTitle } from '../../domain/alerts/lasting-title.ts';
import { destinationsOf } from '../../domain/alerts/routing.ts';
import type { Subject } from '../../../schemas/incidents/projection.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import { sources } from '../../../schemas/alerts/sources/index.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { startFirstRun, wake } from '../../../workflows/wake.ts';
import { muteOf, mutesNow, noteInhibitors, recordExplained } from './muted-by.ts';
import { loaded } from '../../domain/ports/extensions.ts';

export type AdmissionDeps = Pick<
  Deps,
  'clock' | 'config' | 'incidents' | 'decisions' | 'engine' | 'log' | 'extensions' | 'timeScale'
> & { silences: Silences; alertNotices: AlertNotices; projections: Projections; counters: Counters };

/**
 * Admits signals of one service and environment according to the routes: into an incident, whose workflow is started or
 * woken, or into the notice of a channel or ticket. Records every signal. Idempotent.
 */
export async function admitSignals(
  deps: AdmissionDeps,
  signals: readonly Signal[],
  receipt: Pick<Receipt, 'at' | 'trace'>,
): Promise<Admitted> {
  const first = deps.incidents.firstRead(signals);
  await noteInhibitors(deps, signals);
  const firing = signals.filter(({ status }) => status === 'firing');
  const mutes = firing.length > 0 ? await mutesNow(deps, firing) : null;
  const config = mutes?.config ?? (await deps.config.current());
  const now = deps.clock.now();
  const arrivals = signals.map((signal): Arrival => ({
    signal,
    destinations: destinationsOf(signal, config, receipt.at),
    mute: mutes !== null && signal.status === 'firing' ? muteOf(signal, mutes) : null,
  }));
  if (mutes !== null) await recordExplained(arrivals, mutes);
  const admitted = await deps.incidents.admit(arrivals, receipt, {
    unmatchedIncidents: config.routes.unmatchedIncidents,
    timeScale: deps.timeScale,
    first,
  });
  for (const ignored of admitted.ignoredEnds) await noteIgnoredEnd(deps, ignored, now);
  const opened = new Set(admitted.opened);
  for (const id of admitted.wake) {
    const how = opened.has(id) ? await startFirstRun(deps, id) : await wake(deps, id);
    deps.log.debug('incident woken', { trace: receipt.trace, incident: id, how });
  }
  const part = signals.find(({ leftOut = 0 }) => leftOut > 0);
  if (part !== undefined) for (const id of admitted.wake) await noteLeftOut(deps, id, part, now);
  const withoutIncident = new Map(
    admitted.withoutIncident.map(({ arrival, status }) => [signalKey(arrival.signal), status]),
  );
  const entries = arrivals.flatMap((arrival) => {
    const status = withoutIncident.size === 0 ? undefined : withoutIncident.get(signalKey(arrival.signal));
    return entriesOf(arrival, status ?? arrival.signal.status, status !== undefined);
  });
  const alertNotices = entries.length > 0 ? await deps.alertNotices.record(entries, now) : [];
  await Promise.all([
    deps.projections.changed(...admitted.wake.map((id): Subject => `incident:${id}`), ...alertNotices),
    // After the workflow was started, which must not wait for a counter.
    deps.counters.add([{ name: 'firebreak_incidents_opened_total', labels: ['alerts'], by: admitted.opened.length }]),
  ]);
  if (config.slos.length > 0)
    for (const budgets of await loaded(deps.extensions.errorBudgets)) await budgets.freezeByAlerts(config, signals);
  return admitted;
}

/** Notes an end that has no effect, once for each sender and alert of an incident. */
function noteIgnoredEnd(
  { incidents, log }: Pick<AdmissionDeps, 'incidents' | 'log'>,
  { incident, signal, reporters }: Admitted['ignoredEnds'][number],
  at: Timestamp,
): Promise<void> {
  const sender = reporterOf(signal) ?? 'Firebreak';
  log.warn('an end was ignored: other senders report the alert as firing', { incident, sender, reporters });
  return incidents.note(incident, `ignored-end ${sha256(reportKeyOf(signal))}`, {
    at,
    actor: 'alerts',
    kind: 'alerts.end_ignored',
    text: `Ignored: ${sender} reported the end of "${lastingTitle(signal.title)}", which only ${reporters.join(' and ')} reported as firing. It ends when its own sender reports it, or when a person resolves the incident`,
    detail: { sender, reporters, episode: signal.episode },
  });
}

/** Notes that alerts are missing that the sender left out, once for each group of an incident. */
function noteLeftOut(
  { incidents }: Pick<AdmissionDeps, 'incidents'>,
  id: IncidentId,
  { source, groupKey = '', title, leftOut = 0 }: Signal,
  at: Timestamp,
): Promise<void> {
  const [alerts, they] = leftOut === 1 ? ['1 alert', 'it'] : [`${leftOut} alerts`, 'them'];
  return incidents.note(id, `left-out ${sha256(`${source} ${groupKey}`)}`, {
    at,
    actor: 'alerts',
    kind: 'alerts.left_out',
    text: `The sender of "${lastingTitle(title)}" left out ${alerts} of its group, so this incident may lack ${they}. ${sources.get(source)?.limitRemoval ?? 'Let it send all of them'}, or group by more labels`,
    detail: { source, left_out: leftOut },
  });
}

/** Returns a unique key of a signal: alerts of different services can have the same episode name. */
const signalKey = (signal: Signal): string => `${reportKeyOf(signal)} ${signal.episode}`;
