import type { AlertState } from '../../core/domain/ports/alerts.ts';
import type { Attempt } from '../../core/domain/ports/common.ts';
import type { Product } from '../../functions/assembly/product.ts';
import { noExtensions } from '../../core/domain/ports/extensions.ts';
import { extensionsOf, featurePorts } from '../../functions/assembly/features.ts';
import { reportsHere } from '../../functions/assembly/reports.ts';
import type { Metrics } from '../../core/domain/ports/metrics.ts';
import type { PageRequest } from '../../core/domain/ports/paging.ts';
import type { HttpAnswer } from '../../core/domain/ports/runbooks.ts';
import type { Clock, Engine, Log, Secrets } from '../../core/domain/ports/system.ts';
import { type Config, emptyConfig } from '../../schemas/config/config.ts';
import type { TargetResponse, Deployer, Flags, DriftCheck, RollbackCall } from '../../core/domain/rollback/targets.ts';
import { type TrafficRoute, weightsInWords } from '../../core/domain/rollback/reroute.ts';
import type { ExternalFound, ExternalIncident } from '../../core/domain/ports/external-pager.ts';
import type { VendorResponse } from '../../core/domain/ports/vendor-response.ts';
import type { OnCallPerson } from '../../core/domain/people/on-call.ts';
import type { Curve } from '../../core/domain/correlation/evidence.ts';
import type { Projections } from '../../core/domain/incidents/projections.ts';
import type { Subject } from '../../schemas/incidents/projection.ts';
import { millisOf, timestamp, type Timestamp } from '../../schemas/time/time.ts';
import { approvalLinks } from '../../functions/assembly/approval-links.ts';
import { AuditLogTable } from '../../core/stores/audit/audit-log.ts';
import { Table } from '../../core/stores/table.ts';
import { StorageOutcomes } from '../../core/stores/storage-outcomes.ts';
import { IntakeTable } from '../../core/stores/alerts/intake.ts';
import { StorageWriteProbe } from '../../core/stores/write-probe.ts';
import { blobsInMemory, nounStores } from './noun-stores.ts';
import { StoredData } from './stored-data.ts';
import { FakePagerIncidents } from './fake-pager.ts';

/** A log that writes nothing. */
export const silent: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  with: () => silent,
};

/** A clock that stands still until it is set. */
export class SetClock implements Clock {
  #now: number;

  constructor(at: string) {
    this.#now = millisOf(at as Timestamp);
  }

  now = (): Timestamp => timestamp(this.#now);

  /** Milliseconds since the Unix epoch. */
  get millis(): number {
    return this.#now;
  }

  /** Sets the clock. It never goes backwards. */
  set(millis: number): void {
    this.#now = Math.max(this.#now, millis);
  }

  /** Sets the clock back, as a person or NTP does. */
  setBack(seconds: number): void {
    this.#now -= seconds * 1000;
  }
}

/** An engine whose runs tests can kill. */
export type TestEngine = Engine & { kill(incident: string, run: number): void; dieAfter(checkpoints: number): void };

/**
 * Returns an engine that runs no workflow, for tests of other parts.
 *
 * @param event called for each start and each completed callback
 */
export const idleEngine = (event: (call: string) => void = () => undefined): TestEngine => ({
  start: async (incident, run) => {
    event(`start ${incident} ${run}`);
    return `${incident}-${run}`;
  },
  completeCallback: async (callback) => event(callback),
  status: async () => 'running',
  kill: () => undefined,
  dieAfter: () => undefined,
});

/** Responses of vendors, in order. The last one repeats. */
type Script<T> = [...T[], T];

/** Called with a method of a port, such as `decisions.keep`. */
type Hook = (method: string) => void | Promise<void>;

/**
 * All dependencies of a workflow, in memory. The stores are the real ones on SQLite, vendors respond as the test says,
 * and the clock stands still until it is set. `calls` records the requests to vendors, in order.
 */
export class FakeWorld {
  readonly clock: SetClock;
  readonly store = new StoredData();
  readonly deps: Product;
  readonly calls: string[] = [];
  /** Number of responses that were taken from each script. Scripts stay as they are: several tests can play one story in one process. */
  readonly #taken = new Map<Script<unknown>, number>();
  /** Changes that were reported to projectors. */
  readonly changed = new Set<Subject>();
  config: Config = emptyConfig;
  engine: TestEngine | undefined;
  /** Called with each vendor call at the time of the call. */
  watch: (call: string) => void = () => undefined;

