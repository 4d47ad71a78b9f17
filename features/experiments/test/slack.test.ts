import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ExperimentTable } from '../store.ts';
import { type EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import { ExperimentId, type ExperimentRecord } from '../experiment.ts';
import { openTable, type TableStores } from '../../../test/core/stores/stores.ts';
import { anExperiment } from './experiments.ts';
import { parseCommand } from '../../../entrances/slack/commands/parse.ts';
import { ADA, BOB, buttonsIn, ChatWorld } from '../../../test/entrances/slack/commands/chat-world.ts';

let stores: TableStores;
let chat: ChatWorld;
let experiments: ExperimentTable;
let services = 0;
let number = 0;
let service: ServiceName;

beforeAll(async () => {
  stores = await openTable();
});
afterAll(() => stores?.close());

/** Each test has a service of its own, whose experiments only `ada` may stop. */
beforeEach(() => {
  chat = new ChatWorld();
  service = ServiceName.parse(`shop-${(services += 1)}`);
  experiments = new ExperimentTable(stores.table, { add: async () => undefined, read: async () => [] });
  Object.assign(chat.deps, {
    features: { ...chat.deps.features, experiments: { ...chat.deps.features['experiments'], experiments } },
  });
  chat.configure(
    {
      people: { ada: { slack: ADA }, bob: { slack: BOB, roles: ['reader'] } },
      roles: { reader: { actions: ['experiments:read'] } },
    },
    { services: { [service]: { environments: { production: {}, staging: {} } }, other: {} } },
  );
});

async function begin(more: Partial<ExperimentRecord> = {}): Promise<ExperimentRecord> {
  const id = ExperimentId.parse(`01JE${String((number += 1)).padStart(22, '0')}`);
  const scope = [{ service, environment: 'production' as EnvironmentName }];
  const record = anExperiment({ id, scope, name: `kill pod ${number}`, ...more });
  const { ok } = await experiments.begin(record, {
    at: record.created_at,
    kind: 'created',
    by: 'ci',
    text: 'Recorded',
  });
  if (!ok) throw new Error('an experiment of this scope is in progress');
  return record;
}

async function end(record: ExperimentRecord): Promise<void> {
  const found = await read(record);
  const ending = { code: 'finished', reason: 'reported as finished', by: null, at: record.created_at } as const;
  const conclusion = { outcome: 'held' as const, recovered: true };
  await experiments.put({
    ...found,
    status: 'ended',
    closed: true,
    ending,
    conclusion: { ...conclusion, reasons: ['every check held'], checks: [] },
  });
}

const read = async ({ id }: Pick<ExperimentRecord, 'id'>): Promise<ExperimentRecord> => {
  const found = await experiments.get(id);
  if (found === undefined) throw new Error(`no experiment ${id}`);
  return found;
};

const says = (text: string, user = ADA) => chat.says(user, '/firebreak', text);

async function listed(user = ADA) {
  await says(`experiments ${service}`, user);
  return buttonsIn(chat.sent.at(-1)?.message ?? { summary: '', parts: [] });
}

describe('experiments in Slack', () => {
  test('are listed: those in progress, and the last ones with their results', async () => {
    expect(await says(`experiments ${service}`)).toBe(`No experiment of ${service} is recorded.`);
    expect(await says(`experiments ${service}x`)).toContain(`Did you mean "${service}"?`);
    const first = await begin();
    await end(first);
    expect(await says(`experiments ${service}`)).toContain(`No experiment of ${service} is in progress.`);
    const second = await begin();
    const row = (name: string) => `.* UTC ${name} \\(${service} production\\)`;
    expect(await says(`experiments ${service}`, BOB)).toMatch(
      new RegExp(
        `^Experiments of ${service} in progress:\n▶️ ${row(second.name)}: running: running\nLast:\n• ${row(first.name)}: held: every check held$`,
      ),
    );
    expect(await says('experiments')).toContain(second.name);
  });

  test('have a button for those who may stop all services of the scope', async () => {
    const one = await begin();
    const button = { verb: 'stop_experiment', experiment: one.id } as const;
    expect(await listed(BOB)).toEqual([]);
    expect(await listed()).toEqual([button]);
    expect(await chat.presses(BOB, button)).toMatch(/permission/);
    expect((await read(one)).request).toBeNull();
    expect(await chat.presses(ADA, button)).toBe(
      `${one.name} (${service} production) is being stopped. Experiment ${one.id}.`,
    );
    expect((await read(one)).request).toMatchObject({ kind: 'stop', by: 'ada' });
  });

  test('that Firebreak cannot stop are stopped by people, too', async () => {
    const one = await begin({ run: null });
    const button = { verb: 'stop_experiment', experiment: one.id } as const;
    expect(await chat.presses(ADA, button)).toContain('is being stopped: stop it in your chaos tool, too');
  });

  test('that are over are not stopped', async () => {
    const one = await begin();
    await end(one);
    expect(await listed()).toEqual([]);
    expect(await chat.presses(ADA, { verb: 'stop_experiment', experiment: one.id })).toBe(
      `${one.name} is over already: reported as finished. Nothing was done.`,
    );
    const unknown = ExperimentId.parse(`01JF${'0'.repeat(22)}`);
    expect(await chat.presses(ADA, { verb: 'stop_experiment', experiment: unknown })).toBe(
      'The experiment no longer exists. Nothing was done.',
    );
  });

  test('are hidden from people who may not see them', async () => {
    const one = await begin();
    chat.configure(
      {
        people: { ada: { slack: ADA }, bob: { slack: BOB, roles: ['reader'] } },
        roles: { reader: { actions: ['incidents:read'] } },
      },
      { services: { [service]: { environments: { production: {} } } } },
    );
    expect(await says('experiments', BOB)).not.toContain(one.name);
  });
});

test.each([
  ['experiments', null],
  ['experiments checkout', 'checkout'],
])('/firebreak %s lists experiments', (text, named) => {
  const request = { act: 'experiments', service: named };
  expect(parseCommand('/firebreak', text)).toMatchObject({ kind: 'request', request });
});
