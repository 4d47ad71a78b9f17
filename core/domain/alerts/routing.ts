import type { Config, ServiceEntry } from '../../../schemas/config/config.ts';
import { type Severity, UNMATCHED } from '../../../schemas/config/names.ts';
import { channelName, type Route, type TicketTarget } from '../../../schemas/alerts/routes.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { serviceEntry } from '../catalogue/catalogue.ts';
import { isWithinHours } from '../time/hours.ts';
import { windowsAt } from '../time/maintenance.ts';
import { UNKNOWN_ENVIRONMENT } from './signal.ts';
import { type MatchedLabels, matches } from './matchers.ts';
import type { Silence } from '../ports/silences.ts';

/** Destinations of an alert. It is recorded in any case. */
export type Destinations = {
  page: boolean;
  /** True for every page and every alert that requests an action, which must be recorded. */
  incident: boolean;
  /** `#name`, or an ID. */
  channels: string[];
  tickets: TicketTarget[];
  record: true;
  /** What determined the delivery: route names or numbers, defaults such as `default: critical`, and requested actions. */
  reasons: string[];
  /** Why requested destinations are unavailable, such as a service without a channel. */
  unavailable: string[];
};

/**
 * Returns the labels of an alert with the normalized `service`, `environment`, and `severity`, and with `team`, `tier`, and
 * `source` if the alert lacks them.
 *
 * @param entry catalogue entry
 */
export const routingLabels = (signal: Routed, entry: ServiceEntry | undefined): ReadonlyMap<string, string> =>
  labelsWith(signal.severity, signal, entry);

function labelsWith<Value>(
  severity: Value,
  signal: Routed,
  entry: ServiceEntry | undefined,
): ReadonlyMap<string, string | Value> {
  const known = Object.entries({ team: entry?.team, tier: entry?.tier, source: signal.source });
  const labels = new Map<string, string | Value>();
  for (const [name, value] of known) if (value) labels.set(name, String(value));
  for (const [name, value] of signal.labels) if (value !== '') labels.set(name, value);
  return labels
    .set('service', signal.unmatched || signal.service)
    .set('environment', signal.environment)
    .set('severity', severity);
}

/**
 * Returns the labels that matchers of routes, maintenance windows, and inhibition rules see: the severity also in the word of the
 * sender, because teams bring rules with their own words.
 */
export function matchedLabels(signal: Routed, entry: ServiceEntry | undefined): MatchedLabels {
  const word = signal.labels.find(([name]) => name === 'severity')?.[1] ?? '';
  return labelsWith(word === '' ? signal.severity : [signal.severity, word], signal, entry);
}

/** What routes see of an alert. */
type Routed = Pick<
  Signal,
  | 'environment'
  | 'labels'
  | 'rollbackNotPermitted'
  | 'requestsRollback'
  | 'service'
  | 'severity'
  | 'source'
  | 'status'
  | 'unmatched'
>;

const entryOf = (config: Pick<Config, 'services'>, { service }: Pick<Signal, 'service'>): ServiceEntry | undefined =>
  serviceEntry(config.services, service);

type Targets = Pick<Route, 'page' | 'incident' | 'slack' | 'ticket'>;

/** Destinations after the last route; without a file, the only ones. */
const DEFAULTS: Readonly<Record<Severity, Targets>> = {
  critical: { page: true, incident: true, slack: [], ticket: [] },
  warning: { page: false, incident: false, slack: [true], ticket: [] },
  info: { page: false, incident: false, slack: [], ticket: [] },
};

/** What determines where alerts go. */
type RoutingConfig = Pick<Config, 'routes' | 'runbooks' | 'services'>;

/** A warning of no known service, without labels that a route could select. */
const NAMELESS: Routed = {
  source: 'alertmanager',
  status: 'firing',
  service: UNMATCHED,
  environment: UNKNOWN_ENVIRONMENT,
  unmatched: '',
  severity: 'warning',
  requestsRollback: false,
  labels: [],
};

/**
 * Returns whether warnings without a known service reach nobody, although no route says so: they would go to the channel of their
 * service. Critical ones page by default.
 */
export function losesUnmatched(config: RoutingConfig, at: Timestamp): boolean {
  const { incident, channels, tickets, unavailable } = destinationsOf(NAMELESS, config, at);
  return !incident && channels.length === 0 && tickets.length === 0 && unavailable.length > 0;
}

/**
 * Returns the destinations of an alert without delivering it: the first route whose matchers and hours match and, as long as a route says
 * `continue`, the following ones. An alert without a terminating route is also delivered by its severity.
 *
 * A `resolved` notification is delivered like its alert; the caller decides what to do with it.
 *
 * @param at time of receipt
 */