  /** The pager and the fallback pager. */
  pages: Script<Attempt> = [{ kind: 'taken', detail: 'accepted' }];
  /** What the pager was asked, in order. */
  readonly pageRequests: PageRequest[] = [];
  fallbackPager: Script<Attempt> = [{ kind: 'off', detail: 'no fallback pager' }];
  /** Updates of pages, which are not among `calls`, and the pager's answers to them. */
  readonly pageUpdates: PageRequest[] = [];
  updates: Script<Attempt> = [{ kind: 'taken', detail: 'accepted' }];
  /** Pages of other systems: responses to a search, to a note, and to a lookup. */
  outside: Script<VendorResponse<ExternalFound>> = [{ kind: 'off', detail: 'no token' }];
  notes: Script<VendorResponse<null>> = [{ kind: 'done', value: null }];
  external: Script<VendorResponse<ExternalIncident | null>> = [{ kind: 'done', value: null }];
  /** The people on call in the pager. */
  onCall: Script<VendorResponse<OnCallPerson[]>> = [{ kind: 'off', detail: 'no rota' }];
  /** The CD system: responses to a rollback, and to a status request. */
  rollbacks: Script<TargetResponse> = [{ kind: 'succeeded', id: 'rb-1' }];
  looks: Script<TargetResponse> = [{ kind: 'succeeded', id: 'rb-1' }];
  /** Whether a rollback still holds; `null` if the CD system can't be reached. */
  holds: Script<DriftCheck> | null = null;
  /** The result of the health query; `null` without Prometheus. */
  health: Awaited<ReturnType<Metrics['value']>> = null;
  /** The result of the health query and of the traffic query. */
  curve: Curve | null = null;
  /** Null if the target can't be reached. */
  held: Script<DriftCheck> | null = null;
  flags: Script<TargetResponse> = [{ kind: 'succeeded', id: null }];
  /** Responses to a lookup of a flag. */
  flagStates: Script<Awaited<ReturnType<Flags['read']>>> = [{ kind: 'state', on: true }];
  /** Started runs of the workflow that turns a flag on again. */
  readonly flagRuns: string[] = [];
  /** Responses to scaling and restarts. */
  acts: Script<TargetResponse> = [{ kind: 'succeeded', id: null }];
  /** The weights of a traffic route, and responses to their change. */
  weights: Script<Awaited<ReturnType<TrafficRoute['read']>>> = [{ kind: 'weights', weights: { eu: 100, us: 0 } }];
  reroutes: Script<TargetResponse> = [{ kind: 'succeeded', id: null }];
  answers: Script<HttpAnswer> = [{ kind: 'answered', status: 200, body: null, afterSeconds: null }];
  instances = 3;
  rule: Awaited<ReturnType<Metrics['rule']>> = null;
  /** The state of alerts at their source; `null` if no source can be queried. */
  alertState: AlertState | null = null;

  readonly #resolvedPages = new Set<string>();
  readonly #hooks = new Map<string, { before?: Hook; after?: Hook }>();

  constructor(at = '2026-11-20T12:00:00.000Z') {
    this.clock = new SetClock(at);
    this.deps = this.#assemble();
  }

  /** Runs a hook right before, or right after, a call of a port, as in `on('effects.intendAction', { before })`. */
  on(method: string, hook: { before?: Hook; after?: Hook }): void {
    this.#hooks.set(method, hook);
  }

