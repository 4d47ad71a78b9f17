import { beforeEach, describe, expect, test } from 'vitest';
import { isAcknowledged } from '../../../../core/domain/paging/acknowledgement.ts';
import { pageKey } from '../../../../core/domain/paging/pages.ts';
import { acknowledge, takeRole } from '../../../../core/actions/incidents/acknowledge.ts';
import { escalate } from '../../../../core/actions/paging/escalate.ts';
import { acknowledgeAllPages } from '../../../../core/actions/paging/acknowledge-pages.ts';
import { acknowledgeGroups } from '../../../../core/actions/paging/acknowledge-group.ts';
import { Config } from '../../../../schemas/config/config.ts';
import type { IncidentId } from '../../../../schemas/config/names.ts';
import { fires } from '../../../workflows/play.ts';
import { type FakeWorld, idleEngine } from '../../../support/fake-deps.ts';
import { about, Receiver } from './webhooks.ts';

let receiver: Receiver;
let world: FakeWorld;
/** Two children that paged before they joined, one that did not page, and their parent. */
let cart: IncidentId;
let search: IncidentId;
let ledger: IncidentId;
let parent: IncidentId;

const groupReason = { because: 'many', name: '', text: 'three at once' } as const;
const bob = { name: 'person:bob', shown: 'Bob', allow: () => undefined };

const wait = (seconds: number) => world.clock.set(world.clock.millis + seconds * 1000);

beforeEach(async () => {
  receiver = new Receiver();
  ({ world } = receiver);
  world.engine = idleEngine();
  world.config = Config.parse({
    version: 'test',
    services: { cart: null, search: null, ledger: null },
    paging: {},
    people: { people: { ada: { name: 'Ada', pagerduty: 'PTUXL6G' } } },
  });
  [cart, search, ledger] = [await opened('cart'), await opened('search'), await opened('ledger')];
  for (const one of [cart, search]) await paged(one);
  wait(5);
});

async function opened(service: string): Promise<IncidentId> {
  await fires({ name: `${service} fails`, labels: { service, action: '' } })(world);
  return [...world.store.dossiers.keys()].at(-1) ?? expect.unreachable();
}

async function paged(id: IncidentId, number = 1): Promise<void> {
  const key = pageKey(id, number);
  const effect = { key, kind: 'page', target: 'pagerduty', class: 'keyed', detail: '' } as const;
  await world.deps.effects.intend(id, effect, { page: number });
  await world.deps.effects.conclude(id, key, 'succeeded', 'paged');
}

async function joined(): Promise<void> {
  parent = await world.deps.incidentGroups.openParent('production', groupReason, 'three at once', 'trace');
  for (const one of [cart, search, ledger]) await world.deps.incidentGroups.join(parent, one);
  await paged(parent);
  wait(60);
}

/** Acknowledges a page as Ada. */
const acknowledgedAtPagerDuty = (id: IncidentId) =>
  receiver.happens(
    about('webhook-incident-acknowledged', { key: pageKey(id, 1), event: { occurred_at: world.clock.now() } }),
  );

const read = async (id: IncidentId) => (await world.deps.incidents.read(id)) ?? expect.unreachable();
const acknowledgedBy = async (id: IncidentId) => {
  const incident = await read(id);
  return isAcknowledged(incident) && incident.pages > 0 ? incident.handling?.acknowledged?.by : undefined;
};
const silenced = () =>
  world.calls.flatMap((call) => /^pager acknowledge page.1 critical for (.*)$/.exec(call)?.[1] ?? []).toSorted();
async function sweeps(): Promise<void> {
  await acknowledgeGroups(world.deps, await world.deps.incidents.open());
  await acknowledgeAllPages(world.deps, await world.deps.incidents.open());
}

