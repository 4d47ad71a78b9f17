import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EACH_ALONE, Firebreak } from '../support/firebreak.ts';
import { seen } from '../support/fixtures.ts';
import { alone, BAD, environment, GOOD, Guarded, type Policy, site, type Site } from './guarded.ts';

/** A service in several environments. What is learned in one of them counts in all. */
const regions = (service: string, policy: (region: string) => Policy = () => ({})) =>
  [
    service,
    {
      environments: Object.fromEntries(
        ['eu', 'us', 'ap', 'sa'].map((region) => [
          `${service}-${region}`,
          environment('act', policy(`${service}_${region}`)),
        ]),
      ),
    },
  ] as const;
const region = (service: string, name: string): Site => ({ service, environment: `${service}-${name}` });

const health = (name: string) => ({ health: { promql: `errors:${name}`, max: 0.02 } });
const together = 'ledger-prod';

const CREATES_TOKENS = ['incidents:act', 'tokens:write'];

let firebreak: Firebreak;
const guarded = new Guarded(() => firebreak);
const { act, answer, incident, judged, mitigated, rollbacks, awaitEntry: told } = guarded;

beforeAll(async () => {
  firebreak = await Firebreak.start({
    unshown: true,
    services: Object.fromEntries([
      alone('pinned', 'act'),
      alone('neighbour', 'act'),
      alone('safe', 'act'),
      alone('unsafe', 'act'),
      alone('stormy', 'act'),
      alone('early', 'act', health('early')),
      alone('two-agree', 'approve', { autoRollback: { approvals: 2 } }),
      alone('two-disagree', 'approve', { autoRollback: { approvals: 2 } }),
      alone('two-by-hand', 'suggest', { autoRollback: { approvals: 2 } }),
      alone('two-click', 'suggest', { autoRollback: { approvals: 2 } }),
      ...['withdraw', 'page', 'act'].map((then) =>
        alone(`then-${then}`, 'approve', { autoRollback: { approvalTimeoutMinutes: 25, onApprovalTimeout: then } }),
      ),
      alone('then-not', 'act', {
        autoRollback: { approvalTimeoutMinutes: 25, onApprovalTimeout: 'act', unknownMigration: 'approve' },
      }),
      regions('often'),
      regions('unwell', health),
      ['ledger', { environments: { [together]: environment('approve') } }],
      ['shop', { dependsOn: ['ledger'], environments: { [together]: environment('act') } }],
      ['mailer', { environments: { outage: environment('act') } }],
      ['signup', { dependsOn: ['mailer'], environments: { outage: environment('act') } }],
      ['vault', { environments: { safes: environment('act') } }],
      ...['till', 'kiosk'].map((name) => [name, { dependsOn: ['vault'], environments: { safes: environment('act') } }]),
    ]),
    configFiles: EACH_ALONE,
    env: { LOG_LEVEL: 'warn' },
  });
  // Without any data, Prometheus counts as absent, and this is cached for a while.
  await guarded.errors('up', [[120, 1]]);
});
afterAll(() => firebreak?.remove());

const automation = async () => (await firebreak.get('/v1/automation')).body;
const waits = (at: Site) => incident(at, ({ decisions }) => decisions.at(-1)?.state === 'waiting', 'with a question');

/** Records good deploys and a bad one, and sends an alert for it. */
async function breaks(at: Site): Promise<void> {
  await guarded.deployed(at, GOOD, BAD);
  await guarded.fire(at);
}

