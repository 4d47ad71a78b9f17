import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Firebreak } from '../../../../test/support/firebreak.ts';

let firebreak: Firebreak;

const FREEZES = `
unknownService: deny
unknownEnvironment: allow
policies:
  - match: { service: web, environment: canary }
    budget: off
`;

beforeAll(async () => {
  firebreak = await Firebreak.start({
    unshown: true,
    services: {
      web: { environments: { production: {} } },
      bare: {},
      twice: { environments: { live: {}, Live: {} } },
    },
    configFiles: { 'freeze.yaml': FREEZES },
    timeScale: 1,
  });
});
afterAll(() => firebreak.remove());

type CheckQuery = { service?: string; environment?: string } & Record<string, string>;

const check = async (request: CheckQuery) => {
  const query = new URLSearchParams({ service: 'web', ...request }).toString();
  const { status, body } = await firebreak.get(`/v1/freeze-check?${query}`);
  return { status, ...body, codes: body.reasons?.map(({ code }: { code: string }) => code) };
};

const freeze = async (scope: object) => {
  const { body } = await firebreak.post('/v1/freezes', { reason: 'stocktaking', ...scope });
  return { warnings: body.warnings, lift: () => firebreak.request('DELETE', `/v1/freezes/${body.id}`) };
};

describe('an unknown service', () => {
  test('gets the likely one as a suggestion, and is listed by the doctor', async () => {
    const first = await check({ service: 'wep', environment: 'production' });
    expect(first).toMatchObject({ allowed: false, codes: ['unknown_service'] });
    expect(first.reasons[0].text).toContain('no service "wep"; did you mean "web"?');
    expect((await check({ service: 'entirely-new', environment: 'production' })).reasons[0].text).not.toContain('mean');
    const { body } = await firebreak.get('/v1/connections');
    expect(body.vendors).toContainEqual({
      name: 'freeze checks',
      state: 'incomplete',
      detail: expect.stringMatching(
        /^1 freeze check by \S+ in the last day named the unknown service "wep"; did you mean "web"\?; 1 .*"entirely-new"; correct/,
      ),
    });
  });

  test('that the token has no access to is refused, with the likely one among its own', async () => {
    const { body: made } = await firebreak.post('/v1/tokens', {
      name: 'ci-of-web',
      actions: ['freezes:check'],
      services: ['web'],
    });
    const { status, body } = await firebreak.request(
      'GET',
      '/v1/freeze-check?service=wep&environment=production',
      undefined,
      { authorization: `Bearer ${made.token}` },
    );
    expect({ status, detail: body.detail }).toEqual({
      status: 403,
      detail: 'ci-of-web has no access to service wep; did you mean "web"?',
    });
  });
});

