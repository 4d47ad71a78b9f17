import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decide } from '../../../core/domain/rollback/rollback.ts';
import { canonicalJson, sha256 } from '../../../core/stores/hash.ts';
import { alert, group, minutesAgo } from '../../support/alerts.ts';
import { EACH_ALONE, Firebreak } from '../../support/firebreak.ts';
import { seen } from '../../support/fixtures.ts';

/** Knowledge of people: the deploy was not the cause, and which version was good. */

const place = (mode: string, more: object = {}) => ({
  environments: {
    production: {
      deployer: { kind: 'http' },
      autoRollback: { mode, evidence: 'time', unknownMigration: 'act', approvalTimeoutMinutes: 1440, ...more },
    },
    staging: {},
  },
});

let firebreak: Firebreak;
beforeAll(async () => {
  const services = ['asks', 'again', 'by-hand', 'elsewhere', 'named', 'refused', 'twice', 'pinned', 'rolling'];
  firebreak = await Firebreak.start({
    unshown: true,
    timeScale: 100,
    services: {
      ...Object.fromEntries(services.map((name) => [name, place('approve')])),
      acts: place('act'),
      late: place('act'),
      two: place('approve', { approvals: 2 }),
    },
    configFiles: EACH_ALONE,
    env: { LOG_LEVEL: 'warn' },
  });
});
afterAll(() => firebreak?.remove());

async function deployed(service: string, version: string, minutes: number, more: object = {}): Promise<string> {
  const times = { started_at: minutesAgo(minutes), finished_at: minutesAgo(Math.max(0, minutes - 2)) };
  const told = { service, environment: 'production', version, ...times, ...more };
  const { status, body } = await firebreak.post('/v1/deployments', told);
  expect(status).toBe(201);
  return body.id;
}

/**
 * v1 was good for hours, v2 was deployed six minutes ago, and a critical alert that requests a rollback fires since a
 * minute.
 */
async function fails(service: string): Promise<string> {
  await deployed(service, 'v1', 240);
  const change = await deployed(service, 'v2', 6);
  const firing = alert({ labels: { service }, fingerprint: service, startsAt: minutesAgo(1) });
  expect((await firebreak.post('/v1/alerts/alertmanager', group([firing]))).status).toBe(202);
  return change;
}

const incidentOf = (service: string, is: (incident: any) => boolean) =>
  seen(
    async () => (await firebreak.get(`/v1/incidents?service=${service}`)).body.items.find(is),
    `the incident of ${service}`,
  );
const decided = (service: string, count: number, state = 'final') =>
  incidentOf(service, ({ decisions }) => decisions.length === count && decisions.at(-1).state === state);

const act = (one: { id: string }, action: string, body: object) =>
  firebreak.post(`/v1/incidents/${one.id}/actions/${action}`, body);

const rollbacksOf = async (service: string): Promise<string[]> =>
  (await firebreak.calls('cd'))
    .filter(({ method, body }) => method === 'POST' && body.service === service)
    .map(({ body }) => `${body.from_version} to ${body.to_version}`);

const said = async (one: { id: string }): Promise<string[]> =>
  (await firebreak.get(`/v1/incidents/${one.id}/timeline?limit=200`)).body.items
    .filter(({ actor }: any) => actor === 'admin')
    .map(({ kind, text }: any) => `${kind}: ${text}`)
    .toReversed();

/** Returns the stored decision, after checking that today's code makes the same decision of its inputs. */
async function again(one: { id: string }, number: number): Promise<any> {
  const { body } = await firebreak.get(`/v1/incidents/${one.id}/decisions/${number}`);
  const inputs = JSON.parse(body.inputs_json);
  const decision = decide(inputs);
  expect(body.decision).toMatchObject({ kind: decision.kind, reasons: decision.reasons });
  expect(body.decision.digest).toBe(sha256(canonicalJson({ id: one.id, number, decision, inputs })));
  return body;
}