describe('a version that was rolled back', () => {
  afterAll(() => firebreak.resolveAll());

  const at = site('pinned');
  const pins = async (query = '') => (await firebreak.get(`/v1/versions/pinned${query}`)).body.items;
  const ofPlace = async (query = '') => (await pins(query)).filter(({ service }: any) => service === 'pinned');
  let one: any;

  beforeAll(async () => {
    await breaks(at);
    one = await mitigated(at);
  });

  test('is pinned, in the list and as a metric', async () => {
    expect(await ofPlace()).toEqual([
      {
        id: expect.stringMatching(/^pin_/),
        ...at,
        version: BAD.version,
        rolled_back_to: GOOD.version,
        incident_id: one.id,
        reason: `rolled back to ${GOOD.version}`,
        pinned_at: expect.stringMatching(/^\d{4}-.*Z$/),
        lifted_at: null,
        lifted_by: null,
        state: 'pinned',
        newer_version: null,
      },
    ]);
    expect(await guarded.metric('firebreak_pinned_version')).toContain(
      `firebreak_pinned_version{service="pinned",environment="pinned-prod",version="${BAD.version}"} 1`,
    );
  });

  test('can be seen and lifted only with permission for that service', async () => {
    const [pin] = await ofPlace();
    let visitors = 0;
    const as = async (grant: object, method: string, path: string) => {
      visitors += 1;
      const visitor = { name: `visitor ${visitors}`, actions: ['versions:read'], ...grant };
      const { body } = await firebreak.post('/v1/tokens', visitor);
      return firebreak.request(method, path, undefined, { authorization: `Bearer ${body.token}` });
    };
    const elsewhere = { services: ['neighbour'] };
    expect((await as(elsewhere, 'GET', '/v1/versions/pinned')).body.items).toEqual([]);
    expect((await as({ services: ['pinned'] }, 'GET', '/v1/versions/pinned')).body.items).toEqual([pin]);
    const path = `/v1/versions/pinned/${pin.id}`;
    expect(await as({}, 'DELETE', path)).toMatchObject({ status: 403 });
    expect(await as({ ...elsewhere, actions: ['versions:write'] }, 'DELETE', path)).toMatchObject({ status: 403 });
    expect(await as({ actions: ['incidents:read'] }, 'GET', '/v1/versions/pinned')).toMatchObject({ status: 403 });
    expect(await ofPlace()).toEqual([pin]);
  });

  test('that is not pinned cannot be lifted', async () => {
    const answered = await firebreak.request('DELETE', '/v1/versions/pinned/pin_unknown');
    expect(answered).toMatchObject({ status: 404, body: { code: 'unknown-pin' } });
  });

  test('stays pinned beside a newer deploy, and after that is rolled back', async () => {
    await guarded.deployed(at, { version: '2026.6', minutes: 0 });
    expect(await ofPlace()).toMatchObject([{ version: BAD.version, state: 'pinned', newer_version: '2026.6' }]);
    expect((await guarded.metric('firebreak_pinned_version')).filter((line) => line.includes('"pinned"'))).toHaveLength(
      1,
    );

    expect((await act(one, 'rollback')).status).toBe(202);
    await told(one, 'mitigation.succeeded', new RegExp(`Rolled back to ${GOOD.version}`));
    await seen(async () => (await ofPlace()).length === 2, 'both pins');
    expect((await rollbacks(at)).map(({ from_version, to_version }) => [from_version, to_version])).toEqual([
      [BAD.version, GOOD.version],
      ['2026.6', GOOD.version],
    ]);
    expect(await ofPlace()).toMatchObject([
      { version: '2026.6', state: 'pinned' },
      { version: BAD.version, state: 'pinned', newer_version: null },
    ]);
  });

  test('can be lifted by a person, who is named', async () => {
    const [, pin] = await ofPlace();
    const lift = () => firebreak.request('DELETE', `/v1/versions/pinned/${pin.id}`);
    const lifted = await lift();
    expect(lifted).toMatchObject({ status: 200, body: { version: BAD.version, state: 'lifted', lifted_by: 'admin' } });
    expect(await lift()).toMatchObject({ status: 200, body: lifted.body });
    expect(await ofPlace()).toMatchObject([{ version: '2026.6' }]);
    expect(await ofPlace('?all=true')).toMatchObject([{ state: 'pinned' }, lifted.body]);
    await told(one, 'version.lifted', new RegExp(BAD.version));
    expect((await guarded.timeline(one)).filter(({ kind }) => kind === 'version.lifted')).toHaveLength(1);
  });
});