  /** Kills a run of the workflow. */
  kill(incident: string, run: number): void {
    this.engine?.kill(incident, run);
  }

  /** Kills the process right before this checkpoint, and starts it again. */
  dieAfter(checkpoints: number): void {
    this.engine?.dieAfter(checkpoints);
  }

  #assemble(): Product {
    const { store } = this;
    const table = new Table(store);
    const stores = nounStores(table, this.clock, blobsInMemory(), { mint: store.nextIncidentId });
    const deps = {
      clock: this.clock,
      timeScale: 1,
      log: silent,
      config: { current: async () => this.config, problems: async () => [] },
      engine: {
        start: (incident, run) => this.#engine().start(incident, run),
        status: (execution) => this.#engine().status(execution),
        completeCallback: (callback) => this.#engine().completeCallback(callback),
      },
      ...stores,
      rollbackGates: notAsked('rollbackGates'),
      targets: {
        deployerFor: async () => this.#deployer(),
        flagsFor: async () => this.#flags(),
        imageAutomationFor: async () => undefined,
        trafficRouteFor: async () => this.#route(),
      },
      http: {
        call: async ({ method, url }, key) =>
          this.#said(`http ${method} ${url} ${key.split('.').slice(1).join('.')}`, this.#next(this.answers)),
      },
      pager: {
        send: async (request) => {
          this.pageRequests.push(structuredClone(request));
          // Like the real pager, opens a resolved page again.
          const isUpdate = request.action === 'update' && !this.#resolvedPages.has(request.key);
          if (isUpdate) {
            this.pageUpdates.push(structuredClone(request));
            return this.#next(this.updates);
          }
          if (request.action === 'resolve') this.#resolvedPages.add(request.key);
          return this.#said(`pager ${tell(request)}`, this.#next(this.pages));
        },
      },
      fallbackPager: {
        send: async (request) => this.#said(`fallback pager ${tell(request)}`, this.#next(this.fallbackPager)),
      },
      externalPager: {
        paged: async () => this.#next(this.external), // a read, which is not among `calls`
        find: async () => this.#said('look for a page of others', this.#next(this.outside)),
        annotate: async (id) => this.#said(`note on ${id}`, this.#next(this.notes)),
        read: async (id) => this.#said(`look at ${id}`, this.#next(this.external)),
        check: async () => ({ kind: 'off', detail: 'no token' }),
      },
      pagerIncidents: new FakePagerIncidents(),
      onCall: {
        now: async () => this.#next(this.onCall),
        email: async () => ({ kind: 'off', detail: 'no token' }),
      },
      versionLabels: { propose: async () => undefined, series: async () => null },
      judgeMetrics: notAsked('judgeMetrics'),
      metrics: {
        value: async () => this.health,
        range: async () => this.curve,
        rangeByLabel: async () => null,
        rule: async () => this.rule,
      },
      alerts: {
        areListed: async () => true,
        of: async (alerts) => {
          const { alertState } = this;
          return alertState === null ? null : alerts.map(() => alertState);
        },
      },
      projections: this.#projections(),
      silences: notAsked('silences'),
      alertNotices: notAsked('alertNotices'),
      chat: notAsked('chat'),
      annotations: notAsked('annotations'),
      ticketsFor: notAskedFor('ticketsFor'),
      receivers: notAsked('receivers'),
      changeEvents: notAsked('changeEvents'),
      spans: notAsked('spans'),
      secrets: notAsked('secrets'),
      standIns: { none: true, at: () => false },
      commits: null,
      blobs: notAsked('blobs'),
      queue: notAsked('queue'),
      drills: Object.assign(notAsked<Product['drills']>('drills'), {
        list: async () => ({ items: [], next_cursor: null }),
      }),
      watches: Object.assign(notAsked<Product['watches']>('watches'), {
        unfinished: async () => [],
        list: async () => ({ items: [], next_cursor: null }),
      }),
      runs: {
        drill: notAsked('runs.drill'),
        watch: notAsked('runs.watch'),
        flag: {
          start: async (id, number) => {
            this.flagRuns.push(`${id} ${number}`);
            return `${id}-flag-${number}`;
          },
        },
      },
      features: {},
      extensions: noExtensions,
      metricQueries: notAsked('metricQueries'),
      audit: notAsked('audit'),
      quarantine: notAsked('quarantine'),
      reports: notAsked('reports'),
      counters: { add: async () => undefined, read: async () => [] },
      backlog: { pending: async () => ({ count: 0, oldest: null }), effects: async () => [] },
      queues: { read: async () => [], dead: async () => [], redrive: async () => 0 },
      tokens: notAsked('tokens'),
      sessions: notAsked('sessions'),
      approvalLinks: approvalLinks({ get: async () => 'key of links' }),
      publicUrl: undefined,
      idempotency: notAsked('idempotency'),
      intake: new IntakeTable(table, this.clock, silent),
      writeProbe: new StorageWriteProbe(table, blobsInMemory(), this.clock, new StorageOutcomes(this.clock)),
      digests: notAsked('digests'),
      processedEvents: notAsked('processedEvents'),
      userCache: notAsked('userCache'),
      directory: notAsked('directory'),

      ephemeralMessages: notAsked('ephemeralMessages'),
      inbound: notAsked('people'),
      imageCommits: { commitOf: async () => undefined },
    } satisfies Product;
    const ports = featurePorts({
      system: deps,
      table,
      audit: new AuditLogTable(table, blobsInMemory(), this.clock, silent, sealSecrets),
      changed: (...subjects) => deps.projections.changed(...subjects),
      executions: notAsked('executions'),
      github: notAsked('github'),
      publicFiles: notAsked('publicFiles'),
      stage: 'test',
      counted: (_, port) => port,
    });
    const watched = Object.fromEntries(
      Object.entries(deps).map(([name, port]) => [
        name,
        typeof port === 'number' || port == null ? port : this.#watched(name, port),
      ]),
    ) as unknown as Product;
    const features = Object.entries(ports).map(([feature, own]) => [
      feature,
      Object.fromEntries(Object.entries<object>({ ...own }).map(([name, port]) => [name, this.#watched(name, port)])),
    ]);
    return Object.assign(watched, {
      features: Object.fromEntries(features),
      extensions: extensionsOf(() => watched),
      reports: reportsHere(() => watched),
    });
  }

  /** Records marked changes. Marking never fails, and is all that workflows do with it. */
  #projections(): Projections {
    const marks: Pick<Projections, 'changed'> = {
      changed: async (...subjects) => subjects.forEach((subject) => this.changed.add(subject)),
    };
    return Object.assign(notAsked<Projections>('projections'), marks);
  }

  #engine(): Engine {
    if (this.engine === undefined) throw new Error('this world has no engine; set `engine` first');
    return this.engine;
  }

