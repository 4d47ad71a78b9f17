import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { timestamp } from '../../schemas/time/time.ts';
import { type Firebreak, ignoreFailedRequest } from './firebreak.ts';
import type { Narrator } from './narrator.ts';
import type { ToyService } from './toy-service.ts';

/** Alerting rule: more than 5 % of requests fail for a minute. */
export const RULE = { name: 'HighErrorRatio', above: 0.05, forMinutes: 1, windowMinutes: 2 } as const;

const SCRAPE_EVERY_MINUTES = 0.25;

/** Lower limit at high time scales, to limit the load. */
const SCRAPE_EVERY_MIN_MS = 100;

/** Interval of retries: Alertmanager retries until its webhook is accepted. */
const RETRY_EVERY_MS = 200;

const RATIO = 'service:requests:error_ratio';
const EXCEEDED = `${RATIO} > ${RULE.above}`;

/** Returns the health query of a service for the catalogue. */
export const healthQuery = (service: string): string => `${RATIO}{service="${service}"}`;

const Accepted = z.object({ receipt: z.string() });

type MonitoredService = {
  toy: ToyService;
  /** Last value sent to Prometheus. */
  ratio: number | null;
  /** Start of the time for which the rule's expression has been true, milliseconds since the Unix epoch. */
  exceededSince: number | null;
  alert: Alert | null;
};

type Alert = { startsAt: number; endsAt: number | null; summary: string };

/** An alert that has started to fire or ended, and its service. */
type AlertChange = { service: string; alert: Alert };

export type MonitoringOptions = {
  firebreak: Firebreak;
  /** Milliseconds per minute of the story. */
  minuteMs: number;
  narrator: Narrator;
  /** Receives unexpected errors. */
  failed(error: unknown): void;
};

/**
 * Stands in for Prometheus and Alertmanager: measures the toy services, sends samples to the sandbox's Prometheus, evaluates
 * the rule, and posts firing and resolved alerts to Firebreak's webhook.
 */
export class Monitoring {
  readonly #options: MonitoringOptions;
  #monitored: MonitoredService[] = [];
  /** Samples not sent yet: the sandbox's Prometheus is down while Firebreak is down. */
  #unsent: object[] = [];
  #sending: Promise<void> = Promise.resolve();
  #running = true;
  #rounds = Promise.resolve();

  constructor(options: MonitoringOptions) {
    this.#options = options;
  }

  /** Creates an hour of healthy samples and the rule, then starts to measure. Call it before Firebreak needs Prometheus. */
  async start(toys: readonly ToyService[]): Promise<void> {
    this.#monitored = toys.map((toy) => ({ toy, ratio: null, exceededSince: null, alert: null }));
    const { firebreak, minuteMs } = this.#options;
    const hourAgo = Date.now() - 3600_000;
    for (const { toy } of this.#monitored) this.#recordRatio(toy, 0, hourAgo);
    await this.#push();
    const labels = { severity: 'critical', action: 'auto-rollback' };
    // In real seconds, because Firebreak derives the onset from them.
    const [duration, interval] = [RULE.forMinutes, SCRAPE_EVERY_MINUTES].map((minutes) => (minutes * minuteMs) / 1000);
    const rule = { name: RULE.name, query: EXCEEDED, duration, labels, annotations: {} };
    const groups = [{ name: 'error-ratio', interval, rules: [rule] }];
    await firebreak.change('PUT', '/sandbox/prometheus/rules', { groups });
    const everyMs = Math.max(SCRAPE_EVERY_MINUTES * minuteMs, SCRAPE_EVERY_MIN_MS);
    this.#rounds = this.#watch(everyMs).catch(this.#options.failed);
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#rounds;
    await this.#sending;
  }

  async #watch(everyMs: number): Promise<void> {
    while (this.#running) {
      const now = Date.now();
      const changed = this.#monitored.flatMap((monitored) => this.#evaluate(monitored, now) ?? []);
      if (changed.length > 0) this.#send(changed);
      await this.#push().catch(ignoreFailedRequest);
      await sleep(Math.max(now + everyMs - Date.now(), 0));
    }
  }