describe('wrong automation', () => {
  afterAll(() => firebreak.resolveAll());

  const { eu, us, ap, sa } = {
    eu: region('often', 'eu'),
    us: region('often', 'us'),
    ap: region('often', 'ap'),
    sa: region('often', 'sa'),
  };

  test('continues after one mistake, and requires approval after two', async () => {
    await breaks(eu);
    const first = await mitigated(eu);
    await act(first, 'resolve');
    await incident(eu, ({ status }) => status === 'resolved', 'resolved');
    const [grace, linus] = [await guarded.person('grace', CREATES_TOKENS), await guarded.person('linus')];
    for (const token of [grace, linus, grace])
      expect((await act(first, 'mark-wrong', { note: 'It was a certificate' }, token)).status).toBe(202);
    const marked = (await guarded.timeline(first)).filter(({ kind }) => kind === 'automation.marked_wrong');
    expect(marked.map(({ actor }): string => actor).toSorted()).toEqual(['grace', 'linus']);
    expect((await automation()).demoted).toEqual({});
    const { items: pins } = (await firebreak.get('/v1/versions/pinned')).body;
    expect(pins.filter(({ incident_id }: { incident_id: string }) => incident_id === first.id)).toEqual([]);

    await breaks(us);
    const second = await mitigated(us);
    expect((await automation()).demoted).toEqual({});
    await act(second, 'mark-wrong');
    expect(await automation()).toMatchObject({
      services: { often: { mode: 'approve', environments: {} } },
      demoted: { often: { reason: '2 of its last 2 automatic actions were wrong' } },
    });
    await told(second, 'automation.demoted', /often was wrong too often/);
    expect(await guarded.metric('firebreak_automation_demoted')).toContain(
      'firebreak_automation_demoted{service="often"} 1',
    );

    await breaks(ap);
    const third = await judged(ap);
    expect(third.decisions).toMatchObject([{ kind: 'approve', because: 'automation_budget_spent', state: 'waiting' }]);
    expect(await rollbacks(ap)).toEqual([]);
  });

  test.each([
    ['the kill switch', { reason: 'tested', paused: false }],
    ['the global mode', { mode: null }],
    ['another service', { services: { neighbour: { mode: 'act' } } }],
    ['no service', { services: {} }],
    ['the mode that is shown', { services: { often: { mode: 'approve', environments: {} } } }],
  ])('is not promoted by a change of %s', async (_, change) => {
    expect((await firebreak.put('/v1/automation', change)).status).toBe(200);
    expect(await automation()).toMatchObject({ services: { often: { mode: 'approve' } }, demoted: { often: {} } });
  });

  test('is promoted when a person sets its mode, and its mistakes are counted from zero', async () => {
    const { body } = await firebreak.put('/v1/automation', { services: { often: { mode: 'act' } } });
    expect(body).toMatchObject({ services: { often: { mode: 'act' } }, demoted: {} });
    expect(await guarded.metric('firebreak_automation_demoted')).toEqual([]);

    const third = await waits(ap);
    expect((await answer(third, 'approve')).status).toBe(200);
    await mitigated(ap);
    await act(third, 'mark-wrong');
    expect((await automation()).demoted).toEqual({});

    await breaks(sa);
    expect((await mitigated(sa)).decisions).toMatchObject([{ kind: 'roll_back' }]);
  });

  test('that the verification detects requires approval, too', async () => {
    for (const name of ['eu', 'us']) {
      const at = region('unwell', name);
      // The error rate rises with the deploy, and the rollback does not change it.
      await guarded.errors(`errors:unwell_${name}`, [
        [120, 0.002],
        [4, 0.6],
      ]);
      await breaks(at);
      const one = await incident(at, ({ decisions }) => decisions[0]?.kind === 'roll_back', 'rolled back');
      await told(one, 'verification.failed', /errors:unwell_.. is 0.6, above 0.02/);
      await told(one, 'page.succeeded');
      await incident(at, ({ status }) => status === 'open', 'open again');
      // The same version is never chosen again, and there is no other.
      await told(one, 'mitigation.not_taken');
      expect(await rollbacks(at)).toHaveLength(1);
    }
    expect(await automation()).toMatchObject({ demoted: { unwell: {} } });
    const at = region('unwell', 'ap');
    await guarded.errors('errors:unwell_ap', [
      [120, 0.002],
      [4, 0.6],
    ]);
    await breaks(at);
    expect((await judged(at)).decisions).toMatchObject([{ kind: 'approve', because: 'automation_budget_spent' }]);
  });
});

