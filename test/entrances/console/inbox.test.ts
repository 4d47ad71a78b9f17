import { describe, expect, test } from 'vitest';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import { inboxMain, type Inbox } from '../../../entrances/console/pages/inbox/inbox.ts';
import { quarantinedMain } from '../../../entrances/console/pages/inbox/quarantined.ts';
import type { Quarantine, Quarantined } from '../../../core/domain/ports/alerts.ts';
import { Config, emptyConfig } from '../../../schemas/config/config.ts';
import type { EnvironmentName, IncidentId, ServiceName } from '../../../schemas/config/names.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { tokenRecord, consoleWorld } from '../../support/console-world.ts';
import type { FakeWorld } from '../../support/fake-deps.ts';
import { fixture } from '../../support/fixtures.ts';
import { expectHarmless, hostile, textOf } from '../../support/hostile.ts';
import { arrival, signal, stranger } from '../../support/signals.ts';

const AT = '2026-11-20T12:00:00.000Z' as Timestamp;
const LATER = '2026-11-20T15:30:00.000Z' as Timestamp;
const ID = '01J0000000000000000000000A' as IncidentId;

const entry = (more: Partial<Quarantined> = {}): Quarantined => ({
  id: 'q_1',
  source: hostile('alertmanager'),
  status: 422,
  detail: hostile('version: must be "4"'),
  content_type: hostile('application/json'),
  bytes: 4100,
  count: 2,
  first_seen_at: AT,
  last_seen_at: AT,
  replayed_at: null,
  ...more,
});

const data = (more: Partial<Inbox> = {}): Inbox => ({
  may: () => true,
  csrfToken: 'key',
  at: LATER,
  named: (id) => ({ id, number: 7 }),
  quarantine: {
    items: [entry(), entry({ id: 'q_2', replayed_at: AT }), entry({ id: 'q_3', source: 'slack' })],
    waiting: 2,
    from: hostile('from'),
    older: hostile('older'),
  },
  expected: {
    items: [
      {
        signal: { ...signal({ title: hostile('expected') }), first_seen_at: AT },
        mute: { by: 'experiment', name: hostile('experiment'), until: null, reason: hostile('in scope') },
      },
    ],
    isComplete: false,
  },
  unmapped: [
    {
      reported_by: 'github',
      subject: {},
      why: hostile('why'),
      lines: hostile('services:'),
      rollouts: 2,
      first_at: AT,
      last_at: AT,
      url: 'https://ci.example.com/1',
    },
  ],
  panels: [],
  review: {
    since: AT,
    isComplete: false,
    unmatched: [
      {
        service: hostile('service'),
        environment: hostile('environment'),
        names: ['a', 'b', 'c', 'd'].map(hostile),
        sources: ['alertmanager'],
        times: 4,
        firing: 1,
        lastAt: AT,
        incident: ID,
        fix: hostile('fix'),
      },
    ],
    noisy: [
      {
        service: hostile('service'),
        environment: hostile('environment'),
        name: hostile('name'),
        times: 41,
        lastAt: AT,
        incidents: 3,
        acknowledged: 2,
        pages: 5,
        newest: ID,
      },
    ],
    rules: [
      {
        service: hostile('service'),
        environment: hostile('environment'),
        rule: hostile('rule'),
        fired: 9,
        paged: 7,
        acted_on: 2,
        resolved_by_itself: 6,
        last_at: AT,
      },
    ],
  },
  ...more,
});

const page = async (more: Partial<Inbox> = {}) => String(await inboxMain(data(more)));

test('hostile texts are shown as text', async () => {
  expectHarmless(await page(), 16);
  expect(await page()).not.toContain('javascript:');
  const body = Buffer.from(hostile('{"labels":'));
  const main = quarantinedMain({
    at: LATER,
    csrfToken: 'key',
    mayReplay: true,
    entry: { ...entry(), receiver: hostile('/v1/alerts'), body },
  });
  expectHarmless(String(await main), 5);
});