describe('a cleared suspect', () => {
  test('is no longer suggested, and the decision is made again with the clearing among its inputs', async () => {
    const change_id = await fails('asks');
    const one = await decided('asks', 1, 'waiting');
    const answer = await act(one, 'clear-suspect', { change_id, note: 'It was DNS' });
    expect(answer).toMatchObject({
      status: 202,
      body: { suspects: [], cleared: [{ change_id, version: 'v2', by: 'admin' }] },
    });
    expect(answer.body.decisions[0]).toMatchObject({ state: 'withdrawn' }); // the next decision may exist by now
    const { decisions, suspects } = await decided('asks', 2);
    expect(suspects).toEqual([]);
    expect(decisions[1]).toMatchObject({
      kind: 'none',
      because: 'no_confident_suspect',
      reasons: [
        { text: expect.stringMatching(/^no other change of this service/) },
        { code: 'suspect_cleared', text: expect.stringMatching(/^v2 was cleared by admin at 20\d\d-.* UTC$/) },
      ],
    });
    expect((await again(one, 2)).inputs.evidence.cleared).toMatchObject([{ change_id, by: 'admin' }]);
    expect((await again(one, 1)).inputs.evidence).not.toHaveProperty('cleared');
    expect(await said(one)).toEqual([
      'suspect.cleared: It was DNS',
      'decision.withdrawn: Question withdrawn: v2 was not the cause',
    ]);
    expect((await act(one, 'clear-suspect', { change_id })).status).toBe(202);
    expect(await said(one)).toHaveLength(2);
    expect(await rollbacksOf('asks')).toEqual([]);
  });

  test('can be suspected again, and then requires approval', async () => {
    const change_id = await fails('again');
    const one = await decided('again', 1, 'waiting');
    await act(one, 'clear-suspect', { change_id });
    await decided('again', 2);
    expect(await act(one, 'suspect-again', { change_id, note: 'It was not DNS' })).toMatchObject({ status: 202 });
    const { decisions } = await decided('again', 3, 'waiting');
    expect(decisions[2].reasons.map(({ code }: any) => code)).toEqual([
      'mode_approve',
      'suspect_cleared',
      'evidence',
      'suspect',
    ]);
    await again(one, 3);
    expect((await said(one)).at(-1)).toBe('suspect.restored: It was not DNS');
  });

  test('is rolled back at the request of a person, which suspects it again', async () => {
    const change_id = await fails('by-hand');
    const one = await decided('by-hand', 1, 'waiting');
    await act(one, 'clear-suspect', { change_id });
    await decided('by-hand', 2);
    const { body } = await act(one, 'rollback', {});
    expect(body.cleared).toMatchObject([{ change_id, restored: { by: 'admin' } }]);
    await incidentOf('by-hand', ({ status }) => status === 'mitigated');
    expect(await rollbacksOf('by-hand')).toEqual(['v2 to v1']);
  });

  test('does not stop a rollback in progress, which then counts as wrong', async () => {
    const change_id = await fails('acts');
    const one = await incidentOf('acts', ({ status }) => status === 'mitigated');
    const { status, body } = await act(one, 'clear-suspect', { change_id });
    expect({ status, decisions: body.decisions.length }).toEqual({ status: 202, decisions: 1 });
    expect((await said(one)).map((text) => text.split(':')[0])).toEqual([
      'suspect.cleared',
      'automation.marked_wrong',
      'version.lifted',
    ]);
  });

  test('must be a known change of this environment and a suspect of this incident', async () => {
    const change_id = await fails('elsewhere');
    const one = await decided('elsewhere', 1, 'waiting');
    const unknown = `chg_${'0'.repeat(26)}`;
    expect(await act(one, 'clear-suspect', { change_id: unknown })).toMatchObject({
      status: 404,
      body: { code: 'unknown-deployment' },
    });
    const staging = await deployed('elsewhere', 'v2', 4, { environment: 'staging' });
    expect(await act(one, 'clear-suspect', { change_id: staging })).toMatchObject({
      status: 409,
      body: { code: 'no-suspect' },
    });
    expect(await act(one, 'suspect-again', { change_id })).toMatchObject({
      status: 409,
      body: { code: 'not-cleared' },
    });
    expect((await act(one, 'clear-suspect', { change_id: 'v2' })).status).toBe(422);
  });
});