describe('approval by two people', () => {
  afterAll(() => firebreak.resolveAll());

  let grace: string;
  let linus: string;
  /** Another token, created by grace. */
  let hopper: string;
  beforeAll(async () => {
    [grace, linus] = [await guarded.person('grace', CREATES_TOKENS), await guarded.person('linus')];
    const ofGrace = { name: 'hopper', actions: ['incidents:act'] };
    const made = await firebreak.request('POST', '/v1/tokens', ofGrace, { authorization: `Bearer ${grace}` });
    hopper = made.body.token;
  });
  const secondNeeded = { status: 409, body: { code: 'second-person-needed' } };

  test('one person is not enough, however often they approve; the second person is', async () => {
    const at = site('two-agree');
    await breaks(at);
    const one = await waits(at);
    expect(one.decisions[0].approvals).toEqual({ needed: 2, given: [] });
    const first = await answer(one, 'approve', grace);
    expect(first).toMatchObject({ status: 200, body: { decisions: [{ state: 'waiting', answered_by: null }] } });
    expect(first.body.decisions[0].approvals).toEqual({ needed: 2, given: ['grace'] });
    for (const same of [grace, hopper]) expect(await answer(one, 'approve', same)).toMatchObject(secondNeeded);
    await told(one, 'decision.agreed');
    expect(await rollbacks(at)).toEqual([]);
    const second = await answer(one, 'approve', linus);
    expect(second).toMatchObject({ status: 200, body: { decisions: [{ state: 'approved', answered_by: 'linus' }] } });
    expect(second.body.decisions[0].approvals.given).toEqual(['grace', 'linus']);
    await mitigated(at);
    expect(await rollbacks(at)).toHaveLength(1);
  });

  test('one person can reject', async () => {
    const at = site('two-disagree');
    await breaks(at);
    const one = await waits(at);
    expect((await answer(one, 'approve', grace)).status).toBe(200);
    expect((await answer(one, 'reject', linus)).status).toBe(200);
    await told(one, 'mitigation.rejected');
    expect(await answer(one, 'approve', grace)).toMatchObject({ status: 409, body: { code: 'superseded' } });
    expect(await rollbacks(at)).toEqual([]);
  });

  test('the person who requests a rollback counts as one', async () => {
    const at = site('two-by-hand');
    await breaks(at);
    const before = await judged(at);
    expect((await act(before, 'rollback', {}, grace)).status).toBe(202);
    const one = await waits(at);
    expect(one.decisions.at(-1)).toMatchObject({
      because: 'second_person',
      from_version: BAD.version,
      to_version: GOOD.version,
      approvals: { needed: 2, given: ['grace'] },
    });
    for (const same of [grace, hopper]) expect(await answer(one, 'approve', same)).toMatchObject(secondNeeded);
    expect(await rollbacks(at)).toEqual([]);
    expect((await answer(one, 'approve', linus)).status).toBe(200);
    await mitigated(at);
    expect(await rollbacks(at)).toHaveLength(1);
  });

  test('two people who request it count as two, and one person who requests it twice counts as one', async () => {
    const at = site('two-click');
    await breaks(at);
    const before = await judged(at);
    expect((await act(before, 'rollback', {}, grace)).status).toBe(202);
    await waits(at);
    expect((await act(before, 'rollback', {}, grace)).status).toBe(202);
    expect((await waits(at)).decisions).toHaveLength(2);
    expect(await rollbacks(at)).toEqual([]);
    expect((await act(before, 'rollback', {}, linus)).status).toBe(202);
    await mitigated(at);
    expect(await rollbacks(at)).toHaveLength(1);
  });
});

