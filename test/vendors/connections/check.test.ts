import { noExtensions } from '../../../core/domain/ports/extensions.ts';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { ChainCheck } from '../../../core/domain/ports/audit.ts';
import type { TokenAudit } from '../../../core/domain/ports/access.ts';
import { standInsAt } from '../../../core/domain/catalogue/vendors.ts';
import { grafanaAnnotations } from '../../../vendors/grafana/annotations.ts';
import { checked } from '../../../vendors/connections/check-result.ts';
import { vendorConnections } from '../../../vendors/connections/check.ts';
import { alertmanagerSilences } from '../../../vendors/alertmanager/silences.ts';
import { externalPagerDuty } from '../../../vendors/pagerduty/external-incidents.ts';
import { pagerDutyOnCall } from '../../../vendors/pagerduty/on-call.ts';
import { slackDirectory } from '../../../vendors/slack/users/directory.ts';
import { SCOPES } from '../../../vendors/slack/scopes.ts';
import { Config } from '../../../schemas/config/config.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { incident } from '../../core/stories.ts';
import { nobody, type Reply, vendorThat } from '../server.ts';
import { objective } from '../../support/objective.ts';
import { stringify } from 'yaml';
import { calls, start } from '../../../packages/sandbox/test/support.ts';
import { SetClock, silent } from '../../support/fake-deps.ts';

/* Findings of `GET /v1/connections`, and so of `firebreak doctor`, about the connections that reach people. */

const clock = new SetClock('2026-11-20T12:00:00.000Z');
const off = { kind: 'off', detail: 'off' } as const;

type World = {
  secrets?: Record<string, string>;
  config?: object;
  slack?: string;
  pagerDuty?: string;
  standIns?: string[];
  tokens?: TokenAudit;
  publicUrl?: string;
  chain?: Partial<ChainCheck>;
  open?: IncidentRecord[];
  jira?: Promise<typeof off>;
  counts?: Promise<[]>;
};

const INTACT: ChainCheck = { intact: true, entries: 1, sealedUntil: null, brokenAt: null, because: null };

const NO_TOKENS: TokenAudit = { valid: 0, previous: [], refused: [], used: [] };

/** Returns state and detail by connection name. */
const look = async (world: World) =>
  Object.fromEntries((await lookAt(world)).map(({ name, state, detail }) => [name, `${state}: ${detail}`]));

async function lookAt(world: World) {
  const { secrets = {}, config: files = {}, slack = '', pagerDuty = '', standIns = [] } = world;
  const { tokens = NO_TOKENS, chain, open = [] } = world;
  const get = async (name: string) => secrets[name];
  const config = Config.parse({ version: 'test', services: {}, paging: {}, ...files });
  const current = { current: async () => config, problems: async () => [] };
  const rest = {
    apiUrl: async () => pagerDuty,
    token: () => get('PAGERDUTY_API_TOKEN'),
    from: async () => undefined,
    clock,
  };
  return vendorConnections({
    secrets: { get },
    standIns: standInsAt(standIns),
    config: current,
    directory: slackDirectory({ apiUrl: async () => slack, token: () => get('SLACK_BOT_TOKEN'), clock }),
    extensions: {
      ...noExtensions,
      systems: [
        {
          isConfigured: () => true,
          load: async () => ({
            checks: {
              Jira: async () => world.jira ?? off,
              'language model': async () => off,
              Statuspage: async () => off,
            },
            keys: { 'signing key': async () => ({ state: 'set' as const, detail: 'set' }) },
          }),
        },
      ],
    },
    externalPager: externalPagerDuty(rest),
    onCall: pagerDutyOnCall({ config: current, clock, rest }),
    annotations: { find: async () => off, create: none, update: none },
    spans: { send: none, check: async () => off },
    metrics: { value: async () => null, range: none, rangeByLabel: none, rule: none },
    silences: alertmanagerSilences({ url: () => get('ALERTMANAGER_URL'), now: () => 0, log: silent }),
    tokens: { check: async () => tokens } as unknown as Parameters<typeof vendorConnections>[0]['tokens'],
    audit: { check: async () => ({ ...INTACT, ...chain }) } as unknown as Parameters<
      typeof vendorConnections
    >[0]['audit'],
    counters: { add: none, read: async () => world.counts ?? [] },
    clock,
    timeScale: 1,
    incidents: { open: async () => open } as unknown as Parameters<typeof vendorConnections>[0]['incidents'],
    publicUrl: world.publicUrl,
  });
}

