import { describe, expect, test } from 'vitest';
import {
  namedCredentials,
  hasNoSettings,
  standInsAt,
  VENDOR_CONNECTIONS,
  vendorStates,
} from '../../../../core/domain/catalogue/vendors.ts';
import { Config } from '../../../../schemas/config/config.ts';

/* Mode of a vendor, real, stand-in, or off, by its settings. */

const get = (env: Record<string, string>) => (name: string) => env[name];

/** Returns the mode, address, and credentials, or what is missing, by connection name. */
const states = (env: Record<string, string>, standIns: string[] = [], named = {}) =>
  Object.fromEntries(
    vendorStates(get(env), standInsAt(standIns).at, named).map(({ name, mode, address, credentials, missing }) => [
      name,
      [mode, address ?? missing, ...credentials].join(' '),
    ]),
  );

test('a credential alone makes each vendor real, at its public address if it has one', () => {
  for (const { vendor, name, credentials, publicUrl, url, also = [] } of VENDOR_CONNECTIONS) {
    for (const names of credentials) {
      const env = Object.fromEntries([...names, ...also].map((setting) => [setting, 'x']));
      expect(hasNoSettings(vendor, get(env))).toBe(false);
      expect(states(env)[name]).toBe(
        publicUrl === null
          ? `off ${url} is not set ${names.join(' ')}`
          : `real ${new URL(publicUrl).origin} ${names.join(' ')}`,
      );
    }
    expect(hasNoSettings(vendor, get({}))).toBe(true);
    expect(hasNoSettings(vendor, get({ [url]: 'https://vendor.example' }))).toBe(false);
  }
});

test('secrets that only verify webhooks, and settings that are not credentials, do not count', () => {
  const env = {
    SLACK_SIGNING_SECRET: 'x',
    PAGERDUTY_WEBHOOK_SECRET: 'x',
    PAGERDUTY_FROM: 'ada@example.com',
    GRAFANA_WEBHOOK_SECRET: 'x',
    GITHUB_WEBHOOK_SECRET: 'x',
    STATUSPAGE_PAGE_ID: 'x',
    MAIL_FROM: 'f@example.com',
  };
  for (const { vendor } of VENDOR_CONNECTIONS) expect(hasNoSettings(vendor, get(env))).toBe(true);
});

describe('an incomplete configuration turns a vendor off, and never into a stand-in', () => {
  test.each<[Record<string, string>, string, string]>([
    [{ PAGERDUTY_ROUTING_KEY: 'k' }, 'PagerDuty API', 'off PAGERDUTY_API_TOKEN is not set'],
    [{ PAGERDUTY_API_TOKEN: 't' }, 'PagerDuty pages', 'off PAGERDUTY_ROUTING_KEY is not set'],
    [{ PAGERDUTY_EVENTS_URL: 'https://x.example' }, 'PagerDuty pages', 'off PAGERDUTY_ROUTING_KEY is not set'],
    [{ STATUSPAGE_API_KEY: 'k' }, 'Statuspage', 'off STATUSPAGE_PAGE_ID is not set STATUSPAGE_API_KEY'],
    [{ GITHUB_APP_ID: '7' }, 'GitHub', 'off GITHUB_TOKEN, or GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY are not set'],
    [{ GRAFANA_URL: 'https://g.example' }, 'Grafana annotations', 'off GRAFANA_TOKEN is not set'],
    [{ SMTP_URL: 'smtp://u:p@m.example' }, 'mail', 'off MAIL_FROM is not set'],
    [{ SLACK_API_URL: 'https://s.example/api/' }, 'Slack', 'off SLACK_BOT_TOKEN is not set'],
  ])('%o', (env, name, expected) => {
    expect(states(env)[name]).toBe(expected);
    const { vendor } = VENDOR_CONNECTIONS.find((one) => one.name === name) ?? {};
    expect(vendor && hasNoSettings(vendor, get(env))).toBe(false);
  });
});

