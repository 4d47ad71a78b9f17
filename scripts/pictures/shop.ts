import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import * as z from 'zod';
import { Firebreak, ignoreFailedRequest } from '../../packages/demo/firebreak.ts';
import { Change } from '../../schemas/changes/change.ts';
import type { Severity } from '../../schemas/config/names.ts';
import { ROLES } from '../../schemas/people/people.ts';

/** A minute of Firebreak's waits takes a second. Times of deploys, alerts, and samples are real. */
const TIME_SCALE = 60;

const POLL_MS = 200;
const TRIES_MAX = 300;

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

const environment = 'production';

const errorRatio = (service: string): string => `job:${service}:error_ratio`;
const byVersion = (service: string): string => `job:${service}:error_ratio_by_version`;
const traffic = (service: string): string => `job:${service}:requests_per_second_by_version`;
const rate = (service: string, code = ''): string =>
  `sum(rate(http_requests_total{service="${service}"${code}}[{{.window}}]))`;

const serviceEntry = (component: string, team: string) => (service: string) => ({
  team,
  repository: `acme/${service}`,
  statusPage: { components: [component], publish: 'auto' },
  environments: {
    [environment]: {
      deployer: { kind: 'http' },
      autoRollback: { mode: 'act', approvalTimeoutMinutes: 24 * 60 },
      health: {
        promql: errorRatio(service),
        max: 0.01,
        byVersion: byVersion(service),
        trafficByVersion: traffic(service),
      },
    },
  },
});

const SERVICES = {
  checkout: serviceEntry('Checkout', 'payments')('checkout'),
  search: serviceEntry('Search', 'discovery')('search'),
  accounts: serviceEntry('Accounts', 'identity')('accounts'),
};
type Service = keyof typeof SERVICES;

/** Services about which people declare incidents. */
const DECLARED = ['baskets', 'catalogue', 'emails', 'images', 'invoices', 'reports', 'reviews', 'stock'] as const;
type DeclaredService = (typeof DECLARED)[number];

const SLO_TARGETS: Readonly<Record<Service, number>> = { checkout: 0.999, search: 0.995, accounts: 0.999 };

const CONFIG = {
  'services.yaml': {
    services: {
      ...SERVICES,
      ...Object.fromEntries(DECLARED.map((name) => [name, { team: 'discovery', environments: { [environment]: {} } }])),
    },
  },
  // Each incident is shown alone.
  'routes.yaml': { manyAtOnce: 'off' },
  // A minute takes a second here, so reminders would come while pictures are taken.
  'response.yaml': { triage: { acknowledgeMinutes: 'off', commanderMinutes: 'off', updateMinutes: 'off' } },
  'people.yaml': { people: { ada: { name: 'Ada Park', teams: ['payments'], roles: ['admin'] } } },
  'links.yaml': {
    links: [
      {
        title: 'Logs',
        kind: 'grafana-loki',
        url: 'https://grafana.example.com',
        datasource: 'loki',
        query: '{service="${{ service }}"} |= "error"',
      },
      {
        title: 'Traces',
        kind: 'grafana-tempo',
        url: 'https://grafana.example.com',
        datasource: 'tempo',
        query: '{resource.service.name="${{ service }}" && status=error}',
      },
    ],
  },
  'status-page.yaml': {
    pages: {
      main: {
        title: 'Acme Status',
        subscriptions: ['email', 'slack'],
        components: [
          { name: 'Checkout', group: 'Shop', description: 'Cart and payment' },
          { name: 'Search', group: 'Shop' },
          { name: 'Accounts', description: 'Sign-in and profiles' },
        ],
      },
    },
    maintenance: [
      {
        id: 'upgrade',
        title: 'Upgrade of {components}',
        components: ['Accounts'],
        announced: new Date(Date.now() - DAY).toISOString(),
        from: new Date(Date.now() + 3 * DAY).toISOString(),
        until: new Date(Date.now() + 3 * DAY + 90 * MINUTE).toISOString(),
        text: '{components} is read-only for up to 90 minutes.',
      },
    ],
  },
};

/** Far enough in the past for a curve, and far enough from the end of the window for a forecast. */
const WINDOW_START = `${new Date(Date.now() - 19 * DAY).toISOString().slice(0, 10)} 00:00:00`;

const objectiveOf = (service: Service): object => {
  const source = (query: string) => ({ metricSource: { type: 'Prometheus', spec: { query } } });
  return {
    apiVersion: 'openslo/v1',
    kind: 'SLO',
    metadata: {
      name: `${service}-availability`,
      displayName: `Availability of ${service}`,
      labels: { environment },
    },
    spec: {
      service,
      indicator: {
        metadata: { name: service },
        spec: {
          ratioMetric: {
            counter: true,
            bad: source(rate(service, ',code=~"5.."')),
            total: source(rate(service)),
          },
        },
      },
      timeWindow: [{ duration: '4w', calendar: { startTime: WINDOW_START, timeZone: 'UTC' } }],
      budgetingMethod: 'Occurrences',
      objectives: [{ target: SLO_TARGETS[service] }],
    },
  };
};

