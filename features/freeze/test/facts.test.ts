import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTable, type TableStores } from '../../../test/core/stores/stores.ts';
import { ADA, ChatWorld } from '../../../test/entrances/slack/commands/chat-world.ts';
import { consoleWorld } from '../../../test/support/console-world.ts';
import { featuresOn } from '../../../test/support/feature-deps.ts';
import { textOf } from '../../../test/support/hostile.ts';
import { DEFAULT_POLICY } from '../decisions/policy.ts';
import { freezeDetails } from '../decisions/freeze-explanation.ts';
import { withPorts } from '../ports.ts';

let stores: TableStores;
beforeAll(async () => {
  stores = await openTable();
});
afterAll(() => stores.close());

/** Freezes a service by a command, and returns what each place says about it. */
async function placesOf(service: string, command: string): Promise<Record<string, string | undefined>> {
  const chat = new ChatWorld();
  Object.assign(chat.deps, { features: featuresOn(stores.table, chat.deps) });
  chat.configure({}, { services: { [service]: { environments: { production: {} } } } });
  const { clock, config, features } = chat.deps;
  const answer = await chat.says(ADA, '/freeze', `open ${service} production ${command}`);
  const status = await chat.says(ADA, '/freeze', `status ${service}`);
  const { get, world } = consoleWorld(() => ({ clock, features, audit: stores.audit }));
  world.config = await config.current();
  const page = await (await get('/console/freezes', { token: 'ada' })).text();
  const [row = ''] =
    page.match(/<article(?:(?!<\/article>)[^])*<\/article>/g)?.filter((one) => one.includes(service)) ?? [];
  const [freeze] = (await withPorts(chat.deps).freezes.current()).filter((one) => one.service === service);
  if (freeze === undefined) throw new Error('no freeze');
  const context = { at: clock.now(), policy: DEFAULT_POLICY, status: undefined };
  const check = freezeDetails(freeze, context).join('; ');
  return { answer, status, console: textOf(row), check };
}

test('a freeze has the same scope and end in Slack, the console, and the freeze check', async () => {
  for (const [place, text] of Object.entries(await placesOf('billing', '2h load test'))) {
    expect([place, text]).toEqual([place, expect.stringContaining('billing in production')]);
    expect([place, text]).toEqual([place, expect.stringMatching(/(?:until|ends at) (?:2026-11-20 )?14:00/)]);
  }
});

test('a freeze without an end says the same everywhere', async () => {
  for (const [place, text] of Object.entries(await placesOf('ledger', 'load test'))) {
    expect([place, text]).toEqual([place, expect.stringContaining('ledger in production')]);
    expect([place, text]).toEqual([place, expect.stringContaining('a person lifts it')]);
  }
});
