import { expect, test } from 'vitest';
import { lastCheck, storeCheck } from '../../../vendors/connections/stored-check.ts';
import type { TokenRecord } from '../../../schemas/access/access.ts';
import type { Connections } from '../../../schemas/config/connections.ts';
import { Config } from '../../../schemas/config/config.ts';
import { ROLES } from '../../../schemas/people/people.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { consoleWorld, tokenRecord } from '../../support/console-world.ts';
import { expectHarmless, hostile, textOf } from '../../support/hostile.ts';

const CONNECTIONS: Connections = {
  vendors: [
    { name: 'Slack', state: 'connected', detail: 'reachable', mode: 'real', address: 'https://slack.com' },
    { name: hostile('vendor'), state: 'wrong', detail: hostile('set the token again') },
    { name: 'mail', state: 'off', detail: 'SMTP_URL is not set' },
  ],
  targets: [
    {
      service: 'checkout',
      environment: 'production',
      deployer: 'http',
      mode: 'act',
      drills: false,
      problem: hostile('no credentials'),
    },
  ],
  evidence: [],
  unknown_environments: [],
  unnamed_environments: [],
  unmatched_unread: false,
  generated: [
    {
      source: 'Prometheus',
      state: 'differs',
      detail: '',
      differences: [{ kind: 'missing', name: 'prometheus/slo-alerts.yaml', detail: 'none of its groups is loaded' }],
    },
  ],
  judged: [],
  secrets: [],
  watched: null,
  objectives: { configured: 0, evaluated_at: null, problem: null, failing: 0, errors: [] },
};

function settingsWorld(problems: string[] = []) {
  const stored = new Map<string, string>();
  const blobs = {
    put: async (key: string, body: string | Uint8Array) => void stored.set(key, String(body)),
    putNew: async () => true,
    get: async (key: string) => {
      const body = stored.get(key);
      return body === undefined ? undefined : Buffer.from(body);
    },
  };
  const listed = new Map<string, TokenRecord>(
    [
      tokenRecord(hostile('ci'), ['deployments:write', 'freezes:check'], { id: 'tok_ci', services: [hostile('shop')] }),
      tokenRecord('grace', ROLES.responder.actions),
      tokenRecord('gone', ROLES.viewer.actions, {
        revoked_at: '2026-11-20T11:00:00.000Z' as never,
        revoked_by: 'ada',
      }),
    ].map((token) => [token.id, token]),
  );
  const revoked: [string, string][] = [];
  const made = consoleWorld(({ deps }) => ({
    blobs,
    config: { ...deps.config, problems: async () => problems },
  }));
  const { world } = made;
  Object.assign(made.tokensPort, {
    list: async () => ({ items: [...listed.values()], next_cursor: 'next page' }),
    revoke: async (id: string, by: string) => {
      if (!listed.has(id)) return false;
      revoked.push([id, by]);
      return true;
    },
  });
  world.config = Config.parse({
    version: 'abc',
    services: {},
    paging: { fallback: { url: 'https://user:secret@sms.test/page', signature: 'PAGE_SECRET' } },
    people: {
      people: {
        ada: {
          name: hostile('Ada'),
          email: 'ada@private.example',
          slack: 'U123',
          teams: ['payments'],
          roles: ['admin'],
        },
      },
      everyone: 'nobody',
    },
  });
  const deps = { ...world.deps, blobs };
  const page = async (token = 'ada'): Promise<string> => (await made.get('/console/settings', { token })).text();
  return { ...made, deps, page, stored, revoked };
}

test('hostile texts of vendors, tokens, and people are shown as text', async () => {
  const { deps, page } = settingsWorld([hostile('config/routes.yaml:3: unknown key')]);
  await storeCheck(deps, { at: deps.clock.now(), by: hostile('ci'), connections: CONNECTIONS });
  const leastHostileTexts = 7;
  expectHarmless((await page()).split('<main')[1] ?? '', leastHostileTexts);
});

test('problems of the configuration are listed, errors first, with what is in force', async () => {
  const { page } = settingsWorld(['config/a.yaml:1: warning: a typo', 'config/b.yaml:2: unknown key']);
  const text = textOf(await page());
  expect(text).toMatch(/✕ wrong\s*config\/b\.yaml:2: unknown key.*◆ check\s*config\/a\.yaml:1: warning: a typo/s);
  expect(text).toContain('the last valid configuration stays active');
  expect(textOf(await settingsWorld().page())).toContain('No problems were found in it.');
});

test('the last check is shown with its age, what is wrong first, and as too old after a day', async () => {
  const { deps, page, world } = settingsWorld();
  expect(textOf(await page())).toContain('No check of the connections is stored yet. Run firebreak doctor');
  await storeCheck(deps, { at: plusSeconds(world.clock.now(), -600), by: 'ada', connections: CONNECTIONS });
  const text = textOf(await page()).replaceAll(/\s+/g, ' ');
  expect(text).toMatch(
    /Prometheus files\s*◆ check\s*missing: prometheus\/slo-alerts.yaml: none of its groups is loaded/,
  );
  expect(text).toContain('Checked 10 min ago by ada: 1 wrong');
  expect(text.indexOf('set the token again')).toBeLessThan(text.indexOf('SMTP_URL is not set'));
  expect(text).toContain('real, at https://slack.com: reachable');
  expect(text).not.toContain('too old');
  await storeCheck(deps, { at: plusSeconds(world.clock.now(), -90_000), by: 'ada', connections: CONNECTIONS });
  expect(textOf(await page()).replaceAll(/\s+/g, ' ')).toMatch(/Checked 1 d ago by ada too old/);
});