describe.concurrent('an unanswered question', () => {
  afterAll(() => firebreak.resolveAll());

  const pages = async (one: any) =>
    (await guarded.timeline(one)).filter(({ kind }) => kind === 'page.succeeded').length;
  const expired = (at: Site) =>
    incident(at, ({ decisions }) => decisions[0]?.state === 'expired', 'whose time is over');

  test('is withdrawn', async () => {
    const at = site('then-withdraw');
    await breaks(at);
    const one = await expired(at);
    await told(one, 'mitigation.expired', /withdrawn/);
    // Nobody has seen it, so it has paged before its end, and does again after it.
    await seen(async () => (await pages(one)) > 2, 'the third page');
    expect(await rollbacks(at)).toEqual([]);
    expect(await answer(one, 'approve')).toMatchObject({ status: 409, body: { code: 'superseded' } });
  });

  test('is withdrawn with a page', async () => {
    const at = site('then-page');
    await breaks(at);
    const one = await expired(at);
    await seen(async () => (await pages(one)) > 2, 'the third page');
    expect(await rollbacks(at)).toEqual([]);
  });

  test('counts as approved if only the mode required approval and the service allows it', async () => {
    const at = site('then-act');
    await breaks(at);
    const one = await mitigated(at);
    expect(one.decisions).toMatchObject([{ state: 'approved', answered_by: 'firebreak:nobody objected in time' }]);
    expect(await rollbacks(at)).toHaveLength(1);
  });

  test('does not count as approved if there was another reason for approval', async () => {
    const at = site('then-not');
    await breaks(at);
    const one = await expired(at);
    expect(one.decisions).toMatchObject([{ because: 'migration_unknown' }]);
    await seen(async () => (await pages(one)) > 2, 'the third page');
    expect(await rollbacks(at)).toEqual([]);
  });
});

describe('safe rollback targets', () => {
  afterAll(() => firebreak.resolveAll());

  test('are known for a migration with rollback_safe_to', async () => {
    const at = site('safe');
    await guarded.deployed(at, GOOD, { ...BAD, has_migration: true, rollback_safe_to: GOOD.version });
    await guarded.fire(at);
    await mitigated(at);
    expect(await rollbacks(at)).toMatchObject([{ from_version: BAD.version, to_version: GOOD.version }]);
  });

  test('limit every rollback: older versions are refused for automation and people', async () => {
    const at = site('unsafe');
    const between = { version: '2026.4.1', minutes: 20 }; // not live long enough to be known good
    await guarded.deployed(at, GOOD, between, { ...BAD, rollback_safe_to: between.version });
    await guarded.fire(at);
    const one = await judged(at);
    expect(one.decisions).toMatchObject([{ kind: 'none', because: 'rollback_not_safe' }]);
    expect(await act(one, 'rollback')).toMatchObject({ status: 409, body: { code: 'rollback-not-safe' } });
    expect(await rollbacks(at)).toEqual([]);
  });
});