/** A number that holds from a time on, `ago` milliseconds before now, until the next one. */
type Level = { ago: number; value: number };

/** A Firebreak with three services whose past can be chosen, and that acts on them as on real ones. */
export class Shop {
  readonly firebreak: Firebreak;

  private constructor(firebreak: Firebreak) {
    this.firebreak = firebreak;
  }

  static async open(env: Readonly<Record<string, string>>): Promise<Shop> {
    const firebreak = await Firebreak.prepare({ config: CONFIG, timeScale: TIME_SCALE, env });
    const slos = join(firebreak.configDir, 'slos');
    await mkdir(slos);
    for (const service of Object.keys(SERVICES) as Service[])
      await writeFile(join(slos, `${service}.yaml`), stringify(objectiveOf(service)));
    await firebreak.start();
    return new Shop(firebreak);
  }

  async close(): Promise<void> {
    await this.firebreak.stop();
    await this.firebreak.removeFolder();
  }

  /** Returns a token of the admin ada. */
  async token(): Promise<string> {
    const body = { name: 'ada', actions: ROLES.admin.actions };
    return (await this.firebreak.post('/v1/tokens', body, z.object({ token: z.string() }))).token;
  }

  /** Records a deploy. @param end milliseconds before now; absent: it is rolling out */
  async deploy(service: Service, version: string, ago: number, more: { end?: number; hasMigration?: boolean } = {}) {
    const { end, hasMigration = false } = more;
    const change = {
      service,
      environment,
      version,
      author: 'bob',
      has_migration: hasMigration,
      started_at: before(ago),
      ...(end === undefined ? { status: 'started' } : { finished_at: before(end) }),
    };
    await this.firebreak.post('/v1/deployments', change, Change);
    if (end !== undefined) await this.firebreak.change('PUT', '/sandbox/cd/live', { service, environment, version });
  }

  /** Sets the share of requests that fail. @param versions the same by version; each serves as many requests */
  async setHealth(service: Service, levels: readonly Level[], versions: Record<string, readonly Level[]> = {}) {
    await this.#series(errorRatio(service), levels);
    for (const [version, of] of Object.entries(versions)) {
      await this.#series(byVersion(service), of, { version });
      await this.#series(
        traffic(service),
        of.map(({ ago }) => ({ ago, value: 50 })),
        { version },
      );
    }
  }

  /** Sets the share of requests that failed in the window of the objective, at 100 requests per second. */
  async setErrors(service: Service, levels: readonly Level[]): Promise<void> {
    const query = (text: string) => text.replace('{{.window}}', '5m');
    await this.#series(query(rate(service)), [{ ago: 29 * DAY, value: 100 }]);
    const errors = levels.map(({ ago, value }) => ({ ago, value: value * 100 }));
    await this.#series(query(rate(service, ',code=~"5.."')), errors);
  }

  async alert(service: Service, title: string, ago: number): Promise<void> {
    const alert = {
      service,
      environment,
      severity: 'critical',
      status: 'firing',
      title,
      dedup_key: title,
      starts_at: before(ago),
      labels: { action: 'auto-rollback' },
    };
    await this.firebreak.post('/v1/alerts/generic', alert, z.unknown(), this.firebreak.ingestToken);
  }

  /** Declares an incident. @returns its ID */
  async declare(service: DeclaredService, title: string, severity: Severity): Promise<string> {
    const body = { service, environment, title, severity };
    return (await this.firebreak.post('/v1/incidents', body, z.object({ id: z.string() }))).id;
  }

  /** Acts on an incident. */
  async act(id: string, action: 'acknowledge' | 'approve' | 'resolve', body: object = {}): Promise<void> {
    await this.firebreak.post(`/v1/incidents/${id}/actions/${action}`, body, z.unknown());
  }

  /** Returns whether deploys of a service are frozen. */
  async isFrozen(service: Service): Promise<boolean> {
    const path = `/v1/freeze-check?service=${service}&environment=${environment}&version=next`;
    return !(await this.firebreak.get(path, z.object({ allowed: z.boolean() }))).allowed;
  }

  /** Polls until `look` returns a value. */
  async until<T>(what: string, poll: () => Promise<T | undefined | false>): Promise<T> {
    for (let attempt = 0; attempt < TRIES_MAX; attempt += 1) {
      const value = await poll().catch(ignoreFailedRequest);
      if (value !== undefined && value !== false) return value;
      await sleep(POLL_MS);
    }
    throw new Error(`waited too long for ${what}`);
  }

  async #series(query: string, levels: readonly Level[], labels: Record<string, string> = {}): Promise<void> {
    const points = levels.map(({ ago, value }) => ({ at: before(ago), value }));
    await this.firebreak.change('PUT', '/sandbox/prometheus/series', { query, labels, points });
  }
}

const before = (ago: number): string => new Date(Date.now() - ago).toISOString();
