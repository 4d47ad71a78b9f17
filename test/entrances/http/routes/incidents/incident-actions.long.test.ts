import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { sha256 } from '../../../../../core/stores/hash.ts';
import { alert, group, minutesAgo } from '../../../../support/alerts.ts';
import { ADMIN_TOKEN, EACH_ALONE, Firebreak } from '../../../../support/firebreak.ts';
import { seen } from '../../../../support/fixtures.ts';
import { cli } from '../../../cli/support.ts';
import { Guarded } from '../../../../product/guarded.ts';

const serviceInEnvironment = (mode: string) => {
  const autoRollback = { mode, evidence: 'time', unknownMigration: 'act', approvalTimeoutMinutes: 1440 };
  return { environments: { production: { deployer: { kind: 'http' }, autoRollback } } };
};

/** The service of a scenario is named after its mode: `act-7`, `approve-2`. */
const services = Object.fromEntries(
  ['act', 'approve', 'suggest', 'shadow'].flatMap((mode) =>
    Array.from({ length: 25 }, (_, n) => [`${mode}-${n}`, serviceInEnvironment(mode)] as const),
  ),
);

let firebreak: Firebreak;
beforeAll(async () => {
  firebreak = await Firebreak.start({
    unshown: true,
    timeScale: 100,
    services: {
      ...services,
    },
    configFiles: EACH_ALONE,
    env: { LOG_LEVEL: 'warn' },
  });
});
afterAll(() => firebreak.remove());

let episodes = 0;

/** Sends a critical alert that requests a rollback by default. It started a minute ago. */
async function fire(service: string, labels: Record<string, string> = {}, startsAt = minutesAgo(1)): Promise<void> {
  episodes += 1;
  const firing = alert({ labels: { service, ...labels }, fingerprint: `episode-${episodes}`, startsAt });
  expect((await firebreak.post('/v1/alerts/alertmanager', group([firing]))).status).toBe(202);
}

type Deployed = { version: string; minutes: number } & Record<string, unknown>;

/** Records deploys by how many minutes ago they started. Each took up to two minutes. */
async function deployed(service: string, ...changes: Deployed[]): Promise<any[]> {
  const recorded = [];
  for (const { minutes, ...change } of changes) {
    const times = { started_at: minutesAgo(minutes), finished_at: minutesAgo(Math.max(minutes - 2, 0)) };
    const { status, body } = await firebreak.post('/v1/deployments', {
      service,
      environment: 'production',
      ...times,
      ...change,
    });
    expect(status).toBe(201);
    recorded.push(body);
  }
  return recorded;
}

const GOOD = { version: 'v1', minutes: 240 };
const BAD = { version: 'v2', minutes: 6 };

const incident = (service: string, is: (incident: any) => boolean) =>
  seen(
    async () => (await firebreak.get(`/v1/incidents?service=${service}`)).body.items.find(is),
    `the incident of ${service}`,
  );
const judged = (service: string) => incident(service, ({ decisions }) => decisions.length > 0);
const mitigated = (service: string) => incident(service, ({ status }) => status === 'mitigated');

const act = (one: { id: string }, action: string, body?: object) =>
  firebreak.post(`/v1/incidents/${one.id}/actions/${action}`, body);

const rollbacksOf = async (service: string) =>
  (await firebreak.calls('cd')).filter(({ method, body }) => method === 'POST' && body.service === service);

const timelineOf = async ({ id }: { id: string }): Promise<any[]> =>
  (await firebreak.get(`/v1/incidents/${id}/timeline?limit=200`)).body.items;

/** Waits for this timeline entry. */
const update = (one: { id: string }, kind: string, text: RegExp = /./) =>
  seen(
    async () => (await timelineOf(one)).find((entry) => entry.kind === kind && text.test(entry.text)),
    `${kind} ${text.source} on the timeline`,
  );

const superseded = { status: 409, body: { code: 'superseded', status: 409 } };

