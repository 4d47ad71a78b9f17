import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { standInsAt } from '../../core/domain/catalogue/vendors.ts';
import { githubAccess } from '../../vendors/github/access.ts';
import { deployerFor } from '../../vendors/rollback-targets.ts';
import { emptyConfig, ServicesFile } from '../../schemas/config/config.ts';
import { EnvironmentName, ServiceName } from '../../schemas/config/names.ts';
import { DEPLOYER_NOTES } from '../../schemas/rollback/targets.ts';
import { SetClock } from '../support/fake-deps.ts';

/* The list of rollback targets, its docs, and what the deployers can do, agree. */

const page = readFileSync(new URL('../../docs/reference/deployers.md', import.meta.url), 'utf8');
const { services } = ServicesFile.parse(parse(/```yaml\n(services:[\s\S]+?)```/.exec(page)?.[1] ?? ''));
const service = ServiceName.parse('checkout');
const examples = Object.values(services[service]?.environments ?? {}).flatMap(({ deployer }) => deployer ?? []);

const clock = new SetClock('2026-11-20T12:00:00Z');
const secrets = { get: async (name: string) => (name.endsWith('_URL') ? 'http://127.0.0.1:9' : undefined) };
const context = {
  serviceEnvironment: { service, environment: EnvironmentName.parse('a') },
  secrets,
  clock,
  config: { current: async () => ({ ...emptyConfig, services }), problems: async () => [] },
  rollbackGates: {} as Parameters<typeof deployerFor>[1]['rollbackGates'],
  github: githubAccess({ secrets, clock }),
  standIns: standInsAt(['http://127.0.0.1:9']),
};

test('the docs have an example of each kind', () => {
  expect(examples.map(({ kind }) => kind).toSorted()).toEqual(DEPLOYER_NOTES.map(([kind]) => kind).toSorted());
});

test.each(examples.map((entry) => [entry.kind, entry] as const))('%s can do what the docs say', async (kind, entry) => {
  const deployer = (await deployerFor(entry, context)) ?? expect.unreachable();
  const note = Object.fromEntries(DEPLOYER_NOTES)[kind] ?? expect.unreachable();
  expect({
    scales: deployer.scaling !== undefined,
    restarts: deployer.restart !== undefined,
    checks: deployer.checkDrift !== undefined,
    looks: deployer.look !== undefined,
  }).toEqual({
    scales: note.scales ?? false,
    restarts: note.restarts ?? false,
    checks: note.checks ?? false,
    looks: note.look !== undefined,
  });
  expect(note.effectClass).toContain(deployer.effectClass);
  expect(deployer.standIn).toBe(!('url' in entry && entry.url !== undefined));
});
