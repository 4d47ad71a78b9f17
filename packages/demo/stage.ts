import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { Change } from '../../schemas/changes/change.ts';
import type { IncidentView, TimelineEntry } from '../../schemas/incidents/incident.ts';
import { timestamp } from '../../schemas/time/time.ts';
import { configOf } from './config.ts';
import { Firebreak, ignoreFailedRequest } from './firebreak.ts';
import { Interpreter } from './interpreter.ts';
import { Monitoring, RULE } from './monitoring.ts';
import type { Fact, StoryPlan } from './stories/plan.ts';
import { type Line, type Output, Narrator } from './narrator.ts';
import { ToyService } from './toy-service.ts';
import { callsOf, incidentsOf, timelineOf, type VendorCall, EventPoller } from './event-source.ts';

export type Story = StoryPlan & {
  /** For `--story`. */
  name: string;
  title: string;
  /** Description in one line. */
  about: string;
  /** Plays the story and returns the expected results. It only causes failures; the response is Firebreak's. */
  play(stage: Stage): Promise<Fact[]>;
};

/** Duration of a rollout and of a rollback by the CD system, in minutes of the story. */
const ROLL_OUT_MINUTES = 1;
const ROLLBACK_MINUTES = 2;

/** Firebreak's wait before it verifies a rollback, in minutes of the story. */
const VERIFICATION_MINUTES = 15;

/** Requests to all toy services together: enough for a curve at a low load. */
const REQUESTS_PER_SECOND = 80;

const POLL_EVERY_MS = 100;

const environment = 'production';

const Live = z.object({ items: z.array(z.object({ service: z.string(), version: z.string() })) });

/** Thrown if the story does not end in time. */
export class StoryTimeout extends Error {
  override readonly name = 'StoryTimeout';
}

export type StageOptions = {
  output: Output;
  /** Speed-up factor for the minutes of the story. */
  timeScale: number;
  /** Time limit for the whole story. */
  limitSeconds: number;
  env: Readonly<Record<string, string>>;
};

/** Everything that a story needs: Firebreak, the toy services, their monitoring, and the output. */
export class Stage {
  readonly story: Story;
  readonly firebreak: Firebreak;
  readonly narrator: Narrator;
  readonly #options: StageOptions;
  readonly #toys = new Map<string, ToyService>();
  readonly #monitoring: Monitoring;
  readonly #poller: EventPoller;
  readonly #failure = Promise.withResolvers<never>();
  #waitingFor = 'its start';
  #followingVersions = Promise.resolve();
  #open = true;

  private constructor(story: Story, firebreak: Firebreak, options: StageOptions) {
    this.story = story;
    this.firebreak = firebreak;
    this.#options = options;
    const hasSeveralServices = Object.keys(story.services).length > 1;
    this.narrator = new Narrator(options.output, hasSeveralServices);
    this.#failure.promise.catch(() => undefined); // play() reports it
    const failed = this.#failure.reject;
    this.#monitoring = new Monitoring({ firebreak, minuteMs: this.minutes(1), narrator: this.narrator, failed });
    this.#poller = new EventPoller({ firebreak, receiver: new Interpreter(this.narrator, hasSeveralServices), failed });
  }

  /** Sets up healthy services with hours of history, and a Firebreak that knows them. */
  static async open(story: Story, options: StageOptions): Promise<Stage> {
    const { timeScale, env } = options;
    const firebreak = await Firebreak.prepare({ config: configOf(story), timeScale, env });
    const stage = new Stage(story, firebreak, options);
    try {
      await Promise.all([firebreak.start(), stage.#startToys()]);
      stage.#followingVersions = stage.#followVersions().catch(stage.#failure.reject);
      await stage.#provideHistory();
      await stage.#poller.start();
      return stage;
    } catch (error) {
      await stage.close();
      throw error;
    }
  }

  async #startToys(): Promise<void> {
    const windowMs = this.minutes(RULE.windowMinutes);
    const plans = Object.entries(this.story.services);
    const requestEveryMs = (plans.length * 1000) / REQUESTS_PER_SECOND;
    for (const [name, { version, needs }] of plans) {
      const options = {
        name,
        version,
        windowMs,
        requestEveryMs,
        dependencies: (needs ?? []).map((other) => this.toy(other)),
      };
      this.#toys.set(name, await ToyService.start(options));
    }
  }

  async #provideHistory(): Promise<void> {
    await this.#monitoring.start([...this.#toys.values()]);
    await this.firebreak.change('PUT', '/sandbox/cd/settings', { rollback_ms: ROLLBACK_MINUTES * 60_000 });
    const [started_at, finished_at] = [240, 235].map((minutes) => timestamp(Date.now() - minutes * 60_000));
    for (const { name: service, version } of this.#toys.values()) {
      const change = { service, environment, version, has_migration: false, started_at, finished_at };
      await this.firebreak.post('/v1/deployments', change, Change);
      await this.#putLive(service, version);
    }
    await this.until('an annotation in Grafana for each deploy', async () => {
      const annotations = (await this.calls('grafana')).filter(
        ({ method, outcome }) => method === 'POST' && outcome === 200,
      );
      return annotations.length >= this.#toys.size;
    });
  }

