import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ErrorBudgets } from '../../../../core/domain/ports/error-budgets.ts';
import { assemble } from '../../../../functions/assembly/deps.ts';
import { createLog } from '../../../../functions/assembly/log.ts';
import type { Product } from '../../../../functions/assembly/product.ts';
import { computeHere } from '../../../../functions/assembly/reports.ts';
import { publish } from '../../../../local/config/config-watch.ts';
import { platformOptions } from '../../../../local/platform-options.ts';
import { appsOf } from '../../../../local/programs.ts';
import { SqlitePlatform } from '../../../../platforms/sqlite/platform.ts';
import { Config, emptyConfig } from '../../../../schemas/config/config.ts';
import { SetClock } from '../../../../test/support/fake-deps.ts';
import { evaluate } from '../../actions/evaluate.ts';
import { withPorts } from '../../ports.ts';

const TOKEN = 'a token for the admin of some length';
const AT = '2026-11-20T12:00:00.000Z';

const entry = (reason: string, until: string) => ({
  name: 'stocktaking',
  services: 'till',
  from: '2026-01-01T00:00',
  until: `${until}T00:00`,
  timeZone: 'UTC',
  reason,
});
const BEFORE = [entry('we count', '2099-01-01')];
const EDITED = [entry('we count again', '2098-01-01')];

let dir: string;
let platform: SqlitePlatform;
/** Whether the older instance cannot read the published configuration. */
let isUnreadable = false;

const log = createLog(new SetClock(AT), { level: 'silent', format: 'json' });
const settings = { stage: 'test', timeScale: 1, standIns: [], publicUrl: undefined };

beforeEach(async () => {
  isUnreadable = false;
  dir = await mkdtemp(join(tmpdir(), 'firebreak-older-config-'));
  const options = platformOptions({ dataDir: dir, snapshotDir: join(dir, 'status'), timeScale: 1 }, log, (name) =>
    name === 'FIREBREAK_ADMIN_TOKEN' ? TOKEN : undefined,
  );
  platform = await SqlitePlatform.open(options);
});
afterEach(async () => {
  await platform.close();
  await rm(dir, { recursive: true });
});

/** Publishes a configuration with these entries in the calendar. */
async function publishCalendar(version: string, calendar: object[]): Promise<void> {
  const services = { till: { environments: { production: {} } } };
  const config = Config.parse({ ...emptyConfig, version, services, freeze: { calendar } });
  await publish(platform.blobs, { ok: true, config, warnings: [] }, new SetClock(AT).now());
}

/** The blobs of the older instance. */
const ofOlder = (): SqlitePlatform['blobs'] =>
  new Proxy(platform.blobs, {
    get: (blobs, name) => {
      const member: unknown = Reflect.get(blobs, name);
      if (name === 'get' && isUnreadable) return () => Promise.reject(new Error('the blobs do not answer'));
      return typeof member === 'function' ? member.bind(blobs) : member;
    },
  });

/** Puts the product together with a clock of its own, by which it reads the configuration again. */
function instance(background?: Product, blobs = platform.blobs) {
  const clock = new SetClock(AT);
  const parts = { platform: { ...platform, blobs }, settings, clock, log };
  const product = assemble({ ...parts, ...(background && { compute: computeHere(() => background) }) });
  const { app } = appsOf(product, { platform, clock, log });
  return {
    product,
    get: async (path: string): Promise<any> => {
      const request = new Request(`http://localhost${path}`, { headers: { authorization: `Bearer ${TOKEN}` } });
      const response: Response = await app.fetch(request, { requestContext: { http: { sourceIp: '127.0.0.1' } } });
      return response.json();
    },
    /** Lets it read the configuration again. Without it, time stands still. */
    pass: () => clock.set(clock.millis + 10_000),
  };
}
type Instance = ReturnType<typeof instance>;

const listed = async ({ get }: Instance): Promise<any[]> => (await get('/v1/freezes?service=till')).items;

const written = async ({ get }: Instance): Promise<string[]> =>
  (await get('/v1/audit')).items
    .map(({ kind }: { kind: string }) => kind)
    .filter((kind: string) => kind.startsWith('freeze.'));