describe('the inbox', () => {
  test('offers a replay of each input except actions in Slack, and only with the permission', async () => {
    const offered = (markup: string) => [...markup.matchAll(/name="id" value="([^"]+)"/g)].map(([, id]) => id);
    expect(offered(await page())).toEqual(['q_1', 'q_2']);
    expect(offered(await page({ may: (action) => action !== 'quarantine:replay' }))).toEqual([]);
  });

  test.each([
    [{ source: 'generic', status: 422 }, 'answered with 422'],
    [{ source: 'generic', status: null }, 'not answered'],
    [{ source: 'queue', status: null }, 'accepted, but not processed'],
    [{ source: 'people', status: null }, 'accepted, but not processed'],
  ])('says what the sender was answered: %j', async (more, words) => {
    const items = [entry(more)];
    const listed = textOf(await page({ quarantine: { items, waiting: 1, from: null, older: null } }));
    const detail = { ...entry(more), receiver: '/', body: Buffer.from('{}') };
    const shown = await quarantinedMain({ at: LATER, csrfToken: 'key', mayReplay: true, entry: detail });
    for (const text of [listed, textOf(String(shown))]) {
      expect(text).toContain(words);
      if (more.status === null) expect(text).not.toContain('answered with');
    }
  });

  test('says what there is none of, and when it could not read everything', async () => {
    const text = textOf(
      await page({
        quarantine: { items: [], waiting: 0, from: null, older: null },
        review: { since: AT, isComplete: true, unmatched: [], noisy: [], rules: [] },
        expected: { items: [], isComplete: true },
      }),
    );
    for (const words of ['Nothing is in quarantine', 'Every alert of the last 14 days has', 'No alert fired 5 times'])
      expect(text).toContain(words);
    expect(text).not.toContain('Only the newest');
    expect(text).not.toContain('expected from experiments');
    expect(textOf(await page())).toContain('Only the newest');
  });
});

/** A world with one alert payload in quarantine. */
function worldWith(body: string) {
  const sent: Signal[] = [];
  const replayed: string[] = [];
  const kept = {
    ...entry({ source: 'alertmanager', detail: 'not JSON' }),
    sender: 'alertmanager:ingest',
    receiver: '/v1/alerts/alertmanager',
  };
  const quarantine: Partial<Quarantine> = {
    list: async () => ({ items: [kept], next_cursor: null }),
    count: async () => 1,
    get: async (id) => (id === kept.id ? { ...kept, body: Buffer.from(body) } : undefined),
    replayed: async (id, by) => void replayed.push(`${id} by ${by}`),
  };
  const made = consoleWorld(() => ({
    quarantine: Object.assign(Object.create(null), quarantine),
    queue: { sendAll: async (_, signals) => void sent.push(...signals) },
  }));
  made.tokens.set('quentin', tokenRecord('quentin', ['incidents:read', 'quarantine:read', 'quarantine:replay']));
  made.tokens.set('only-cart', tokenRecord('only-cart', ['*'], { services: ['cart'] }));
  return { ...made, sent, replayed };
}

const PAYLOAD = fixture('alertmanager/firing-critical-auto-rollback')[0]?.body ?? '';

describe('a quarantined input', () => {
  test('is replayed under the name of the person, who may do no more than over HTTP', async () => {
    const { post, get, sent, replayed } = worldWith(PAYLOAD);
    const replay = (token: string, path = '/console/inbox') => post(`${path}/actions/replay`, { id: 'q_1' }, { token });
    for (const token of ['vera', 'grace', 'only-cart'])
      expect([token, (await replay(token)).status]).toEqual([token, 403]);
    expect([sent, replayed]).toEqual([[], []]);
    const done = await replay('quentin');
    expect([done.status, textOf(await done.text())]).toEqual([200, expect.stringMatching(/Replayed: \d+ accepted/)]);
    expect(sent.length).toBeGreaterThan(0);
    // Without rollback:request, a rollback that the alert requests is at most suggested.
    for (const one of sent)
      expect(one).toMatchObject({ sender: 'token:quentin', reporter: 'ingest', requestsRollback: false });
    expect((await replay('ada', '/console/inbox/q_1')).status).toBe(200);
    expect(replayed).toEqual(['q_1 by quentin', 'q_1 by ada']);
    expect(textOf(await (await get('/console/inbox/q_1', { token: 'quentin' })).text())).toContain('"alerts": [');
  });

  test('that still cannot be parsed stays in quarantine, and the page says why', async () => {
    const { post, sent, replayed } = worldWith('{');
    const refused = await post('/console/inbox/actions/replay', { id: 'q_1' }, { token: 'ada' });
    expect([refused.status, /role="alert"/.test(await refused.text())]).toEqual([422, true]);
    expect((await post('/console/inbox/actions/replay', { id: 'q_9' }, { token: 'ada' })).status).toBe(404);
    expect([sent, replayed]).toEqual([[], []]);
  });

  test('is seen only by those who may read the quarantine everywhere', async () => {
    const { get } = worldWith(PAYLOAD);
    for (const token of ['vera', 'only-cart']) {
      expect(await (await get('/console/inbox', { token })).text()).not.toContain('id="quarantine"');
      expect([token, (await get('/console/inbox/q_1', { token })).status]).toEqual([token, 403]);
    }
    expect(await (await get('/console/inbox', { token: 'quentin' })).text()).toContain('id="quarantine"');
  });
});

