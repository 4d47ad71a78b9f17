import type { Config, ServiceEntry } from '../schemas/config.ts';
import { EnvironmentName, ServiceName, type Severity, UNMATCHED } from '../schemas/names.ts';
import type { Alert, Signal } from '../schemas/signal.ts';

/** Where an alert without any environment belongs when the catalogue cannot tell. */
const UNKNOWN_ENVIRONMENT = 'unknown' as EnvironmentName;

/** Alerts by which Grafana says that it could not evaluate a rule. */
const MONITORING_FAILURES = new Set(['DatasourceNoData', 'DatasourceError']);

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
    title: annotations.get('summary') ?? annotations.get('title') ?? (alertname || 'alert without a name'),
    links: {
      runbook: httpUrl(annotations.get('runbook_url')) ?? httpUrl(annotations.get('runbook')),
      dashboard: httpUrl(annotations.get('dashboard')) ?? httpUrl(annotations.get('dashboard_url')),
      source: httpUrl(alert.generatorUrl ?? undefined),
    },
    labels: [...labels],
    annotations: [...annotations],
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
  const labelled = named(labels.get('environment')) ?? named(labels.get('env'));
  for (const [name, entry] of Object.entries(services)) {
    if (!matches(labels, name, entry)) continue;
    const environment = labelled ?? defaultEnvironment(entry);
    if (environment === undefined || !runsIn(entry, environment)) break;
    return { service: ServiceName.parse(name), environment: environment as EnvironmentName, unmatched: null };
  }
  return {
    service: UNMATCHED,
    environment: labelled ?? UNKNOWN_ENVIRONMENT,
    unmatched: named(labels.get('service')) ?? '',
  };
}

/** A label as a name; undefined when it is none. Cut at 256, and never through a character. */
const named = (label: string | undefined): EnvironmentName | undefined =>
  label ? EnvironmentName.parse(label.slice(0, NAME_MAX_CHARS).replace(/[\uD800-\uDBFF]$/, '')) : undefined;

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