describe('a deploy recorded after the alert', () => {
  test('is considered once and rolled back', async () => {
    await deployed('late', 'v1', 240);
    const firing = alert({ labels: { service: 'late' }, fingerprint: 'late', startsAt: minutesAgo(0) });
    expect((await firebreak.post('/v1/alerts/alertmanager', group([firing]))).status).toBe(202);
    const before = await decided('late', 1);
    expect(before.decisions[0]).toMatchObject({ kind: 'none', because: 'no_confident_suspect' });
    const times = { started_at: minutesAgo(6), finished_at: minutesAgo(4) };
    const told = { service: 'late', environment: 'production', version: 'v2', ...times };
    expect((await firebreak.post('/v1/deployments', told)).status).toBe(201);
    const one = await incidentOf('late', ({ status }) => status === 'mitigated');
    expect((await firebreak.post('/v1/deployments', told)).status).toBe(200);
    expect(one.decisions.map(({ kind }: any) => kind)).toEqual(['none', 'roll_back']);
    expect(await rollbacksOf('late')).toEqual(['v2 to v1']);
    const { body } = await firebreak.get(`/v1/incidents/${one.id}/timeline?limit=200`);
    expect(body.items.filter(({ kind }: any) => kind === 'change.recorded_late')).toMatchObject([
      {
        actor: 'firebreak',
        text: expect.stringMatching(/^Deploy v2 was recorded \d+ s after the alert; judged again$/),
      },
    ]);
    await again(one, 2);
  });
});

describe('a change during the incident', () => {
  test('withdraws the question about a rollout that is cancelled, and about one that a newer version replaces', async () => {
    await deployed('rolling', 'v1', 240);
    const told = { service: 'rolling', environment: 'production' };
    const rollout = await firebreak.post('/v1/deployments', {
      ...told,
      version: 'v2',
      status: 'started',
      started_at: minutesAgo(4),
    });
    expect(rollout.status).toBe(201);
    const firing = alert({ labels: { service: 'rolling' }, fingerprint: 'rolling', startsAt: minutesAgo(0) });
    expect((await firebreak.post('/v1/alerts/alertmanager', group([firing]))).status).toBe(202);
    await decided('rolling', 1, 'waiting');
    const patched = await firebreak.request('PATCH', `/v1/deployments/${rollout.body.id}`, { status: 'cancelled' });
    expect(patched.status).toBe(200);
    const one = await decided('rolling', 2);
    expect(one.decisions).toMatchObject([{ kind: 'approve', state: 'withdrawn' }, { kind: 'none' }]);
    // The change is news once: its report is repeated, and is no reason to judge again.
    await firebreak.request('PATCH', `/v1/deployments/${rollout.body.id}`, { status: 'cancelled' });
    const times = { started_at: minutesAgo(6), finished_at: minutesAgo(5) };
    expect((await firebreak.post('/v1/deployments', { ...told, version: 'v3', ...times })).status).toBe(201);
    await decided('rolling', 3, 'waiting');
    expect((await firebreak.post('/v1/deployments', { ...told, version: 'v4', status: 'started' })).status).toBe(201);
    const { decisions } = await decided('rolling', 4);
    expect(decisions.slice(2)).toMatchObject([
      { kind: 'approve', state: 'withdrawn', from_version: 'v3' },
      { kind: 'suggest', because: 'superseded', from_version: 'v3' },
    ]);
    const { body } = await firebreak.get(`/v1/incidents/${one.id}/timeline?limit=200`);
    const news = body.items.filter(({ kind }: any) => kind.startsWith('change.')).toReversed();
    expect(news.map(({ kind, text }: any) => `${kind}: ${text.replace(/\d+ (?:s|min)/, 'N')}`)).toEqual([
      'change.ended: Deploy v2 was cancelled N after the alert; judged again',
      'change.recorded_late: Deploy v3 was recorded N after the alert; judged again',
      'change.newer: Deploy v4 began N after the alert; judged again',
    ]);
    await again(one, 4);
  });
});