describe('an incident group', () => {
  test("acknowledging a child's page at PagerDuty acknowledges the parent and gives command of it", async () => {
    await joined();
    await acknowledgedAtPagerDuty(cart);
    expect(await acknowledgedBy(parent)).toBe('ada');
    expect((await read(parent)).roles?.commander).toMatchObject({ name: 'ada' });
    expect(world.store.dossier(parent).timeline.map(({ text }) => text)).toEqual(
      expect.arrayContaining(['Acknowledged the child incident of cart production']),
    );
    // PagerDuty already knows the acknowledgement of the cart's page.
    expect(silenced()).toEqual(['search', 'several-services']);
    expect(await acknowledgedBy(search)).toBe('ada');
    await sweeps();
    expect(silenced()).toEqual(['search', 'several-services']);
  });

  test("acknowledging the parent's page at PagerDuty acknowledges its children's pages", async () => {
    await joined();
    await acknowledgedAtPagerDuty(parent);
    expect(silenced()).toEqual(['cart', 'search']);
    expect([await acknowledgedBy(cart), await acknowledgedBy(search), await acknowledgedBy(ledger)]).toEqual([
      'ada',
      'ada',
      undefined,
    ]);
  });

  test.each([
    ['acknowledging the parent', () => acknowledge(world.deps, bob, { id: parent })],
    ['taking command of the parent', () => takeRole(world.deps, bob, { id: parent, role: 'commander' })],
  ])('%s in Firebreak acknowledges all of its pages once', async (_, act) => {
    await joined();
    await act();
    await act();
    await sweeps();
    expect(silenced()).toEqual(['cart', 'search', 'several-services']);
  });

  test('acknowledging a child in Firebreak acknowledges the parent', async () => {
    await joined();
    await acknowledge(world.deps, bob, { id: ledger });
    expect(await acknowledgedBy(parent)).toBe('person:bob');
    expect(silenced()).toEqual(['cart', 'search', 'several-services']);
  });

  test('an acknowledgement before a child joined does not cover later pages', async () => {
    await acknowledgedAtPagerDuty(cart);
    wait(5);
    await joined();
    await sweeps();
    expect(await acknowledgedBy(parent)).toBeUndefined();
    expect(silenced()).toEqual([]);
  });

  test('a page after the acknowledgement needs its own acknowledgement', async () => {
    await joined();
    await acknowledgedAtPagerDuty(cart);
    wait(60);
    await paged(parent, 2);
    await sweeps();
    expect(await acknowledgedBy(parent)).toBeUndefined();
  });

  test('an earlier acknowledgement does not cover a page that the pager triggered again', async () => {
    await joined();
    await acknowledgedAtPagerDuty(cart);
    wait(60);
    const event = { event_type: 'incident.unacknowledged', id: 'EV2', occurred_at: world.clock.now() };
    await receiver.happens(about('webhook-incident-acknowledged', { key: pageKey(parent, 1), event }));
    await sweeps();
    expect(await acknowledgedBy(parent)).toBeUndefined();
  });

  test('an acknowledgement of a child by other means is propagated within a minute', async () => {
    await joined();
    const said = { acknowledged: { by: 'ada', at: world.clock.now(), page: 1 } };
    await world.deps.incidents.amend(search, () => ({ handling: said }));
    wait(30);
    await sweeps();
    expect([await acknowledgedBy(parent), await acknowledgedBy(cart)]).toEqual(['ada', 'ada']);
    expect(silenced()).toEqual(['cart', 'search', 'several-services']);
  });

  test('a failed acknowledgement is retried', async () => {
    await joined();
    world.pages = [{ kind: 'later', detail: 'answered 503', afterSeconds: null }];
    await acknowledgedAtPagerDuty(parent);
    world.pages = [{ kind: 'taken', detail: 'accepted' }];
    await sweeps();
    expect(new Set(silenced())).toEqual(new Set(['cart', 'search']));
    expect(world.store.dossier(cart).effects.get(`${pageKey(cart, 1)}.acknowledge`)).toMatchObject({
      state: 'succeeded',
    });
  });

  test("without webhooks, the children's pages are also checked at PagerDuty", async () => {
    world.config = Config.parse({
      version: 'test',
      services: { cart: null, search: null, ledger: null },
      paging: {},
      response: { escalation: { afterMinutes: 10 } },
    });
    await joined();
    const at = world.clock.now();
    const asked: string[] = [];
    const rings = { id: 'Q1', url: null, title: '', assignedTo: [], createdAt: at, resolvedBy: null } as const;
    const taken = {
      ...rings,
      status: 'acknowledged',
      acknowledgedBy: ['Ada'],
      acknowledged: { by: { id: 'PTUXL6G', name: 'Ada' }, at },
    } as const;
    const looks: typeof world.deps.externalPager.paged = async (key) => {
      asked.push(key);
      const value = key === pageKey(search, 1) ? taken : null;
      return {
        kind: 'done',
        value: value ?? { ...rings, status: 'triggered', acknowledgedBy: [], acknowledged: null },
      };
    };
    const deps = { ...world.deps, externalPager: Object.assign({}, world.deps.externalPager, { paged: looks }) };
    wait(600);
    expect(await escalate(deps, parent)).toBe(false);
    expect(asked).toEqual([parent, cart, search].map((one) => pageKey(one, 1)));
    expect(await acknowledgedBy(parent)).toBe('pagerduty:PTUXL6G');
    expect(silenced()).toEqual(['cart', 'several-services']);
  });

  test('a former child is not affected', async () => {
    await joined();
    await world.deps.incidentGroups.detach(parent, cart, { page: false, text: '' });
    await acknowledgedAtPagerDuty(cart);
    expect(await acknowledgedBy(parent)).toBeUndefined();
    await acknowledgedAtPagerDuty(parent);
    expect(silenced()).toEqual(['search']);
  });
});