const ofServices = (count: number): Connections => ({
  ...CONNECTIONS,
  vendors: [],
  generated: [],
  targets: Array.from({ length: count }, (_, n) => ({
    service: `service-${n}`,
    environment: 'production',
    deployer: 'http',
    mode: 'act' as const,
    drills: false,
    problem: n % 2 === 0 ? 'the token of the deployer is missing' : null,
  })),
  evidence: Array.from({ length: count }, (_, n) => ({
    service: `service-${n}`,
    environment: 'production',
    level: 'time' as const,
    can: { kind: 'time' as const, steps: [`add a health query to service-${n}`, 'report deployments'] },
    proofs: [],
    missing: null,
    propose: [],
    deploys: null,
  })),
});

test('findings of many services are a row for each check, and few rows are open', async () => {
  const { deps, page } = settingsWorld();
  await storeCheck(deps, { at: deps.clock.now(), by: 'ada', connections: ofServices(300) });
  const [, panel = ''] = /<section[^>]*id="connections"([^]*?)<\/section>/.exec(await page()) ?? [];
  const [open = '', behind = ''] = panel.split('<details class="more-details"');
  expect(open.match(/<tr role="row">/g)).toHaveLength(11);
  const text = textOf(open);
  expect(text).toContain('by ada: 1050 to check.');
  expect(text).toMatch(
    /service-0\/production, service-2\/production, service-4\/production and 147 more.*◆ check ?the token of the deployer is missing/,
  );
  expect(text.match(/the token of the deployer is missing/g)).toHaveLength(1);
  expect(open).not.toContain('✓ ok');
  expect(textOf(behind)).toContain('290 more');
  expect(textOf(behind)).toContain('and 4 more: firebreak doctor');
});

test('a check that finds only what is ok says so, and its rows are behind a button', async () => {
  const { deps, page } = settingsWorld();
  const connections = { ...ofServices(0), targets: ofServices(2).targets.slice(1) };
  await storeCheck(deps, { at: deps.clock.now(), by: 'ada', connections });
  const [, panel = ''] = /<section[^>]*id="connections"([^]*?)<\/section>/.exec(await page()) ?? [];
  expect(textOf(panel)).toMatch(/by ada: nothing is wrong\..*All 1 .*✓ ok/);
  expect(panel.match(/<table/g)).toHaveLength(1);
});

test('a stored check that cannot be read, and a store that fails, are no errors', async () => {
  const { deps, stored, page } = settingsWorld();
  stored.set('doctor/last.json', '{"at":1}');
  expect(await lastCheck(deps)).toBeUndefined();
  expect(textOf(await page())).toContain('No check of the connections is stored yet');
  const failing = { ...deps.blobs, put: () => Promise.reject(new Error('no bucket')) };
  await storeCheck({ ...deps, blobs: failing }, { at: deps.clock.now(), by: 'ada', connections: CONNECTIONS });
});

test('tokens show their role, limits, and end; people show no addresses', async () => {
  const html = await settingsWorld().page();
  const text = textOf(html).replaceAll(/\s+/g, ' ');
  expect(text).toContain('2 permissions');
  expect(text).toMatch(/grace ?responder of grace/);
  expect(text).toMatch(/revoked .* ago by ada/);
  expect(text).toContain('email, slack');
  expect(html).not.toContain('ada@private.example');
  expect(html).not.toContain('user:secret');
  expect(html).toContain('https://…@sms.test/page');
  expect(html).toContain('href="/console/settings?tokens=next+page"');
});

test('an admin revokes a token; others see no form, and are refused', async () => {
  const { page, post, revoked } = settingsWorld();
  expect(await page()).toContain('/console/settings/actions/revoke-token');
  const sent = await post('/console/settings/actions/revoke-token', { id: 'tok_ci' }, { token: 'ada' });
  expect([sent.status, revoked]).toEqual([303, [['tok_ci', 'ada']]]);
  const unknown = await post('/console/settings/actions/revoke-token', { id: 'tok_x' }, { token: 'ada' });
  expect(unknown.status).toBe(404);
  const vera = await page('vera');
  expect(vera).not.toContain('revoke-token');
  expect(vera).not.toContain('id="tokens"');
  const refused = await post('/console/settings/actions/revoke-token', { id: 'tok_ci' }, { token: 'vera' });
  expect([refused.status, revoked.length]).toEqual([403, 1]);
});

test('a token for a part of the services does not see the settings', async () => {
  const { get } = settingsWorld();
  expect((await get('/console/settings', { token: 'cora' })).status).toBe(403);
});
