import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadSet } from '../../../local/config/config-set.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'firebreak-freeze-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const CATALOGUE = `services:
  checkout: { team: payments, environments: { production: {}, staging: {} } }
  search: { team: discovery, environments: { production: {} } }
  batch: { team: data }
`;

/** Returns the warnings for this `freeze.yaml`, without the folder. */
async function warningsOf(freeze: string, services = CATALOGUE): Promise<string[]> {
  await writeFile(join(dir, 'services.yaml'), services);
  await writeFile(join(dir, 'freeze.yaml'), freeze);
  const now = '2026-11-20T12:00:00.000Z' as Timestamp; // before the windows below
  const loaded = await loadSet({ configDir: dir, runbooksDir: join(dir, 'runbooks') }, now);
  if (!loaded.ok) throw new Error(loaded.problems.join('\n'));
  const warnings = loaded.warnings.map((warning) => warning.replace(`${dir}/`, ''));
  return warnings.filter((warning) => warning.startsWith('freeze.yaml:'));
}

const planned = (scope: string): string => `calendar:
  - name: sale
    from: 2026-11-27T00:00
    until: 2026-12-01T00:00
    timeZone: Europe/Berlin
    ${scope}
`;

test('an identity with claims that are too wide is an error with its line', async () => {
  await writeFile(join(dir, 'services.yaml'), CATALOGUE);
  const identities = `defaults:
  passes: [hotfix]
  identities:
    - issuer: https://token.actions.githubusercontent.com
      audience: firebreak
      claims:
        ref: refs/heads/main
    - issuer: https://ci.example.com
      audience: firebreak
`;
  await writeFile(join(dir, 'freeze.yaml'), identities);
  const loaded = await loadSet({ configDir: dir, runbooksDir: join(dir, 'runbooks') });
  expect(loaded).toEqual({
    ok: false,
    problems: [
      `${dir}/freeze.yaml:6: defaults.identities.0.claims: token.actions.githubusercontent.com signs tokens for all its users; add a claim that identifies your organization`,
      `${dir}/freeze.yaml:8: defaults.identities.1.claims: without a claim, every token of this issuer is accepted; add a claim`,
    ].map((beginning) => expect.stringContaining(beginning)),
  });
});

describe('unknown names are warnings with their lines', () => {
  test('a service, a team, and an environment of a policy', async () => {
    const text = `policies:
  - match:
      services: [search, chekout]
    stale: { deploys: deny }
  - match: { team: paymnts }
    burn: off
  - match:
      service: checkout
      environment:
        - production
        - stagign
    budget: off
`;
    expect(await warningsOf(text)).toEqual([
      'freeze.yaml:3: warning: the catalogue has no service "chekout", so this policy does not apply to it (did you mean "checkout"?)',
      'freeze.yaml:5: warning: no service in the catalogue belongs to a team "paymnts", so this policy does not apply to it (did you mean "payments"?)',
      'freeze.yaml:11: warning: none of its services has an environment "stagign", so this policy does not apply to it (did you mean "staging"?)',
    ]);
  });

  test.each([
    ['services: [chekout]', 'the catalogue has no service "chekout"', 'checkout'],
    ['service: chekout', 'the catalogue has no service "chekout"', 'checkout'],
    ['team: [payments, discovry]', 'no service in the catalogue belongs to a team "discovry"', 'discovery'],
    ['environments: Production', 'none of its services has an environment "Production"', 'production'],
  ])('%s of the calendar', async (scope, says, suggestion) => {
    expect(await warningsOf(planned(scope))).toEqual([
      `freeze.yaml:6: warning: ${says}, so this freeze does not apply to it (did you mean "${suggestion}"?)`,
    ]);
  });

  test('an environment of other services', async () => {
    const scope = 'service: search\n    environment: staging';
    expect(await warningsOf(planned(scope))).toEqual([
      'freeze.yaml:7: warning: none of its services has an environment "staging", so this freeze does not apply to it',
    ]);
  });
});

describe('there is no warning', () => {
  test.each([
    ['for known names', planned('teams: [payments, data]\n    environments: [production, staging]')],
    ['for any environment of a service that lists none', planned('service: batch\n    environment: eu')],
    ['without a scope', planned('reason: all of them')],
    ['for a file with only comments', '# none yet\n'],
  ])('%s', async (_, text) => {
    expect(await warningsOf(text)).toEqual([]);
  });

  test('for an environment without a catalogue', async () => {
    expect(await warningsOf(planned('environment: production'), 'services: {}')).toEqual([]);
  });

  test('for a service that only an objective names', async () => {
    const slo = `apiVersion: openslo/v1
kind: SLO
metadata: { name: ads }
spec:
  service: ads
  indicator: { spec: { thresholdMetric: { metricSource: { spec: { query: x } } } } }
  objectives: [{ target: 0.9, op: lt, value: 1 }]
`;
    await mkdir(join(dir, 'slos'));
    await writeFile(join(dir, 'slos/ads.yaml'), slo);
    expect(await warningsOf(planned('service: ads'))).toEqual([]);
  });
});