const none = (): never => {
  throw new Error('the doctor changes nothing');
};

const slackThat = (headers: Record<string, string>, body: object = {}) =>
  vendorThat(() => ({
    headers,
    body: JSON.stringify({ ok: true, team: 'Acme', team_id: 'T0ACME', user_id: 'U0BOT', ...body }),
  }));

const BOT = { SLACK_BOT_TOKEN: 'xoxb-1' };
const ALL = { 'x-oauth-scopes': Object.keys(SCOPES).join(',') };

describe('the identity provider', () => {
  const publicUrl = 'https://firebreak.example.com';
  const withIssuer = (issuer: string) => ({ config: { people: { signIn: { issuer, clientId: 'firebreak' } } } });
  const seenWith = async (world: World) => (await look(world))['identity provider'];

  test('is off without signIn', async () => {
    expect(await seenWith({ publicUrl })).toMatch(/^off: people\.yaml has no signIn/);
  });

  test('is asked for its published documents only', async () => {
    const { url, received } = await vendorThat(({ path, headers }) => {
      const issuer = `http://${headers.host}`;
      return { body: JSON.stringify(path === '/keys' ? { keys: [] } : { issuer, jwks_uri: `${issuer}/keys` }) };
    });
    expect(await seenWith({ publicUrl, ...withIssuer(url) })).toBe(
      'connected: reachable; register https://firebreak.example.com/login/oidc/return there as the redirect URI',
    );
    expect(received.map(({ path }) => path)).toEqual(['/.well-known/openid-configuration', '/keys']);
    expect(await seenWith(withIssuer(url))).toMatch(/^wrong: FIREBREAK_PUBLIC_URL is not set/);
  });

  test.each<[string, Reply, RegExp]>([
    [
      'another issuer',
      { body: '{"issuer":"https://other.example","jwks_uri":"https://other.example/"}' },
      /belongs to/,
    ],
    ['an outage', { status: 503 }, /answered 503$/],
  ])('%s', async (_, reply, expected) => {
    const { url } = await vendorThat(() => reply);
    const seen = await seenWith({ publicUrl, ...withIssuer(url) });
    expect(seen).toMatch(/^unreachable: /);
    expect(seen).toMatch(expected);
  });
});

describe('Slack', () => {
  test('gets only a request for our own identity', async () => {
    const { url, received } = await slackThat(ALL);
    expect((await look({ secrets: BOT, slack: url }))['Slack']).toBe(
      'connected: reachable; the app is installed in Acme',
    );
    expect(received.map(({ path }) => path)).toEqual(['/auth.test']);
  });

  test('reports missing scopes of the app with their effects', async () => {
    const given = Object.keys(SCOPES).filter((scope) => !['channels:manage', 'pins:write'].includes(scope));
    const { url } = await slackThat({ 'x-oauth-scopes': given.join(', ') });
    expect((await look({ secrets: BOT, slack: url }))['Slack']).toBe(
      'wrong: the app lacks these scopes (with the effect in brackets): channels:manage (channels of incidents, and ' +
        'invitations to them), pins:write (the pinned message). Add them as in entrances/slack/manifest.yaml, reinstall ' +
        'the app, and set the new SLACK_BOT_TOKEN',
    );
  });

  test('accepts a response without scopes', async () => {
    const { url } = await slackThat({});
    expect((await look({ secrets: BOT, slack: url }))['Slack']).toMatch(/^connected/);
  });

  test.each([
    [
      'is not in people.yaml',
      ['T0OTHER'],
      {},
      /^wrong: the app is installed in Acme \(T0ACME\), which is not in "workspaces"/,
    ],
    ['is in people.yaml', ['T0OTHER', 'T0ACME'], {}, /^connected/],
    ['belongs to an organization in people.yaml', ['E0ACME'], { enterprise_id: 'E0ACME' }, /^connected/],
  ])('a workspace that %s', async (_, workspaces, more, expected) => {
    const { url } = await slackThat(ALL, more);
    const seen = await look({ secrets: BOT, slack: url, config: { people: { workspaces } } });
    expect(seen['Slack']).toMatch(expected);
  });

  test.each<[string, Reply, RegExp]>([
    ['a revoked token', { body: '{"ok":false,"error":"token_revoked"}' }, /^wrong: .*set SLACK_BOT_TOKEN/],
    ['an outage', { status: 503 }, /^unreachable: /],
  ])('%s', async (_, reply, expected) => {
    const { url } = await vendorThat(() => reply);
    expect((await look({ secrets: BOT, slack: url }))['Slack']).toMatch(expected);
  });

  test('the signing secret of its commands', async () => {
    const commands = async (secret?: string) =>
      (await look({ secrets: secret === undefined ? {} : { SLACK_SIGNING_SECRET: secret } }))['Slack commands'];
    expect(await commands()).toBe(
      'off: SLACK_SIGNING_SECRET is not set: Firebreak refuses commands, buttons, and events from Slack',
    );
    expect(await commands('0123')).toMatch(/^wrong: SLACK_SIGNING_SECRET has 4 characters.*requests .* are refused/);
    expect(await commands('0123456789')).toMatch(/^set: SLACK_SIGNING_SECRET is set; .*first command/);
    expect(await commands('0123456789, 9876543210\n')).toMatch(/^set: SLACK_SIGNING_SECRET is set/);
    expect(await commands('01234 56789')).toBe(
      'wrong: SLACK_SIGNING_SECRET contains whitespace, which no credential has; set it again',
    );
  });
});