describe('the review of alerts', () => {
  const config = Config.parse({
    ...emptyConfig,
    services: { checkout: { environments: { production: {} } }, cart: { environments: { production: {} } } },
  });

  /** Lets an alert fire and end several times, each time in an incident of its own, or in none. */
  async function fires(
    world: FakeWorld,
    times: number,
    more: Partial<Signal>,
    act?: (id: IncidentId) => Promise<void>,
  ) {
    for (let n = 0; n < times; n += 1) {
      const now = world.clock.now();
      const one = signal({ startsAt: now, ...more });
      const { opened } = await world.deps.incidents.admit([arrival(one)], { at: now, trace: 't' });
      world.clock.set(world.clock.millis + 60_000);
      const ended: Signal = { ...one, status: 'resolved', endsAt: world.clock.now() };
      await world.deps.incidents.admit([arrival(ended)], { at: world.clock.now(), trace: 't' });
      for (const id of opened) {
        await act?.(id);
        const { seq = 0 } = (await world.deps.incidents.read(id)) ?? {};
        await world.deps.incidents.resolve(id, seq, null, 'The alert has ended');
      }
      world.clock.set(world.clock.millis + 3600_000);
    }
  }

  const shown = async ({ get }: ReturnType<typeof consoleWorld>, token = 'vera') => {
    const text = textOf(await (await get('/console/inbox', { token })).text());
    return {
      unmatched: text.slice(text.indexOf('Alerts outside'), text.indexOf('Noisy alerts')),
      noisy: text.slice(text.indexOf('Noisy alerts'), text.indexOf('Alert rules')),
      rules: text.slice(text.indexOf('Alert rules')),
    };
  };

  test('names alerts that fire often without an action, in incidents and without', async () => {
    const made = consoleWorld();
    const { world } = made;
    world.config = config;
    const rule = (name: string) => ({ labels: [['alertname', name]] as [string, string][], fingerprint: name });
    await fires(world, 6, rule('DiskSlow'));
    await fires(world, 7, { ...rule('QueueLong'), severity: 'warning', requestsRollback: false });
    await fires(world, 4, rule('TooRare'));
    await fires(world, 6, {
      ...rule('Documented'),
      links: { runbook: 'https://wiki/x', dashboard: null, source: null },
    });
    await fires(world, 6, rule('Handled'), async (id) => {
      await world.deps.incidents.amend(id, () => ({
        handling: { stakeholder_update: { by: 'ada', at: world.clock.now() } },
      }));
    });
    await fires(world, 6, { ...rule('OfCart'), service: 'cart' as ServiceName });
    const { noisy, rules } = await shown(made);
    // Fired, paged, acted upon, ended by itself. No workflow runs here, so nothing pages.
    expect(rules).toMatch(/QueueLong checkout production 7007/);
    expect(rules).toMatch(/DiskSlow checkout production 6006/);
    expect(rules).toMatch(/TooRare checkout production 4004/);
    expect(rules).toMatch(/Handled checkout production 6060/);
    expect(noisy).toMatch(/QueueLong checkout production 7 timesnone0/);
    expect(noisy).toMatch(/DiskSlow checkout production 6 times60/);
    expect(noisy).toMatch(/OfCart cart/);
    expect(noisy).not.toMatch(/TooRare|Documented|Handled/);
    const limited = await shown(made, 'cora');
    expect(limited.noisy).toContain('OfCart');
    expect(limited.noisy).not.toMatch(/QueueLong|DiskSlow/);
    world.clock.set(world.clock.millis + 15 * 24 * 3600_000);
    expect((await shown(made)).noisy).toContain('No alert fired');
    expect((await shown(made)).rules).toContain('No alert fired in 14 days');
  });

  test('says what to change for alerts outside the catalogue', async () => {
    const made = consoleWorld();
    const { world } = made;
    world.config = config;
    const admit = (one: Signal) => world.deps.incidents.admit([arrival(one)], { at: world.clock.now(), trace: 't' });
    await admit(stranger('chekout', { fingerprint: 'a', labels: [['alertname', 'Down']] }));
    await admit(stranger('ledger', { fingerprint: 'b', severity: 'info', environment: 'staging' as EnvironmentName }));
    const { unmatched } = await shown(made);
    expect(unmatched).toMatch(/chekout production Down alertmanager ?once 1 firing.*INC-1If this is checkout/);
    expect(unmatched).toMatch(/ledger staging .*agoAdd the service ledger to services\.yaml/);
    expect((await shown(made, 'cora')).unmatched).toContain('Every alert of the last 14 days');
    world.clock.set(Date.parse(plusSeconds(world.clock.now(), 20 * 24 * 3600)));
    expect((await shown(made)).unmatched).toContain('Every alert of the last 14 days');
  });
});
