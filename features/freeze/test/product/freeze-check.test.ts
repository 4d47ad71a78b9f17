import { createPublicKey, verify } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Firebreak } from '../../../../test/support/firebreak.ts';

/** Every key that CD systems can rely on. */
const KEYS = [
  'allowed',
  'clears_when',
  'data_age_s',
  'decision_id',
  'evaluated_at',
  'next_transition_at',
  'override',
  'reasons',
  'stale',
  'token',
  'verdict',
];

const inMinutes = (minutes: number): string => new Date(Date.now() + minutes * 60_000).toISOString();

let firebreak: Firebreak;

beforeAll(async () => {
  firebreak = await Firebreak.start({
    unshown: true,
    timeScale: 1,
    services: {
      checkout: { team: 'payments', dependsOn: ['ledger'], environments: { production: {}, staging: {} } },
      ledger: { team: 'payments', environments: { production: {} } },
      search: { team: 'discovery', environments: { production: {} } },
      careful: { team: 'discovery', environments: { production: {} } },
      keyed: { environments: { production: {} } },
    },
    configFiles: {
      'freeze.yaml': `
policies:
  - match: { service: careful }
    overrides: { people: 2, maxHours: 2 }
    passes: hotfix
`,
    },
  });
});

afterAll(() => firebreak.remove());

const check = async (query: Record<string, string>, path = '') => {
  const answer = await firebreak.get(`/v1/freeze-check${path}?${new URLSearchParams(query).toString()}`);
  return { status: answer.status, ...answer.body };
};

const CHECKOUT = { service: 'checkout', environment: 'production' };

async function freeze(body: Record<string, unknown>): Promise<{ id: string; lift: () => Promise<void> }> {
  const { status, body: made } = await firebreak.post('/v1/freezes', {
    reason: 'the quarter is being closed',
    ...body,
  });
  expect(status).toBe(201);
  return {
    id: made.id,
    lift: async () => expect((await firebreak.request('DELETE', `/v1/freezes/${made.id}`)).status).toBe(200),
  };
}

