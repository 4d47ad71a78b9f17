import type { Config, ServiceEntry } from '../schemas/config.ts';
import { EnvironmentName, NAME_MAX_CHARS, ServiceName, type Severity, UNMATCHED } from '../schemas/names.ts';
import type { Alert, Signal } from '../schemas/signal.ts';
import { secondsBetween, type Timestamp } from '../schemas/time.ts';

/** Where an alert without any environment belongs when the catalogue cannot tell. */
const UNKNOWN_ENVIRONMENT = 'unknown' as EnvironmentName;

/** A summary can be 100 KB long; the whole of it stays among the annotations. */
const TITLE_MAX_CHARS = 1024;

/** Alerts by which Grafana says that it could not evaluate a rule. */
const MONITORING_FAILURES = new Set(['DatasourceNoData', 'DatasourceError']);

/** Senders' clocks may be ahead of ours by this much. */
const CLOCK_SKEW_MAX_SECONDS = 300;

/** Whether an alert claims to start further ahead than a clock can be wrong. */
export const startsAhead = ({ startsAt }: Pick<Alert, 'startsAt'>, at: Timestamp): boolean =>
  secondsBetween(at, startsAt) > CLOCK_SKEW_MAX_SECONDS;

/**
 * An alert without times that lie ahead. A later alert that starts before the known start or end counts as old news, so
 * a time ahead would hide real alerts until then. A start ahead is dropped: the alert counts as one whose sender tells no
 * start. An end ahead becomes the time of receipt, because a `resolved` says that the alert has ended by now.
 *
 * @param at when the alert was received
 */
export function withoutTimesAhead(alert: Alert, at: Timestamp): Alert {
  const endsAt = alert.endsAt !== null && alert.endsAt > at ? at : alert.endsAt;
  return startsAhead(alert, at) ? { ...alert, endsAt, startsAt: at, episodic: false } : { ...alert, endsAt };
}

/** What an alert means under this catalogue. `asRollbackRequest`: it came by the receiver that asks for rollbacks. */
export function toSignal(alert: Alert, services: Config['services'], asRollbackRequest = false): Signal {
  const { labels, annotations } = alert;
  const place = placeOf(labels, services);
  const alertname = labels.get('alertname') ?? '';
  const monitoringFailure = MONITORING_FAILURES.has(alertname);
  const asks = asRollbackRequest ? alert.status === 'firing' : labels.get('action') === 'auto-rollback';
  return {
    source: alert.source,
    episode: [alert.source, alert.fingerprint, ...(alert.episodic ? [alert.startsAt] : [])].join(':'),
    fingerprint: alert.fingerprint,
    episodic: alert.episodic,
    status: alert.status,
    startsAt: alert.startsAt,
    endsAt: alert.endsAt,
    ...place,
    severity: severityOf(labels.get('severity')),
    asksRollback: asks && !monitoringFailure,
    monitoringFailure,
    title: cut(
      annotations.get('summary') || annotations.get('title') || alertname || 'alert without a name',
      TITLE_MAX_CHARS,
    ),
    links: {
      runbook: httpUrl(annotations.get('runbook_url')) ?? httpUrl(annotations.get('runbook')),
      dashboard: httpUrl(annotations.get('dashboard')) ?? httpUrl(annotations.get('dashboard_url')),
      source: httpUrl(alert.generatorUrl ?? undefined),
    },
    labels: [...labels],
    annotations: [...annotations],
    ...(alert.groupKey === undefined ? {} : { groupKey: alert.groupKey }),
    blob: null,
  };
}

const SEVERITIES: Readonly<Record<string, Severity>> = {
  critical: 'critical',
  page: 'critical',
  warning: 'warning',
  ticket: 'warning',
  info: 'info',
  none: 'info',
};

/** Unknown or missing means warning: noticed, but nobody is woken by a typo. */
export const severityOf = (label: string | undefined): Severity =>
  (Object.hasOwn(SEVERITIES, label ?? '') ? SEVERITIES[label ?? ''] : undefined) ?? 'warning';

function placeOf(
  labels: ReadonlyMap<string, string>,
  services: Config['services'],
): Pick<Signal, 'service' | 'environment' | 'unmatched'> {
  // Prometheus takes an empty label for none.
  const labelled = nameIn(labels.get('environment')) ?? nameIn(labels.get('env'));
  for (const [name, entry] of Object.entries(services)) {
    if (!matches(labels, name, entry)) continue;
    const environment = labelled ?? defaultEnvironment(entry);
    if (environment === undefined || !runsIn(entry, environment)) break;
    return { service: ServiceName.parse(name), environment: EnvironmentName.parse(environment), unmatched: null };
  }
  return {
    service: UNMATCHED,
    environment: labelled ?? UNKNOWN_ENVIRONMENT,
    unmatched: nameIn(labels.get('service')) ?? '',
  };
}

/** The name that a label holds, if it holds one. */
const nameIn = (label: string | undefined): EnvironmentName | undefined =>
  label ? EnvironmentName.parse(cut(label, NAME_MAX_CHARS)) : undefined;

/** At most `max` UTF-16 units, and never half a character. */
const cut = (text: string, max: number): string => text.slice(0, max).replace(/[\uD800-\uDBFF]$/, '');

const matches = (
  labels: ReadonlyMap<string, string>,
  name: string,
  { match = { service: name } }: ServiceEntry,
): boolean => Object.entries(match).every(([label, value]) => labels.get(label) === value);

/** A service without any environment in the catalogue is taken as it is labelled: paged for, never acted upon. */
const runsIn = ({ environments }: ServiceEntry, environment: string): boolean =>
  Object.keys(environments).length === 0 || Object.hasOwn(environments, environment);

function defaultEnvironment({ defaultEnvironment: named, environments }: ServiceEntry): string | undefined {
  const all = Object.keys(environments);
  if (named !== undefined) return named;
  return all.length === 1 ? all[0] : all.length === 0 || all.includes('production') ? 'production' : undefined;
}

/** Links from alerts are shown to people: nothing but http and https. */
function httpUrl(text: string | undefined): string | null {
  if (text === undefined || !URL.canParse(text)) return null;
  return /^https?:$/.test(new URL(text).protocol) ? text : null;
}
