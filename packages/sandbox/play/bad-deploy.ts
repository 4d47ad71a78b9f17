import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod';
import { DecisionKind, IncidentStatus } from '../../../schemas/incidents/incident.ts';
import { timestamp, type Timestamp } from '../../../schemas/time/time.ts';
import { problem } from '../core/problem.ts';
import type { Product } from '../core/stand-in.ts';

const PLACE = { service: 'checkout', environment: 'production' } as const;

const POLL_MS = 500;

/** Real minutes after which the story is no longer followed. A verification takes a quarter of an hour. */
const FOLLOWED_MINUTES = 25;

/** Real seconds in which an accepted alert opens an incident. */
const OPENS_SECONDS = 60;

/** The steps of the story, in their order. The first two are of the sandbox, the others of Firebreak. */
export const STEPS = ['deploy', 'alert', 'incident', 'rollback', 'recovery', 'resolved'] as const;
export type StepName = (typeof STEPS)[number];

/** What the page shows. `at`: null: the step has not happened yet. */
export type PlayView = {
  state: 'idle' | 'playing' | 'over' | 'failed';
  steps: { name: StepName; at: Timestamp | null; text: string }[];
  /** The incident, once it is open. */
  incident: { id: string; name: string } | null;
  /** What the story waits for, or why it failed. Null: nothing to say. */
  note: string | null;
};

export type Play = {
  view(): PlayView;
  /** Starts the story. @throws HTTPException 409 while it plays, or if Firebreak is connected to a real system */
  start(): void;
};

type PlayDeps = {
  product(): Product | undefined;
  /** Sends a request to the sandbox itself. */
  sandbox(path: string, init: RequestInit): Response | Promise<Response>;
  now(): number;
  closing: AbortSignal;
};

const Incidents = z.object({
  items: z.array(
    z.object({
      id: z.string(),
      number: z.number().nullable(),
      status: IncidentStatus,
      decisions: z.array(z.object({ kind: DecisionKind, state: z.string() })),
    }),
  ),
});
type Incident = z.infer<typeof Incidents>['items'][number];

const TEXTS: Record<StepName, string> = {
  deploy: 'Version v42 is deployed',
  alert: '12 % of its requests fail, and an alert fires',
  incident: 'Firebreak opens an incident',
  rollback: 'Firebreak rolls back to v41',
  recovery: 'Requests succeed again, and the alert ends',
  resolved: 'Firebreak verifies the recovery, and closes the incident',
};

const idle = (): PlayView => ({
  state: 'idle',
  steps: STEPS.map((name) => ({ name, at: null, text: TEXTS[name] })),
  incident: null,
  note: null,
});

/**
 * Plays a bad deploy against the running product, as a CD system and Alertmanager would report it. Everything after the
 * alert is done by the product.
 */
export function badDeploy(deps: PlayDeps): Play {
  let view = idle();
  return {
    view: () => view,
    start() {
      if (view.state === 'playing') throw problem(409, 'The bad deploy is playing already. Wait until it is over.');
      const product = deps.product();
      if (product?.adminToken === undefined) throw problem(409, 'Firebreak is not listening yet. Try again.');
      const real = product.real?.() ?? [];
      if (real.length > 0)
        throw problem(409, `A bad deploy plays only in the sandbox, and Firebreak is connected to ${real.join(', ')}.`);
      const playing: PlayView = { ...idle(), state: 'playing' };
      view = playing;
      void new Story(deps, product, product.adminToken, playing).play();
    },
  };
}

/** The story ended early, for a reason that the page shows. */
class Ended extends Error {}

class Story {
  readonly #deps: PlayDeps;
  readonly #product: Product;
  readonly #token: string;
  readonly #view: PlayView;
  readonly #run: string;

  constructor(deps: PlayDeps, product: Product, token: string, view: PlayView) {
    this.#deps = deps;
    this.#product = product;
    this.#token = token;
    this.#view = view;
    // A version that was rolled back stays known as bad, so each story has its own.
    this.#run = deps.now().toString(36);
  }

