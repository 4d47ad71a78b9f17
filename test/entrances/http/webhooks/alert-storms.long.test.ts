import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { alert } from '../../../support/alerts.ts';
import { EACH_ALONE, Firebreak } from '../../../support/firebreak.ts';
import { fixture, forService, type Inbound, routed, seen } from '../../../support/fixtures.ts';
import { actingIn, Alerting, all, atHome, homeOf } from './alerting.ts';

/** Each test only waits for what it expects, but there are several waits, and the machine may be busy. */

const STORM = ['cart', 'checkout-api', 'gateway', 'identity', 'inventory', 'ledger', 'media', 'pricing', 'search'];

let firebreak: Firebreak;
const { deployed, incident, incidentsOf, paged, rollbacksOf, send, sendAlerts } = new Alerting(() => firebreak);
beforeAll(async () => {
  firebreak = await Firebreak.start({
    unshown: true,
    timeScale: 300, // a verification takes three seconds
    configFiles: EACH_ALONE,
    services: {
      left: actingIn(homeOf('left')),
      right: actingIn(homeOf('right')),
      ...all(
        [...STORM, 'shipping'].flatMap((name) => [`burst-${name}`, `group-${name}`]),
        null,
      ),
    },
  });
});
afterAll(() => firebreak.remove());

// In sequence: with several storms at once, the router would exceed its time limit on a busy machine.
describe('many alerts at once', () => {
  afterEach(() => firebreak.resolveAll());

  type Stormed = { labels: { service: string; severity: string; action: string } };

  /**
   * The services of a storm whose alerts page or request a rollback. Each has one incident, and one page if any alert
   * is critical.
   */
  const pagingIn = (requests: readonly Inbound[]): string[] => {
    const alerts = requests.flatMap(({ body }) => (JSON.parse(body) as { alerts: Stormed[] }).alerts);
    const paging = alerts.filter(({ labels }) => labels.severity === 'critical' || labels.action === 'auto-rollback');
    return [...new Set(paging.map(({ labels }) => labels.service))].toSorted();
  };

  const renamed = (requests: readonly Inbound[], prefix: string): Inbound[] =>
    requests.map((request) =>
      [...STORM, 'shipping'].reduce((as, name) => forService(as, name, `${prefix}${name}`), request),
    );

  test.each([
    ['in one group', 'group-', 'alertmanager/storm-50-one-group'],
    ['in fifty groups', 'burst-', 'alertmanager/storm-50-ungrouped'],
  ] as const)('fifty alerts %s open one incident for each service that pages', async (_, prefix, path) => {
    const requests = renamed(fixture(path), prefix);
    const answers = await Promise.all(requests.map(send));
    const made = await Promise.all(answers.map((answer) => routed(firebreak, answer)));
    const total = (count: 'opened' | 'joined' | 'recorded') => made.reduce((sum, one) => sum + one[count], 0);
    const services = pagingIn(requests);
    expect(total('opened')).toBe(services.length);
    expect(total('opened') + total('joined') + total('recorded')).toBe(50);
    for (const service of services) {
      const [one, ...more] = await incidentsOf(service);
      expect(more).toEqual([]);
      await paged(one);
    }
  });

  test('500 alerts of two services in one group create two incidents, two pages, and 500 signals', async () => {
    const problem = Date.now() - 60_000;
    const startsAt = new Date(problem).toISOString();
    const alerts = Array.from({ length: 500 }, (_, n) => {
      const service = n % 2 === 0 ? 'left' : 'right';
      return alert({ fingerprint: `many-${n}`, startsAt, labels: { ...atHome(service), instance: `10.0.0.${n}` } });
    });
    await Promise.all(['left', 'right'].map((service) => deployed(service, problem)));
    const answer = await sendAlerts(...alerts);
    expect(answer).toMatchObject({ status: 202, body: { accepted: 500, quarantined: 0, truncated: 0 } });
    expect(await routed(firebreak, answer)).toMatchObject({ opened: 2, joined: 498, recorded: 0, known: 0 });
    for (const service of ['left', 'right']) {
      const one = await incident(service, ({ status, signal_count }) => status === 'mitigated' && signal_count === 250);
      expect(await incidentsOf(service)).toHaveLength(1);
      expect(await paged(one)).toHaveLength(1);
      expect(await rollbacksOf(service)).toHaveLength(1);
      const fingerprints = new Set<string>();
      for (let path = '?limit=100'; path !== '';) {
        const { items, next_cursor } = (await firebreak.get(`/v1/incidents/${one.id}/signals${path}`)).body;
        for (const { fingerprint } of items) fingerprints.add(fingerprint);
        path = next_cursor === null ? '' : `?limit=100&cursor=${encodeURIComponent(next_cursor)}`;
      }
      expect(fingerprints.size).toBe(250);
    }
  });
});

// Last, because it uses up the limit for services outside the catalogue for an hour.
test('a flood of unknown services pages a few times, reports their number, and does not affect known services', async () => {
  const COUNT = 150;
  const unknown = Array.from({ length: COUNT }, (_, n) =>
    alert({ labels: { service: `unknown-${n}`, environment: `env-${n}` }, fingerprint: `flood-${n}` }),
  );
  const known = alert({ labels: { service: 'burst-shipping', environment: 'production' }, fingerprint: 'not-flood' });
  const before = (await incidentsOf('unmatched')).length;
  expect(await sendAlerts(...unknown, known)).toMatchObject({ status: 202, body: { accepted: COUNT + 1 } });

  const isOfFlood = ({ title }: { title: string }): boolean =>
    title.startsWith('unknown-') || title.endsWith('of services outside the catalogue');
  const ofFlood = await seen(async () => {
    const found = (await incidentsOf('unmatched')).filter(isOfFlood);
    const count = found.reduce((sum, { signal_count }) => sum + signal_count, 0);
    return count === COUNT && found;
  }, 'every alert counted');
  expect(ofFlood.length).toBeLessThanOrEqual(6);
  expect(ofFlood.length + before).toBeGreaterThanOrEqual(6);
  const shared = ofFlood.find(({ title }: { title: string }) => !title.startsWith('unknown-'));
  expect(shared).toMatchObject({
    title: `${shared.signal_count} alerts of services outside the catalogue`,
    environment: 'unknown',
    severity: 'critical',
    parent_id: null,
  });

  const [pageOfShared] = await paged(shared);
  expect(pageOfShared?.body.payload.summary).toMatch(
    /^INC-\d+ unknown service: \d+ alerts? of services outside the catalogue$/,
  );
  const shipping = await incident('burst-shipping', ({ status }) => status !== 'resolved');
  expect(shipping.parent_id).toBeNull();
  expect(await paged(shipping)).toHaveLength(1);
  for (const one of ofFlood) expect(await paged(one)).toHaveLength(1);
});