export function destinationsOf(signal: Routed, config: RoutingConfig, at: Timestamp): Destinations {
  const entry = entryOf(config, signal);
  const selected = routesFor(signal, config, at);
  const targets = selected.map(([, target]) => target);
  const channels = targets
    .flatMap(({ slack }) => slack)
    .map((channel) => (channel === true ? channelOf(entry) : channel));
  const tickets = targets.flatMap(({ ticket }) => ticket).map((ticket) => ticketTarget(ticket, entry));
  const page = targets.some((target) => target.page);
  const requested = requestedActions(signal, config);
  return {
    page,
    incident: page || requested.length > 0 || targets.some((target) => target.incident),
    channels: [...new Set(channels.filter((channel) => channel !== undefined))],
    tickets: distinct(tickets.filter((ticket) => ticket !== undefined)),
    record: true,
    reasons: [...selected.map(([name]) => name), ...requested],
    unavailable: [
      ...(channels.includes(undefined) ? [`${signal.service} has no channel in the catalogue`] : []),
      ...(tickets.includes(undefined) ? [`${signal.service} has no repository in the catalogue`] : []),
    ],
  };
}

/**
 * Returns whether the alert's label requests a rollback that its sender may not request: it is only suggested, and also
 * opens an incident.
 */
export const requestsRollbackWithoutScope = ({
  rollbackNotPermitted,
  labels,
  status,
}: Pick<Signal, 'labels' | 'rollbackNotPermitted' | 'status'>): boolean =>
  rollbackNotPermitted === true &&
  status === 'firing' &&
  labels.some(([name, value]) => name === 'action' && value === 'auto-rollback');

/** Returns the requested actions: a rollback, or an active runbook with actions. */
function requestedActions(signal: Routed, { runbooks }: Pick<Config, 'runbooks'>): string[] {
  const runbookName = signal.labels.find(([name]) => name === 'runbook')?.[1];
  const runbook = runbooks.runbooks.find(({ name, steps }) => name === runbookName && steps.length > 0);
  return [
    ...(signal.requestsRollback || requestsRollbackWithoutScope(signal) ? ['requests a rollback'] : []),
    ...(runbook === undefined ? [] : [`names the runbook ${runbook.name}`]),
  ];
}

function routesFor(signal: Routed, config: RoutingConfig, at: Timestamp): [name: string, Targets][] {
  const entry = entryOf(config, signal);
  const labels = matchedLabels(signal, entry);
  const selected: [string, Targets][] = [];
  for (const [index, route] of config.routes.routes.entries()) {
    if (!matches(route.matchers, labels) || !isWithinHours(route.hours, at)) continue;
    selected.push([route.name ?? `route ${index + 1}`, route]);
    if (!route.continue) return selected;
  }
  const bySeverity = DEFAULTS[signal.severity];
  const { unmatched } = config.routes;
  if (entry !== undefined || unmatched === undefined || signal.severity === 'info')
    return [...selected, [`default: ${signal.severity}`, bySeverity]];
  return [...selected, [`default: ${signal.severity}, unmatched`, { ...bySeverity, ...unmatched }]];
}

const channelOf = (entry: ServiceEntry | undefined): string | undefined =>
  entry?.slack === undefined ? undefined : channelName(entry.slack.channel);

function ticketTarget(ticket: Route['ticket'][number], entry: ServiceEntry | undefined): TicketTarget | undefined {
  if ('webhook' in ticket) {
    return { kind: 'webhook', url: ticket.webhook.url, signature: ticket.webhook.signature ?? null };
  }
  const repository = ticket.github.repository ?? entry?.repository;
  return repository === undefined ? undefined : { kind: 'github', repository, labels: ticket.github.labels };
}

const distinct = (tickets: readonly TicketTarget[]): TicketTarget[] => [
  ...new Map(tickets.map((ticket) => [JSON.stringify(ticket), ticket])).values(),
];

/** Reason for muting an alert, which is recorded nevertheless. */
export type Mute = {
  /** `experiment`: a chaos experiment explains the alert. `inhibition`: another alert fires. */
  by: 'maintenance' | 'silence' | 'experiment' | 'inhibition';
  /** Name of the window, ID of the silence or experiment, or title of the other alert. */
  name: string;
  until: Timestamp | null;
  reason: string;
};

/**
 * Returns the mute that applies to an alert; of several, the one that ends last. Windows match the routing labels;
 * silences come from Alertmanager and match the alert's own labels, regardless of its sender.
 *
 * @param silences null: unknown, so none applies
 */
export function mutedBy(
  signal: Signal,
  config: Config,
  silences: readonly Silence[] | null,
  at: Timestamp,
): Mute | null {
  const labels = matchedLabels(signal, entryOf(config, signal));
  const alertLabels = new Map(signal.labels);
  const windows = config.routes.maintenance.filter(({ matchers }) => matches(matchers, labels));
  const mutes = [
    ...windowsAt(windows, at).map((window) => ({
      by: 'maintenance' as const,
      name: window.name,
      until: window.until,
      reason: reasonText(window.reason, window.by),
    })),
    ...(silences ?? [])
      .filter(({ startsAt, endsAt }) => startsAt <= at && at < endsAt)
      .filter(({ matchers }) => matchers.length > 0 && matches(matchers, alertLabels))
      .map(({ id, endsAt, comment, createdBy }) => ({
        by: 'silence' as const,
        name: id,
        until: endsAt,
        reason: reasonText(comment, createdBy),
      })),
  ];
  return mutes.toSorted((a, b) => (a.until < b.until ? 1 : a.until > b.until ? -1 : 0))[0] ?? null;
}

/** Formats a reason as `new disks (by ada)`. */
const reasonText = (reason: string | null, by: string | null): string =>
  [reason, by && `(by ${by})`].filter(Boolean).join(' ');
