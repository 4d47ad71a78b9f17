import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Firebreak } from '../../../../test/support/firebreak.ts';

/*
 * Names that are spelled otherwise elsewhere: by deployments of an unknown service, by another service, in freeze.yaml,
 * and in objectives.
 */

let firebreak: Firebreak;

const FREEZES = `
policies:
  - match: { service: ruled, environment: Production }
    budget: off
calendar:
  - name: over
    services: [planned]
    environments: Production
    from: 2020-01-01T00:00:00Z
    until: 2020-01-02T00:00:00Z
  - name: over everywhere
    environments: [Qa]
    from: 2020-01-01T00:00:00Z
    until: 2020-01-02T00:00:00Z
  - name: now
    services: [closed]
    environments: Production
    from: 2020-01-01T00:00:00Z
    until: 2100-01-01T00:00:00Z
`;

const objective = (name: string, service: string) => `apiVersion: openslo/v1
kind: SLO
metadata: { name: ${name}, labels: { environment: Production } }
spec:
  service: ${service}
  indicator:
    spec:
      ratioMetric:
        good: { metricSource: { spec: { query: good } } }
        total: { metricSource: { spec: { query: total } } }
  timeWindow: [{ duration: 28d, isRolling: true }]
  objectives: [{ target: 0.99 }]
`;

const inProduction = { environments: { production: {} } };

beforeAll(async () => {
  firebreak = await Firebreak.start({
    unshown: true,
    services: {
      web: { ...inProduction, team: 'shop' },
      planned: inProduction,
      ruled: inProduction,
      closed: inProduction,
      measured: inProduction,
      renamed: inProduction,
      other: { environments: { Staging: {} }, team: 'desk' },
      another: { environments: { staging: {}, qa: {} }, team: 'shop' },
    },
    configFiles: {
      'freeze.yaml': FREEZES,
      'slos/measured.yaml': objective('measured', 'measured'),
      'slos/renamed.yaml': objective('renamed', 'Renamed'),
    },
    timeScale: 1,
  });
  for (const environment of ['Production', 'PRODUCTION'])
    await firebreak.post('/v1/deployments', { service: 'foo', environment, version: 'v1' });
});
afterAll(() => firebreak.remove());

const check = async (service: string, environment: string) => {
  const { body } = await firebreak.get(`/v1/freeze-check?${new URLSearchParams({ service, environment }).toString()}`);
  return { allowed: body.allowed, codes: body.reasons.map(({ code }: { code: string }) => code) };
};

const freeze = async (scope: object) => {
  const { status, body } = await firebreak.post('/v1/freezes', { reason: 'stocktaking', ...scope });
  expect(status).toBe(201);
  const lift = () => firebreak.request('DELETE', `/v1/freezes/${body.id}`);
  return { environment: body.environment, service: body.service, warnings: body.warnings, lift };
};

describe('a freeze uses the spelling', () => {
  test.each([
    ['of its service before that of deployments', { service: 'web', environment: 'Production' }, 'production'],
    ['of its service if others have several', { service: 'web', environment: 'pRODUCTION' }, 'production'],
    ['of its service before that of another', { service: 'another', environment: 'Staging' }, 'staging'],
    ['of the services of its team', { team: 'desk', environment: 'staging' }, 'Staging'],
    ['of the catalogue, without a service', { environment: 'PRODUCTION' }, 'production'],
    ['of the catalogue before that of the calendar', { environment: 'Qa' }, 'qa'],
  ])('%s', async (_, scope, environment) => {
    const frozen = await freeze(scope);
    await frozen.lift();
    expect(frozen).toMatchObject({
      environment,
      warnings: [`${JSON.stringify(scope.environment)} is interpreted as ${JSON.stringify(environment)}`],
    });
  });

  test('so that it applies to the known name', async () => {
    const { lift } = await freeze({ service: 'web', environment: 'Production' });
    for (const environment of ['production', 'Production', 'PRODUCTION'])
      expect(await check('web', environment)).toMatchObject({ allowed: false });
    await lift();
  });

  test.each(['Staging', 'STAGING'])(
    '%s as written if several services spell it otherwise, and says so',
    async (environment) => {
      const frozen = await freeze({ environment });
      await frozen.lift();
      const others = ['Staging', 'staging'].filter((name) => name !== environment).map((name) => JSON.stringify(name));
      expect(frozen).toMatchObject({
        environment,
        warnings: [
          `the freeze applies only to "${environment}"; other environments are spelled alike: ${others.join(', ')}`,
        ],
      });
    },
  );
});

describe('another spelling adds no environment to the catalogue:', () => {
  test.each([
    ['in the calendar', 'planned'],
    ['in a policy', 'ruled'],
    ['in an objective', 'measured'],
    ['in an objective that spells the service otherwise, too', 'Renamed'],
  ])('%s', async (_, service) => {
    const known = { service: service.toLowerCase(), environment: 'production' };
    const recorded = await firebreak.post('/v1/deployments', { service, environment: 'Production', version: 'v1' });
    expect(recorded.body).toMatchObject({ ...known, warnings: [] });
    const { lift } = await freeze(known);
    for (const environment of ['production', 'Production', 'PRODUCTION'])
      expect(await check(service, environment)).toMatchObject({ allowed: false });
    await lift();
  });

  test('the freeze of such a calendar entry still applies to checks with its spelling', async () => {
    expect(await check('closed', 'Production')).toEqual({ allowed: false, codes: ['calendar', 'name_corrected'] });
  });
});