describe('a deploy without a freeze', () => {
  test('is allowed, with every key in the response', async () => {
    const answer = await check({ ...CHECKOUT, version: 'v1' });
    expect(Object.keys(answer)).toEqual(expect.arrayContaining(KEYS));
    expect(answer).toMatchObject({ allowed: true, verdict: 'allow', token: null, stale: false, clears_when: null });
    expect(answer.reasons).toEqual([{ code: 'clear', text: expect.any(String) }]);
  });

  test('passes the gate of curl -f', async () => {
    expect((await check(CHECKOUT, '/gate')).status).toBe(200);
    const query = new URLSearchParams(CHECKOUT).toString();
    const lines = await firebreak.request('GET', `/v1/freeze-check/gate?${query}`, undefined, { accept: 'text/plain' });
    expect(lines.headers.get('content-type')).toMatch(/^text\/plain/);
    expect(lines.body).toMatch(/^allowed: deploy of checkout.* to production\n- .*\nDecision \S+\n$/);
  });

  describe.each(['', '/gate'])('with POST /v1/freeze-check%s', (path) => {
    const post = async (query: Record<string, string>, body?: object) =>
      firebreak.post(`/v1/freeze-check${path}?${new URLSearchParams(query).toString()}`, body);

    test('is described by the query string, a JSON body, or both', async () => {
      const { lift } = await freeze(CHECKOUT);
      const overridden = await firebreak.get('/v1/freezes');
      const id = overridden.body.items[0].id;
      const given = { reason: 'CASE-1', expires_at: inMinutes(30), version: 'v7' };
      expect((await firebreak.post(`/v1/freezes/${id}/overrides`, given)).status).toBe(201);
      const allowed = async (query: Record<string, string>, body?: object) => (await post(query, body)).body.allowed;
      const deployment = { deployment_id: 'd1', version: 'v7' };
      expect(await allowed({ ...CHECKOUT, ...deployment })).toBe(true);
      expect(await allowed({}, { ...CHECKOUT, ...deployment })).toBe(true);
      expect(await allowed(CHECKOUT, deployment)).toBe(true);
      expect(await allowed({}, { ...CHECKOUT, version: 'v6' })).toBe(false);
      // The query string comes first.
      expect(await allowed({ ...CHECKOUT, version: 'v6' }, { version: 'v7' })).toBe(false);
      // The body of the system that calls, which is no description.
      expect(await allowed({ ...CHECKOUT, ...deployment }, { pipeline: 12, version: null })).toBe(true);
      await lift();
    });

    test('must name its service and environment, and have a body that is JSON', async () => {
      for (const [query, body, says] of [
        [{}, undefined, /service and environment/],
        [{ service: 'checkout' }, {}, /service and environment/],
        [{}, { ...CHECKOUT, change: 'whim' }, /json: .*\n?.*change/],
        [{ ...CHECKOUT, change: 'whim' }, {}, /query: .*\n?.*change/],
      ] as const)
        expect(await post(query, body)).toMatchObject({
          status: 422,
          body: { code: 'invalid', detail: expect.stringMatching(says) },
        });
      const text = 'service=checkout&environment=production';
      const form = await firebreak.request('POST', `/v1/freeze-check${path}`, text, {
        'content-type': 'application/x-www-form-urlencoded',
      });
      expect(form).toMatchObject({ status: 400, body: { detail: expect.stringMatching(/form.*JSON.*query string/) } });
    });
  });

  test('has no body with HEAD', async () => {
    const { lift } = await freeze(CHECKOUT);
    const head = async (path: string, headers?: Record<string, string>) =>
      (await firebreak.request('HEAD', `/v1/freeze-check${path}`, undefined, headers)).status;
    const query = new URLSearchParams(CHECKOUT).toString();
    expect([await head(`?${query}`), await head(`/gate?${query}`)]).toEqual([200, 423]);
    expect(await head(`/gate?${query}`, { authorization: 'Bearer wrong' })).toBe(401);
    await lift();
  });

  test.each(['nobody', '__proto__', 'constructor', 'toString'])(
    'of an unknown service is allowed, with a reason that says so: %s',
    async (service) => {
      const answer = await check({ service, environment: 'production' });
      expect(answer).toMatchObject({ allowed: true, reasons: [{ code: 'unknown_service' }] });
    },
  );

  test('must name its service and environment', async () => {
    expect((await check({ service: 'checkout' })).status).toBe(422);
    expect((await check({ ...CHECKOUT, change: 'whim' })).status).toBe(422);
  });

  test('needs a valid credential', async () => {
    const path = '/v1/freeze-check?service=checkout&environment=production';
    expect((await firebreak.request('GET', path, undefined, { authorization: 'Bearer wrong' })).status).toBe(401);
  });
});