  #flags(): Flags {
    return {
      target: 'http://flags.test',
      resource: (flag) => `flag ${flag}`,
      effectClass: 'convergent',
      set: async ({ flag, on }) => this.#said(`flag ${flag} ${on ? 'on' : 'off'}`, this.#next(this.flags)),
      read: async () => this.#next(this.flagStates),
    };
  }

  #route(): TrafficRoute {
    return {
      target: 'http://route.test',
      resource: 'route',
      effectClass: 'convergent',
      read: async () => this.#next(this.weights),
      set: async ({ from, to }) => {
        const answer = this.#next(this.reroutes);
        if (answer.kind === 'succeeded' || answer.kind === 'in_progress')
          this.weights = [{ kind: 'weights', weights: to }];
        return this.#said(`reroute ${weightsInWords(from)} to ${weightsInWords(to)}`, answer);
      },
      status: async (handle) => this.#said(`reroute look ${handle}`, this.#next(this.reroutes)),
    };
  }

  #deployer(): Deployer {
    const { holds } = this;
    return {
      ...(this.held === null ? {} : { checkDrift: async () => this.#next(this.held ?? [{ kind: 'holds' }]) }),
      scaling: {
        count: async () => ({ kind: 'count', count: this.instances }),
        set: async ({ from, to }) => this.#said(`scale ${from} to ${to}`, this.#next(this.acts)),
      },
      restart: async () => this.#said('restart', this.#next(this.acts)),
      restartStatus: async (handle) => this.#said(`restart look ${handle}`, this.#next(this.acts)),
      target: 'http://cd.test/rollback',
      resource: 'http://cd.test/rollback',
      effectClass: 'keyed',
      rollBack: async (request) => this.#said(`cd ${tellRollback(request)}`, this.#next(this.rollbacks)),
      status: async (url) => this.#said(`cd look ${url}`, this.#next(this.looks)),
      ...(holds && { checkDrift: async () => this.#said('cd does it hold', this.#next(holds)) }),
    };
  }

  #next<T>(script: Script<T>): T {
    const taken = this.#taken.get(script) ?? 0;
    this.#taken.set(script, taken + 1);
    return script[Math.min(taken, script.length - 1)] ?? script[0];
  }

  #said<T>(call: string, answer: T): T {
    this.calls.push(call);
    this.watch(call);
    return answer;
  }

  /** Returns the port with its asynchronous methods wrapped in hooks. */
  #watched(name: string, port: object): object {
    if (port === this.clock || port === silent || typeof port === 'function' || name === 'standIns') return port;
    return new Proxy(port, {
      get: (target, key) => {
        const method: unknown = Reflect.get(target, key);
        if (typeof method !== 'function' || typeof key !== 'string') return method;
        return async (...args: unknown[]): Promise<unknown> => {
          const hook = this.#hooks.get(`${name}.${key}`);
          await hook?.before?.(key);
          const result: unknown = await Reflect.apply(method, target, args);
          await hook?.after?.(key);
          return result;
        };
      },
    });
  }
}

