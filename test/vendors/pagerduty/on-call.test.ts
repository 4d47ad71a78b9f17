import { describe, expect, test } from 'vitest';
import type { OnCall } from '../../../core/domain/people/on-call.ts';
import { pagerDutyOnCall } from '../../../vendors/pagerduty/on-call.ts';
import { Config } from '../../../schemas/config/config.ts';
import { calls, start } from '../../../packages/sandbox/test/support.ts';
import { SetClock } from '../../support/fake-deps.ts';
import { vendor } from '../server.ts';

const config = Config.parse({
  version: 'test',
  services: {},
  paging: {},
  people: {
    people: {
      ada: { name: 'Ada', pagerduty: 'PADA001', slack: 'U024BE7LH' },
      grace: { email: 'Grace@example.com' },
    },
    onCall: { payments: { escalationPolicy: 'PPAYMENTS' }, search: { schedule: 'PSEARCH' } },
  },
});

function rotaAt(apiUrl: string, token: string | undefined = 'token') {
  const clock = new SetClock('2026-11-20T06:48:00.000Z');
  const rest = { apiUrl: async () => apiUrl, token: async () => token, from: async () => undefined, clock };
  const current = { current: async () => config, problems: async () => [] };
  return { clock, rota: pagerDutyOnCall({ rest, clock, config: current }) };
}

const names = async (rota: OnCall, team: string) => {
  const response = await rota.now(team);
  return response.kind === 'done'
    ? response.value.map(({ level, person, slack, name }) => [level, person, slack, name])
    : response;
};

describe('the on-call responders', () => {
  test.each(['payments', 'search'])('of %s have their entries in people.yaml', async (team) => {
    const standIns = await start();
    expect(await names(rotaAt(standIns.urls.pagerduty).rota, team)).toEqual([
      [1, 'ada', 'U024BE7LH', 'Ada'],
      [2, 'grace', null, 'Grace Moreau'],
    ]);
  });

  test('are requested once a minute', async () => {
    const standIns = await start();
    const { rota, clock } = rotaAt(standIns.urls.pagerduty);
    for (let n = 0; n < 3; n += 1) await rota.now('payments');
    clock.set(clock.millis + 60_000);
    await rota.now('payments');
    const asked = await calls(standIns, '?vendor=pagerduty');
    expect(asked.map(({ path }) => path)).toEqual(['/oncalls', '/oncalls']);
    expect(asked[0]?.query).toBe('escalation_policy_ids%5B%5D=PPAYMENTS&include%5B%5D=users&limit=100');
  });

  test('are listed once, at their lowest level', async () => {
    const entry = (id: string, escalation_level: number) => ({ user: { id, summary: id }, escalation_level });
    const oncalls = [entry('P3', 3), entry('P1', 1), entry('P3', 2), entry('P1', 2)];
    const { url } = await vendor({ body: JSON.stringify({ oncalls, more: false }) });
    expect(await names(rotaAt(url).rota, 'payments')).toEqual([
      [1, null, null, 'P1'],
      [2, null, null, 'P3'],
    ]);
  });

  test('of a team without a schedule are unknown', async () => {
    const { rota } = rotaAt('http://127.0.0.1:1');
    expect(await rota.now('unknown')).toMatchObject({ kind: 'off' });
    expect(await rota.now('constructor')).toMatchObject({ kind: 'off' });
  });

  test('are unknown without a token', async () => {
    const { rota } = rotaAt('http://127.0.0.1:1', '');
    expect(await rota.now('payments')).toMatchObject({ kind: 'off' });
  });

  test('are requested again after a failure', async () => {
    const { url, received } = await vendor({ status: 500 }, { body: '{"oncalls":[]}' });
    const { rota } = rotaAt(url);
    expect(await rota.now('payments')).toMatchObject({ kind: 'later' });
    expect(await rota.now('payments')).toEqual({ kind: 'done', value: [] });
    expect(received).toHaveLength(2);
  });
});

describe('the email address of a user', () => {
  test('is that of the PagerDuty account', async () => {
    const standIns = await start();
    const { rota } = rotaAt(standIns.urls.pagerduty);
    expect(await rota.email('PGRACE1')).toEqual({ kind: 'done', value: 'grace@example.com' });
    expect(await rota.email('PNOBODY')).toEqual({ kind: 'done', value: null });
  });
});