describe('a freeze by a person', () => {
  test('refuses deploys in its scope with reason and end, and no others', async () => {
    const until = inMinutes(60);
    const { id, lift } = await freeze({ ...CHECKOUT, until });
    const answer = await check({ ...CHECKOUT, version: 'v1' });
    expect(answer).toMatchObject({ allowed: false, verdict: 'freeze', token: null, next_transition_at: until });
    expect(answer.reasons[0]).toMatchObject({ code: 'person' });
    expect(answer.reasons[0].text).toContain('the quarter is being closed');
    expect(answer.clears_when).toEqual(expect.any(String));
    expect((await check({ ...CHECKOUT }, '/gate')).status).toBe(423);
    expect(await check({ ...CHECKOUT, environment: 'staging' })).toMatchObject({ allowed: true });
    expect(await check({ ...CHECKOUT, service: 'search' })).toMatchObject({ allowed: true });
    const { body: list } = await firebreak.get('/v1/freezes?service=checkout');
    expect(list.items[0]).toMatchObject({ id, state: 'in_force', cause: 'person', opened_by: 'admin' });
    await lift();
    expect(await check(CHECKOUT)).toMatchObject({ allowed: true });
    expect((await firebreak.get(`/v1/freezes/${id}`)).body).toMatchObject({ state: 'over', ended_by: 'admin' });
  });

  test('of a team applies to its services, and one of an environment to all services', async () => {
    const team = await freeze({ team: 'payments' });
    expect(await check(CHECKOUT)).toMatchObject({ allowed: false });
    expect(await check({ ...CHECKOUT, service: 'search' })).toMatchObject({ allowed: true });
    await team.lift();
    const everything = await freeze({ environment: 'production' });
    expect(await check({ ...CHECKOUT, service: 'search' })).toMatchObject({ allowed: false });
    expect(await check({ ...CHECKOUT, environment: 'staging' })).toMatchObject({ allowed: true });
    await everything.lift();
  });

  test('that starts later is announced', async () => {
    const starts_at = inMinutes(30);
    const { lift } = await freeze({ ...CHECKOUT, starts_at });
    expect(await check(CHECKOUT)).toMatchObject({ allowed: true, next_transition_at: starts_at });
    await lift();
  });

  test('of a dependency warns', async () => {
    const { lift } = await freeze({ service: 'ledger', environment: 'production' });
    const answer = await check(CHECKOUT);
    expect(answer).toMatchObject({ allowed: true, verdict: 'warn' });
    expect(answer.reasons.map(({ code }: { code: string }) => code)).toContain('dependency_frozen');
    await lift();
  });

  test.each([
    ['no reason', { service: 'checkout' }],
    ['an empty reason', { service: 'checkout', reason: ' ' }],
    ['an end before its start', { reason: 'x', starts_at: inMinutes(60), until: inMinutes(30) }],
    ['an end in the past', { reason: 'x', until: inMinutes(-1) }],
    ['a service and a team', { reason: 'x', service: 'checkout', team: 'payments' }],
    ['an unknown key', { reason: 'x', servcie: 'checkout' }],
    ['an invisible reason', { service: 'checkout', reason: '\u0000\u200b' }],
    ['a start long ago', { reason: 'x', starts_at: '1026-11-20T00:00:00Z' }],
    ['a star instead of a name', { reason: 'x', service: '*' }],
  ])('with %s is refused', async (_, body) => {
    expect((await firebreak.post('/v1/freezes', body)).status).toBe(422);
  });
});

