import {
  catalogueName,
  configuredEnvironments,
  environmentNamed,
  environmentsOf,
  type NamingConfig,
} from '../catalogue/known-names.ts';
import { unnamedEnvironmentOf } from '../catalogue/catalogue.ts';
import { onceFor } from '../once-for.ts';
import { unmeasuredBecause } from './state-reason.ts';
import { workloadIn } from '../catalogue/workloads.ts';
import type { Config, ServiceEntry } from '../../../schemas/config/config.ts';
import {
  type EnvironmentName,
  NAME_MAX_CHARS,
  ServiceName,
  type Severity,
  UNMATCHED,
} from '../../../schemas/config/names.ts';
import { knownSeverity, type SeverityWords } from '../../../schemas/alerts/severities.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import type { Alert } from '../../../schemas/alerts/sources/index.ts';
import { CLOCK_SKEW_MAX_SECONDS, secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';

/** Environment of an alert without one, if the catalogue cannot determine it. */
export const UNKNOWN_ENVIRONMENT = 'unknown' as EnvironmentName;

/** Maximum length of a title: a summary can be 100 KB long. */
const TITLE_MAX_CHARS = 1024;

/** Alerts with which Grafana reports that it could not evaluate a rule. */
const MONITORING_FAILURES = new Set(['DatasourceNoData', 'DatasourceError']);

/** Returns whether an alert claims a start more than five minutes in the future, which clock differences don't explain. */
export const startsAhead = ({ startsAt }: Pick<Alert, 'startsAt'>, at: Timestamp): boolean =>
  startsAt > at && secondsBetween(at, startsAt) > CLOCK_SKEW_MAX_SECONDS;

/**
 * Removes times in the future. A later alert that starts before the known start or end counts as outdated, so a future
 * time would hide real alerts until then. A future start is dropped: the alert counts as one without a start. A future
 * end becomes the time of receipt, because `resolved` means that the alert has ended by now.
 *
 * @param at time of receipt
 */
export function withoutTimesAhead(alert: Alert, at: Timestamp): Alert {
  const endsAt = alert.endsAt !== null && alert.endsAt > at ? at : alert.endsAt;
  return startsAhead(alert, at) ? { ...alert, endsAt, startsAt: at, episodic: false } : { ...alert, endsAt };
}

/**
 * Interprets an alert with this configuration. `asRollbackRequest`: it arrived at the receiver for rollback requests.
 * `severities`: the team's own words.
 */
export function toSignal(
  alert: Alert,
  config: NamingConfig,
  asRollbackRequest = false,
  severities?: SeverityWords,
): Signal {
  const { labels, annotations } = alert;
  const serviceEnvironment = serviceEnvironmentOf(labels, config);
  const alertname = labels.get('alertname') ?? '';
  const unmeasured = unmeasuredBecause(annotations);
  const monitoringFailure = MONITORING_FAILURES.has(alertname) || (alert.status === 'firing' && unmeasured !== null);
  const requestsRollback = asRollbackRequest ? alert.status === 'firing' : labels.get('action') === 'auto-rollback';
  return {
    source: alert.source,
    episode: [alert.source, alert.fingerprint, ...(alert.episodic ? [alert.startsAt] : [])].join(':'),
    fingerprint: alert.fingerprint,
    episodic: alert.episodic,
    status: alert.status,
    startsAt: alert.startsAt,
    endsAt: alert.endsAt,
    ...serviceEnvironment,
    severity: severityOf(labels.get('severity'), severities),
    requestsRollback: requestsRollback && !monitoringFailure,
    monitoringFailure,
    ...(unmeasured !== null && { unmeasured }),
    title: truncated(
      oneLine(annotations.get('summary')) ||
        oneLine(annotations.get('title')) ||
        oneLine(alertname) ||
        'alert without a name',
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
    ...(alert.leftOut === undefined ? {} : { leftOut: alert.leftOut }),
    blob: null,
  };
}

/**
 * Returns the severity that a label means. Unknown and missing ones are a warning, so that a typo is visible but does not
 * page.
 */
export const severityOf = (label: string | undefined, own?: SeverityWords): Severity =>
  knownSeverity(label ?? '', own) ?? 'warning';

/** Returns the service and environment that the labels of an alert name, as the configuration writes them. */
export function serviceEnvironmentOf(
  labels: ReadonlyMap<string, string>,
  config: NamingConfig,
): Pick<Signal, 'service' | 'environment' | 'unmatched'> {
  const { services } = config;
  // Prometheus treats an empty label as missing.
  const written = environmentNameIn(labels.get('environment')) ?? environmentNameIn(labels.get('env'));
  const found = serviceWith(labels, services);
  const known = found === undefined ? configuredEnvironments(config) : environmentsOf(config, found.name);
  const labelledEnvironment = written && ((environmentNamed(written, known) ?? written) as EnvironmentName);
  const environment = found && (labelledEnvironment ?? unnamedEnvironmentOf(found.entry));
  if (found !== undefined && environment !== undefined && runsIn(found.entry, environment))
    return { service: found.name, environment: environment as EnvironmentName, unmatched: null };
  // Alerts of kubernetes-mixin name the exporter as the service, and a workload or its pod.
  const workload = workloadIn(labels, services, labelledEnvironment);
  if (workload !== undefined) return { ...workload, unmatched: null };
  return {
    service: UNMATCHED,
    environment: labelledEnvironment ?? UNKNOWN_ENVIRONMENT,
    unmatched: environmentNameIn(labels.get('service')) ?? '',
  };
}

/** Returns the environment name in a label. Undefined: it is empty, or has only blanks. */
const environmentNameIn = (label = ''): EnvironmentName | undefined =>
  label.trim() !== '' ? (truncated(label, NAME_MAX_CHARS).toWellFormed() as EnvironmentName) : undefined;

/** Joins the lines of a text: titles are shown in one line, such as in the topic of a channel. */
const oneLine = (text = ''): string =>
  LINE_END.test(text)
    ? text
        .split(LINE_END)
        .map((line) => line.trim())
        .filter((line) => line !== '')
        .join(' ')
    : text.trim();

const LINE_END = /[\r\n\u2028\u2029]+/;

/** Truncates to `max` UTF-16 code units without splitting a character. */
const truncated = (text: string, max: number): string =>
  text.length <= max ? text : text.slice(0, max).replace(/[\uD800-\uDBFF]$/, '');

/** A service, and its place in the catalogue: the first one whose labels an alert has is that of the alert. */
type Listed = { name: ServiceName; entry: ServiceEntry; place: number };

/** `byName`: all services. `byLabels`: those that name labels of their alerts. */
type Catalogue = {
  byName: ReadonlyMap<string, Listed>;
  byLabels: readonly Listed[];
};

const catalogueOf = onceFor((services: Config['services']): Catalogue => {
  const all = Object.entries(services).map(([name, entry], place): Listed => ({
    name: ServiceName.parse(name),
    entry,
    place,
  }));
  return {
    byName: new Map(all.map((one) => [one.name as string, one])),
    byLabels: all.filter(({ entry }) => entry.match !== undefined),
  };
});

/**
 * Returns the first service whose labels the alert has; otherwise, the one that its label `service` names, such as in
 * Firebreak's own alerts, unless the alert has another value of a label in its `match`. A name in another letter case counts
 * only if no service has the name or the labels.
 */
function serviceWith(labels: ReadonlyMap<string, string>, services: Config['services']): Listed | undefined {
  const { byName, byLabels } = catalogueOf(services);
  const written = labels.get('service') ?? '';
  const labelled = byLabels.find(({ entry: { match = {} } }) =>
    Object.entries(match).every(([label, value]) => labels.get(label) === value),
  );
  const named =
    byName.get(written) ?? (labelled === undefined ? byName.get(catalogueName(services, written) ?? '') : undefined);
  if (named === undefined || conflictsWithMatch(labels, named.entry)) return labelled;
  const isFirst = named.entry.match === undefined && (labelled === undefined || named.place < labelled.place);
  return labelled === undefined || isFirst ? named : labelled;
}

/** Returns whether an alert that names a service belongs to another one, by a label in the `match` of the service. */
export const conflictsWithMatch = (labels: ReadonlyMap<string, string>, { match = {} }: ServiceEntry): boolean =>
  Object.entries(match).some(
    ([label, value]) => label !== 'service' && labels.get(label) && labels.get(label) !== value,
  );

/**
 * Returns whether the service runs in the environment. A service without environments accepts any: alerts page, but
 * permit no actions.
 */
export const runsIn = ({ environments }: ServiceEntry, environment: string): boolean =>
  Object.keys(environments).length === 0 || Object.hasOwn(environments, environment);

/** Maximum length of a link, which is that of `generatorURL`. A longer one is left out, because a cut one leads nowhere. */
const LINK_MAX_CHARS = 16_384;

/** Accepts only http and https, because links from alerts are shown to people. */
function httpUrl(text: string | undefined): string | null {
  if (text === undefined || text.length > LINK_MAX_CHARS) return null;
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) ? text : null;
}