describe('the suspected change', () => {
  afterAll(() => firebreak.resolveAll());

  test('twenty simultaneous alerts about one deploy cause one rollback', async () => {
    const at = site('stormy');
    await guarded.deployed(at, GOOD, BAD);
    await Promise.all(Array.from({ length: 20 }, () => guarded.fire(at)));
    const one = await mitigated(at);
    await seen(async () => (await incident(at, () => true)).signal_count === 20, 'all alerts');
    expect(await guarded.incidents(at)).toHaveLength(1);
    expect(await rollbacks(at)).toHaveLength(1);
    expect(one.decisions).toHaveLength(1);
  });

  test('is none if there were errors before it', async () => {
    const at = site('early');
    await guarded.errors('errors:early', [
      [120, 0.001],
      [25, 0.4],
    ]);
    await breaks(at);
    const one = await judged(at);
    expect(one.decisions).toMatchObject([{ kind: 'none', because: 'no_confident_suspect' }]);
    expect(await rollbacks(at)).toEqual([]);
  });

  test("is not the service's own if a dependency failed first", async () => {
    const [mailer, signup] = [
      { service: 'mailer', environment: 'outage' },
      { service: 'signup', environment: 'outage' },
    ];
    await guarded.fire(mailer);
    await judged(mailer);
    await breaks(signup);
    const [{ kind, reasons }] = (await judged(signup)).decisions;
    expect(kind).toBe('none');
    expect(reasons.map(({ code }: any) => code)).toContain('dependency_failed_first');
    expect(await rollbacks(signup)).toEqual([]);
  });

  test('of a shared dependency is not cleared by other services without a health check', async () => {
    const [vault, till] = [
      { service: 'vault', environment: 'safes' },
      { service: 'till', environment: 'safes' },
    ];
    await guarded.deployed(vault, GOOD, BAD);
    await guarded.fire(till);
    const [{ version, reasons }] = (await judged(till)).suspects;
    expect(version).toBe(BAD.version);
    expect(reasons).toContain('against it: other services that share it were not checked, as the configuration says');
  });

  test('of a dependency requires approval, and the incident of the dependency rolls it back, once', async () => {
    const [ledger, shop] = [
      { service: 'ledger', environment: together },
      { service: 'shop', environment: together },
    ];
    await guarded.deployed(shop, { version: 's1', minutes: 2000 });
    await breaks(ledger);
    const theirs = await waits(ledger);
    await guarded.fire(shop);
    const ours = await waits(shop);
    expect(ours.decisions).toMatchObject([{ kind: 'approve', target: ledger, from_version: BAD.version }]);
    expect(ours.decisions[0].reasons.map(({ code }: any) => code)).toContain('another_service');

    // A person limited to the failing service may reject its incident's question, but not approve a change of another
    // service. another.
    const [shops, ledgers] = await Promise.all(
      ['shop', 'ledger'].map((service) => guarded.person(`of-${service}`, ['incidents:act'], { services: [service] })),
    );
    expect(await answer(ours, 'approve', shops)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect((await judged(shop)).decisions).toMatchObject([{ state: 'waiting', approvals: { given: [] } }]);
    expect(await act(ours, 'pause', {}, ledgers)).toMatchObject({ status: 403 });

    // The approval counts as the answer to the same question of the ledger's incident, which rolls back and verifies.
    expect((await answer(ours, 'approve', ledgers)).status).toBe(200);
    await told(ours, 'mitigation.not_taken', new RegExp(`Incident INC-${theirs.number} of ledger rolls it back`));
    expect(await mitigated(ledger)).toMatchObject({ id: theirs.id, decisions: [{ state: 'approved' }] });
    expect((await answer(theirs, 'approve')).status).toBe(409);
    await told(theirs, 'mitigation.succeeded');
    expect(await incident(shop, ({ status }) => status === 'open')).toMatchObject({ id: ours.id });
    const asked = await rollbacks(ledger);
    expect(new Set(asked.map(({ idempotency_key: key }) => key))).toEqual(new Set([`${theirs.id}.roll-back.1`]));
    expect(asked[0]).toMatchObject({ incident_id: theirs.id, to_version: GOOD.version });
    expect(await rollbacks(shop)).toEqual([]);
  });
});

test('every decision can be reproduced from its stored inputs', async () => {
  const decisions = await guarded.rejudged();
  expect(decisions.length).toBeGreaterThan(20);
  for (const { shown, again } of decisions) expect(shown).toMatchObject(again);
});