describe('an override', () => {
  test('allows as many deployments as it has uses, each once regardless of repeated checks', async () => {
    const { id, lift } = await freeze(CHECKOUT);
    const given = await firebreak.post(`/v1/freezes/${id}/overrides`, {
      reason: 'a fix for the customers of CASE-7',
      expires_at: inMinutes(60),
      uses: 1,
    });
    expect(given).toMatchObject({ status: 201, body: { id: expect.any(String), uses: 1, needs_approval: false } });
    const one = { ...CHECKOUT, version: 'v2', deployment_id: 'd-1' };
    // A GET uses nothing up, and returns no token that could be used without a use of the override.
    for (const _ of [1, 2])
      expect(await check(one)).toMatchObject({ allowed: true, token: null, override: { uses_left: 1 } });
    for (const when of ['used by this check', 'already used by this deployment']) {
      const { body } = await firebreak.post('/v1/freeze-check', one);
      expect(body).toMatchObject({ allowed: true, token: expect.any(String), override: { id: given.body.id } });
      const { more } = body.reasons.find(({ code }: { code: string }) => code === 'override');
      expect(more).toContain(`${when}, with 0 uses left`);
    }
    expect(await check(one)).toMatchObject({ allowed: true, token: expect.any(String) });
    const { body: other } = await firebreak.post('/v1/freeze-check', { ...one, deployment_id: 'd-2' });
    expect(other).toMatchObject({ allowed: false, token: null });
    const { body: shown } = await firebreak.get(`/v1/freezes/${id}`);
    expect(shown.overrides[0].used_by).toEqual([{ deployment: 'd-1', at: expect.any(String), by: 'admin' }]);
    await lift();
  });

  test('shows the remaining uses after the check, also for an unnamed deployment', async () => {
    const { id, lift } = await freeze(CHECKOUT);
    const { body: given } = await firebreak.post(`/v1/freezes/${id}/overrides`, {
      reason: 'two of them',
      expires_at: inMinutes(60),
      uses: 2,
    });
    for (const uses_left of [1, 0]) {
      const { body } = await firebreak.post('/v1/freeze-check', CHECKOUT);
      expect(body).toMatchObject({ allowed: true, token: null, override: { id: given.id, uses_left } });
      expect(JSON.stringify(body.reasons)).toContain('used by this check, with ');
      const { body: shown } = await firebreak.get(`/v1/freezes/${id}`);
      expect(shown.overrides[0].used_by).toHaveLength(2 - uses_left);
    }
    expect((await firebreak.post('/v1/freeze-check', CHECKOUT)).body).toMatchObject({ allowed: false });
    await lift();
  });

  test('for a version applies only to that version', async () => {
    const { id, lift } = await freeze(CHECKOUT);
    await firebreak.post(`/v1/freezes/${id}/overrides`, {
      reason: 'v3 only',
      expires_at: inMinutes(60),
      version: 'v3',
    });
    expect(await check({ ...CHECKOUT, version: 'v3' })).toMatchObject({ allowed: true });
    expect(await check({ ...CHECKOUT, version: 'v4' })).toMatchObject({ allowed: false });
    expect(await check(CHECKOUT)).toMatchObject({ allowed: false });
    await lift();
  });

  test('that needs a second person waits for approval', async () => {
    const { id, lift } = await freeze({ service: 'careful', environment: 'production' });
    const CAREFUL = { service: 'careful', environment: 'production' };
    const { body: freezeQuestion } = await firebreak.post(`/v1/freezes/${id}/overrides`, {
      reason: 'please',
      expires_at: inMinutes(60),
    });
    expect(freezeQuestion).toMatchObject({ needs_approval: true });
    expect(await check(CAREFUL)).toMatchObject({ allowed: false });
    const approve = `/v1/freezes/${id}/overrides/${freezeQuestion.id}/approve`;
    expect((await firebreak.post(approve)).status).toBe(403);
    expect((await firebreak.post('/v1/tokens', { name: 'Admin ', actions: ['freezes:override'] })).status).toBe(422);
    const { body: bob } = await firebreak.post('/v1/tokens', { name: 'bob', actions: ['freezes:override'] });
    const as = { authorization: `Bearer ${bob.token}` };
    expect(await firebreak.request('POST', approve, undefined, as)).toMatchObject({
      status: 200,
      body: { approved_by: 'bob' },
    });
    expect(await check(CAREFUL)).toMatchObject({ allowed: true });
    await firebreak.request('DELETE', `/v1/freezes/${id}/overrides/${freezeQuestion.id}`);
    expect(await check(CAREFUL)).toMatchObject({ allowed: false });
    await lift();
  });

  test.each([
    ['without a reason', { expires_at: inMinutes(5) }, 422],
    ['without an end', { reason: 'x' }, 422],
    ['that has expired', { reason: 'x', expires_at: inMinutes(-5) }, 422],
    ['for longer than the policy allows', { reason: 'x', expires_at: inMinutes(25 * 60) }, 422],
  ])('%s is refused', async (_, body, status) => {
    const { id, lift } = await freeze(CHECKOUT);
    expect((await firebreak.post(`/v1/freezes/${id}/overrides`, body)).status).toBe(status);
    await lift();
    const late = { reason: 'x', expires_at: inMinutes(5) };
    expect((await firebreak.post(`/v1/freezes/${id}/overrides`, late)).status).toBe(409);
  });
});

describe('an identity token', () => {
  test.each([
    ['GET', ''],
    ['GET', '/gate'],
    ['POST', '/gate'],
  ])('is checked by %s /v1/freeze-check%s', async (method, path) => {
    const { lift } = await freeze({ service: 'careful', environment: 'production' });
    const query = 'service=careful&environment=production&version=v1&change=hotfix';
    const textOf = async (headers: Record<string, string>) => {
      const { body } = await firebreak.request(method, `/v1/freeze-check${path}?${query}`, undefined, headers);
      return body.reasons.find(({ code }: { code: string }) => code === 'not_exempt').text;
    };
    expect(await textOf({})).toContain('none was sent');
    expect(await textOf({ 'x-identity-token': '' })).toContain('none was sent');
    expect(await textOf({ 'x-identity-token': 'x' })).toContain('the token sent is not accepted');
    await lift();
  });
});