test('a stand-in is recognized by host and port; passwords and paths are hidden', () => {
  const seen = states(
    {
      PAGERDUTY_EVENTS_URL: 'http://127.0.0.1:4001/',
      PAGERDUTY_ROUTING_KEY: 'k',
      CD_URL: 'http://127.0.0.1:4002/hook/secret',
      SMTP_URL: 'smtp://user:secret@mail.example:587',
      MAIL_FROM: 'f@example.com',
    },
    ['http://127.0.0.1:4001', 'http://127.0.0.1:4003'],
  );
  expect([seen['PagerDuty pages'], seen['CD system'], seen['mail']]).toEqual([
    'stand-in http://127.0.0.1:4001 PAGERDUTY_ROUTING_KEY',
    'real http://127.0.0.1:4002',
    'real smtp://mail.example:587',
  ]);
});

test('a credential named by the catalogue counts where it is used without an address', () => {
  const { services } = Config.parse({
    version: '1',
    paging: {},
    services: {
      checkout: {
        environments: {
          production: {
            deployer: { kind: 'http', auth: { bearer: 'CD_TOKEN' } },
            flags: { kind: 'launchdarkly', auth: { bearer: 'SHOP_FLAGS' } },
          },
          staging: { deployer: { kind: 'kubernetes', auth: { bearer: 'STAGING' } } },
          test: { deployer: { kind: 'http', url: 'https://cd.example/rb', auth: { bearer: 'OWN' } } },
          canary: {
            canary: { traffic: { kind: 'http', auth: { webhookSignature: 'TRAFFIC_SECRET' } } },
            experiments: { chaos: { kind: 'litmus', auth: { bearer: 'CHAOS' } } },
          },
          mesh: {
            canary: {
              traffic: { kind: 'smi', backends: [{ service: 'a' }, { service: 'b' }], auth: { bearer: 'MESH' } },
            },
            experiments: { chaos: { kind: 'chaos-mesh', url: 'https://k.example', auth: { bearer: 'OWN' } } },
          },
          routed: {
            reroute: {
              backends: { kind: 'gateway-api', auth: { bearer: 'ROUTES' }, targets: { a: {}, b: {} } },
              elsewhere: { kind: 'http', url: 'https://r.example', auth: { bearer: 'OWN' }, targets: { a: {}, b: {} } },
            },
          },
          other: { experiments: { chaos: { kind: 'http', url: 'https://chaos.example', auth: { bearer: 'OWN' } } } },
        },
      },
    },
  });
  const named = namedCredentials(services);
  expect(named).toEqual({
    cd: ['CD_TOKEN', 'TRAFFIC_SECRET'],
    launchdarkly: ['SHOP_FLAGS'],
    kubernetes: ['STAGING', 'CHAOS', 'MESH', 'ROUTES'],
  });
  // With a token for the cluster, no stand-in takes its place.
  expect(hasNoSettings('kubernetes', get({ CHAOS: 'x' }), named)).toBe(false);
  expect(hasNoSettings('cd', get({ OWN: 'x' }), named)).toBe(true);
  expect(hasNoSettings('cd', get({ CD_TOKEN: 'x' }), named)).toBe(false);
  expect(states({ CD_TOKEN: 'x' }, [], named)['CD system']).toBe('off CD_URL is not set CD_TOKEN');
  expect(states({ SHOP_FLAGS: 'x' }, [], named)['LaunchDarkly']).toBe('real https://app.launchdarkly.com SHOP_FLAGS');
});

test('AWS has neither a credential nor an address, so that only a target of its own makes it real', () => {
  const production = (environment: object) => {
    const services = { checkout: { environments: { production: environment } } };
    return states({}, [], namedCredentials(Config.parse({ version: '1', paging: {}, services }).services))[
      'AWS targets'
    ];
  };
  const traffic = { kind: 'lambda-alias', function: 'checkout', alias: 'live' };
  const reroute = { kind: 'route53', hostedZone: 'Z0123', record: 'api.example.com', targets: { a: {}, b: {} } };
  expect(production({})).toBe('off no service has such a target');
  expect(production({ deployer: { kind: 'ecs', cluster: 'main' } })).toBe('real https://amazonaws.com');
  expect(production({ canary: { traffic } })).toBe('real https://amazonaws.com');
  expect(production({ reroute: { regions: reroute } })).toBe('real https://amazonaws.com');
  expect(states({ AWS_TARGETS_URL: 'http://127.0.0.1:4001' }, ['http://127.0.0.1:4001'])['AWS targets']).toMatch(
    /^stand-in/,
  );
});