describe('a name that differs from a known one only in case and whitespace', () => {
  test.each(['Production', 'production ', ' PRODUCTION', 'ｐroduction', 'pro\u200bduction'])(
    '%j is subject to the freezes of the known name at every endpoint',
    async (environment) => {
      const { lift } = await freeze({ service: 'web', environment: 'production' });
      expect(await check({ environment })).toMatchObject({ allowed: false, codes: ['person', 'name_corrected'] });
      const request = { service: 'WEB', environment, version: 'v1', deployment_id: 'd1' };
      const posted = await firebreak.post('/v1/freeze-check', request);
      expect(posted.body).toMatchObject({ allowed: false });
      const query = new URLSearchParams(request).toString();
      for (const path of ['/v1/freeze-check/gate', '/integrations/argo-rollouts/analysis']) {
        const { status, body } = await firebreak.request('POST', `${path}?${query}`);
        expect(status === 423 || body.data.allowed === false).toBe(true);
      }
      await lift();
    },
  );

  test('gets a token for the known name, which is valid for both spellings', async () => {
    const request = { service: 'Web', environment: 'PRODUCTION', version: 'v1', deployment_id: 'd1' };
    const { token } = await check(request);
    const verified = async (shown: object) =>
      (await firebreak.post('/v1/freeze-check/verify', { token, version: 'v1', ...shown })).body;
    const known = { service: 'web', environment: 'production' };
    expect(await verified(known)).toMatchObject({ valid: true, deployment: known });
    expect(await verified(request)).toMatchObject({ valid: true });
    expect(await verified({ ...known, environment: 'canary' })).toMatchObject({ valid: false });
  });

  test('requires permission for the known name', async () => {
    const { body: made } = await firebreak.post('/v1/tokens', {
      name: 'ci-elsewhere',
      actions: ['freezes:check'],
      environments: ['Production'],
    });
    const ask = (environment: string) =>
      firebreak.request('GET', `/v1/freeze-check?service=web&environment=${environment}`, undefined, {
        authorization: `Bearer ${made.token}`,
      });
    expect((await ask('Production')).status).toBe(403);
  });

  test('in a freeze is stored as the known name', async () => {
    const { lift, warnings } = await freeze({ service: ' Web', environment: 'PRODUCTION' });
    expect(warnings).toEqual(['" Web" is interpreted as "web"', '"PRODUCTION" is interpreted as "production"']);
    for (const environment of ['production', 'PRODUCTION'])
      expect(await check({ environment })).toMatchObject({ allowed: false });
    await lift();
  });

  test('allows a rollback to a good version deployed under either spelling', async () => {
    const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
    for (const [version, minutes] of [
      ['v1', 300],
      ['v2', 100],
    ] as const)
      await firebreak.post('/v1/deployments', {
        service: 'bare',
        environment: 'Production',
        version,
        started_at: ago(minutes),
      });
    const { lift } = await freeze({ environment: 'production' });
    const request = { service: 'bare', environment: 'Production' };
    expect(await check({ ...request, version: 'v1' })).toMatchObject({ allowed: true });
    expect(await check({ ...request, version: 'v3' })).toMatchObject({
      allowed: false,
      codes: ['person', 'name_corrected'],
    });
    await lift();
  });

  test('is subject to older freezes under its own spelling', async () => {
    const { lift } = await freeze({ environment: 'Later' });
    await firebreak.post('/v1/deployments', { service: 'bare', environment: 'later', version: 'v1' });
    expect(await check({ service: 'bare', environment: 'Later' })).toMatchObject({ allowed: false });
    await lift();
  });

  test('is not resolved if both spellings are known', async () => {
    expect(await check({ service: 'twice', environment: 'live' })).toMatchObject({ codes: ['clear'] });
    expect(await check({ service: 'twice', environment: 'Live' })).toMatchObject({ codes: ['clear'] });
    expect(await check({ service: 'twice', environment: 'LIVE' })).toMatchObject({ codes: ['unknown_environment'] });
  });
});

describe('an unknown environment', () => {
  test('causes a warning with the likely intended name', async () => {
    const answer = await check({ environment: 'produ' });
    expect(answer).toMatchObject({ allowed: true, verdict: 'warn', codes: ['unknown_environment'] });
    expect(answer.reasons[0].text).toContain('did you mean "production"?');
  });

  test.each([
    ['a policy names it for the service', 'web', 'canary'],
    ['it is the default of a service without environments', 'bare', 'production'],
  ])('does not include one for which %s', async (_, service, environment) => {
    expect(await check({ service, environment })).toMatchObject({ codes: ['clear'] });
  });

  // Regression test: a deployment under a misspelt name must not make that name known.
  test('causes a warning even with recorded deployments, and is never refused for it', async () => {
    expect(await check({ environment: 'qa' })).toMatchObject({ codes: ['unknown_environment'] });
    const recorded = await firebreak.post('/v1/deployments', {
      service: 'web',
      environment: 'prodution',
      version: 'v1',
    });
    expect(recorded.status).toBe(201);
    expect(recorded.body.warnings).toEqual([
      'the environment "prodution" of web is not configured; did you mean "production"?',
    ]);
    const answer = await check({ environment: 'prodution' });
    expect(answer).toMatchObject({ allowed: true, verdict: 'warn', codes: ['unknown_environment'] });
    expect(answer.reasons[0].text).toMatch(/recorded by deployments.*did you mean "production"\?/);
    const { warnings, lift } = await freeze({ service: 'web', environment: 'prodution' });
    expect(warnings).toEqual(['the environment "prodution" of web is not configured; did you mean "production"?']);
    await lift();
  });

  test('causes no suggestion if the name is configured or has no similar name', async () => {
    const record = async (service: string, environment: string) =>
      (await firebreak.post('/v1/deployments', { service, environment, version: 'v1' })).body.warnings;
    expect(await record('web', 'Production')).toEqual([]);
    expect(await record('bare', 'live')).toEqual([]);
    expect(await record('wep', 'production')).toEqual(['the catalogue has no service "wep"; did you mean "web"?']);
    expect(await record('web', 'xyz')).toEqual(['the environment "xyz" of web is not configured']);
  });
});
