import { expect } from 'vitest';
import { canonicalJson, sha256 } from '../../core/stores/hash.ts';
import type { DecisionInputs } from '../../core/domain/rollback/judgement.ts';
import { decide } from '../../core/domain/rollback/rollback.ts';
import { alert, group, minutesAgo } from '../support/alerts.ts';
import { type Firebreak, metricsOf } from '../support/firebreak.ts';
import { seen } from '../support/fixtures.ts';

export type Policy = {
  /** Settings of the environment besides the mode. */
  autoRollback?: object;
  deployer?: object;
  health?: object;
};

/** An environment with the CD stand-in as deployer. Migrations are unknown and do not require approval. */
export const environment = (mode: string, { autoRollback = {}, deployer = {}, ...more }: Policy = {}) => ({
  deployer: { kind: 'http', ...deployer },
  autoRollback: { mode, evidence: 'time', unknownMigration: 'act', approvalTimeoutMinutes: 1440, ...autoRollback },
  ...more,
});

/** A service in its own environment, so that nothing else fails beside it. */
export type Site = { service: string; environment: string };

/** A service with its own environment in this mode. */
export const alone = (
  service: string,
  mode: string,
  { dependsOn = [], ...policy }: Policy & { dependsOn?: string[] } = {},
) => [service, { dependsOn, environments: { [`${service}-prod`]: environment(mode, policy) } }] as const;
/** The place of a service made by {@link alone}. */
export const site = (service: string): Site => ({ service, environment: `${service}-prod` });

/** A deploy that started this many minutes ago, and took up to two minutes. */
export type Deployed = { version: string; minutes: number } & Record<string, unknown>;

export const GOOD: Deployed = { version: '2026.4', minutes: 310 };
export const BAD: Deployed = { version: '2026.5', minutes: 5 };

/** Helpers of the guardrail tests, over HTTP only. */
export class Guarded {
  readonly #firebreak: () => Firebreak;
  #alerts = 0;

  constructor(firebreak: () => Firebreak) {
    this.#firebreak = firebreak;
  }

  /** Records deploys, oldest first. */
  async deployed(at: Site, ...changes: Deployed[]): Promise<any[]> {
    const recorded = [];
    for (const { minutes, ...change } of changes) {
      const times = { started_at: minutesAgo(minutes), finished_at: minutesAgo(Math.max(minutes - 2, 0)) };
      const { status, body } = await this.#firebreak().post('/v1/deployments', { ...at, ...times, ...change });
      expect([status, body.detail]).toEqual([201, undefined]);
      recorded.push(body);
    }
    return recorded;
  }

  /** Sends a critical alert that requests a rollback by default. It started half a minute ago if not told otherwise. */
  async fire(at: Site, labels: Record<string, string> = {}, startsAt = minutesAgo(0.5)): Promise<void> {
    this.#alerts += 1;
    const firing = alert({
      labels: { ...at, ...labels },
      fingerprint: `${at.service}-${at.environment}-${this.#alerts}`,
      startsAt,
    });
    const { status } = await this.#firebreak().post('/v1/alerts/alertmanager', group([firing]));
    expect(status).toBe(202);
  }

  incidents = async ({ service, environment: name }: Site): Promise<any[]> =>
    (await this.#firebreak().get(`/v1/incidents?service=${service}&limit=100`)).body.items.filter(
      (one: any) => one.environment === name,
    );

  /** Waits until the newest incident of the service and environment matches. */
  incident = (at: Site, is: (incident: any) => boolean, what = 'as expected'): Promise<any> =>
    seen(
      async () => (await this.incidents(at)).slice(0, 1).find(is),
      `the incident of ${at.service} in ${at.environment} ${what}`,
    );

  judged = (at: Site, times = 1) =>
    this.incident(at, ({ decisions }) => decisions.length >= times, `judged ${times} times`);
  mitigated = (at: Site) => this.incident(at, ({ status }) => status === 'mitigated', 'mitigated');

