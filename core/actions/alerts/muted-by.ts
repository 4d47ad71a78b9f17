import type { Deps } from '../../domain/ports/deps.ts';
import { type Explanations, readExplanations } from '../../domain/ports/extensions.ts';
import { serviceEntry } from '../../domain/catalogue/catalogue.ts';
import { reportKeyOf } from '../../domain/alerts/admission.ts';
import {
  groupsOfSource,
  groupsOfTarget,
  inhibitedBy,
  inhibitingWithin,
  type Inhibitor,
} from '../../domain/alerts/inhibition.ts';
import { type MatchedLabels, valueOf } from '../../domain/alerts/matchers.ts';
import { type Mute, mutedBy, matchedLabels } from '../../domain/alerts/routing.ts';
import type { Silence, Silences } from '../../domain/ports/silences.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import type { Config } from '../../../schemas/config/config.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';

/**
 * What can mute alerts at one time. `silences: null`: unknown. `explanations`: of features, such as chaos experiments.
 * `inhibitors`: alerts that fire, of those that can inhibit the alerts for which they were read.
 */
export type Mutes = {
  config: Config;
  silences: readonly Silence[] | null;
  explanations: readonly Explanations[];
  inhibitors: readonly Inhibitor[];
  now: Timestamp;
};

/** Reads what can mute these alerts now. An explanation that can't be read explains nothing, so its alerts page. */
export async function mutesNow(
  deps: Pick<Deps, 'config' | 'extensions' | 'incidents' | 'clock' | 'log'> & { silences: Silences },
  signals: readonly Signal[],
): Promise<Mutes> {
  const [config, silences, explanations] = await Promise.all([
    deps.config.current(),
    deps.silences.active(),
    readExplanations(deps),
  ]);
  const now = deps.clock.now();
  const mutes = { config, silences, explanations: explanations ?? [], inhibitors: [], now };
  return withInhibitors(deps, mutes, signals);
}

/** Reads what inhibits other alerts, with the same other mutes. */
export async function withInhibitors(
  { incidents }: Pick<Deps, 'incidents'>,
  mutes: Mutes,
  signals: readonly Signal[],
): Promise<Mutes> {
  const { services, routes } = mutes.config;
  if (routes.inhibit_rules.length === 0) return mutes;
  const groups = new Set(signals.flatMap((signal) => groupsOfTarget(routes.inhibit_rules, labelsOf(signal, services))));
  return { ...mutes, inhibitors: groups.size === 0 ? [] : await incidents.inhibitors(groups, mutes.now) };
}

const labelsOf = (signal: Signal, services: Config['services']): MatchedLabels =>
  matchedLabels(signal, serviceEntry(services, signal.service));

/** Maximum number of alerts of one request that are stored before it is queued; each is a write that its sender waits for. */
const STORED_AT_RECEIPT_MAX = 50;

type NoteDeps = Pick<Deps, 'config' | 'incidents' | 'clock'>;

/** Stores those of the alerts that inhibit others by the rules of the configuration, and removes those that have ended. */
export async function noteInhibitors(
  { config, incidents, clock }: NoteDeps,
  signals: readonly Signal[],
): Promise<void> {
  const { routes, services } = await config.current();
  if (routes.inhibit_rules.length === 0) return;
  const inhibiting = inhibitorsOf(signals, services, routes.inhibit_rules).flatMap((alert) => {
    if (alert.groups.length > 0) return [alert];
    // Up to 0.2.0, it was stored without the word of its sender, which keeps it from inhibiting.
    return groupsOfSource(routes.inhibit_rules, withoutWord(alert.labels)).length > 0
      ? [{ ...alert, status: 'resolved' as const }]
      : [];
  });
  if (inhibiting.length > 0) await incidents.recordInhibitors(inhibiting, clock.now());
}

/**
 * Stores those of the alerts of a request that inhibit others in it. The queue delivers alerts of several services, or
 * severities, in any order. A failure is only logged: an alert that is not muted pages.
 */
export async function noteInhibitorsWithin(
  { config, incidents, clock, log }: NoteDeps & Pick<Deps, 'log'>,
  signals: readonly Signal[],
): Promise<void> {
  const { routes, services } = await config.current();
  if (routes.inhibit_rules.length === 0) return;
  const firing = inhibitorsOf(
    signals.filter(({ status }) => status === 'firing'),
    services,
    routes.inhibit_rules,
  );
  const inhibiting = inhibitingWithin(routes.inhibit_rules, firing).slice(0, STORED_AT_RECEIPT_MAX);
  if (inhibiting.length === 0) return;
  await incidents
    .recordInhibitors(inhibiting, clock.now())
    .catch((error: unknown) => log.warn('alerts that inhibit others could not be stored', { error }));
}

const withoutWord = (labels: MatchedLabels): MatchedLabels =>
  new Map(labels).set('severity', valueOf(labels, 'severity'));

const inhibitorsOf = (
  signals: readonly Signal[],
  services: Config['services'],
  rules: Config['routes']['inhibit_rules'],
) =>
  signals.map((signal) => {
    const labels = labelsOf(signal, services);
    return {
      key: reportKeyOf(signal),
      status: signal.status,
      title: signal.title,
      labels,
      groups: groupsOfSource(rules, labels),
    };
  });

/**
 * Returns the mute that applies to a firing alert: a maintenance window, a silence, an alert that inhibits it, or what
 * explains it.
 */
export function muteOf(signal: Signal, { config, silences, explanations, inhibitors, now }: Mutes): Mute | null {
  const mute =
    mutedBy(signal, config, silences, now) ??
    (inhibitors.length === 0
      ? null
      : inhibitedBy(config.routes.inhibit_rules, labelsOf(signal, config.services), inhibitors));
  if (mute !== null) return mute;
  for (const one of explanations) {
    const explained = one.muteOf(signal, now);
    if (explained !== null) return explained;
  }
  return null;
}

/** Records alerts with what explains them, before they are admitted. Others are not recorded. */
export async function recordExplained(
  arrivals: readonly { signal: Signal; mute: Mute | null }[],
  { explanations, now }: Mutes,
): Promise<void> {
  if (explanations.length === 0) return;
  const explained = arrivals.flatMap(({ signal, mute }) => (mute?.by === 'experiment' ? [signal] : []));
  if (explained.length === 0) return;
  for (const one of explanations) await one.record(explained, now);
}
