import type { Deps } from '../../../../core/domain/ports/deps.ts';
import { noExtensions } from '../../../../core/domain/ports/extensions.ts';
import type { Metrics } from '../../../../core/domain/ports/metrics.ts';
import type { Decisions } from '../../../../core/domain/ports/decisions.ts';
import type { SignalView } from '../../../../core/domain/ports/alerts.ts';
import { untouchedAutomation } from '../../../../schemas/access/access.ts';
import { Change } from '../../../../schemas/changes/change.ts';
import { WATCH_ANNOTATION } from '../../../../schemas/judge/watch.ts';
import { Config } from '../../../../schemas/config/config.ts';
import type { EnvironmentName, ServiceName } from '../../../../schemas/config/names.ts';
import { IncidentRecord } from '../../../../schemas/incidents/incident.ts';
import { millisOf, type Timestamp, timestamp } from '../../../../schemas/time/time.ts';
import { random, seedOf } from '../random.ts';
import type { Alert } from './alerting.ts';
import type { MonitoredCase } from './case.ts';
import type { Stage } from './stage.ts';
import type { Source } from './telemetry/series.ts';
import type { World } from './telemetry/telemetry.ts';
import { evaluate, type Result } from './evaluate.ts';
import {
  byVersionQuery,
  callersQuery,
  healthQuery,
  ruleExpression,
  trafficByVersionQuery,
  trafficQuery,
} from './telemetry/queries.ts';
import { recordAt, ulid } from './records.ts';

type Opening = Awaited<ReturnType<Deps['incidentGroups']['newestOpenings']>>[number];

type Curve = NonNullable<Awaited<ReturnType<Metrics['range']>>>;
type Kept = Parameters<Decisions['keep']>[3];

/** What the product can read about an alert: the part of a case that does not say what is true. */
export type Observed = Pick<MonitoredCase, 'id' | 'alert' | 'others' | 'at' | 'watch'> & {
  world: Pick<World, 'seed' | 'epoch'>;
  stage: Pick<Stage, 'services' | 'recorded' | 'delivery' | 'recovered' | 'earlier' | 'unknownMigration'>;
  telemetry: Source;
};

/** The product's ports, as far as judging needs them. Any other access throws. `kept`: inputs of the decision. */
export type Ports = { deps: Deps; incident: IncidentRecord['id']; stored: () => Kept | undefined };

/** Step of the curves that the product reads, unless it says another. */
const STEP_SECONDS = 30;

/**
 * Reads a case at a time of its world through the ports of the product.
 *
 * @param isGrouped whether the product has made an incident the child of another, by its id
 */