describe('PagerDuty', () => {
  const token = { PAGERDUTY_API_TOKEN: 'key' };
  const rotas = { people: { onCall: { payments: { escalationPolicy: 'PPAYMENTS' } } } };

  test('gets requests for its abilities and for who is on call', async () => {
    const standIns = await start();
    const seen = await look({ secrets: token, config: rotas, pagerDuty: standIns.urls.pagerduty });
    expect([seen['PagerDuty API'], seen['PagerDuty on call']]).toEqual([
      'connected: reachable',
      'connected: payments: Ada Park',
    ]);
    const asked = (await calls(standIns, '?vendor=pagerduty')).map(({ method, path }) => `${method} ${path}`);
    expect(asked.toSorted()).toEqual(['GET /abilities', 'GET /oncalls']);
  });

  test.each<[string, Reply, RegExp]>([
    ['an invalid key', { status: 401, body: 'HTTP Token: Access denied.' }, /^wrong: .*401: set PAGERDUTY_API_TOKEN/],
    ['an address of another service', { status: 404, body: '{}' }, /^wrong: .*404: PAGERDUTY_API_URL is probably not/],
    ['a page of a proxy', { body: '<html>' }, /^wrong: .*PAGERDUTY_API_URL is probably not/],
    ['an outage', { status: 502 }, /^unreachable: PagerDuty answered 502/],
  ])('%s', async (_, reply, expected) => {
    const { url } = await vendorThat(() => reply);
    expect((await look({ secrets: token, pagerDuty: url }))['PagerDuty API']).toMatch(expected);
  });

  test('an on-call schedule without an on-call user', async () => {
    const { url } = await vendorThat(() => ({ body: '{"oncalls":[]}' }));
    expect((await look({ secrets: token, config: rotas, pagerDuty: url }))['PagerDuty on call']).toBe(
      'wrong: payments: no one is on call: the escalation policy or schedule does not exist at PagerDuty, or has a gap now',
    );
  });

  test('the routing key and the webhook secret', async () => {
    const seen = async (secrets: Record<string, string>) => {
      const all = await look({ secrets });
      return [all['PagerDuty pages'], all['PagerDuty webhooks']];
    };
    expect(await seen({})).toEqual([
      'off: PAGERDUTY_ROUTING_KEY is not set: no pages are sent',
      'off: PAGERDUTY_WEBHOOK_SECRET is not set: Firebreak refuses webhooks from PagerDuty, and does not see actions there',
    ]);
    expect(
      await seen({ PAGERDUTY_ROUTING_KEY: 'x'.repeat(32), PAGERDUTY_WEBHOOK_SECRET: 'yyyyyyyy, zzzzzzzz' }),
    ).toEqual([
      'set: PAGERDUTY_ROUTING_KEY is set; not tested, because a test would page',
      expect.stringMatching(/^set: PAGERDUTY_WEBHOOK_SECRET is set; .*first webhook/),
    ]);
    expect((await seen({ PAGERDUTY_ROUTING_KEY: 'x'.repeat(20) }))[0]).toMatch(
      /^wrong: PAGERDUTY_ROUTING_KEY has 20 characters, .* 32, so no pages are sent/,
    );
  });
});