  act = (one: { id: string }, action: string, body?: object, token?: string) =>
    this.#firebreak().request(
      'POST',
      `/v1/incidents/${one.id}/actions/${action}`,
      body,
      token === undefined ? {} : { authorization: `Bearer ${token}` },
    );

  /** Answers the newest question of the incident. */
  answer = (one: { id: string; decisions: any[] }, answer: 'approve' | 'reject', token?: string) =>
    this.act(one, answer, { digest: one.decisions.at(-1).digest }, token);

  readonly #people = new Map<string, string>();

  /** Creates a token with this name that can act on incidents. */
  async person(name: string, actions = ['incidents:act'], limits: { services?: string[] } = {}): Promise<string> {
    const known = this.#people.get(name);
    if (known !== undefined) return known;
    const { body } = await this.#firebreak().post('/v1/tokens', { name, actions, ...limits });
    this.#people.set(name, body.token);
    return body.token;
  }

  /** Returns the rollback requests to the CD system for a service and environment. */
  rollbacks = async ({ service, environment: name }: Site): Promise<any[]> =>
    (await this.#firebreak().calls('cd'))
      .filter(({ method, body }) => method === 'POST' && body.service === service && body.environment === name)
      .map(({ body }) => body);

  /** Makes rollbacks last longer than any test, on machines of any speed. */
  async holdRollbacks(): Promise<void> {
    await this.#firebreak().put('/sandbox/cd/settings', { rollback_ms: 300_000 }); // so that it does not end at once
    const unseen = { kind: 'status', status: 503 };
    await this.#firebreak().put('/sandbox/faults', { vendor: 'cd', fault: unseen, match: { method: 'GET' } });
  }

  async letRollbacksEnd(): Promise<void> {
    await this.#firebreak().put('/sandbox/faults', { clear: true, vendor: 'cd' });
    await this.#firebreak().put('/sandbox/cd/settings', {});
  }

  timeline = async ({ id }: { id: string }): Promise<any[]> =>
    (await this.#firebreak().get(`/v1/incidents/${id}/timeline?limit=200`)).body.items;

  /** Waits for this timeline entry. */
  awaitEntry = (one: { id: string }, kind: string, text = /./): Promise<any> =>
    seen(
      async () => (await this.timeline(one)).find((entry) => entry.kind === kind && text.test(entry.text)),
      `${kind} ${text.source} on the timeline`,
    );

  /** Returns the lines of a metric in `/metrics`. */
  async metric(name: string): Promise<string[]> {
    return (await metricsOf(this.#firebreak())).split('\n').filter((line) => line.startsWith(`${name}{`));
  }

  /** Sets the results of the health query. `steps`: minutes ago, and the value from then on. */
  async errors(query: string, steps: readonly (readonly [minutesAgo: number, value: number])[]): Promise<void> {
    const given = steps.map(([minutes, value]) => ({ after_seconds: -60 * minutes, value }));
    expect((await this.#firebreak().put('/sandbox/prometheus/series', { query, steps: given })).status).toBe(200);
  }

  /** Returns all stored decisions: as the API shows them, and as today's code makes them of their inputs. */
  async rejudged(): Promise<{ shown: any; again: any }[]> {
    const { items } = (await this.#firebreak().get('/v1/incidents?limit=500')).body;
    const numbered = items.flatMap(({ id, decisions }: any) => decisions.map((_: unknown, n: number) => [id, n + 1]));
    const found = [];
    for (const [id, number] of numbered) {
      const { body } = await this.#firebreak().get(`/v1/incidents/${id}/decisions/${number}`);
      const inputs = asStored(body.inputs) as DecisionInputs;
      const decision = decide(inputs);
      const { kind, reasons, from, to, target } = decision;
      const digest = sha256(canonicalJson({ id, number, decision, inputs }));
      found.push({
        shown: body.decision,
        again: { kind, reasons, from_version: from, to_version: to, target, digest },
      });
    }
    return found;
  }
}

/** Converts `snake_case` names of the API to the names in the inputs of a decision. */
const STORED_AS: Readonly<Record<string, string>> = {
  unknown_migration: 'unknownMigration',
  alert_started_at: 'alertStartedAt',
  alert_received_at: 'alertReceivedAt',
  max_onset_age_minutes: 'maxOnsetAgeMinutes',
  for_seconds: 'forSeconds',
  interval_seconds: 'intervalSeconds',
};

function asStored(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asStored);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [STORED_AS[key] ?? key, asStored(inner)]));
}