export function portsAt(
  monitored: Observed,
  now: number,
  { isGrouped = () => false }: { isGrouped?: (incident: string) => boolean } = {},
): Ports {
  const { world, stage, alert, others, telemetry } = monitored;
  const at = (seconds: number): Timestamp => timestamp(Math.round((world.epoch + seconds) * 1000));
  const secondsOf = (time: Timestamp): number => millisOf(time) / 1000 - world.epoch;
  const alone = judgedIncident(monitored, at);
  // A parent that says nothing about its children: none of them was rolled back.
  const parent = { ...alone, id: alone.id.replace(/.$/, '0') as IncidentRecord['id'] };
  const incident = isGrouped(alone.id) ? { ...alone, parent_id: parent.id } : alone;
  const openings = openingsOf([alert, ...others], now).map((one) => ({
    resolvedAt: one.resolvedAt,
    alert: one,
    opening: openingOf(monitored, one, at),
  }));
  let stored: Kept | undefined;

  /** Returns the series of a query from one time to another. */
  const series = (query: string, from: number, until: number, step: number): Result[] =>
    evaluate(query, { start: from, step, count: Math.floor((until - from) / step + 1e-9) + 1, now }, telemetry);
  /** Returns the samples of series, in the order of time, with their times. */
  const samplesOf = (
    results: readonly Result[],
    from: number,
    until: number,
    step: number,
  ): { time: number; values: number[] }[] => {
    const count = Math.floor((until - from) / step + 1e-9) + 1;
    return Array.from({ length: count }, (_, index) => ({
      time: from + index * step,
      values: results.flatMap(({ values, present }) => {
        const value = present[index] === 1 ? (values[index] ?? NaN) : NaN;
        return Number.isNaN(value) ? [] : [Math.max(-Number.MAX_VALUE, Math.min(value, Number.MAX_VALUE))];
      }),
    })).filter(({ values }) => values.length > 0);
  };
  const curveOf = (
    results: readonly Result[],
    { from, until, combine, step }: { from: Timestamp; until: Timestamp; combine: 'max' | 'sum'; step: number },
  ): Curve =>
    samplesOf(results, secondsOf(from), secondsOf(until), step).map(
      ({ time, values }) =>
        [at(time), combine === 'max' ? Math.max(...values) : values.reduce((sum, value) => sum + value, 0)] as const,
    );
  const ranged = (query: string, from: Timestamp, until: Timestamp, step: number): Result[] =>
    series(query, secondsOf(from), secondsOf(until), step);

  const metrics: Metrics = {
    value: (query) => {
      const [newest] = samplesOf(series(query, now, now, 1), now, now, 1);
      return Promise.resolve(
        newest === undefined ? { kind: 'no_data' } : { kind: 'value', value: Math.max(...newest.values) },
      );
    },
    range: (query, from, until, combine, { stepSeconds: step = STEP_SECONDS } = {}) =>
      Promise.resolve(curveOf(ranged(query, from, until, step), { from, until, combine, step })),
    rangeByLabel: (query, label, from, until, combine, { stepSeconds: step = STEP_SECONDS } = {}) => {
      const names = typeof label === 'string' ? [label] : label;
      const named = ranged(query, from, until, step).filter(({ labels }) => labels[names[0] ?? ''] !== undefined);
      const groups = Map.groupBy(named, ({ labels }) => names.map((one) => labels[one] ?? '').join('\n'));
      const curve = (alike: readonly Result[]) => curveOf(alike, { from, until, combine, step });
      return Promise.resolve(
        [...groups]
          .toSorted(([a], [b]) => (a < b ? -1 : 1))
          .map(([name, alike]) => ({ label: name, curve: curve(alike) })),
      );
    },
    rule: (alertname) => {
      const service = stage.services.find(({ rule }) => rule.alertname === alertname);
      if (service?.rule.isReadable !== true) return Promise.resolve(null);
      const { forSeconds, intervalSeconds } = service.rule;
      const rule = { forSeconds, intervalSeconds, expression: ruleExpression(service, service.rule) };
      return Promise.resolve(rule);
    },
  };
  const config = configOf(monitored);
  const ports = {
    clock: { now: () => at(now) },
    timeScale: 1,
    log: { debug: silent, info: silent, warn: silent, error: silent },
    config: { current: () => Promise.resolve(config) },
    automation: { read: () => Promise.resolve(untouchedAutomation) },
    metrics,
    changes: {
      recent: ({ service, environment }: { service: string; environment: string }, limit: number) =>
        Promise.resolve(
          stage.recorded
            .filter((one) => one.service === service && one.environment === environment)
            .flatMap((one) => recordAt(one, stage.delivery, now, at) ?? [])
            .map((change) => (stage.recovered === null ? change : ofIncident(change, incident.id)))
            .toSorted((a, b) => (a.started_at < b.started_at ? -1 : 1))
            .slice(-limit),
        ),
    },
    pins: { of: () => Promise.resolve([]) },
    looks: { list: () => Promise.resolve([]) },
    targets: { deployerFor: () => Promise.resolve({}) }, // none shows its instances
    extensions: noExtensions,
    watches: { get: (id: string) => Promise.resolve(monitored.watch?.id === id ? monitored.watch : undefined) },
    effects: {
      automaticSince: () => Promise.resolve({ all: 0, of: () => 0 }),
      rollbacksSince: ({ service }: { service: string }, since: Timestamp) =>
        Promise.resolve(
          stage.recorded.filter(
            (one) => one.service === service && one.madeFor !== null && one.start <= now && at(one.start) >= since,
          ).length,
        ),
    },
    incidents: {
      read: (id: string) => Promise.resolve([incident, parent].find((one) => one.id === id)),
      signals: (id: string) => {
        const about = openings.find(({ opening }) => opening.id === id)?.alert;
        // The watch is of the failing service.
        const items =
          about === undefined || about.service === alert.service
            ? [signalOf(monitored, alert, at)]
            : [signalOf({ id: monitored.id }, about, at)];
        return Promise.resolve({ items, next_cursor: null });
      },
      recent: ({ service }: { service?: string }) =>
        Promise.resolve({
          items: service === alert.service ? earlierIncidents(monitored, now, at) : [],
          isComplete: true,
        }),
      openAt: ({ service }: { service: string }) => {
        const open = openings.find(({ opening, resolvedAt }) => opening.service === service && resolvedAt > now);
        return Promise.resolve(open && incidentOf(monitored, open.alert, at));
      },
    },
    incidentGroups: {
      opening: ({ id }: { id: string }) =>
        Promise.resolve(openings.map(({ opening }) => opening).find((one) => one.id === id)),
      openingsOf: (service: string, since: Timestamp) =>
        Promise.resolve(
          openings.map(({ opening }) => opening).filter((one) => one.service === service && one.at >= since),
        ),
      newestOpenings: (
        { since, until }: { since: Timestamp; until: Timestamp },
        isEnough: (opening: Opening) => boolean = () => false,
      ) => {
        const within = openings.map(({ opening }) => opening).filter((one) => one.at >= since && one.at <= until);
        return Promise.resolve(within.slice(Math.max(0, within.findLastIndex(isEnough))));
      },
      stillFailing: (candidates: readonly { id: string }[], max = Infinity) =>
        Promise.resolve(
          openings
            .filter(({ opening, resolvedAt }) => resolvedAt > now && candidates.some(({ id }) => id === opening.id))
            .map(({ opening }) => opening)
            .slice(-max),
        ),
    },
    decisions: {
      get: () => Promise.resolve(undefined),
      inputs: () => Promise.resolve(undefined),
      keep: (_id: string, _number: number, decision: unknown, inputs: Kept) => {
        stored = inputs;
        return Promise.resolve(decision);
      },
    },
  };
  return { deps: strict(ports, 'deps') as unknown as Deps, incident: incident.id, stored: () => stored };
}