describe('a rollback to a given version', () => {
  test('goes to that version, like every manual rollback', async () => {
    await deployed('named', 'v0', 900);
    await fails('named');
    const one = await decided('named', 1, 'waiting');
    expect((await act(one, 'rollback', { version: 'v0', note: 'v1 was bad, too' })).status).toBe(202);
    const { decisions } = await incidentOf('named', ({ status }) => status === 'mitigated');
    expect(await rollbacksOf('named')).toEqual(['v2 to v0']);
    expect(decisions[0]).toMatchObject({ state: 'withdrawn' });
    expect(decisions[1]).toMatchObject({ kind: 'roll_back', because: 'requested_by_person', to_version: 'v0' });
    expect(decisions[1].reasons[0].text).toBe('admin requested it (target version v0)');
    expect((await again(one, 2)).inputs.request).toEqual({
      by: 'person',
      name: 'admin',
      mode: null,
      from: 'v2',
      to: 'v0',
    });
    expect((await said(one)).at(0)).toBe('rollback.requested: v1 was bad, too (requested a rollback to v0)');
    expect((await firebreak.get('/v1/versions/pinned')).body.items).toContainEqual(
      expect.objectContaining({ service: 'named', version: 'v2' }),
    );
    // Repeating it succeeds; the running version is not a rollback target.
    expect((await act(one, 'rollback', { version: 'v0' })).status).toBe(202);
    expect(await act(one, 'rollback', { version: 'v2' })).toMatchObject({
      status: 409,
      body: { code: 'version-pinned' },
    });
    expect(await rollbacksOf('named')).toHaveLength(1);
  });

  test('is refused if a rollback to that version is not possible', async () => {
    await deployed('refused', 'v0.8', 900);
    await deployed('refused', 'v0.9', 600, { status: 'failed' });
    await deployed('refused', 'v1.0', 400);
    await deployed('refused', 'v1.1', 200, { rollback_safe_to: 'v1.0' });
    const declared = { service: 'refused', environment: 'production', title: 'Errors' };
    const { body: one } = await firebreak.post('/v1/incidents', declared);
    const refusal = async (version: string) => {
      const { status, body } = await act(one, 'rollback', { version });
      return [status, body.code, body.detail];
    };
    expect(await refusal('v1.2')).toEqual([
      422,
      'version-unknown',
      'no recent deployment of v1.2 for refused in production is recorded; available versions: v1.0, v0.8',
    ]);
    expect(await refusal('v1.1')).toEqual([409, 'version-runs', expect.any(String)]);
    expect(await refusal('v0.9')).toEqual([409, 'version-never-ran', expect.any(String)]);
    expect(await refusal('v0.8')).toEqual([409, 'rollback-not-safe', expect.stringContaining('v0.8 is older')]);
    expect(await said(one)).toEqual(['incident.opened: Opened: Errors']);
  });

  test('is requested once despite repetitions', async () => {
    await deployed('twice', 'v0', 900);
    await fails('twice');
    const one = await decided('twice', 1, 'waiting');
    const clicks = await Promise.all([
      act(one, 'rollback', { version: 'v0' }),
      act(one, 'rollback', { version: 'v0' }),
    ]);
    expect(clicks.map(({ status }) => status)).toEqual([202, 202]);
    await incidentOf('twice', ({ status }) => status === 'mitigated');
    expect(await rollbacksOf('twice')).toEqual(['v2 to v0']);
    expect((await said(one)).filter((text) => text.startsWith('rollback.requested'))).toHaveLength(1);
  });

  test('waits for a second person if the policy requires two', async () => {
    await deployed('two', 'v0', 900);
    await fails('two');
    const one = await decided('two', 1, 'waiting');
    await act(one, 'rollback', { version: 'v0' });
    const { decisions } = await decided('two', 2, 'waiting');
    expect(decisions[1]).toMatchObject({ because: 'second_person', to_version: 'v0', approvals: { given: ['admin'] } });
    expect(await rollbacksOf('two')).toEqual([]);
  });

  test('of a service without recorded deployments is refused', async () => {
    const declared = { service: 'pinned', environment: 'production', title: 'Errors' };
    const { body: one } = await firebreak.post('/v1/incidents', declared);
    expect(await act(one, 'rollback', { version: 'v0' })).toMatchObject({
      status: 409,
      body: { code: 'nothing-runs' },
    });
  });
});