describe('a token', () => {
  const DEPLOYMENT = { ...CHECKOUT, version: 'v5', deployment_id: 'deploy-5' };
  const verified = async (body: Record<string, unknown>) =>
    (await firebreak.post('/v1/freeze-check/verify', body)).body;

  test('has a signature that anyone can verify', async () => {
    const { token } = await check(DEPLOYMENT);
    const [head = '', claims = '', signature = ''] = token.split('.');
    const parsed = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString());
    const { keys } = (await firebreak.request('GET', '/.well-known/jwks.json', undefined, { authorization: '' })).body;
    const jwk = keys.find(({ kid }: { kid: string }) => kid === parsed(head).kid);
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    const data = Buffer.from(`${head}.${claims}`);
    const signed = Buffer.from(signature, 'base64url');
    expect(verify('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, signed)).toBe(true);
    expect(parsed(head)).toMatchObject({ alg: 'ES256' });
    const { exp, iat, ...rest } = parsed(claims);
    expect(rest).toMatchObject(DEPLOYMENT);
    expect(exp - iat).toBeLessThanOrEqual(600);
    expect(keys[0]).not.toHaveProperty('d');
  });

  test('is valid for its deployment repeatedly, and for no other', async () => {
    const { token } = await check(DEPLOYMENT);
    expect((await check(DEPLOYMENT)).token).toBe(token);
    for (const _ of [1, 2])
      expect(await verified({ token, ...DEPLOYMENT })).toMatchObject({ valid: true, allowed: true });
    // The caller can compare the fields that it did not give.
    const deployment = { ...DEPLOYMENT, commit: null, change: 'deploy' };
    expect(await verified({ token })).toMatchObject({ valid: true, deployment });
    expect(await verified({ token: 'none' })).toMatchObject({ valid: false, deployment: null });
    for (const other of [
      { version: 'v6' },
      { deployment_id: 'deploy-6' },
      { service: 'search' },
      { environment: 'staging' },
    ])
      expect(await verified({ token, ...DEPLOYMENT, ...other })).toMatchObject({
        valid: false,
        allowed: false,
        reasons: [{ code: 'invalid_token' }],
      });
  });

  test.each([
    ['altered', (token: string) => `${token.slice(0, -6)}AAAAAA`],
    ['without a signature', (token: string) => `${token.split('.').slice(0, 2).join('.')}.`],
    ['not a token', () => 'abc'],
    [
      'with the algorithm "none"',
      (token: string) => `${Buffer.from('{"alg":"none"}').toString('base64url')}.${token.split('.')[1] ?? ''}.`,
    ],
  ])('that is %s is refused', async (_, forge) => {
    const { token } = await check(DEPLOYMENT);
    expect(await verified({ token: forge(token), ...DEPLOYMENT })).toMatchObject({ valid: false, allowed: false });
  });

  test('is refused during a later freeze, and valid again after it', async () => {
    const { token } = await check(DEPLOYMENT);
    const { lift } = await freeze(CHECKOUT);
    const now = await verified({ token, ...DEPLOYMENT });
    expect(now).toMatchObject({ valid: false, allowed: false, verdict: 'freeze' });
    expect(now.reasons[0].text).toContain('the quarter is being closed');
    await lift();
    expect(await verified({ token, ...DEPLOYMENT })).toMatchObject({ valid: true });
  });
});

describe('a decision', () => {
  test('is the same for the same request and state, and is stored with its inputs', async () => {
    const question = { ...CHECKOUT, version: 'v7' };
    const { decision_id } = await check(question);
    expect((await check(question)).decision_id).toBe(decision_id);
    expect((await check({ ...question, version: 'v8' })).decision_id).not.toBe(decision_id);
    const { lift } = await freeze(CHECKOUT);
    const frozen = await check(question);
    expect(frozen.decision_id).not.toBe(decision_id);
    await lift();
    const { body } = await firebreak.get(`/v1/freeze-decisions/${frozen.decision_id}`);
    expect(body).toMatchObject({ id: frozen.decision_id, by: 'admin', verdict: { allowed: false }, count: 1 });
    expect(body.inputs).toMatchObject({ request: { service: 'checkout', version: 'v7' } });
    expect((await firebreak.get('/v1/freeze-decisions/frd_0')).status).toBe(404);
  });

  test('is in the audit log, together with changes of freezes', async () => {
    const { id, lift } = await freeze(CHECKOUT);
    const { decision_id } = await check({ ...CHECKOUT, version: 'v9' });
    await lift();
    const { body } = await firebreak.get('/v1/audit?limit=100');
    expect(body.chain).toMatchObject({ intact: true, broken_at: null });
    const told = body.items.map((entry: { kind: string; detail: unknown }) => `${entry.kind} ${JSON.stringify(entry)}`);
    for (const [kind, of] of [
      ['freeze.opened', id],
      ['freeze.ended', id],
      ['freeze.decision', decision_id],
    ] as const)
      expect(told.some((text: string) => text.startsWith(kind) && text.includes(of))).toBe(true);
  });

  test('a rollback is allowed only to a version that ran well before', async () => {
    const at = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
    for (const [version, minutes] of [
      ['r1', 300],
      ['r2', 100],
      ['r3', 5],
    ] as const)
      await firebreak.post('/v1/deployments', {
        service: 'search',
        environment: 'production',
        version,
        started_at: at(minutes),
      });
    const { lift } = await freeze({ service: 'search' });
    const SEARCH = { service: 'search', environment: 'production', change: 'rollback' };
    expect(await check({ ...SEARCH, version: 'r2' })).toMatchObject({ allowed: true });
    expect((await check({ ...SEARCH, version: 'r2' })).reasons[0]).toMatchObject({ code: 'known_good_rollback' });
    for (const version of ['r3', 'r4']) expect(await check({ ...SEARCH, version })).toMatchObject({ allowed: false });
    for (const change of ['hotfix', 'security', 'flag'])
      expect(await check({ ...SEARCH, version: 'r2', change })).toMatchObject({ allowed: false });
    await lift();
  });

  test.each([
    ['Deployment', 'deploy'],
    ['RELEASE', 'deploy'],
    ['hot-fix', 'hotfix'],
    ['revert', 'rollback'],
    ['feature_flag', 'flag'],
    [' ', 'deploy'],
  ])('names the kind of change in the words of deployments: %j', async (change, meant) => {
    const asked = { service: 'search', environment: 'staging', change };
    const posted = (await firebreak.post('/v1/freeze-check', asked)).body;
    for (const { decision_id: id } of [await check(asked), posted]) {
      const { body } = await firebreak.get(`/v1/freeze-decisions/${id}`);
      expect(body).toMatchObject({ request: { change: meant } });
    }
  });

  test('with an unknown kind of change is refused with the known ones', async () => {
    const query = 'service=search&environment=staging&change=config';
    const { status, body } = await firebreak.get(`/v1/freeze-check?${query}`);
    expect([status, body.detail]).toEqual([
      422,
      expect.stringContaining('query: change: must be one of deploy, hotfix, rollback, '),
    ]);
  });

  test('is detected as a rollback at every endpoint if the kind of change is not given', async () => {
    const at = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
    const SEARCH = { service: 'search', environment: 'staging' };
    for (const [version, minutes, status] of [
      ['s1', 300, 'succeeded'],
      ['s2', 100, 'failed'],
      ['s3', 50, 'succeeded'],
    ] as const)
      await firebreak.post('/v1/deployments', { ...SEARCH, version, status, started_at: at(minutes) });
    const shown = { ...SEARCH, version: 's1', deployment_id: 'back-to-s1' };
    const { token } = await check(shown);
    const { lift } = await freeze(SEARCH);
    expect((await firebreak.post('/v1/freeze-check/verify', { token, ...shown })).body).toMatchObject({ valid: true });
    const gate = async (method: string, query: Record<string, string>) =>
      (await firebreak.request(method, `/v1/freeze-check/gate?${new URLSearchParams(query).toString()}`)).status;
    const good = { ...SEARCH, version: 's1' };
    expect(await check(good)).toMatchObject({
      allowed: true,
      reasons: [{ code: 'known_good_rollback' }, { code: 'unknown_environment' }, {}],
    });
    expect((await firebreak.post('/v1/freeze-check', good)).body).toMatchObject({ allowed: true });
    expect([await gate('GET', good), await gate('POST', good)]).toEqual([200, 200]);
    // An explicit kind `deploy` is respected.
    expect(await check({ ...good, change: 'deploy' })).toMatchObject({ allowed: false });
    const failed = await check({ ...SEARCH, version: 's2', change: 'rollback' });
    expect(failed).toMatchObject({ allowed: false });
    expect(failed.reasons.find(({ code }: { code: string }) => code === 'not_exempt').text).toContain('failed');
    await lift();
  });
});

describe('a version', () => {
  const WELL = { service: 'careful', environment: 'production' };

  test.each([
    ['with whitespace and invisible characters', ' v 1\t\n\u0007 '],
    ['with the maximum length', 'v'.repeat(256)],
    ['that is too long', 'v'.repeat(257)],
    ['with a lone surrogate', 'v\ud800'],
  ])('%s is accepted by the freeze check exactly if deployments accept it', async (_, version) => {
    const recorded = (await firebreak.post('/v1/deployments', { ...WELL, version })).status < 300;
    const freezeQuestion = { ...WELL, version };
    expect((await firebreak.post('/v1/freeze-check', freezeQuestion)).status < 300).toBe(recorded);
    // A URL cannot contain a lone surrogate.
    if (version.isWellFormed()) expect((await check(freezeQuestion)).status < 300).toBe(recorded);
  });

  test('that is empty counts as absent', async () => {
    const blank = { ...WELL, version: '', commit: ' ', deployment_id: '', change: '' };
    const { decision_id } = await check(WELL);
    expect((await check(blank)).decision_id).toBe(decision_id);
    expect((await firebreak.post('/v1/freeze-check', blank)).body.decision_id).toBe(decision_id);
  });
});

describe('an Idempotency-Key', () => {
  const post = (path: string, body: unknown, key: string) =>
    firebreak.request('POST', path, body, { 'idempotency-key': key });

  test('lets a request whose response was never stored create once', async () => {
    const wanted = { service: 'keyed', environment: 'production', reason: 'Migration' };
    const first = await post('/v1/freezes', wanted, 'k8');
    const override = { reason: 'A fix', expires_at: new Date(Date.now() + 3_600_000).toISOString() };
    const path = `/v1/freezes/${first.body.id}/overrides`;
    const given = await post(path, override, 'k9');
    expect([first.status, given.status]).toEqual([201, 201]);
    firebreak.forgetResponses();
    expect(await post('/v1/freezes', wanted, 'k8')).toMatchObject({ status: 201, body: { id: first.body.id } });
    expect(await post(path, override, 'k9')).toMatchObject({ status: 201, body: { id: given.body.id } });
    const { body } = await firebreak.get('/v1/freezes?service=keyed');
    expect(body.items).toMatchObject([{ id: first.body.id, overrides: [{ id: given.body.id }] }]);
  });

  test('is part of the description of the requests that it applies to', async () => {
    const { paths } = (await firebreak.get('/openapi.json')).body;
    const accepting = Object.keys(paths).filter((one) =>
      paths[one].post?.parameters?.some(({ in: where, name }: any) => where === 'header' && name === 'Idempotency-Key'),
    );
    expect(accepting).toEqual(expect.arrayContaining(['/v1/freezes', '/v1/freezes/{id}/overrides']));
    expect(accepting).not.toContain('/v1/freeze-check');
  });
});
