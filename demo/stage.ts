import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { Change } from '../schemas/change.ts';
import type { IncidentView, TimelineEntry } from '../schemas/incident.ts';
import { timestamp } from '../schemas/time.ts';
import { configOf } from './config.ts';
import { Firebreak, whenAway } from './firebreak.ts';
import { Interpreter } from './interpreter.ts';
import { Monitoring, RULE } from './monitoring.ts';
import type { Fact, Story } from './stories/story.ts';
import { type Line, type Paper, Teller } from './teller.ts';
import { ToyService } from './toy-service.ts';
import { callsOf, incidentsOf, timelineOf, type VendorCall, Witness } from './witness.ts';

/** How long the CD system takes to roll out, and back, in minutes of the story. */
const ROLL_OUT_MINUTES = 1;
const ROLLBACK_MINUTES = 2;

/** As Firebreak waits before it judges a rollback. */
const VERIFICATION_MINUTES = 15;

/** Of all users of all toy services together: enough for a curve, too little to keep the machine busy. */
const REQUESTS_PER_SECOND = 80;

const LOOK_EVERY_MS = 100;

const environment = 'production';

const Live = z.object({ items: z.array(z.object({ service: z.string(), version: z.string() })) });

/** The story did not come to its end within its time. */
export class Stuck extends Error {
  override readonly name = 'Stuck';
}

export type StageOptions = {
  paper: Paper;
  /** So many times faster pass the minutes of the story. */
  timeScale: number;
  /** For the whole story. */
  limitSeconds: number;
  env: Readonly<Record<string, string>>;
};

/** What a story is played on: Firebreak, the toy services, who watches them, and who tells what happens. */
export class Stage {
  readonly story: Story;
  readonly firebreak: Firebreak;
  readonly teller: Teller;
  readonly #options: StageOptions;
  readonly #toys = new Map<string, ToyService>();
  readonly #monitoring: Monitoring;
  readonly #witness: Witness;
  readonly #failure = Promise.withResolvers<never>();
  #awaited = 'its beginning';
  #following = Promise.resolve();
  #open = true;

  private constructor(story: Story, firebreak: Firebreak, options: StageOptions) {
    this.story = story;
    this.firebreak = firebreak;
    this.#options = options;
    const several = Object.keys(story.services).length > 1;
    this.teller = new Teller(options.paper, several);
    this.#failure.promise.catch(() => undefined); // who plays the story hears of it
    const failed = this.#failure.reject;
    this.#monitoring = new Monitoring({ firebreak, minuteMs: this.minutes(1), teller: this.teller, failed });
    this.#witness = new Witness({ firebreak, audience: new Interpreter(this.teller, several), failed });
  }

