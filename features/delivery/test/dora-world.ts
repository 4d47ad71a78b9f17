import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import * as z from 'zod';
import { keyPointedTo } from '../../../core/stores/changes/changes.ts';
import { keys } from '../../../core/stores/keys.ts';
import type { Product } from '../../../functions/assembly/product.ts';
import type { Log } from '../../../core/domain/ports/system.ts';
import { reportsHere } from '../../../functions/assembly/reports.ts';
import { api } from '../../../entrances/http/app.ts';
import type { Api } from '../../../entrances/http/endpoint.ts';
import type { TokenRecord } from '../../../schemas/access/access.ts';
import { Config, emptyConfig } from '../../../schemas/config/config.ts';
import type { ChangeId } from '../../../schemas/config/names.ts';
import type { IncidentRecord, IncidentView } from '../../../schemas/incidents/incident.ts';
import { InstantIn, millisOf } from '../../../schemas/time/time.ts';
import { openTable, type TableStores } from '../../../test/core/stores/stores.ts';
import { tokenRecord } from '../../../test/support/console-world.ts';
import { FakeWorld, silent } from '../../../test/support/fake-deps.ts';
import { update } from '../../../platforms/store.ts';

const Row = z.looseObject({ service: z.string(), version: z.string(), environment: z.string().default('production') });

const Fixture = z.object({
  now: InstantIn,
  window_days: z.number(),
  deploys: z.array(Row),
  others: z.array(Row),
  incidents: z.array(
    z.object({
      name: z.string(),
      service: z.string(),
      opened_at: InstantIn,
      resolved_at: InstantIn.nullable(),
      suspects: z.array(z.string()),
      rolled_back: z.string().optional(),
      verification: z.string().default('not_needed'),
      corrected: z.string().optional(),
    }),
  ),
  expected: z.record(z.string(), z.record(z.string(), z.unknown())),
});

/** The hand-worked table. */
export const handWorked = Fixture.parse(
  parse(readFileSync(new URL('./fixtures/hand-worked.yaml', import.meta.url), 'utf8')),
);

const SHOP = {
  cart: { team: 'shop', tier: 2, environments: { production: {}, staging: {} } },
  payments: { team: 'money', tier: 1, environments: { production: {} } },
  search: { team: 'shop', tier: 2, environments: { production: {} } },
};

/** Shows internal errors, which the API hides from callers. */
const failing: Log = {
  ...silent,
  error: (_, about) => {
    throw new Error(String(about?.['error']));
  },
  with: () => failing,
};

/** The HTTP API on an empty table, with incidents that the test states. */
export class DoraWorld {
  readonly stores: TableStores;
  readonly app: Api;
  /** What the figures are read from, also for the console. */
  readonly ports: Pick<Product, 'incidents' | 'config' | 'changes' | 'code' | 'clock' | 'features' | 'reports'>;
  /** What the token may do. */
  mine: Pick<TokenRecord, 'services' | 'environments' | 'actions'> = {
    actions: ['*'],
    services: null,
    environments: null,
  };
  incidents: IncidentRecord[] = [];
  config: Config = Config.parse({ ...emptyConfig, services: SHOP });

  private constructor(stores: TableStores) {
    this.stores = stores;
    const fake = new FakeWorld().deps;
    const { incidents } = this.#incidents();
    this.ports = {
      incidents,
      config: { current: async () => this.config, problems: async () => [] },
      changes: stores.changes,
      code: stores.code,
      features: stores.features,
      clock: stores.clock,
      reports: reportsHere(() => deps),
    };
    const deps: Product = {
      ...fake,
      ...stores,
      log: failing,
      ...this.ports,
      secrets: { get: async () => undefined },
      queue: { sendAll: async () => undefined },
      drills: Object.assign({}, fake.drills, { proved: async () => [] }),
      tokens: Object.assign(Object.create(stores.tokens) as Product['tokens'], {
        find: async () => tokenRecord('ada', [], this.mine),
      }),
    };
    this.app = api(deps);
  }

  static async open(): Promise<DoraWorld> {
    return new DoraWorld(await openTable());
  }

  #incidents(): Pick<Product, 'incidents'> {
    const { incidents } = this.stores;
    const stated: Partial<Product['incidents']> = {
      open: () => incidents.open(),
      openAt: (query) => incidents.openAt(query),
      note: (id, key, entry) => incidents.note(id, key, entry),
      recent: async ({ since }) => ({
        items: this.incidents.filter(({ opened_at: at }) => at >= since),
        isComplete: true,
      }),
      view: async (id) => this.incidents.find((one) => one.id === id) as unknown as IncidentView | undefined,
    };
    return { incidents: stated as Product['incidents'] };
  }

  async call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const response = await this.app.request(path, {
      method,
      headers: { authorization: 'Bearer token', 'content-type': 'application/json', ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const json: any = /^[[{]/.test(text) ? JSON.parse(text) : undefined;
    return { status: response.status, text, json, type: response.headers.get('content-type') };
  }

  async deploy(row: Record<string, unknown>): Promise<ChangeId> {
    const { status, json, text } = await this.call('POST', '/v1/deployments', { environment: 'production', ...row });
    if (status !== 201 && status !== 200) throw new Error(`the deployment was not recorded: ${text}`);
    return json.id;
  }

  /** Marks a change as rolled back in an incident, as the end of a rollback does. */
  async rolledBack(id: ChangeId, incident: string): Promise<void> {
    const pointer = await this.stores.table.get(keys.changeById(id));
    if (pointer === undefined) throw new Error(`there is no change ${id}`);
    await this.stores.table.transact([
      update(keyPointedTo(pointer), { set: { rolled_back_by: incident }, add: { rev: 1 } }),
    ]);
  }

  /** Records the hand-worked table. Every deploy is delivered twice, in an order that is not that of time. */
  async recordTable(): Promise<void> {
    const { now, deploys, others, incidents } = handWorked;
    this.stores.clock.set(millisOf(now));
    const ids = new Map<string, ChangeId>();
    const rows = [...deploys, ...others];
    // 37 is coprime to the number of rows, so that each is visited once.
    const shuffled = rows.map((_, n) => rows[(n * 37 + 11) % rows.length] ?? rows[0]);
    for (const row of [...shuffled, ...shuffled.toReversed()]) {
      if (row === undefined) continue;
      const id = await this.deploy(row);
      if (row['kind'] !== 'rollback') ids.set(`${row.service} ${row.version}`, id);
    }
    const changeOf = (name: string): ChangeId => {
      const id = ids.get(name);
      if (id === undefined) throw new Error(`the table has no deploy ${name}`);
      return id;
    };
    for (const { name, service, opened_at, resolved_at, suspects, rolled_back, verification, corrected } of incidents) {
      const id = `0000000000000000000000000${name}`.replace('I', 'J');
      this.incidents.push({
        id,
        number: name.charCodeAt(0) - 64,
        service,
        environment: 'production',
        title: `incident ${name}`,
        opened_at,
        resolved_at,
        verification,
        suspects: suspects.map((text) => {
          const [of = '', version = '', confidence] = text.split(' ');
          return { change_id: changeOf(`${of} ${version}`), version, confidence: Number(confidence), reasons: [] };
        }),
      } as unknown as IncidentRecord);
      if (rolled_back !== undefined) await this.rolledBack(changeOf(rolled_back), id);
      if (corrected !== undefined) {
        const body = { deployment_id: changeOf(corrected), reason: 'the review found it' };
        const { status, text } = await this.call('POST', `/v1/incidents/${id}/actions/attribute`, body);
        if (status !== 200) throw new Error(text);
      }
    }
  }
}