test('a credential that is only used with a stand-in is not reported as set by a person', async () => {
  const [pagerDuty, slack, github] = [4001, 4002, 4003].map((port) => `http://127.0.0.1:${port}`) as [
    string,
    string,
    string,
  ];
  const seen = await look({
    secrets: {
      PAGERDUTY_EVENTS_URL: pagerDuty,
      PAGERDUTY_ROUTING_KEY: 'x'.repeat(32),
      PAGERDUTY_WEBHOOK_SECRET: 'y'.repeat(32),
      SLACK_API_URL: `${slack}/api/`,
      SLACK_SIGNING_SECRET: 'z'.repeat(32),
      GITHUB_API_URL: github,
      GITHUB_TOKEN: 'sandbox',
      KUBERNETES_TOKEN: 'k',
    },
    standIns: [pagerDuty, slack, github],
  });
  const names = ['PagerDuty pages', 'PagerDuty webhooks', 'Slack commands', 'GitHub', 'Kubernetes'];
  expect(names.map((name) => seen[name])).toEqual([
    'set: PAGERDUTY_ROUTING_KEY is only used with a stand-in of the sandbox',
    'set: PAGERDUTY_WEBHOOK_SECRET is only used with a stand-in of the sandbox',
    'set: SLACK_SIGNING_SECRET is only used with a stand-in of the sandbox',
    'set: GITHUB_TOKEN is only used with a stand-in of the sandbox',
    'set: KUBERNETES_TOKEN is set; not tested',
  ]);
});

test('AWS is off until a service has a target there', async () => {
  const seen = async (deployer?: object) =>
    (await lookAt({ config: { services: { checkout: { environments: { production: { deployer } } } } } })).find(
      ({ name }) => name === 'AWS targets',
    );
  expect(await seen()).toMatchObject({ state: 'off', mode: 'off', detail: 'no service has such a target' });
  expect(await seen({ kind: 'http', url: 'https://cd.example' })).toMatchObject({ mode: 'off' });
  expect(await seen({ kind: 'lambda-alias', function: 'checkout', alias: 'live' })).toMatchObject({
    state: 'set',
    mode: 'real',
    address: 'https://amazonaws.com',
  });
});

describe('mail', () => {
  const at = async (url: string, from = 'Firebreak <f@acme.example>') =>
    (await look({ secrets: { SMTP_URL: url, MAIL_FROM: from } }))['mail'];

  test('logs in without sending mail', async () => {
    const standIns = await start();
    expect(await at(standIns.mail)).toBe('connected: the login works; no mail was sent');
    expect(await calls(standIns, '?vendor=mail')).toEqual([]);
  });

  test('missing or wrong settings', async () => {
    expect((await look({}))['mail']).toBe('off: SMTP_URL is not set');
    expect((await look({ secrets: { SMTP_URL: 'smtp://x' } }))['mail']).toBe('off: MAIL_FROM is not set');
    expect(await at('mail.example.com:secret')).toMatch(/^wrong: SMTP_URL is not a mail server address/);
    expect(await at('smtp://127.0.0.1:1', 'Firebreak')).toMatch(/^wrong: MAIL_FROM contains no email address/);
  });

  test('a user unknown to the mail server', async () => {
    const server = new SMTPServer({
      disabledCommands: ['STARTTLS'],
      onAuth: ({ password }, _session, done) =>
        password === 'right' ? done(null, { user: 'f' }) : done(new Error('Invalid username or password')),
    });
    server.listen(0, '127.0.0.1');
    await once(server.server, 'listening');
    onTestFinished(() => server.close());
    const { port } = server.server.address() as AddressInfo;
    expect(await at(`smtp://f:right@127.0.0.1:${port}`)).toMatch(/^connected/);
    const refused = await at(`smtp://f:not-this@127.0.0.1:${port}`);
    expect(refused).toMatch(/^wrong: .*535.*does not know the user and password of SMTP_URL/);
    expect(refused).not.toContain('not-this');
  });

  test('a connection that is refused', async () => {
    const { host } = new URL(await nobody());
    expect(await at(`smtp://${host}`)).toMatch(/^unreachable: .*ECONNREFUSED/);
  });
});