describe.concurrent('a person', () => {
  afterAll(() => firebreak.resolveAll());

  /** Opens an incident of a service in mode `approve`, with a pending question. */
  async function asked(service: string): Promise<any> {
    await deployed(service, GOOD, BAD);
    await fire(service);
    const one = await judged(service);
    expect(one.decisions).toMatchObject([{ kind: 'approve', state: 'waiting', answered_by: null }]);
    return { ...one, digest: one.decisions[0].digest };
  }

  test('approves the decision by its digest, and it is executed once despite repeated clicks', async () => {
    const { body } = await firebreak.post('/v1/tokens', { name: 'ada', actions: ['incidents:act'] });
    const one = await asked('approve-1');
    const path = `/v1/incidents/${one.id}/actions`;
    const click = (action: string, digest: string, token = body.token) =>
      firebreak.request('POST', `${path}/${action}`, { digest }, { authorization: `Bearer ${token}` });
    expect(await click('approve', '0'.repeat(64))).toMatchObject(superseded);
    const clicks = await Promise.all([click('approve', one.digest), click('approve', one.digest)]);
    expect(clicks.map(({ status }) => status)).toEqual([200, 200]);
    expect(clicks[0]?.body.decisions).toMatchObject([{ state: 'approved', answered_by: 'ada' }]);
    expect(await click('reject', one.digest)).toMatchObject(superseded);
    expect(await click('approve', one.digest, ADMIN_TOKEN)).toMatchObject(superseded); // another person, too late
    await mitigated('approve-1');
    expect(await rollbacksOf('approve-1')).toMatchObject([
      { body: { from_version: 'v2', to_version: 'v1', incident_id: one.id } },
    ]);
    expect(await update(one, 'decision.approved')).toMatchObject({ actor: 'ada' });
  });

  test('finds the evidence of a rollback, with its hash in the sealed log', async () => {
    const grant = { actions: ['incidents:read'] };
    const [reader, other] = await Promise.all(
      [
        { ...grant, services: ['approve-24'] },
        { ...grant, services: ['act-1'] },
      ].map(async (one, n) => (await firebreak.post('/v1/tokens', { name: `reader ${n}`, ...one })).body.token),
    );
    const one = await asked('approve-24');
    const path = `/v1/incidents/${one.id}/evidence`;
    expect((await firebreak.get(path)).body).toEqual({ items: [] });
    await act(one, 'approve', { digest: one.digest });
    const as = (token: string, more = '') =>
      firebreak.request('GET', path + more, undefined, { authorization: `Bearer ${token}` });
    const pack = await seen(async () => (await as(reader)).body.items[0], 'the evidence of approve-24');
    expect(pack).toMatchObject({ name: 'roll-back.1', incident_id: one.id, action: 'roll-back' });
    const download = await fetch(`${firebreak.url}${path}/${pack.name}`, {
      headers: { authorization: `Bearer ${reader}` },
    });
    const text = await download.text();
    expect(sha256(text)).toBe(pack.sha256);
    expect(JSON.parse(text)).toMatchObject({
      decision: { from_version: 'v2', to_version: 'v1' },
      alerts: { items: [{ service: 'approve-24' }] },
      inputs: { evidence: { service: 'approve-24' } },
    });
    expect([await as(other), await as(other, '/roll-back.1'), await as(reader, '/roll-back.9')]).toMatchObject([
      { status: 403 },
      { status: 403 },
      { status: 404, body: { code: 'unknown-evidence' } },
    ]);
    const entries = await seen(async () => {
      const { items } = (await firebreak.get('/v1/audit?limit=200')).body;
      const stored = items.filter(({ id }: { id: string }) => id === `evidence:${one.id}:roll-back.1`);
      return stored.length > 0 && stored;
    }, 'its entry in the audit log');
    expect(entries).toMatchObject([{ kind: 'evidence.stored', detail: { sha256: pack.sha256, bytes: text.length } }]);
  });

  test('rejects the decision, and later approvals do not execute it', async () => {
    const one = await asked('approve-2');
    expect((await act(one, 'reject', { digest: one.digest, note: 'It is the database' })).status).toBe(200);
    expect(await act(one, 'approve', { digest: one.digest })).toMatchObject(superseded);
    await update(one, 'decision.rejected', /It is the database/);
    await update(one, 'mitigation.rejected');
    expect(await rollbacksOf('approve-2')).toEqual([]);
  });

  test('cannot approve a decision of another incident', async () => {
    const [one, other] = await Promise.all([asked('approve-3'), asked('approve-4')]);
    expect(await act(one, 'approve', { digest: other.digest })).toMatchObject(superseded);
    expect(await rollbacksOf('approve-4')).toEqual([]);
  });

  test('aborts: the pending question is withdrawn, and nothing new starts', async () => {
    const one = await asked('approve-5');
    expect((await act(one, 'abort', { note: 'Stop' })).status).toBe(202);
    expect(await act(one, 'approve', { digest: one.digest })).toMatchObject(superseded);
    await update(one, 'automation.aborted', /Stop/);
    await update(one, 'decision.withdrawn');
    expect(await rollbacksOf('approve-5')).toEqual([]);
  });

  test('pauses the automation of an incident: the question waits until it is resumed', async () => {
    const one = await asked('approve-6');
    expect((await act(one, 'pause')).status).toBe(202);
    expect(await act(one, 'approve', { digest: one.digest })).toMatchObject({ status: 409, body: { code: 'paused' } });
    expect(await act(one, 'approve', { digest: '0'.repeat(64) })).toMatchObject(superseded);
    expect((await judged('approve-6')).decisions).toMatchObject([{ state: 'waiting' }]);
    expect((await act(one, 'resume')).status).toBe(202);
    expect((await act(one, 'approve', { digest: one.digest })).status).toBe(200);
    await mitigated('approve-6');
  });

  test('repeats an action, and it is recorded once', async () => {
    const one = await asked('approve-11');
    const switched = async () =>
      (await timelineOf(one)).map(({ kind }) => kind).filter((kind) => kind.startsWith('automation.'));
    for (const action of ['pause', 'pause', 'resume', 'resume', 'abort', 'abort'])
      expect((await act(one, action)).status).toBe(202);
    await update(one, 'decision.withdrawn');
    const once = ['aborted', 'resumed', 'paused'].map((kind) => `automation.${kind}`);
    expect(await switched()).toEqual(once);
    const clicks = await Promise.all(['resume', 'resume', 'resume'].map((action) => act(one, action)));
    expect(clicks.map(({ status }) => status)).toEqual([202, 202, 202]);
    expect((await act(one, 'abort')).status).toBe(202);
    expect(await switched()).toEqual(['automation.aborted', 'automation.resumed', ...once]);
  });

  test('pauses an incident before an alert requests a rollback, and resumes another', async () => {
    for (const [service, actions, kind] of [
      ['act-13', ['pause'], 'suggest'],
      ['act-14', ['pause', 'resume'], 'roll_back'],
    ] as const) {
      await deployed(service, GOOD, BAD);
      await fire(service, { action: 'notify' });
      const one = await judged(service);
      for (const action of actions) expect((await act(one, action)).status).toBe(202);
      await fire(service); // this alert requests a rollback
      const again = await incident(service, ({ decisions }) => decisions.length === 2);
      expect(again.decisions).toMatchObject([{ because: 'not_requested' }, { kind }]);
    }
    await mitigated('act-14');
    expect(await rollbacksOf('act-13')).toEqual([]);
  });

  test('resolves an incident at any time, which withdraws the question', async () => {
    const one = await asked('approve-7');
    expect((await act(one, 'resolve', { note: 'Fixed by hand' })).status).toBe(202);
    const resolved = await incident('approve-7', ({ status }) => status === 'resolved');
    expect(resolved.resolved_at).not.toBeNull();
    expect(await act(one, 'approve', { digest: one.digest })).toMatchObject(superseded);
    expect((await act(one, 'resolve')).status).toBe(202); // already resolved
    for (const action of ['pause', 'rollback', 'abort']) {
      expect(await act(one, action)).toMatchObject({ status: 409, body: { code: 'incident-resolved' } });
    }
    await update(one, 'incident.resolved', /admin/);
    expect(await rollbacksOf('approve-7')).toEqual([]);
  });

  test('rolls back the running version in any mode and without a suspect; a double click does it once', async () => {
    await deployed(
      'shadow-1',
      { version: 'v0', minutes: 900 },
      { version: 'v1', minutes: 500 },
      { version: 'v2', minutes: 200 },
    );
    await fire('shadow-1');
    const one = await judged('shadow-1');
    expect(one.decisions).toMatchObject([{ kind: 'none', because: 'no_confident_suspect' }]);
    const clicks = await Promise.all([
      act(one, 'rollback', { note: 'I am sure' }),
      act(one, 'rollback', { note: 'I am sure' }),
    ]);
    expect(clicks.map(({ status }) => status)).toEqual([202, 202]);
    await mitigated('shadow-1');
    expect(await act(one, 'rollback')).toMatchObject({ status: 409, body: { code: 'just-rolled-back' } });
    expect(await rollbacksOf('shadow-1')).toMatchObject([{ body: { from_version: 'v2', to_version: 'v1' } }]);
    await update(one, 'rollback.requested', /I am sure/);
    await update(one, 'decision', /^admin requested it/im);
    expect((await timelineOf(one)).filter(({ kind }) => kind === 'rollback.requested')).toHaveLength(1);
  });

  test('rolls back despite a pending question, which needs no answer any more', async () => {
    const one = await asked('approve-8');
    expect((await act(one, 'rollback')).status).toBe(202);
    expect(await act(one, 'approve', { digest: one.digest })).toMatchObject(superseded);
    await mitigated('approve-8');
    expect(await rollbacksOf('approve-8')).toHaveLength(1);
  });

  test('marks the automation as wrong', async () => {
    await deployed('act-15', GOOD, BAD);
    await fire('act-15');
    const one = await mitigated('act-15');
    expect((await act(one, 'mark-wrong', { note: 'It was DNS' })).status).toBe(202);
    expect(await update(one, 'automation.marked_wrong', /It was DNS/)).toMatchObject({ actor: 'admin' });
  });

  test('cannot mark the automation as wrong if it did nothing', async () => {
    const one = await asked('approve-13');
    expect(await act(one, 'mark-wrong')).toMatchObject({ status: 409, body: { code: 'nothing-to-mark' } });
    expect((await timelineOf(one)).map(({ kind }) => kind)).not.toContain('automation.marked_wrong');
  });
});

