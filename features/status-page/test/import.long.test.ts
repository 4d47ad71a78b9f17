import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { SANDBOX_PAGE_ID } from '../../../packages/sandbox/statuspage/statuspage.ts';
import { calls, sandbox, start } from '../../../packages/sandbox/test/support.ts';
import { ADMIN_TOKEN, EACH_ALONE, eventually, Firebreak } from '../../../test/support/firebreak.ts';
import { cli } from '../../../test/entrances/cli/support.ts';

const PUBLIC_URL = 'https://firebreak.acme.example';

let firebreak: Firebreak;
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'firebreak-import-'));
  firebreak = await Firebreak.start({
    services: {
      checkout: { statusPage: { components: ['Checkout'], publish: 'auto' }, environments: { production: {} } },
    },
    timeScale: 60,
    unshown: true,
    configFiles: EACH_ALONE,
    env: { FIREBREAK_PUBLIC_URL: PUBLIC_URL },
  });
});
afterAll(async () => {
  await firebreak.remove();
  await rm(dir, { recursive: true, force: true });
});

const importing = (args: string[], env: Record<string, string> = {}) =>
  cli(['import', 'statuspage', ...args], {
    cwd: dir,
    env: { FIREBREAK_URL: firebreak.url, FIREBREAK_TOKEN: ADMIN_TOKEN, ...env },
  });

const emailsTo = async (address: string): Promise<string[]> =>
  (await firebreak.calls('mail')).filter(({ path }) => path === `/${address}`).map(({ body }) => String(body));

test('confirmed subscribers of Statuspage get updates here, once, and do not come back after they unsubscribed', async () => {
  const standIns = await start();
  await sandbox(standIns, 'PUT', '/statuspage/components', { name: 'Search' });
  await sandbox(standIns, 'PUT', '/statuspage/groups', { name: 'Shop', components: ['Checkout'] });
  const { items } = await sandbox<{ items: { id: string; name: string }[] }>(standIns, 'GET', '/statuspage/components');
  const idOf = (name: string) => items.find((one) => one.name === name)?.id ?? '';
  // More than a page of the list.
  const many = Array.from({ length: 120 }, (_, n) => ({
    address: `many-${n}@acme.example`,
    components: [idOf('Search')],
  }));
  await sandbox(standIns, 'PUT', '/statuspage/subscribers', {
    subscribers: [
      { address: 'Ada@acme.example', components: [idOf('Checkout')] },
      { address: 'all@acme.example' },
      { address: 'new@acme.example', state: 'unconfirmed' },
      { address: 'gone@acme.example', state: 'quarantined' },
      { mode: 'sms', address: '+1 555 0100' },
      ...many,
    ],
  });
  const source = {
    STATUSPAGE_API_URL: `${standIns.urls.statuspage}/v1`,
    STATUSPAGE_API_KEY: 'key',
    STATUSPAGE_PAGE_ID: SANDBOX_PAGE_ID,
  };

  // The page is not configured yet. The lines for it are printed as they must be written.
  const early = await importing([], source);
  expect([early.code, early.err]).toMatchObject([1, expect.stringContaining('has no subscriptions by email')]);
  const lines = parse(early.out) as { pages: object };
  expect(lines).toEqual({
    pages: { main: { components: ['Search', { name: 'Checkout', group: 'Shop' }], subscriptions: ['email'] } },
  });
  await firebreak.write('status-page.yaml', stringify(lines));
  await eventually(
    async () => (await (await fetch(`${firebreak.url}/status`)).text()).includes('/status/subscriptions/main'),
    'the new page',
  );

  const plan = await importing([], source);
  expect(plan).toMatchObject({ code: 0, out: expect.stringContaining('with --apply: 122 imported as confirmed') });
  expect(plan.err).toContain('not imported, not confirmed at Statuspage: new@acme.example');
  expect(plan.err).toContain(
    'not imported, quarantined at Statuspage: messages could not be delivered: gone@acme.example',
  );
  expect(plan.err).toContain(
    'not imported, channel sms: only email can be imported, others subscribe again: +1 555 0100',
  );
  expect((await importing(['--apply'], source)).out).toContain('Subscribers: 122 imported as confirmed');
  expect((await importing(['--apply'], source)).out).toContain('Subscribers: 122 already subscribed');
  expect(await emailsTo('Ada@acme.example'), 'nobody is asked again').toEqual([]);

  await firebreak.post('/v1/alerts/generic', {
    service: 'checkout',
    environment: 'production',
    severity: 'critical',
    title: 'Errors',
    dedup_key: 'checkout',
    status: 'firing',
  });
  const [email = ''] = await eventually(async () => {
    const [ada, all] = await Promise.all([emailsTo('Ada@acme.example'), emailsTo('all@acme.example')]);
    return ada.length > 0 && all.length > 0 ? ada : undefined;
  }, 'the update');
  expect(await emailsTo('many-1@acme.example')).toEqual([]);
  const [, unsubscribe = ''] = /^List-Unsubscribe: <(\S+)>\r$/m.exec(email) ?? [];
  await fetch(unsubscribe.replace(PUBLIC_URL, firebreak.url), { method: 'POST', body: 'List-Unsubscribe=One-Click' });
  expect((await importing(['--apply'], source)).out).toContain('1 unsubscribed from Firebreak, and not imported again');

  const refused = await importing([], { ...source, STATUSPAGE_PAGE_ID: 'other' });
  expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('cannot read from Statuspage') });
  expect((await calls(standIns)).every(({ method }) => method === 'GET')).toBe(true);

  const audit = await firebreak.get('/v1/audit');
  expect(JSON.stringify(audit.body)).toContain('122 subscribers of the status page main were imported as confirmed');
  expect(JSON.stringify(audit.body)).not.toContain('acme.example');
});

test('files are imported as they state, and errors name the line', async () => {
  await writeFile(
    join(dir, 'subscribers.csv'),
    'Type,Email,State,Components\nemail,csv@acme.example,active,Checkout; Search\nemail,"odd, ""one""@acme.example",active,\nwebhook,https://hooks.example/1,active,\nemail,late@acme.example,unconfirmed,\n',
  );
  await writeFile(join(dir, 'components.csv'), 'name,group,description\nCheckout,Shop,"Pay,\nand ship"\nSearch,,\n');
  const { code, out, err } = await importing(['--components', 'components.csv', '--subscribers', 'subscribers.csv']);
  expect(code).toBe(0);
  expect(parse(out)).toMatchObject({
    pages: { main: { components: [{ name: 'Checkout', group: 'Shop', description: 'Pay,\nand ship' }, 'Search'] } },
  });
  expect(out).toContain('1 imported as confirmed');
  expect(err).toContain('not an email address: odd, "one"@acme.example');
  expect(err).toContain('not confirmed at Statuspage: late@acme.example');

  await writeFile(join(dir, 'bare.csv'), 'email\nbare@acme.example\n');
  expect((await importing(['--subscribers', 'bare.csv'])).err).toContain('no state in the file: use --confirmed');
  expect((await importing(['--subscribers', 'bare.csv', '--confirmed'])).out).toContain('1 imported as confirmed');
  await writeFile(join(dir, 'bad.csv'), 'email\n"bare@acme.example\n');
  expect(await importing(['--subscribers', 'bad.csv'])).toMatchObject({
    code: 1,
    err: expect.stringContaining('bad.csv:2: a quotation mark is not closed'),
  });
  expect((await importing(['--subscribers', 'none.csv'])).code).toBe(1);
  expect((await importing([])).code).toBe(2);
});