  /** Returns the alert that starts to fire or ends. */
  #evaluate(monitored: MonitoredService, now: number): AlertChange | undefined {
    const { toy } = monitored;
    const measured = toy.errorRatio;
    if (measured === null) return undefined;
    const ratio = Math.round(measured * 100) / 100;
    if (ratio !== monitored.ratio) this.#recordRatio(toy, ratio, now);
    const before = monitored.ratio ?? 0;
    monitored.ratio = ratio;
    if (ratio > RULE.above) {
      if (before <= RULE.above) this.#recordExceeded(monitored, now, ratio);
      const since = monitored.exceededSince ?? now;
      const pendingMs = RULE.forMinutes * this.#options.minuteMs;
      return monitored.alert === null && now - since >= pendingMs ? this.#startAlert(monitored, now, ratio) : undefined;
    }
    if (before > RULE.above) this.#recordExceeded(monitored, null, ratio);
    return monitored.alert === null ? undefined : this.#endAlert(monitored, monitored.alert, now);
  }

  /** Records when the rule's expression became true, or `null` when it became false. */
  #recordExceeded(monitored: MonitoredService, since: number | null, ratio: number): void {
    const { toy } = monitored;
    monitored.exceededSince = since;
    const labels = { service: toy.name, environment: 'production' };
    const value = since === null ? null : ratio;
    this.#unsent.push({ query: EXCEEDED, labels, points: [{ at: timestamp(Date.now()), value }] });
    const text = since === null ? 'requests succeed again' : 'requests fail';
    const line = { at: Date.now(), speaker: 'toy service', about: `${toy.name} ${toy.version}`, text };
    this.#options.narrator.say({ ...line, tone: since === null ? 'good' : 'bad' });
  }

  #recordRatio(toy: ToyService, ratio: number, at: number): void {
    const labels = { service: toy.name, environment: 'production' };
    this.#unsent.push({ query: healthQuery(toy.name), labels, points: [{ at: timestamp(at), value: ratio }] });
  }

  async #push(): Promise<void> {
    for (let sample = this.#unsent[0]; sample !== undefined; sample = this.#unsent[0]) {
      await this.#options.firebreak.change('PUT', '/sandbox/prometheus/series', sample);
      this.#unsent.shift();
    }
  }

  #startAlert(monitored: MonitoredService, now: number, ratio: number): AlertChange {
    const summary = `${monitored.toy.name} fails ${percent(ratio)} of its requests`;
    this.#options.narrator.setFirstAlert(now);
    monitored.alert = { startsAt: now, endsAt: null, summary };
    return { service: monitored.toy.name, alert: monitored.alert };
  }

  #endAlert(monitored: MonitoredService, alert: Alert, now: number): AlertChange {
    monitored.alert = null;
    return { service: monitored.toy.name, alert: { ...alert, endsAt: now } };
  }

  /** Sends notifications in their order, each until it is accepted. */
  #send(changed: readonly AlertChange[]): void {
    this.#sending = this.#sending.then(() => this.#deliver(changed)).catch(this.#options.failed);
  }

  async #deliver(changed: readonly AlertChange[]): Promise<void> {
    const { firebreak, narrator } = this.#options;
    const body = notification(changed);
    for (const { service, alert } of changed) {
      const isFiring = alert.endsAt === null;
      const text = `${RULE.name} is ${isFiring ? 'firing' : 'resolved'}; notifies Firebreak`;
      narrator.say({ at: Date.now(), speaker: 'Alertmanager', about: service, text, tone: isFiring ? 'bad' : 'good' });
    }
    while (this.#running) {
      try {
        await firebreak.post('/v1/alerts/alertmanager', body, Accepted, firebreak.ingestToken);
        return;
      } catch (error) {
        ignoreFailedRequest(error);
        await sleep(RETRY_EVERY_MS);
      }
    }
  }
}

const percent = (ratio: number): string => `${Math.round(ratio * 100)} %`;

/** Returns the body of Alertmanager's webhook, version 4: the alerts of a rule that changed, in one group. */
function notification(changed: readonly AlertChange[]): object {
  const alerts = changed.map(alertOf);
  return {
    receiver: 'firebreak',
    status: alerts.some(({ status }) => status === 'firing') ? 'firing' : 'resolved',
    alerts,
    groupLabels: { alertname: RULE.name },
    commonLabels: COMMON_LABELS,
    commonAnnotations: {},
    externalURL: 'https://alertmanager.example.com',
    version: '4',
    groupKey: `{}:{alertname="${RULE.name}"}`,
    truncatedAlerts: 0,
  };
}

const COMMON_LABELS = {
  action: 'auto-rollback',
  alertname: RULE.name,
  environment: 'production',
  severity: 'critical',
};

function alertOf({ service, alert: { startsAt, endsAt, summary } }: AlertChange) {
  const labels = { ...COMMON_LABELS, service };
  return {
    status: endsAt === null ? 'firing' : 'resolved',
    labels,
    annotations: {
      dashboard_url: `https://grafana.example.com/d/${service}`,
      runbook_url: 'https://runbooks.example.com/high-error-ratio',
      summary,
    },
    startsAt: timestamp(startsAt),
    endsAt: endsAt === null ? '0001-01-01T00:00:00Z' : timestamp(endsAt),
    generatorURL: `https://prometheus.example.com/graph?g0.expr=${encodeURIComponent(EXCEEDED)}&g0.tab=1`,
    fingerprint: createHash('sha256').update(JSON.stringify(labels)).digest('hex').slice(0, 16),
  };
}