describe('the shadow report', () => {
  const SERVICES = ['shadow-20', 'shadow-21', 'shadow-22', 'shadow-23'] as const;
  const [same, marked, asks, missed] = SERVICES;

  beforeAll(async () => {
    const begun = SERVICES.map(async (service) => {
      await deployed(service, GOOD, service === asks ? { ...BAD, has_migration: true } : BAD);
      await fire(service, service === missed ? { action: 'notify' } : {});
      const one = await judged(service);
      if (service === same || service === missed)
        await deployed(service, { version: 'v1', minutes: 0, kind: 'rollback' });
      if (service === marked) expect((await act(one, 'mark-wrong', { note: 'It was DNS' })).status).toBe(202);
      if (service !== asks) await act(one, 'resolve');
      if (service !== asks) await incident(service, ({ status }) => status === 'resolved');
    });
    await Promise.all(begun);
  });

  const reported = async (service: string) =>
    (await firebreak.get(`/v1/reports/shadow?since=1d&service=${service}`)).body;

  test.each([
    [same, 'rollbacks', 'right', { would: 'roll_back', because: 'people rolled back to v1, and the incident ended' }],
    [marked, 'rollbacks', 'wrong', { would: 'roll_back', because: 'admin marked it as wrong: It was DNS' }],
    [asks, 'questions', 'undecided', { would: 'ask', because: 'the incident is open' }],
    [missed, 'nothing', 'wrong', { would: 'nothing', because: 'people rolled back to v1' }],
  ])('%s: %s are %s', async (service, tally, verdict, more) => {
    const { items, complete, incidents, since, until } = await reported(service);
    expect({ complete, incidents, seconds: (Date.parse(until) - Date.parse(since)) / 1000 }).toEqual({
      complete: true,
      incidents: 1,
      seconds: 86_400,
    });
    expect(items).toMatchObject([
      {
        service,
        environment: 'production',
        mode: 'shadow',
        [tally]: { count: 1, right: 0, wrong: 0, undecided: 0, [verdict]: 1 },
        promotion: { to: 'approve', ready: false },
        cases: [{ verdict, ...more, from_version: 'v2', to_version: 'v1' }],
      },
    ]);
  });

  test('covers exactly the services that the reader may see', async () => {
    const { body: token } = await firebreak.post('/v1/tokens', {
      name: 'reader',
      actions: ['incidents:read'],
      services: [same, asks],
    });
    const bearer = { authorization: `Bearer ${token.token}` };
    const { body } = await firebreak.request('GET', '/v1/reports/shadow', undefined, bearer);
    expect(body.items.map(({ service }: { service: string }) => service)).toEqual([same, asks]);
    const other = await firebreak.request('GET', `/v1/reports/shadow?service=${marked}`, undefined, bearer);
    expect(other.status).toBe(403);
  });

  test.each(['0d', '91d', '30', 'd', '1y'])('refuses the period %s', async (since) => {
    expect((await firebreak.get(`/v1/reports/shadow?since=${since}`)).status).toBe(422);
  });

  test('shows the result and how to promote the service on the command line', async () => {
    const env = { FIREBREAK_URL: firebreak.url, FIREBREAK_TOKEN: ADMIN_TOKEN };
    const { code, out } = await cli(['report', 'shadow', '--since', '2d', '--service', same], { env });
    expect(code).toBe(0);
    expect(out).toMatch(/^\S+ \S+ to \S+ \S+ UTC, 1 incident\n/);
    expect(out).toContain('1: 1 right, 0 wrong, 0 undecided');
    expect(out).toContain('would roll back v2 to v1: right (people rolled back to v1, and the incident ended)');
    expect(out).toContain(
      'In config/services.yaml, set services: { shadow-20: { environments: { production: { autoRollback: { mode: approve } } } } }',
    );
  });
});