  /** Makes the toy services run the versions that are live in the CD system. */
  async #followVersions(): Promise<void> {
    while (this.#open) {
      const live = await this.firebreak.get('/sandbox/cd/live', Live).catch(ignoreFailedRequest);
      for (const { service, version } of live?.items ?? []) {
        const toy = this.toy(service);
        if (toy.version !== version) this.say({ speaker: 'toy service', text: `${service} runs ${version}` });
        toy.version = version;
      }
      await sleep(POLL_EVERY_MS);
    }
  }

  /** Converts minutes of the story to milliseconds. */
  minutes(count: number): number {
    return (count * 60_000) / this.#options.timeScale;
  }

  /** Waits for minutes of the story. */
  async waitMinutes(minutes: number): Promise<void> {
    await sleep(this.minutes(minutes));
  }

  /** Prints a line with the current time. */
  say(line: Omit<Line, 'at'>): void {
    this.narrator.say({ at: Date.now(), ...line });
  }

  toy(name: string): ToyService {
    const toy = this.#toys.get(name);
    if (toy === undefined) throw new Error(`story ${this.story.name} has no service ${name}`);
    return toy;
  }

  get toys(): ToyService[] {
    return [...this.#toys.values()];
  }

  /** Plays the story. @throws StoryTimeout if it does not end in time, and other errors of the stage */
  async play(): Promise<Fact[]> {
    const { limitSeconds } = this.#options;
    const over = new AbortController();
    const limit = sleep(limitSeconds * 1000, undefined, { signal: over.signal }).then(async () => {
      const state = await this.#state().catch((error: unknown) => `the incidents cannot be read: ${String(error)}`);
      throw new StoryTimeout(
        `the story has not ended after ${limitSeconds} s: it is waiting for ${this.#waitingFor}. ${state}`,
      );
    });
    try {
      return await Promise.race([this.story.play(this), this.#failure.promise, limit]);
    } finally {
      over.abort();
      limit.catch(() => undefined);
    }
  }

  /** Describes the incidents with their decisions, for a story that does not end. */
  async #state(): Promise<string> {
    const incidents = await this.incidents();
    const texts = incidents.map(({ service, status, decisions }) => {
      const why = decisions.map(({ kind, reasons }) => `${kind}: ${reasons.map(({ text }) => text).join('; ')}`);
      return `${service} is ${status}; decisions: ${why.join(' | ') || 'none'}`;
    });
    return `Incidents: ${texts.join('. ') || 'none'}`;
  }

  /** Polls until `look` returns a value. @param what describes it in the error after a time-out */
  async until<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
    this.#waitingFor = what;
    while (this.#open) {
      const value = await look().catch(ignoreFailedRequest);
      if (value !== undefined && value !== false) return value;
      await sleep(POLL_EVERY_MS);
    }
    throw new StoryTimeout(`the stage was closed while the story was waiting for ${what}`);
  }

  /**
   * Deploys a version and records its start and its end, as a pipeline does.
   *
   * @param failing share of requests that the version fails, 0 to 1
   */
  async deploy(
    service: string,
    version: string,
    { failing, hasMigration = false }: { failing: number; hasMigration?: boolean },
  ): Promise<void> {
    const migration = hasMigration ? ' with a migration' : '';
    this.say({ speaker: 'CI', text: `deploys ${service} ${version}${migration} and records the deployment` });
    const change = { service, environment, version, status: 'started', has_migration: hasMigration, author: 'ada' };
    const { id } = await this.firebreak.post('/v1/deployments', change, Change);
    await this.waitMinutes(ROLL_OUT_MINUTES);
    await this.firebreak.change('PATCH', `/v1/deployments/${id}`, { status: 'succeeded' });
    this.toy(service).failing.set(version, failing);
    await this.#putLive(service, version);
  }

  /** Sets the live version in the CD system. */
  async #putLive(service: string, version: string): Promise<void> {
    await this.firebreak.change('PUT', '/sandbox/cd/live', { service, environment, version });
  }

  /** Waits for the end of a rollback, and prints how long its verification takes. */
  async untilRolledBack(): Promise<void> {
    await this.until('Firebreak to have rolled back', async () =>
      (await this.incidents()).some(({ status }) => status === 'mitigated' || status === 'resolved'),
    );
    const seconds = this.minutes(VERIFICATION_MINUTES) / 1000;
    const text = `(verification takes ${VERIFICATION_MINUTES} minutes, shortened to ${seconds} s here)`;
    this.say({ speaker: '', text, tone: 'quiet' });
  }

  /** Makes services fail every request, whatever their version. @param why printed as the reason */
  breakDown(names: readonly string[], why: string): void {
    for (const name of names) {
      this.toy(name).down = true;
      this.say({ speaker: 'toy service', about: name, text: why, tone: 'bad' });
    }
  }

  /** Undoes `breakDown`. */
  repair(names: readonly string[], why: string): void {
    for (const name of names) {
      this.toy(name).down = false;
      this.say({ speaker: 'toy service', about: name, text: why, tone: 'good' });
    }
  }

  /** Reads all incidents, oldest first. */
  incidents = (): Promise<IncidentView[]> => incidentsOf(this.firebreak);

  /** Reads the timeline of an incident, oldest first. */
  timeline = ({ id }: Pick<IncidentView, 'id'>): Promise<TimelineEntry[]> => timelineOf(this.firebreak, id);

  /** Reads the calls to a vendor, oldest first. */
  calls = (vendor: string): Promise<VendorCall[]> => callsOf(this.firebreak, { vendor });

  /** Prints the remaining lines, and stops everything except Firebreak. */
  async settle(): Promise<void> {
    await this.#monitoring.stop();
    await this.#poller.stop();
    this.#open = false;
    await this.#followingVersions;
    await Promise.all(this.toys.map((toy) => toy.stop()));
    this.#toys.clear();
  }

  /** Stops everything. @param keep keeps the data folder */
  async close({ keep = false } = {}): Promise<void> {
    await this.settle();
    await this.firebreak.stop();
    if (!keep) await this.firebreak.removeFolder();
  }
}
