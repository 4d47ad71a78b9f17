import { describe, expect, test } from 'vitest';
import { realSystemsOf, whySandboxUserRefused } from '../../../../core/domain/catalogue/real-systems.ts';
import { standInsAt, vendorStates } from '../../../../core/domain/catalogue/vendors.ts';
import { Config } from '../../../../schemas/config/config.ts';

/* Real systems that Firebreak can change, and actions that simulated people therefore may not perform. */

const CD = 'http://127.0.0.1:4001';
const standIns = standInsAt([CD, 'http://127.0.0.1:4002']);

const serviceEnvironments = (environments: object) => ({ services: { checkout: { environments } } });

function world(files: object, env: Record<string, string> = {}) {
  const config = Config.parse({ version: '1', services: {}, paging: {}, ...files });
  const settings: Record<string, string> = {
    CD_URL: `${CD}/rollback`,
    AWS_TARGETS_URL: 'http://127.0.0.1:4002',
    ...env,
  };
  return { config, standIns, vendors: vendorStates((name) => settings[name], standIns.at) };
}

describe('real systems', () => {
  test.each<[string, object, Record<string, string>, string[]]>([
    ['nothing, where all is stood in for', serviceEnvironments({ production: { deployer: { kind: 'http' } } }), {}, []],
    ['nothing, where Firebreak only reads', {}, { PROMETHEUS_URL: 'http://p', ALERTMANAGER_URL: 'http://a' }, []],
    ['a vendor with a credential', {}, { SLACK_BOT_TOKEN: 'x' }, ['Slack']],
    [
      'a deployer with its own address',
      serviceEnvironments({ production: { deployer: { kind: 'http', url: 'https://cd.example/rb' } } }),
      {},
      ['targets of checkout/production'],
    ],
    [
      'a deployer at a real vendor',
      serviceEnvironments({ production: { deployer: { kind: 'http' } }, staging: {} }),
      { CD_URL: 'https://cd.example' },
      ['CD system', 'targets of checkout/production'],
    ],
    [
      'flags with their own address',
      serviceEnvironments({ production: { flags: { kind: 'http', url: 'https://flags.example/{flag}' } } }),
      {},
      ['targets of checkout/production'],
    ],
    [
      'nothing, where addresses are those of stand-ins',
      serviceEnvironments({
        production: { deployer: { kind: 'http', url: `${CD}/x` }, flags: { kind: 'http', url: `${CD}/{flag}` } },
      }),
      {},
      [],
    ],
    [
      'receivers of webhooks',
      {
        paging: { fallback: { url: 'https://sms.example/page', signature: 'S' } },
        response: { webhooks: [{ url: 'https://hooks.example/secret', signature: 'S' }] },
      },
      {},
      ['webhook sms.example', 'webhook hooks.example'],
    ],
  ])('%s', (_, files, env, expected) => {
    expect(realSystemsOf(world(files, env))).toEqual(expected);
  });
});

describe('simulated people', () => {
  const real = world(
    serviceEnvironments({ production: { deployer: { kind: 'http', url: 'https://cd.example' } }, staging: {} }),
  );
  const why = 'the targets of checkout in production are real';

  test.each([
    ['incidents:act', { service: 'checkout', environment: 'production' }, why],
    ['freezes:write', { service: 'checkout', environment: null }, why],
    ['automation:write', { service: null, environment: null }, why],
    ['freezes:override', {}, why],
    ['incidents:act', { service: 'checkout', environment: 'staging' }, undefined],
    ['incidents:act', { service: 'search', environment: 'production' }, undefined],
    ['incidents:read', { service: 'checkout', environment: 'production' }, undefined],
    ['incidents:write', { service: 'checkout', environment: 'production' }, undefined],
  ] as const)('%s at %o: %s', (action, scope, expected) => {
    expect(whySandboxUserRefused(real, action, scope)).toBe(expected);
  });

  test('may do everything if nothing is real', () => {
    const none = world(serviceEnvironments({ production: { deployer: { kind: 'http' } } }));
    expect(whySandboxUserRefused(none, 'automation:write', { service: null, environment: null })).toBeUndefined();
  });
});