describe('settings in force', () => {
  const automation = (change: object) => firebreak.put('/v1/automation', change);
  afterEach(async () => {
    await firebreak.resolveAll();
    await automation({ paused: false, mode: null });
    await firebreak.put('/sandbox/faults', { clear: true });
    await firebreak.put('/sandbox/cd/settings', {});
  });

  test('a cap lowers the mode of a service or environment and never raises it', async () => {
    const cap = (mode: string | null, environments: Record<string, string> = {}) => ({ mode, environments });
    const expected = {
      'act-16': [cap('suggest'), 'suggest'],
      'act-17': [cap(null, { production: 'approve' }), 'approve'],
      'act-18': [cap('approve', { production: 'shadow' }), 'shadow'],
      'act-19': [cap('approve', { staging: 'shadow' }), 'approve'],
      'suggest-1': [cap('act'), 'suggest'],
    } as const;
    const caps = Object.fromEntries(Object.entries(expected).map(([service, [given]]) => [service, given]));
    expect((await automation({ services: caps })).status).toBe(200);
    await Promise.all(
      Object.entries(expected).map(async ([service, [, mode]]) => {
        await deployed(service, GOOD, BAD);
        await fire(service);
        expect((await judged(service)).decisions).toMatchObject([{ kind: mode, because: `mode_${mode}` }]);
      }),
    );
  });

  test('a global mode caps every service, even after an approval', async () => {
    await deployed('approve-9', GOOD, BAD);
    await fire('approve-9');
    const one = await judged('approve-9');
    await automation({ mode: 'suggest' });
    expect((await act(one, 'approve', { digest: one.decisions[0].digest })).status).toBe(200);
    await update(one, 'mitigation.withheld', /mode suggest/);

    await deployed('act-20', GOOD, BAD);
    await fire('act-20');
    expect((await judged('act-20')).decisions).toMatchObject([{ kind: 'suggest', because: 'mode_suggest' }]);
    expect(await rollbacksOf('approve-9')).toEqual([]);
  });

  test('the kill switch stops decided, approved, and manually requested rollbacks', async () => {
    // When the switch is set, one rollback is approved, and another is being retried at a CD system that does not
    // respond.
    await firebreak.put('/sandbox/faults', { vendor: 'cd', fault: { kind: 'status', status: 503, retry_after: 60 } });
    await Promise.all(['approve-10', 'act-21', 'act-22'].map((service) => deployed(service, GOOD, BAD)));
    await Promise.all(['approve-10', 'act-21'].map((service) => fire(service)));
    const waiting = await judged('approve-10');
    const trying = await incident('act-21', ({ status }) => status === 'mitigating');
    await seen(async () => (await rollbacksOf('act-21')).length > 0, 'a try at the CD system');
    await automation({ paused: true, reason: 'Something is wrong with it' });
    await firebreak.put('/sandbox/faults', { clear: true });

    expect(await update(trying, 'mitigation.withheld', /the kill switch is on/)).toMatchObject({ actor: 'firebreak' });
    const approved = await act(waiting, 'approve', { digest: waiting.decisions[0].digest });
    expect(approved).toMatchObject({ status: 409, body: { code: 'automation-paused' } });
    expect((await judged('approve-10')).decisions).toMatchObject([{ state: 'waiting' }]);
    expect(await act(waiting, 'rollback')).toMatchObject({ status: 409, body: { code: 'automation-paused' } });

    await fire('act-22');
    const decided = await judged('act-22');
    expect(decided.decisions).toMatchObject([{ kind: 'suggest', because: 'paused' }]);
    await update(decided, 'page.succeeded'); // paging continues
    for (const service of ['approve-10', 'act-22']) expect(await rollbacksOf(service)).toEqual([]);
    expect((await rollbacksOf('act-21')).map(({ status }) => status)).not.toContain(200);
    expect((await rollbacksOf('act-21')).map(({ status }) => status)).not.toContain(202);

    await automation({ paused: false });
    expect((await act(waiting, 'rollback')).status).toBe(202);
    await mitigated('approve-10');
  });

  test('a commit whose name means another one now is restored only after an approval that says so', async () => {
    const service = 'act-24';
    const [commit, other] = ['1'.repeat(40), '2'.repeat(40)];
    await deployed(service, { version: '6.4', minutes: 240, commit }, { version: '6.4', minutes: 120, commit: other });
    const { body: one } = await firebreak.post('/v1/incidents', {
      service,
      environment: 'production',
      title: 'Down',
      severity: 'warning',
    });
    const alike = await act(one, 'rollback', { version: '6.4 (1111111)' });
    expect(alike).toMatchObject({ status: 409, body: { code: 'version-indistinct' } });
    expect(alike.body.detail).toContain('could only restart the running version');
    await deployed(service, { version: '6.5', minutes: 60, commit: '3'.repeat(40) });
    const unclear = await act(one, 'rollback', { version: '6.4' });
    expect(unclear).toMatchObject({ status: 422, body: { code: 'version-ambiguous' } });
    expect(unclear.body.detail).toContain('name one of 6.4 (2222222), 6.4 (1111111)');

    const requests = async () => expect((await act(one, 'rollback', { version: '6.4 (1111111)' })).status).toBe(202);
    await requests();
    const asked = (now: any) => now.decisions.at(-1)?.because === 'version_name_moved';
    const { decisions } = await incident(service, asked);
    await requests(); // it does not confirm what the first one was not told
    expect((await incident(service, asked)).decisions).toHaveLength(decisions.length);
    expect(await rollbacksOf(service)).toEqual([]);
    const [{ digest, reasons }] = decisions.slice(-1);
    expect(reasons[0].text).toContain('knows 6.4 (1111111) as 6.4, which now means the commit 2222222');
    expect((await act(one, 'approve', { digest })).status).toBe(200);
    await seen(async () => (await rollbacksOf(service))[0], 'the rollback');
    expect(await rollbacksOf(service)).toMatchObject([{ body: { to_version: '6.4', to_commit: commit } }]);
  });

  test('a person cannot start a second rollback while one is in progress, and gets the reason', async () => {
    const { body } = await firebreak.post('/v1/tokens', { name: 'eve', actions: ['incidents:act'] });
    const click = (one: { id: string }, token = body.token) =>
      firebreak.request('POST', `/v1/incidents/${one.id}/actions/rollback`, {}, { authorization: `Bearer ${token}` });
    const guarded = new Guarded(() => firebreak);
    await guarded.holdRollbacks();
    const begun = async (service: string) => incident(service, ({ status }) => status === 'mitigating');
    for (const service of ['act-23', 'shadow-2']) {
      await deployed(service, GOOD, BAD);
      await fire(service);
    }
    const byItself = await begun('act-23');
    const refused = await click(byItself);
    expect(refused).toMatchObject({ status: 409, body: { code: 'rollback-in-progress' } });
    expect(refused.body.detail).toMatch(/rollback of v2 to v1 has been in progress since \d{4}-/);
    expect((await timelineOf(byItself)).map(({ kind }) => kind)).not.toContain('rollback.requested');

    expect((await click(await judged('shadow-2'))).status).toBe(202);
    const byEve = await begun('shadow-2');
    expect((await click(byEve)).status).toBe(202); // a double click
    const another = await click(byEve, ADMIN_TOKEN);
    expect(another).toMatchObject({ status: 409, body: { code: 'rollback-in-progress' } });
    expect(another.body.detail).toContain('requested by eve');
    await guarded.letRollbacksEnd();
    await Promise.all(['act-23', 'shadow-2'].map(mitigated));
    for (const service of ['act-23', 'shadow-2']) expect(await rollbacksOf(service)).toHaveLength(1);
  });
});
