import { expect, onTestFinished, test } from 'vitest';
import { Config, emptyConfig } from '../../../../schemas/config/config.ts';
import { openTable } from '../../../../test/core/stores/stores.ts';
import { consoleWorld } from '../../../../test/support/console-world.ts';
import { withPorts } from '../../ports.ts';

const CONFIG = Config.parse({ ...emptyConfig, services: { checkout: { environments: { production: {} } } } });

/** The console over real tables, in which grace is signed in. */
async function world() {
  const stores = await openTable();
  onTestFinished(() => stores.close());
  const { clock, audit, features, idempotency } = stores;
  const console = consoleWorld(() => ({ clock, audit, features, idempotency }));
  console.world.config = CONFIG;
  const login = await console.post('/login', { token: 'grace' });
  const cookie = login.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  /** Loads a page, and returns a function that sends one of its forms, with the key that the page has. */
  const load = async (path: string) => {
    const page = await (await console.get(path, { cookie })).text();
    const form_key = /name="form_key" value="([0-9a-f]+)"/.exec(page)?.[1] ?? '';
    return (action: string, fields: Record<string, string>) =>
      console.post(`${path}/actions/${action}`, { form_key, ...fields }, { cookie });
  };
  return { load, freezes: withPorts(stores).freezes };
}

type Sending = () => Promise<Response> | Response;

/** Sends a form as a double click does, and again, as after a lost response. */
const threeTimes = async (sending: Sending): Promise<number[]> =>
  [...(await Promise.all([sending(), sending()])), await sending()].map(({ status }) => status);

test('a form that is sent again from the same page freezes deploys once, and gives one override', async () => {
  const { load, freezes } = await world();
  const declare = { scope: 'service:checkout', reason: 'Migration' };
  const send = await load('/console/freezes');
  expect(await threeTimes(() => send('declare', declare))).toEqual([303, 303, 303]);
  const [freeze, ...others] = await freezes.current();
  expect([freeze?.reason, others]).toEqual(['Migration', []]);
  const id = freeze?.id ?? '';

  const override = { id, reason: 'A fix', hours: '1', uses: '1' };
  expect(await threeTimes(() => send('override', override))).toEqual([303, 303, 303]);
  expect((await freezes.get(id))?.overrides).toHaveLength(1);
  // What another page sends, or what differs, is meant.
  expect((await send('override', { ...override, reason: 'Another fix' })).status).toBe(303);
  expect((await (await load('/console/freezes'))('override', override)).status).toBe(303);
  expect((await freezes.get(id))?.overrides.map(({ reason }) => reason)).toEqual(['A fix', 'Another fix', 'A fix']);

  expect((await send('lift', { id, reason: 'Done' })).status).toBe(303);
  const late = await send('declare', declare);
  expect([late.status, await late.text()]).toEqual([409, expect.stringContaining('has ended since')]);
  expect((await (await load('/console/freezes'))('declare', declare)).status).toBe(303);
  expect(await freezes.current()).toHaveLength(1);
});