/** Two instances that have read the configuration with these entries. Only the first has read the next one. */
async function apart(before: object[], after: object[]): Promise<{ newer: Instance; older: Instance }> {
  await publishCalendar('before', before);
  const [newer, older] = [instance(), instance(undefined, ofOlder())];
  await listed(newer);
  await listed(older);
  await publishCalendar('after', after);
  newer.pass();
  return { newer, older };
}

test('the background thread computes a report by no older configuration than the thread that asks has read', async () => {
  await publishCalendar('before', BEFORE);
  const background = instance();
  const main = instance(background.product);
  const [freeze] = await listed(main);
  await publishCalendar('after', EDITED);
  main.pass();
  const edited = { id: freeze.id, until: '2098-01-01T00:00:00.000Z', reason: expect.stringContaining('again') };
  expect(await main.get(`/v1/freezes/${freeze.id}`)).toMatchObject(edited);
  expect(await listed(main)).toMatchObject([edited]);
  expect(await written(main)).toEqual(['freeze.revised', 'freeze.opened']);
});

const evaluated = async ({ product }: Instance): Promise<unknown> =>
  evaluate(withPorts(product), { id: 'older', busy: false });

const READERS: [name: string, read: (one: Instance, id: string) => Promise<unknown>][] = [
  ['the list', listed],
  ['the request for the freeze', ({ get }, id) => get(`/v1/freezes/${id}`)],
  ['the evaluation', evaluated],
];

test.each(READERS)('%s of an instance with an older configuration does not undo an edit', async (_, read) => {
  const { newer, older } = await apart(BEFORE, EDITED);
  const [freeze] = await listed(newer);
  await read(older, freeze.id);
  expect(await written(newer)).toEqual(['freeze.revised', 'freeze.opened']);
});

test.each(READERS)('%s of an instance that cannot read the edited configuration does not undo it', async (_, read) => {
  const { newer, older } = await apart(BEFORE, EDITED);
  const [freeze] = await listed(newer);
  isUnreadable = true;
  await read(older, freeze.id);
  expect(await written(newer)).toEqual(['freeze.revised', 'freeze.opened']);
});

test.each(READERS)(
  '%s of an instance with an older configuration does not bring back what was removed',
  async (_, read) => {
    const { newer, older } = await apart(BEFORE, []);
    const [freeze] = await listed(newer);
    expect(freeze).toMatchObject({ state: 'over', end_reason: expect.stringContaining('removed') });
    await read(older, freeze.id);
    expect(await written(newer)).toEqual(['freeze.ended', 'freeze.opened']);
  },
);

test.each(READERS)('%s of an instance with an older configuration does not end what was added', async (_, read) => {
  const { newer, older } = await apart([], BEFORE);
  const [freeze] = await listed(newer);
  await read(older, freeze.id);
  expect(await written(newer)).toEqual(['freeze.opened']);
});

test('a freeze that only a newer configuration has is found by its ID', async () => {
  const { newer, older } = await apart([], BEFORE);
  const { reasons } = await newer.get('/v1/freeze-check?service=till&environment=production');
  const [, id = ''] = /(frz_\w+)/.exec(JSON.stringify(reasons)) ?? [];
  expect(await older.get(`/v1/freezes/${id}`)).toMatchObject({ id, state: 'in_force' });
});

test('an evaluation judges by the newest configuration, and does not undo what has changed since it began', async () => {
  const { newer, older } = await apart(BEFORE, BEFORE);
  const slow: Partial<ErrorBudgets> = {
    all: async () => [],
    evaluate: async ({ version }) => {
      expect(version).toBe('after');
      await publishCalendar('edited', EDITED);
      newer.pass();
      await listed(newer);
      return { objectives: [], evaluated: 0, complete: async () => undefined };
    },
  };
  const errorBudgets = [{ isConfigured: () => true, load: async () => slow as ErrorBudgets }];
  const deps = withPorts(older.product);
  await evaluate({ ...deps, extensions: { ...deps.extensions, errorBudgets } }, { id: 'older', busy: false });
  expect(await written(newer)).toEqual(['freeze.revised', 'freeze.opened']);
});