describe('webhooks', () => {
  const hooks = {
    paging: { fallback: { url: 'https://second.example/page?key=secret', signature: 'SECOND' } },
    response: {
      webhooks: [
        { url: 'https://pager.example/in/secret', signature: 'PAGER' },
        { url: 'https://teams.example/in/secret', format: 'teams' },
      ],
    },
    routes: {
      routes: [{ match: { team: 'x' }, ticket: { webhook: { url: 'https://desk.example/', signature: 'DESK' } } }],
    },
  };

  test('no receivers', async () => {
    expect((await look({}))['webhooks']).toBe('off: no receiver is configured');
  });

  test('a required fallback pager that is not configured', async () => {
    const response = { escalation: { how: 'fallback' } };
    expect((await look({ config: { response } }))['fallback pager']).toMatch(
      /^wrong: .*paging\.yaml has no "fallback"/,
    );
    expect(await look({ config: { response, paging: hooks.paging } })).not.toHaveProperty('fallback pager');
    expect(await look({})).not.toHaveProperty('fallback pager');
  });

  test('each receiver by its host, and whether its signing secret is set', async () => {
    const seen = await look({ secrets: { PAGER: `whsec_${'x'.repeat(24)}` }, config: hooks });
    const missing = 'is not set, so nothing is sent. Set it, or correct "signature"';
    expect(Object.entries(seen).filter(([name]) => name.startsWith('webhook'))).toEqual([
      ['webhook second.example', `wrong: the signing secret SECOND ${missing}`],
      ['webhook pager.example', 'set: PAGER is set; not tested, because a test would send a message'],
      ['webhook teams.example', 'set: not signed; not tested, because a test would send a message'],
      ['webhook desk.example', `wrong: the signing secret DESK ${missing}`],
    ]);
  });
});

test('signing secrets with which anyone could sign', async () => {
  const services = {
    checkout: {
      environments: {
        production: { deployer: { kind: 'http', url: 'https://cd.example', auth: { webhookSignature: 'CD' } } },
      },
    },
  };
  const secrets = { GITLAB_WEBHOOK_SECRET: 'whsec_', GITHUB_WEBHOOK_SECRET: 'long-enough', CD: 'whsec_eHg=' };
  const seen = await look({ secrets, config: { services } });
  expect(seen['GITLAB_WEBHOOK_SECRET']).toMatch(/^wrong: GITLAB_WEBHOOK_SECRET has a key of 0 bytes.* are refused$/);
  expect(seen['CD']).toMatch(/^wrong: CD has a key of 2 bytes.* are not sent$/);
  expect(seen).not.toHaveProperty('GITHUB_WEBHOOK_SECRET');
});

describe('Alertmanager', () => {
  const GENERATED = [
    {
      source_matchers: ['alertname="SLOFastBurn"'],
      target_matchers: ['alertname="SLOSlowBurn"'],
      equal: ['slo', 'service', 'environment'],
    },
  ];
  const OLD = {
    source_match: { severity: 'page' },
    target_match_re: { severity: 'ticket|warning' },
    equal: ['service', 'environment'],
  };
  const of = (rules: object[]) =>
    vendorThat(({ path }) => ({
      body: path.startsWith('/api/v2/silences')
        ? '[]'
        : JSON.stringify({ config: { original: stringify({ inhibit_rules: rules }) } }),
    }));
  const slos = [objective()];

  test.each<[string, object[], string]>([
    ['the generated rule', GENERATED, 'connected: reachable; SLOFastBurn inhibits SLOSlowBurn of the same objective'],
    ['an equivalent rule', [OLD], 'connected: reachable; SLOFastBurn inhibits SLOSlowBurn of the same objective'],
    ['no rule', [], 'incomplete: no inhibit_rule lets SLOFastBurn inhibit SLOSlowBurn'],
    ['a rule with other windows', [{ ...OLD, equal: ['long_window'] }], 'incomplete: no inhibit_rule lets SLOFastBurn'],
    [
      'a rule for other alerts',
      [{ ...OLD, source_match: { severity: 'none' } }],
      'incomplete: no inhibit_rule lets SLOFastBurn',
    ],
  ])('checks the inhibition rules if there are objectives: %s', async (_, rules, seen) => {
    const { url } = await of(rules);
    const found = (await look({ secrets: { ALERTMANAGER_URL: url }, config: { slos } }))['Alertmanager'];
    expect(found?.slice(0, seen.length)).toBe(seen);
  });

  test('does not check the inhibition rules without objectives', async () => {
    const { url } = await of([]);
    expect((await look({ secrets: { ALERTMANAGER_URL: url } }))['Alertmanager']).toBe('connected: reachable');
  });
});

