import { FEATURE_COUNTERS } from '../../../features/names.ts';
import { MitigationOutcome } from '../../../schemas/incidents/inbox.ts';
import { WatchOutcome } from '../../../schemas/judge/watch.ts';

/** Outcomes of mitigations that were performed. The others were refused, or no longer needed. */
const PERFORMED_OUTCOMES = MitigationOutcome.extract(['succeeded', 'failed', 'gave_up']).options;
export const PERFORMED: ReadonlySet<MitigationOutcome> = new Set(PERFORMED_OUTCOMES);

/**
 * Counters aggregated over all instances: a Lambda function has many short-lived processes, so none can count by
 * itself. The counters of a group are stored and written together.
 */
export const COUNTERS = {
  firebreak_alerts_received_total: {
    group: 'alerts',
    help: 'Alerts sent to a receiver with a valid credential, by source',
    labels: ['source'],
  },
  firebreak_alerts_accepted_total: {
    group: 'alerts',
    help: 'Alerts stored durably before the response to the sender, by source',
    labels: ['source'],
  },
  firebreak_alerts_quarantined_total: {
    group: 'alerts',
    help: 'Alerts, or entire bodies, that could not be read and were stored in quarantine, by source',
    labels: ['source'],
  },
  firebreak_quarantine_refused_total: {
    group: 'alerts',
    help: 'Inputs that could not be read and were not stored, because the daily quota of the quarantine was used up, by source',
    labels: ['source'],
  },
  firebreak_alerts_routed_total: {
    group: 'routing',
    help: 'Alerts taken from the queue, by outcome: opened or joined an incident, recorded without one, or already known',
    labels: ['result'],
    known: { result: ['opened', 'joined', 'recorded', 'known'] },
  },
  firebreak_alerts_routing_delay_seconds: {
    group: 'routing',
    help: 'Time from the receipt of alerts until their routing, per queue message',
    labels: ['le'],
  },
  firebreak_incidents_opened_total: {
    group: 'incidents',
    help: 'Incidents opened, by origin: alerts, a person, or several incidents at once',
    labels: ['by'],
    known: { by: ['alerts', 'person', 'several'] },
  },
  firebreak_incidents_resolved_total: {
    group: 'incidents',
    help: 'Incidents resolved, by actor: firebreak or a person',
    labels: ['by'],
    known: { by: ['firebreak', 'person'] },
  },
  firebreak_effects_total: {
    group: 'incidents',
    help: 'Completed calls that change an external system (pages, rollbacks, tickets, …), by kind and outcome',
    labels: ['kind', 'outcome'],
  },
  firebreak_rollbacks_total: {
    group: 'incidents',
    help: 'Performed rollbacks and other mitigations, by outcome and service; refused and cancelled ones are not counted',
    labels: ['outcome', 'service'],
    known: { outcome: PERFORMED_OUTCOMES },
  },
  firebreak_approvals_requested_total: {
    group: 'incidents',
    help: 'Approval requests to people',
    labels: [],
  },
  firebreak_approvals_total: {
    group: 'incidents',
    help: 'Completed approval requests, by outcome; withdrawn: no longer needed; unopposed: no objection in time, which counts as approval',
    labels: ['outcome'],
    known: { outcome: ['approved', 'rejected', 'expired', 'withdrawn', 'unopposed'] },
  },
  firebreak_watches_total: {
    group: 'incidents',
    help: 'Completed watches of deploys, by outcome: healthy, degraded, inconclusive, superseded, or stopped',
    labels: ['outcome'],
    known: { outcome: WatchOutcome.options },
  },
  ...FEATURE_COUNTERS,
  firebreak_http_requests_refused_total: {
    group: 'refusals',
    help: 'Requests refused with 400, 401, 403, 413, 415, 422, or 429, by route, reason (the code of the response; partly-refused: spans were rejected), and source (the sender or token, or unknown)',
    labels: ['route', 'reason', 'source'],
  },
  firebreak_alerts_severity_unknown_total: {
    group: 'unrecognized',
    help: 'Alerts whose label severity has an unknown value, which counts as warning, by sender and value',
    labels: ['sender', 'severity'],
  },
  firebreak_events_ignored_total: {
    group: 'unrecognized',
    help: 'Events of connected systems that were accepted and changed nothing, by sender and reason',
    labels: ['sender', 'reason'],
  },
  firebreak_freeze_checks_unknown_service_total: {
    group: 'unrecognized',
    help: 'Freeze checks of services that the catalogue does not have, by caller and service',
    labels: ['caller', 'service'],
  },
  firebreak_vendor_calls_total: {
    group: 'vendors',
    help: 'Requests to a vendor, each including its retries, by outcome: ok, refused (by the vendor), or error (no response, or one that asks for a retry)',
    labels: ['vendor', 'outcome'],
  },
} as const satisfies Record<string, CounterFamily>;

/**
 * `known`: all values of labels. If every label has known values, its series exist with 0 from the start, because
 * `increase` does not see the first value of a series; the values of `service` are those of the catalogue.
 */
export type CounterFamily = {
  group: CounterGroup;
  help: string;
  labels: readonly string[];
  known?: Readonly<Record<string, readonly string[]>>;
};
export type CounterName = keyof typeof COUNTERS;

/** Returns zeros of the series of a counter that exist before something is counted. */
export function zerosOf(name: CounterName, services: readonly string[]): Count[] {
  const { labels, known = {} }: CounterFamily = COUNTERS[name];
  const values: Readonly<Record<string, readonly string[]>> = { service: services, ...known };
  if (labels.some((label) => label !== 'service' && !(label in known))) return [];
  return labels
    .reduce<string[][]>(
      (all, label) => all.flatMap((one) => (values[label] ?? []).map((value) => [...one, value])),
      [[]],
    )
    .map((one) => ({ name, labels: one, by: 0 }));
}

export const COUNTER_GROUPS = ['alerts', 'routing', 'incidents', 'vendors', 'refusals', 'unrecognized'] as const;
export type CounterGroup = (typeof COUNTER_GROUPS)[number];

/** Periods in whose counts a look at the newest ones is possible. */
export type CounterPeriod = 'last_hour' | 'last_day';

/** Groups whose recent counts are stored, too. */
export const RECENT_COUNTS: Readonly<Partial<Record<CounterGroup, CounterPeriod>>> = {
  refusals: 'last_hour',
  unrecognized: 'last_day',
};

/** Upper bounds, in seconds, of the histogram buckets for the delay from receipt of alerts until routing. */
export const ROUTING_DELAY_BUCKETS = [0.5, 1, 2, 5, 15, 60, 300] as const;

/** Value of `le` under which the sum of all delays is stored. */
export const DELAY_SUM = 'sum';

/** Counts one delay in its bucket. */
export function routingDelay(seconds: number): Count[] {
  const name = 'firebreak_alerts_routing_delay_seconds';
  const bound = ROUTING_DELAY_BUCKETS.find((max) => seconds <= max);
  return [
    increment(name, bound === undefined ? '+Inf' : String(bound)),
    { name, labels: [DELAY_SUM], by: Math.max(0, seconds) },
  ];
}

/**
 * Increment of a counter. `labels`: values in the order of the family's labels. `example`: what was counted, of the last one that has
 * it, in recent counts. Absent: none has it.
 */
export type Count = { name: CounterName; labels: readonly string[]; by: number; example?: string };

/** Returns an increment of one. */
export const increment = (name: CounterName, ...labels: string[]): Count => ({ name, labels, by: 1 });