  /** Sets everything up: services that have run well for hours, and a Firebreak that knows them. */
  static async open(story: Story, options: StageOptions): Promise<Stage> {
    const { timeScale, env } = options;
    const firebreak = await Firebreak.prepare({ config: configOf(story), timeScale, env });
    const stage = new Stage(story, firebreak, options);
    try {
      await Promise.all([firebreak.start(), stage.#startToys()]);
      stage.#following = stage.#follow().catch(stage.#failure.reject);
      await stage.#provideHistory();
      await stage.#witness.start();
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
      const options = { name, version, windowMs, requestEveryMs, needs: (needs ?? []).map((other) => this.toy(other)) };
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
    await this.until('the marks of all deploys on the graphs', async () => {
      const marks = (await this.calls('grafana')).filter(({ method, outcome }) => method === 'POST' && outcome === 200);
      return marks.length >= this.#toys.size;
    });
  }

  /** What runs is what the CD system says: what is rolled back there runs here. */
  async #follow(): Promise<void> {
    while (this.#open) {
      const live = await this.firebreak.get('/sandbox/cd/live', Live).catch(whenAway);
      for (const { service, version } of live?.items ?? []) {
        const toy = this.toy(service);
        if (toy.version !== version) this.say({ who: 'toy service', text: `${service} runs ${version}` });
        toy.version = version;
      }
      await sleep(LOOK_EVERY_MS);
    }
  }

  /** Milliseconds for so many minutes of the story. */
  minutes(count: number): number {
    return (count * 60_000) / this.#options.timeScale;
  }

  /** Lets so many minutes of the story pass. */
  async pass(minutes: number): Promise<void> {
    await sleep(this.minutes(minutes));
  }

  /** Tells what happens now. */
  say(line: Omit<Line, 'at'>): void {
    this.teller.say({ at: Date.now(), ...line });
  }

  toy(name: string): ToyService {
    const toy = this.#toys.get(name);
    if (toy === undefined) throw new Error(`there is no service ${name} in the story ${this.story.name}`);
    return toy;
  }

  get toys(): ToyService[] {
    return [...this.#toys.values()];
  }

  /** Plays the story. @throws Stuck when it does not end in time, and whatever else goes wrong on the stage */
  async play(): Promise<Fact[]> {
    const { limitSeconds } = this.#options;
    const over = new AbortController();
    const limit = sleep(limitSeconds * 1000, undefined, { signal: over.signal }).then(() => {
      throw new Stuck(`the story is not over after ${limitSeconds} s: it waits for ${this.#awaited}`);
    });
    try {
      return await Promise.race([this.story.play(this), this.#failure.promise, limit]);
    } finally {
      over.abort();
      limit.catch(() => undefined);
    }
  }

  /** Looks until `look` gives something. @param what for a person, when it never does */
  async until<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
    this.#awaited = what;
    while (this.#open) {
      const seen = await look().catch(whenAway);
      if (seen !== undefined && seen !== false) return seen;
      await sleep(LOOK_EVERY_MS);
    }
    throw new Stuck(`the stage was closed while the story waited for ${what}`);
  }

  /**
   * Deploys a version and records it, as a pipeline does: at its begin and at its end.
   *
   * @param failing the share of requests that the version fails, 0 to 1
   */
  async deploy(
    service: string,
    version: string,
    { failing, hasMigration = false }: { failing: number; hasMigration?: boolean },
  ): Promise<void> {
    const migration = hasMigration ? ', which has a migration,' : '';
    this.say({ who: 'CI', text: `deploys ${service} ${version}${migration} and tells Firebreak` });
    const change = { service, environment, version, status: 'started', has_migration: hasMigration, author: 'ada' };
    const { id } = await this.firebreak.post('/v1/deployments', change, Change);
    await this.pass(ROLL_OUT_MINUTES);
    await this.firebreak.change('PATCH', `/v1/deployments/${id}`, { status: 'succeeded' });
    this.toy(service).failing.set(version, failing);
    await this.#putLive(service, version);
  }

  /** The CD system runs this version now, whatever brought it there. */
  async #putLive(service: string, version: string): Promise<void> {
    await this.firebreak.change('PUT', '/sandbox/cd/live', { service, environment, version });
  }

  /** Waits until Firebreak has seen the end of a rollback, and says how long its judgement takes. */
  async untilRolledBack(): Promise<void> {
    await this.until('Firebreak to have rolled back', async () =>
      (await this.incidents()).some(({ status }) => status === 'mitigated'),
    );
    const seconds = this.minutes(VERIFICATION_MINUTES) / 1000;
    const text = `(whether that has helped is judged after ${VERIFICATION_MINUTES} minutes, which take ${seconds} s here)`;
    this.say({ who: '', text, tone: 'quiet' });
  }

  /** Services that fail every request from now on, whatever version they run. @param why for whoever watches */
  breakDown(names: readonly string[], why: string): void {
    for (const name of names) {
      this.toy(name).down = true;
      this.say({ who: 'toy service', about: name, text: why, tone: 'bad' });
    }
  }

  /** The opposite of `breakDown`. */
  repair(names: readonly string[], why: string): void {
    for (const name of names) {
      this.toy(name).down = false;
      this.say({ who: 'toy service', about: name, text: why, tone: 'good' });
    }
  }

  /** Every incident, in the order in which they opened. */
  incidents = (): Promise<IncidentView[]> => incidentsOf(this.firebreak);

  /** What happened in an incident, oldest first. */
  timeline = ({ id }: Pick<IncidentView, 'id'>): Promise<TimelineEntry[]> => timelineOf(this.firebreak, id);

  /** What a vendor was asked, oldest first. */
  calls = (vendor: string): Promise<VendorCall[]> => callsOf(this.firebreak, { vendor });

  /** Tells all that is left to tell, and ends everything but Firebreak. */
  async settle(): Promise<void> {
    await this.#monitoring.stop();
    await this.#witness.stop();
    this.#open = false;
    await this.#following;
    await Promise.all(this.toys.map((toy) => toy.stop()));
    this.#toys.clear();
  }

  /** Ends everything. @param keep the folder with the data, to start Firebreak on it again */
  async close({ keep = false } = {}): Promise<void> {
    await this.settle();
    await this.firebreak.stop();
    if (!keep) await this.firebreak.removeFolder();
  }
}