const silent = (): void => undefined;

/** Returns an object of which only existing properties can be read, so that a new port is noticed. */
function strict<T extends object>(object: T, path: string): T {
  return new Proxy(object, {
    get(target, name, receiver): unknown {
      if (typeof name === 'symbol') return Reflect.get(target, name, receiver);
      if (!(name in target)) throw new TypeError(`the monitored world has no ${path}.${name}`);
      const value: unknown = Reflect.get(target, name, receiver);
      return path === 'deps' && typeof value === 'object' && value !== null ? strict(value, `${path}.${name}`) : value;
    },
  });
}

/** Returns the catalogue as the owners of the services wrote it. */
export function configOf({ stage }: Observed): Config {
  const { services, unknownMigration } = stage;
  return Config.parse({
    version: 'monitored',
    paging: {},
    services: Object.fromEntries(
      services.map((service) => {
        const { health, calls } = service;
        const promql = healthQuery(service);
        const entry = {
          deployer: { kind: 'http' },
          flags: { kind: 'http', url: 'https://flags.example/{environment}/{flag}' },
          autoRollback: { mode: 'act', unknownMigration },
          ...(promql !== null && {
            health: {
              promql,
              max: health.max,
              ...(health.hasTraffic && { traffic: trafficQuery(service) }),
              ...(health.hasByVersion && { byVersion: byVersionQuery(service) }),
              ...(health.hasCallers && { callersByVersion: callersQuery(service, ' by (version) ') }),
              ...(health.hasByVersion && health.hasTraffic && { trafficByVersion: trafficByVersionQuery(service) }),
            },
          }),
        };
        const dependsOn = calls.filter(({ isDeclared }) => isDeclared).map(({ to }) => to);
        return [service.name, { dependsOn, environments: { production: entry } }];
      }),
    ),
  });
}

type At = (seconds: number) => Timestamp;

/** Returns the alerts that have opened an incident: those that arrive while none of their service is open. */
function openingsOf(alerts: readonly (Alert & { at: number })[], now: number): (Alert & { at: number })[] {
  const opened: (Alert & { at: number })[] = [];
  for (const alert of alerts.filter((one) => one.at <= now).toSorted((a, b) => a.at - b.at)) {
    const open = opened.findLast(({ service, resolvedAt }) => service === alert.service && resolvedAt > alert.at);
    if (open === undefined) opened.push({ ...alert });
    else open.resolvedAt = Math.max(open.resolvedAt, alert.resolvedAt);
  }
  return opened;
}

