import { expect, test } from 'vitest';
import { VENDOR_CONNECTIONS } from '../../core/domain/catalogue/vendors.ts';
import { vendorLines } from '../../local/vendors.ts';
import { connectStandIns } from '../../packages/sandbox/connect.ts';
import type { StandIns } from '../../packages/sandbox/core/index.ts';

/* Tests how one machine connects vendors to stand-ins, and what its start prints. */

/** Vendors without a stand-in: two are programs that the sandbox starts itself, and a model is optional. */
const WITHOUT_STAND_IN: ReadonlySet<string> = new Set(['prometheus', 'alertmanager', 'prose']);

const VENDORS = [...new Set(VENDOR_CONNECTIONS.map(({ vendor }) => vendor))];
const urls = Object.fromEntries(
  VENDORS.map((vendor, i) => [vendor, `http://127.0.0.1:${4000 + i}`]),
) as StandIns['urls'];
const standIns = { urls, mail: 'smtp://127.0.0.1:4025' };

/** Returns the lines of the start by the name of the connection. */
function started(env: NodeJS.ProcessEnv, sandbox = true): Record<string, string> {
  if (sandbox) connectStandIns(env, standIns);
  const names = VENDOR_CONNECTIONS.map(({ name }) => name);
  return Object.fromEntries(
    vendorLines(env, false).flatMap((line) => {
      const name = names.find((one) => line.startsWith(`${one} `));
      return name === undefined ? [] : [[name, line.slice(name.length).trim().replace(/\s+/g, ' ')]];
    }),
  );
}

test('without settings, each vendor with a stand-in gets it', () => {
  const lines = Object.entries(started({}));
  expect(lines.filter(([, line]) => !line.startsWith('stand-in ')).map(([name]) => name)).toEqual([
    'Prometheus',
    'Alertmanager',
    'language model',
  ]);
  expect(vendorLines({}, false).join('\n')).toContain('Slack                 off       SLACK_BOT_TOKEN is not set');
});

test('a routing key alone makes PagerDuty real, and leaves it without its REST API', () => {
  const env: NodeJS.ProcessEnv = { PAGERDUTY_ROUTING_KEY: 'R'.repeat(32) };
  const lines = started(env);
  expect(lines['PagerDuty pages']).toBe('real https://events.pagerduty.com, PAGERDUTY_ROUTING_KEY');
  expect(lines['PagerDuty API']).toBe('off PAGERDUTY_API_TOKEN is not set');
  expect(env).not.toHaveProperty('PAGERDUTY_EVENTS_URL');
  expect(env).not.toHaveProperty('PAGERDUTY_WEBHOOK_SECRET');
  expect(lines['Slack']).toMatch(/^stand-in /);
});

test('any credential or address replaces the stand-in of its vendor, and of no other', () => {
  for (const { vendor, url, credentials, also = [] } of VENDOR_CONNECTIONS) {
    for (const name of [url, ...credentials.flat()]) {
      const env: NodeJS.ProcessEnv = { [name]: 'https://given.example' };
      const lines = started(env);
      expect(env[name]).toBe('https://given.example');
      for (const one of VENDOR_CONNECTIONS) {
        const mode = lines[one.name]?.split(' ')[0];
        if (one.vendor === vendor) expect(mode).not.toBe('stand-in');
        else if (!WITHOUT_STAND_IN.has(one.vendor)) expect(mode).toBe('stand-in');
      }
    }
    for (const name of also) {
      const unchanged = WITHOUT_STAND_IN.has(vendor) ? /^off / : /^stand-in /;
      expect(started({ [name]: 'given' })[nameOf(vendor)]).toMatch(unchanged);
    }
  }
});

const nameOf = (vendor: string): string => VENDOR_CONNECTIONS.find((one) => one.vendor === vendor)?.name ?? '';

test('a stand-in does not get a token that the catalogue names', () => {
  const env: NodeJS.ProcessEnv = { CD_TOKEN: 'real' };
  connectStandIns(env, standIns, { cd: ['CD_TOKEN'] });
  expect(env).not.toHaveProperty('CD_URL');
});

test('without a sandbox, each vendor is on if its credential is set', () => {
  const lines = started({ SLACK_BOT_TOKEN: 'xoxb-1', GITHUB_APP_ID: '7', GITHUB_APP_PRIVATE_KEY: 'pem' }, false);
  expect([lines['Slack'], lines['GitHub'], lines['PagerDuty pages']]).toEqual([
    'real https://slack.com, SLACK_BOT_TOKEN',
    'real https://api.github.com, GITHUB_APP_ID, GITHUB_APP_PRIVATE_KEY',
    'off PAGERDUTY_ROUTING_KEY is not set',
  ]);
});