  async play(): Promise<void> {
    const view = this.#view;
    try {
      await this.#deploy();
      const began = this.#ago(1);
      await this.#alert('firing', began);
      this.#reached('alert');
      await this.#follow(began);
      view.state = 'over';
      view.note = null;
    } catch (error) {
      if (this.#deps.closing.aborted) return;
      view.state = 'failed';
      view.note = error instanceof Error ? error.message : String(error);
    }
  }

  async #deploy(): Promise<void> {
    const [good, bad] = [`v41-${this.#run}`, `v42-${this.#run}`];
    const deployed = { ...PLACE, has_migration: false };
    const [before, now] = [
      { ...deployed, version: good, started_at: this.#ago(180), finished_at: this.#ago(175) },
      { ...deployed, version: bad, started_at: this.#ago(6), finished_at: this.#ago(4) },
    ];
    await this.#request('/v1/deployments', before);
    await this.#request('/v1/deployments', now);
    await this.#deps.sandbox('/sandbox/cd/live', {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...PLACE, version: bad }),
    });
    this.#reached('deploy');
  }

  #alert(status: 'firing' | 'resolved', startsAt: Timestamp): Promise<unknown> {
    const alert = {
      status,
      labels: { alertname: 'HighErrorRatio', severity: 'critical', action: 'auto-rollback', ...PLACE },
      annotations: { summary: `${PLACE.service} answers 12 % of its requests with an error` },
      startsAt,
      endsAt: status === 'firing' ? '0001-01-01T00:00:00Z' : timestamp(this.#deps.now()),
      fingerprint: 'e13f9abf0ab3b700',
    };
    const group = { version: '4', status, receiver: 'firebreak', groupKey: '{}:{}', alerts: [alert] };
    return this.#request('/v1/alerts/alertmanager', group);
  }

  /** Follows the incident until it is resolved. */
  async #follow(began: Timestamp): Promise<void> {
    const start = this.#deps.now();
    const view = this.#view;
    while (this.#deps.now() - start < FOLLOWED_MINUTES * 60_000) {
      const incident = await this.#incident();
      if (incident !== undefined) {
        const { id, number, status, decisions } = incident;
        view.incident = { id, name: number === null ? id : `INC-${number}` };
        this.#reached('incident');
        if (status !== 'resolved' && decisions.some(({ kind }) => kind === 'shadow'))
          throw new Ended(
            `Firebreak only records what it would have done, because ${PLACE.service} is in mode shadow. "firebreak automation show" says why.`,
          );
        const waits = status !== 'resolved' && decisions.some(({ state }) => state === 'waiting');
        view.note = waits ? 'Firebreak asks before it acts: approve in Slack below, or in the console.' : null;
        if (status === 'mitigated' || status === 'resolved') this.#reached('rollback');
        if (status === 'mitigated' && this.#reached('recovery')) await this.#alert('resolved', began);
        if (status === 'mitigated')
          view.note = 'The verification takes up to 15 minutes, or less with FIREBREAK_TIME_SCALE.';
        if (status === 'resolved') {
          this.#reached('recovery');
          this.#reached('resolved');
          return;
        }
      } else if (this.#deps.now() - start > OPENS_SECONDS * 1000) {
        throw new Ended(
          `No incident was opened. Does config/services.yaml have ${PLACE.service} in ${PLACE.environment}?`,
        );
      }
      await delay(POLL_MS, undefined, { signal: this.#deps.closing });
    }
    throw new Ended('The incident is still open. Firebreak goes on with it; see the console.');
  }

  /** Returns the incident that the alert opened or joined. Undefined: there is none yet. */
  async #incident(): Promise<Incident | undefined> {
    const [newest] = Incidents.parse(await this.#request(`/v1/incidents?service=${PLACE.service}&limit=1`)).items;
    const isKnown = newest?.id === this.#view.incident?.id;
    return newest !== undefined && (newest.status !== 'resolved' || isKnown) ? newest : undefined;
  }

  /** Marks a step as reached. Returns false if it was before. */
  #reached(name: StepName): boolean {
    const step = this.#view.steps.find((one) => one.name === name);
    if (step === undefined || step.at !== null) return false;
    step.at = timestamp(this.#deps.now());
    return true;
  }

  async #request(path: string, body?: object): Promise<unknown> {
    const response = await fetch(`${this.#product.url}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: this.#deps.closing,
    });
    const answer: unknown = await response.json();
    if (!response.ok)
      throw new Ended(`${path} answered ${response.status}: ${(answer as { detail?: string }).detail ?? ''}`);
    return answer;
  }

  #ago(minutes: number): Timestamp {
    return timestamp(this.#deps.now() - minutes * 60_000);
  }
}
