import { beforeEach, expect, test } from 'vitest';
import { Config, emptyConfig } from '../../../schemas/config/config.ts';
import { consoleWorld } from '../../support/console-world.ts';
import { expectHarmless, hostile, textOf } from '../../support/hostile.ts';

let console: ReturnType<typeof consoleWorld>;

beforeEach(() => {
  console = consoleWorld();
  console.world.config = Config.parse({
    ...emptyConfig,
    services: { checkout: { team: 'payments', environments: { production: {} } } },
  });
});

const markup = async (path: string): Promise<string> => (await console.get(path, { token: 'ada' })).text();
const markupOfNotice = async (path: string): Promise<string> =>
  /<div[^>]* id="unknown-values"[^]*?<\/div>/.exec(await markup(path))?.[0] ?? '';
const notice = async (path: string): Promise<string> => textOf(await markupOfNotice(path)).trim();

test.each([
  ['/console/incidents?severity=high', 'Unknown severity “high”. Known values: critical, warning, info.'],
  ['/console/incidents?team=shop', 'Unknown team “shop”. Known values: payments.'],
  ['/console/incidents?state=closed', 'Unknown state “closed”. Known values: open, resolved, all.'],
  [
    `/console/incidents?state=${'x'.repeat(99)}😀`,
    `Unknown state “${'x'.repeat(99)}…”. Known values: open, resolved, all.`,
  ],
  ['/console/decisions?kind=rollbacks', /^Unknown kind “rollbacks”\. Known values: all, /],
  ['/console/services/checkout?kind=fix', /^Unknown kind “fix”\. Known values: all, /],
])('%s says which value is unknown, and names the known ones', async (path, expected) => {
  expect(await notice(path)).toEqual(typeof expected === 'string' ? expected : expect.stringMatching(expected));
});

test.each([
  '/console/incidents',
  '/console/incidents?severity=critical&team=payments&state=all',
  '/console/incidents?severity=',
])('%s has no unknown value', async (path) => {
  expect(await notice(path)).toBe('');
});

test('an unknown value is shown as text', async () => {
  expectHarmless(await markupOfNotice(`/console/incidents?team=${encodeURIComponent(hostile('team'))}`), 1);
});