const incidentIdOf = ({ world }: Observed, { service, at }: Alert & { at: number }): string =>
  ulid(random(seedOf(world.seed, service, 'incident')), (world.epoch + at) * 1000);

function openingOf(monitored: Observed, other: Alert & { at: number }, at: At) {
  return {
    id: incidentIdOf(monitored, other) as IncidentRecord['id'],
    at: at(other.at),
    began: at(other.firedAt),
    scope: `${other.service}#production`,
    service: other.service as ServiceName,
    environment: 'production',
    unmatched: null,
  };
}

function incidentOf(monitored: Observed, alert: Alert & { at: number }, at: At): IncidentRecord {
  return IncidentRecord.parse({
    id: incidentIdOf(monitored, alert),
    service: alert.service,
    environment: 'production',
    unmatched: null,
    title: alert.alertname,
    severity: 'critical',
    status: 'open',
    opened_at: at(alert.at),
    resolved_at: null,
    resolved_by: null,
    signal_count: 1,
    firing: 1,
    requests_rollback: true,
    suspects: [],
    seq: 1,
    consumed_seq: 1,
    run: 1,
    started_run: 1,
    execution: null,
    callbacks: {},
    renotified: 0,
    pages: 0,
    mitigations: 0,
    verification: 'not_needed',
    automation_paused: false,
    trace: '0'.repeat(32),
  });
}

/** Returns the incident that is judged: a new one, or one with an earlier problem, which a rollback has ended. */
function judgedIncident(monitored: Observed, at: At): IncidentRecord {
  const { alert, stage } = monitored;
  const { recovered } = stage;
  const incident = incidentOf(monitored, alert, at);
  if (recovered === null) return incident;
  return IncidentRecord.parse({
    ...incident,
    opened_at: at(recovered.opened),
    mitigations: 1,
    verification: 'pending',
    verifying: { number: 1, at: at(recovered.at) },
    new_onset: { at: at(alert.firedAt), recovered_at: at(recovered.at), seq: 2, judged: 1, after: { number: 1 } },
  });
}

/** Returns a change with what was done for an earlier problem as done for this incident. */
const ofIncident = (change: Change, incident: string): Change =>
  Change.parse({
    ...change,
    rolled_back_by: change.rolled_back_by && incident,
    made_for: change.made_for && incident,
  });

/** Returns the resolved incidents of the failing service. */
function earlierIncidents(monitored: Observed, now: number, at: At): IncidentRecord[] {
  const { earlier } = monitored.stage;
  if (earlier === null || earlier.resolved > now) return [];
  const incident = incidentOf(monitored, { ...monitored.alert, at: earlier.opened }, at);
  return [
    IncidentRecord.parse({
      ...incident,
      status: 'resolved',
      resolved_at: at(earlier.resolved),
      mitigations: 1,
      verification: 'passed',
      verifying: { number: 1, at: at(earlier.mitigated) },
    }),
  ];
}

function signalOf(
  { id, watch }: Pick<Observed, 'id'> & Partial<Pick<Observed, 'watch'>>,
  alert: Alert & { at: number },
  at: At,
): SignalView {
  const labels = {
    ...alert.labels,
    alertname: alert.alertname,
    service: alert.service,
    environment: 'production',
    severity: 'critical',
    ...(watch === undefined ? { action: 'auto-rollback' } : { severity: 'warning', version: watch.version }),
  };
  return {
    source: watch === undefined ? 'alertmanager' : 'watch',
    episode: `alertmanager#${id}`,
    fingerprint: id,
    episodic: true,
    status: 'firing',
    startsAt: at(alert.firedAt),
    endsAt: null,
    service: alert.service as ServiceName,
    environment: 'production' as EnvironmentName,
    unmatched: null,
    severity: 'critical',
    requestsRollback: true,
    monitoringFailure: false,
    title: alert.alertname,
    links: { runbook: null, dashboard: null, source: null },
    labels: Object.entries(labels),
    annotations: watch === undefined ? [] : [[WATCH_ANNOTATION, watch.id]],
    blob: null,
    first_seen_at: at(alert.at),
  };
}