/** Formats a page for `calls`. Omits the service if it is checkout, the default of most stories. */
const tell = ({ action, key, severity, service }: PageRequest): string =>
  `${action} ${key.split('.').slice(1).join('.')} ${severity}${service === 'checkout' ? '' : ` for ${service}`}`;

const tellRollback = ({ key, from, to, service }: RollbackCall): string =>
  `${key.split('.').slice(1).join('.')} ${from} to ${to}${service === 'checkout' ? '' : ` of ${service}`}`;

/** Returns a port that throws on each call, since workflows do not use it. */
const notAsked = <T extends object>(name: string): T =>
  new Proxy({} as T, {
    get: (own, key) => Reflect.get(own, key) ?? notAskedFor(`${name}.${String(key)}`),
  });

const notAskedFor = (name: string) => (): never => {
  throw new Error(`${name} was called: workflows do not use this port`);
};

/** Returns ports that throw on each call, except for the log, for code that must only replay. */
export const untouchable = (onCall: (call: string) => void = () => undefined): Product =>
  new Proxy({} as Product, {
    get: (_, port) =>
      port === 'log'
        ? silent
        : new Proxy(() => undefined, {
            get: (_target, method) => () => touched(`${String(port)}.${String(method)}`, onCall),
            apply: () => touched(String(port), onCall),
          }),
  });

function touched(call: string, onCall: (call: string) => void): never {
  onCall(call);
  throw new Error(`${call} was called`);
}

/** Secrets with only the key of the audit log. */
export const sealSecrets: Secrets = {
  get: async (name) => (name === 'FIREBREAK_AUDIT_KEY' ? 'an-audit-key-of-some-length' : undefined),
};