describe('tokens', () => {
  const ada = { id: 'tok_1', name: 'ada' };
  const seen = async (tokens: Partial<TokenAudit>) => (await look({ tokens: { ...NO_TOKENS, ...tokens } }))['tokens'];

  test('written by Firebreak are counted', async () => {
    expect(await seen({ valid: 3 })).toBe('set: 3 tokens, all written by Firebreak');
  });

  test('written by another party are an error, listed or not', async () => {
    expect(await seen({ refused: [ada] })).toMatch(/^wrong: refused, .* records: tok_1 \(ada\)\. Possible reasons: /);
    const used = Array.from({ length: 7 }, (_, n) => ({ name: `n${n}`, at: '2026-11-20T12:00:00.000Z' }));
    expect(await seen({ valid: 1, used })).toMatch(
      /^wrong: used and refused: "n0" at 2026-.*"n4" at [^,]* and 2 more\. /,
    );
  });

  test('that still need the previous admin token are listed', async () => {
    expect(await seen({ previous: [ada] })).toMatch(/^incomplete: not used since .* replaced: tok_1 \(ada\)\. Use or /);
  });
});

test('a vendor is waited for up to ten seconds, and records of Firebreak itself until they are read', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const { promise: counts, resolve: read } = Promise.withResolvers<[]>();
  const looked = look({ counts, jira: new Promise(() => undefined) });
  await vi.advanceTimersByTimeAsync(10_000);
  read([]);
  const seen = await looked;
  expect(seen['Jira']).toBe('unreachable: no response within 10 s');
  expect(seen['freeze checks']).toBe('set: all known in the last day');
});

test('an audit log that was changed or cannot be checked is an error', async () => {
  const seen = async (chain: Partial<ChainCheck>) => (await look({ chain }))['audit log'];
  expect(await seen({})).toMatch(/^set: the newest entries are intact/);
  const broken = { intact: false, brokenAt: 'seal 3', because: 'its MAC is wrong' };
  expect(await seen(broken)).toBe('wrong: seal 3: its MAC is wrong');
  expect(await seen({ ...broken, brokenAt: null, because: 'no key' })).toBe('wrong: no key');
});

test('workflows that have failed again and again, and not those that run since', async () => {
  const failing = (failed_runs: number, secondsAgo: number): IncidentRecord =>
    incident({ failed_runs, failed_at: plusSeconds(clock.now(), -secondsAgo) });
  const seen = async (...open: IncidentRecord[]) => (await look({ open })).workflows;
  expect(await seen()).toBe('set: none fails repeatedly');
  expect(await seen(failing(19, 60), failing(25, 7200), incident())).toBe('set: none fails repeatedly');
  expect(await seen(failing(23, 7100))).toBe(
    `wrong: failed again and again, so handle these incidents by hand, and report the error in the log: ${incident().id} of checkout (23 runs)`,
  );
});

test.each<[string, Reply, string]>([
  ['Grafana', { body: '[]' }, 'connected: reachable'],
  ['another server', { status: 404, body: '{}' }, 'wrong: Grafana answered 404; check the address'],
])('a check that is answered by %s', async (_, reply, expected) => {
  const { url } = await vendorThat(() => reply);
  const annotations = grafanaAnnotations({ url: async () => url, token: async () => 'glsa_1', clock });
  const { state, detail } = await checked(annotations.find('firebreak-doctor'));
  expect(`${state}: ${detail}`).toBe(expected);
});
