import { IncidentDetails } from '../../schemas/incidents/incident-details.ts';
import { incidentDetails } from '../../core/domain/messages/incident-details.ts';
import { describe, expect, test } from 'vitest';
import { alertReview } from '../../core/actions/reports/alert-review.ts';
import { keys } from '../../core/stores/keys.ts';
import { remove } from '../../platforms/store.ts';
import { incidentUrl } from '../../core/domain/incidents/console-link.ts';
import { summaryCard } from '../../core/domain/messages/incident-card.ts';
import { incidentName } from '../../core/domain/incidents/incident-number.ts';
import { incidentLines } from '../../core/domain/messages/incident-lines.ts';
import { incidentText } from '../../entrances/cli/commands/incidents/incident.ts';
import { Config } from '../../schemas/config/config.ts';
import { secondsBetween, type Timestamp } from '../../schemas/time/time.ts';
import { leaveGroup } from '../../workflows/steps/incident-group.ts';
import type { FakeWorld } from '../support/fake-deps.ts';
import type { IncidentRecord } from '../../schemas/incidents/incident.ts';
import type { ChangeId, EnvironmentName, IncidentId, ServiceName } from '../../schemas/config/names.ts';
import type { Message } from '../../schemas/incidents/inbox.ts';
import type { PageRequest } from '../../core/domain/ports/paging.ts';
import { DAY_IN_AN_HOUR } from './stories/closings.ts';
import { settleChildren } from '../../workflows/steps/settle-children.ts';
import type { Run } from '../../workflows/run.ts';
import { resolvePages } from '../../workflows/steps/page.ts';
import { wake } from '../../workflows/wake.ts';
import { secondFailurePaths } from './stories/second-failures.ts';
import {
  alarm,
  cartDependsOn,
  cartDependsOnCheckout,
  groupPaths,
  parentIn,
  saysThatAllIsOver,
  wakesTheParent,
} from './stories/groups.ts';
import {
  acting,
  all,
  answersWhatWaits,
  deploys,
  ends,
  fires,
  type Moment,
  play,
  samplesOf,
  type Story,
} from './play.ts';

/** Returns the incidents of a story by service, at its end. */
async function incidentsOf(name: string) {
  const path = groupPaths[name];
  if (path === undefined) throw new Error(`there is no story ${name}`);
  const { world } = await play(path);
  const dossiers = [...world.store.dossiers.values()];
  return (service: string) => {
    const found = dossiers.filter(({ record }) => record.service === service);
    const [only] = found;
    if (only === undefined || found.length > 1) throw new Error(`${found.length} incidents of ${service}`);
    const { record, decisions, effects, timeline } = only;
    return { record, decisions, effects: [...effects.values()], told: timeline.map(({ kind }) => kind) };
  };
}

const NOON = '2026-11-20T12:00:00.000Z' as Timestamp;

/** Adds what the pager is asked to send for the parent. */
const recordsParentPages =
  (pages: PageRequest[]): Moment =>
  ({ deps: { pager } }) => {
    const send = pager.send.bind(pager);
    pager.send = async (request) => {
      if (request.action === 'trigger' && request.service === 'several-services') pages.push(structuredClone(request));
      return send(request);
    };
  };

/** Minutes after noon, rounded down. */
const closedAfter = (at: Timestamp | null): number | null =>
  at === null ? null : Math.floor(secondsBetween(NOON, at) / 60);

describe('an open incident with a new problem', () => {
  const { given = [] } = secondFailurePaths['second-failure-has-no-change-and-ends-by-itself'] ?? expect.unreachable();
  const again = { began: 20 };
  const dependsOn: Moment = (world) => {
    const { services } = acting({ health: { promql: 'job:checkout:error_ratio', max: 0.01 } });
    const checkout = { ...Object.values(services)[0], dependsOn: ['ledger'] };
    world.config = Config.parse({ version: 'test', services: { checkout, ledger: null }, paging: {} });
  };

  test.each<[string, Story['timeline']]>([
    ['before', { '365 s': fires(alarm('ledger')), '370 s': fires(again) }],
    ['after', { '370 s': fires(again), '385 s': fires(alarm('ledger')) }],
  ])('is part of the outage of a dependency that fails shortly %s', async (_, failing) => {
    const over = all(ends(again), ends(alarm('ledger')));
    const { world } = await play({
      given: [...given, dependsOn],
      timeline: { '0 s': fires(), '180 s': ends(), ...failing, '10 min': over },
    });
    const { id } = parentIn(world);
    const [checkout, ledger] = ['checkout', 'ledger'].map((service) => recordsOf(world, service)[0]);
    expect([checkout?.parent_id, ledger?.parent_id]).toEqual([id, id]);
    const { timeline } = world.store.dossier(checkout?.id ?? MISSING);
    expect(timeline.flatMap(({ kind, text }) => (kind === 'dependency.fails' ? [text] : []))).toEqual([
      `ledger, on which checkout depends, fails as well: incident ${incidentName(ledger ?? expect.unreachable())}`,
    ]);
  });
});

describe('many incidents at once', () => {
  test('become children of one parent, which closes after its last child', async () => {
    const of = await incidentsOf('parent-pages-for-simultaneous-incidents');
    const parent = of('several-services');
    const parts = ['cart', 'search', 'ledger', 'checkout'].map(of);
    expect(parts.map(({ record }) => record.parent_id)).toEqual(parts.map(() => parent.record.id));
    expect(parts.map(({ record }) => closedAfter(record.resolved_at))).toEqual([10, 14, 10, 12]);
    expect(closedAfter(parent.record.resolved_at)).toBe(14);
    expect(parent.record).toMatchObject({
      status: 'resolved',
      title: 'failures of several services, among them cart, ledger and search',
      signal_count: 4,
      firing: 0,
      mitigations: 0,
    });
    expect(parent.told.filter((kind) => kind === 'alerts.joined')).toHaveLength(4);
  });

  test('page once: later children send no page of their own', async () => {
    const of = await incidentsOf('parent-pages-for-simultaneous-incidents');
    const paged = ['cart', 'search', 'several-services', 'ledger', 'checkout'].map((service) =>
      of(service).effects.flatMap(({ kind, state }) => (kind === 'page' ? [state] : [])),
    );
    expect(paged).toEqual([['succeeded'], ['succeeded'], ['succeeded'], [], []]);
  });

  test('page again on the page of their parent', async () => {
    const path = groupPaths['parent-pages-for-simultaneous-incidents'] ?? NOTHING;
    const pages: PageRequest[] = [];
    const pageForCart: Moment = async (world) => {
      const [{ record: cart } = expect.unreachable()] = [...world.store.dossiers.values()];
      await world.deps.incidents.post(cart.id, { kind: 'page', by: 'person:ada', note: '' }, {}, 'request');
      await wake(world.deps, cart.id);
    };
    await play({
      given: [...(path.given ?? []), recordsParentPages(pages)],
      timeline: { ...path.timeline, '60 s': all(path.timeline['60 s'] ?? nothing, pageForCart) },
    });
    expect(pages.map(({ summary }) => summary)).toContainEqual(
      expect.stringMatching(/\. Page 2: A child incident pages again for cart$/),
    );
  });

  test.each([
    ['page once also if the other incidents can be read only at the third attempt', 2, []],
    ['page alone if the other incidents cannot be read', Infinity, ['succeeded']],
  ])('%s', async (_, failures, paged) => {
    const path = groupPaths['parent-pages-for-simultaneous-incidents'];
    if (path === undefined) throw new Error('there is no such story');
    const dossierOf = (world: FakeWorld, service: string) =>
      [...world.store.dossiers.values()].find(({ record }) => record.service === service);
    let left = failures;
    const failing: Moment = (world) =>
      world.on('incidentGroups.newestOpenings', {
        before: () => {
          if (dossierOf(world, 'ledger') === undefined || left <= 0) return;
          left -= 1;
          throw new Error('the table did not answer');
        },
      });
    const { world } = await play({ ...path, given: [...(path.given ?? []), failing] });
    const effects = [...(dossierOf(world, 'ledger')?.effects.values() ?? [])];
    expect(effects.flatMap(({ kind, state }) => (kind === 'page' ? [state] : []))).toEqual(paged);
  });

  test('require approval before a rollback of one of them', async () => {
    const of = await incidentsOf('child-incident-asks-before-a-rollback');
    expect(of('checkout').decisions.get(1)?.view).toMatchObject({
      kind: 'approve',
      because: 'one_of_many',
      state: 'approved',
      answered_by: 'person:ada',
    });
    expect(of('several-services').decisions.size).toBe(0);
  });

  test('count for a later problem of an older incident, too', async () => {
    const { world } = await play({
      given: groupPaths['child-incident-asks-before-a-rollback']?.given ?? [],
      timeline: {
        '0 s': fires(),
        '180 s': ends(),
        '5 min': deploys('v3', 0),
        '6 min': all(...['cart', 'search', 'ledger'].map((service) => fires(alarm(service)))),
        '6.5 min': fires({ began: 20 }),
        '30 min': all(ends({ began: 20 }), ...['cart', 'search', 'ledger'].map((service) => ends(alarm(service)))),
      },
    });
    const { decisions } = [...world.store.dossiers.values()].find(({ record }) => record.service === 'checkout') ?? {};
    const judged = [1, 2].map((number) => decisions?.get(number)?.inputs);
    expect(judged).toMatchObject([{ one_of_many: false }, { one_of_many: true }]);
  });

  test('show the question that a page is about on the page of their parent', async () => {
    const path = groupPaths['child-incident-asks-before-a-rollback'] ?? NOTHING;
    const { '4 min': _answered, ...unanswered } = path.timeline;
    const pages: PageRequest[] = [];
    await play({
      given: [...(path.given ?? []), recordsParentPages(pages)],
      timeline: { ...unanswered, '20 min': nothing, '2 h': path.timeline['20 min'] ?? nothing },
    });
    const aboutQuestion = pages.filter(({ summary }) => summary.includes('Checkout: Question 1'));
    expect(aboutQuestion.map(({ summary }) => summary)).toEqual([
      expect.stringMatching(/\. Page 2: Checkout: Question 1 expires at /),
    ]);
    expect(aboutQuestion.map(({ details }) => details)).toMatchObject([
      {
        next_step: expect.stringMatching(/^Roll checkout in production back from v2 to v1\? Approve or reject by /),
        why_not_automatic: expect.stringMatching(/^Asks because /),
        answer: expect.stringMatching(/^Question 1: firebreak incident approve /),
      },
    ]);
  });

  test('show the decisions of ten members on the page of their parent, so that a storm delays no page', async () => {
    const names = Array.from({ length: 14 }, (_, n) => `service-${n + 1}`);
    const production = (name: string) => ({
      deployer: { kind: 'http', url: `http://cd.test/${name}` },
      autoRollback: { mode: 'approve', evidence: 'time', unknownMigration: 'act' },
    });
    const given: Moment[] = [
      (world) => {
        const services = Object.fromEntries(
          names.map((name) => [name, { environments: { production: production(name) } }]),
        );
        world.config = Config.parse({
          version: 'test',
          services,
          paging: {},
          routes: { manyAtOnce: { incidents: 3 } },
        });
        world.deps.publicUrl = 'https://firebreak.example.com';
      },
      ...names.flatMap((service) => [deploys('v1', 240, { service }), deploys('v2', 8, { service })]),
    ];
    const failing = names.map((service) => fires({ name: `${service} fails`, labels: { service } }));
    const over = names.map((service) => ends({ name: `${service} fails`, labels: { service } }));
    const shown: { card: string; details: ReturnType<typeof incidentDetails> }[] = [];
    const looks: Moment = async (played) => {
      const story = await played.deps.incidents.overview(parentIn(played).id);
      if (story !== undefined)
        shown.push({ card: JSON.stringify(summaryCard(story)), details: incidentDetails(story) });
    };
    const rejects: Moment = async ({ deps, store }) => {
      const first = [...store.dossiers.values()].find(({ record }) => record.service === 'service-1');
      const digest = first?.decisions.get(1)?.view.digest ?? '';
      const incident = first?.record.id ?? MISSING;
      await deps.decisions.answer(incident, digest, 'rejected', 'person:ada', '');
      await wake(deps, incident);
    };
    const { world } = await play({
      given,
      timeline: { '0 s': all(...failing), '20 s': looks, '30 s': rejects, '40 s': looks, '20 min': all(...over) },
    });
    const parent = parentIn(world);
    const { id } = parent;
    const of = (service: string) => recordsOf(world, service)[0] ?? expect.unreachable();
    expect(shown.map(({ details }) => details.answer_in)).toEqual(
      ['service-1', 'service-2'].map((service) => incidentName(of(service))),
    );
    expect(shown[0]?.details.members.filter(({ asks }) => asks)).not.toHaveLength(0);
    expect(shown[1]?.details.members.find(({ service }) => service === 'service-1')?.asks).toBe(false);
    for (const [index, service] of ['service-1', 'service-2'].entries()) {
      expect(shown[index]?.card).toContain(`Roll ${service} in production back from v2 to v1?`);
      expect(shown[index]?.card).toContain(`"verb":"approve","incident":"${of(service).id}"`);
      expect(shown[index]?.card).toContain('needs approval');
      expect(shown[index]?.card).toContain('one deploy is unlikely to cause so many failures');
      expect(shown[index]?.details.next_step.join(' ')).toContain('one deploy is unlikely to cause so many failures');
    }
    expect(names.map((service) => recordsOf(world, service)[0]?.parent_id)).toEqual(names.map(() => id));
    const updates = world.pageUpdates.filter(({ key }) => key === `${id}.page.1`);
    const asking = updates.flatMap(({ summary }) => /(service-\d+): Roll/.exec(summary)?.[1] ?? []);
    expect(new Set(asking).size).toBe(10);
    expect(asking).toHaveLength(11); // the update of the group itself shows its first question
    for (const { summary, links } of updates) {
      const member = recordsOf(world, /(service-\d+): /.exec(summary)?.[1] ?? '')[0];
      const console = { href: incidentUrl(world.deps.publicUrl, member ?? parent), text: 'Firebreak console' };
      expect(links).toContainEqual(console);
    }
  });

  describe('with a version that alone fails', () => {
    /** Two services are being deployed, on which cart and search depend. */
    const given: Moment[] = [
      (world) => {
        const health = (name: string) => ({
          promql: `errors of ${name}`,
          max: 0.01,
          byVersion: `${name} by (version)`,
        });
        const own = (name: string) => ({
          environments: {
            production: {
              deployer: { kind: 'http', url: `http://cd.test/${name}` },
              autoRollback: { mode: 'act', unknownMigration: 'act' },
              health: health(name),
            },
          },
        });
        const caller = { dependsOn: ['checkout', 'ledger'] };
        world.config = Config.parse({
          version: 'test',
          services: { checkout: own('checkout'), ledger: own('ledger'), cart: caller, search: caller },
          paging: {},
          routes: { manyAtOnce: { incidents: 2, sharedDependency: 'off' } },
        });
        const { metrics } = world.deps;
        metrics.range = async (_promql, from, until) => samplesOf(from, until, (at) => (at < NOON ? 0.001 : 0.2));
        metrics.rangeByLabel = async (_promql, _label, from, until) => [
          { label: 'v2', curve: samplesOf(from, until, () => 0.001) },
          { label: 'v3', curve: samplesOf(from, until, (at) => (at < NOON ? 0.001 : 0.4)) },
        ];
      },
      deploys('v1', 240, { service: 'ledger' }),
      deploys('v2', 8, { service: 'ledger' }),
      ...['checkout', 'ledger'].map((service) =>
        deploys('v3', 4, { service, status: 'started', finished_at: null, canary_weight: 0.5 }),
      ),
    ];
    const decided = (world: FakeWorld, service: string) =>
      [...world.store.dossiers.values()]
        .filter(({ record }) => record.service === service)
        .flatMap(({ decisions }) => [...decisions.values()].map(({ view }) => `${view.kind} ${view.because ?? ''}`));
    const rollbacks = ({ calls }: FakeWorld): string[] => calls.filter((call) => call.startsWith('cd '));
    const callers = all(fires(alarm('cart')), fires(alarm('search')));
    const over = all(ends(alarm('cart')), ends(alarm('search')), ends());

    test('act on it, once the alerts of other services have had time to arrive', async () => {
      const seconds: number[] = [];
      const watching: Moment = (world) => {
        world.watch = (call) => void (call.startsWith('cd ') && seconds.push(secondsBetween(NOON, world.clock.now())));
      };
      const { world } = await play({
        given: [...given, watching],
        timeline: { '0 s': callers, '20 s': fires(), '20 min': over },
      });
      expect(seconds).toEqual([30]);
      expect(recordsOf(world, 'checkout')[0]?.parent_id).toBe(parentIn(world).id);
      expect(decided(world, 'checkout')).toEqual(['roll_back suspect']);
      expect(rollbacks(world)).toEqual(['cd roll-back.1 v3 to v1']);
    });

    test('ask about a second one', async () => {
      const ofLedger = { name: 'ledger fails', labels: { service: 'ledger' } };
      const { world } = await play({
        given,
        timeline: { '0 s': callers, '20 s': fires(), '50 s': fires(ofLedger), '20 min': all(over, ends(ofLedger)) },
      });
      expect(rollbacks(world)).toEqual(['cd roll-back.1 v3 to v1']);
      expect(decided(world, 'ledger')).toEqual(['approve group_rolled_back']);
    });
  });

  test('form no group if one opens much later', async () => {
    const of = await incidentsOf('later-failure-stays-separate');
    expect(of('checkout').record.parent_id).toBeUndefined();
    expect(of('several-services').record.signal_count).toBe(3);
  });
});

describe('a dependency and its caller', () => {
  const given = [cartDependsOnCheckout];
  const pages = ({ calls }: FakeWorld): string[] => calls.filter((call) => call.startsWith('pager '));
  const cart = alarm('cart');
  const over = { '20 min': all(ends(cart), ends()) };

  test('are one outage: one page, which stays open until the group ends, and the dependency keeps its mode', async () => {
    const path = groupPaths['dependency-and-caller-are-one-outage'] ?? NOTHING;
    const { world } = await play({ ...path, timeline: { ...path.timeline, '10 min': seen } });
    const [checkout] = recordsOf(world, 'checkout');
    expect(parentIn(world)).toMatchObject({
      title: 'failures of checkout and of services that depend on it',
      group_reason: { because: 'shared_dependency', name: 'checkout' },
    });
    expect(checkout?.parent_id).toBe(parentIn(world).id);
    expect(statuses).toEqual({ cart: 'resolved', checkout: 'mitigated', 'several-services': 'open' });
    expect(resolvedThen).toEqual([]);
    expect(world.store.dossier(checkout?.id ?? MISSING).decisions.get(1)?.view).toMatchObject({ kind: 'roll_back' });
    const page = world.store.dossier(parentIn(world).id).effects.get(`${parentIn(world).id}.page.1`);
    const of = { incident_id: recordsOf(world, 'cart')[0]?.id, number: 1 };
    const detail = expect.stringMatching(/^Not paged again, because page 1 of incident INC-1 /);
    expect(page).toMatchObject({ state: 'succeeded', taken_over: of, detail });
    const sent = [...recordsOf(world, 'cart'), ...recordsOf(world, 'checkout'), parentIn(world)];
    expect(sent.map(({ paged = 0 }) => paged)).toEqual([1, 0, 0]);
  });

  test('resolve the page that stands for the group once, if both end at the same moment', async () => {
    const path = groupPaths['dependency-and-caller-are-one-outage'] ?? NOTHING;
    const { world } = await play(path);
    const [cartIncident] = recordsOf(world, 'cart');
    if (cartIncident === undefined) return expect.unreachable();
    const resolved = (): string[] => pages(world).filter((call) => call.includes(' resolve '));
    expect(resolved()).toHaveLength(1);

    const { pager } = world.deps;
    for (const order of [
      [cartIncident.id, parentIn(world).id],
      [parentIn(world).id, cartIncident.id],
    ]) {
      await world.store.write([remove(keys.effect(cartIncident.id, `${cartIncident.id}.page.1.resolve`))]);
      const before = resolved().length;
      // The pager answers once each of the two has called it or has ended.
      const both = Promise.withResolvers<void>();
      let left = order.length;
      const arrives = (): void => {
        left -= 1;
        if (left === 0) both.resolve();
      };
      const slow: typeof pager = {
        ...pager,
        async send(request) {
          arrives();
          await both.promise;
          return pager.send(request);
        },
      };
      const endPages = async (id: IncidentId): Promise<void> => {
        const run = { step: (_: string, work: () => Promise<unknown>) => work(), wait: () => Promise.resolve() };
        await resolvePages(
          run as unknown as Run,
          { incidentId: id, pages: 1, last: true },
          { ...world.deps, pager: slow },
        );
        arrives();
      };
      await Promise.all(order.map(endPages));
      expect(resolved().length - before).toBe(1);
    }
  });
  let statuses: Record<string, string> = {};
  let resolvedThen: string[] = [];
  const seen: Moment = ({ store, calls }) => {
    statuses = Object.fromEntries([...store.dossiers.values()].map(({ record }) => [record.service, record.status]));
    resolvedThen = calls.filter((call) => call.includes('resolve'));
  };

  test('that fail at the same moment are paged once, by their parent', async () => {
    const { world } = await play({ given, timeline: { '0 s': all(fires(cart), fires()), ...over } });
    expect(pages(world)).toEqual([
      'pager trigger page.1 critical for several-services',
      'pager resolve page.1 critical for several-services',
    ]);
  });

  describe('of which one was resolved with its page, and is reopened by the outage', () => {
    const returns = fires({ ...cart, began: 5 });
    const dependency = alarm('checkout');
    const first = ['pager trigger page.1 critical for cart', 'pager resolve page.1 critical for cart'];
    const paged = (world: FakeWorld): string[] => {
      const serviceOf = (id: string) => world.store.dossier(id as IncidentId).record.service;
      return world.pageUpdates.map(
        ({ key }) => `${serviceOf(key.slice(0, key.indexOf('.')))}${key.slice(key.indexOf('.'))}`,
      );
    };
    const playing = async (timeline: Story['timeline']): Promise<FakeWorld> => {
      const end = { '20 min': all(ends(cart), ends(dependency)) };
      const start = { '0 s': fires(cart), '60 s': ends(cart) };
      return (await play({ given, timeline: { ...start, ...timeline, ...end } })).world;
    };

    test.each([
      [
        'both at once',
        { '3 min': all(fires(dependency), returns) },
        'page.1 critical for several-services',
        'several-services.page.1',
      ],
      [
        'after the page of the dependency, which stands for the group',
        { '3 min': fires(dependency), '190 s': returns },
        'page.1 critical',
        'checkout.page.1',
      ],
      [
        'before the dependency: its new page stands for the group',
        { '3 min': returns, '190 s': fires(dependency) },
        'page.2 critical for cart',
        'cart.page.2',
      ],
    ])('are paged once, on a page that is resolved with the group: %s', async (_, timeline, page, updated) => {
      const world = await playing(timeline);
      expect(parentIn(world)).toMatchObject({ status: 'resolved', pages: 1 });
      expect(pages(world)).toEqual([...first, `pager trigger ${page}`, `pager resolve ${page}`]);
      expect(paged(world)).toEqual([
        'cart.page.1',
        ...paged(world)
          .slice(1)
          .map(() => updated),
      ]);
      expect(paged(world).length).toBeGreaterThan(1);
      // The member only waits for its quiet time.
      const well = 'the problem of cart is over, and the incident of checkout is resolved';
      expect(world.pageUpdates.at(-1)?.summary).toBe(
        `INC-3 several-services production: ${well}. Watch cart in production: ${well}.`,
      );
    });

    test('are paged on a page of the group also if a person has resolved that of the member at the pager', async () => {
      const dismisses: Moment = async ({ deps, clock, store }) => {
        const [{ record } = expect.unreachable()] = [...store.dossiers.values()];
        await deps.incidents.amend(record.id, () => ({ handling: { dismissed: { page: 1, at: clock.now() } } }));
      };
      const { world } = await play({
        given,
        timeline: {
          '0 s': fires(cart),
          '60 s': dismisses,
          '3 min': fires(dependency),
          '20 min': all(ends(cart), ends(dependency)),
        },
      });
      expect(pages(world).filter((call) => call.includes('trigger'))).toEqual([
        'pager trigger page.1 critical for cart',
        'pager trigger page.1 critical for several-services',
      ]);
    });
  });

  test('show the decision on the page that stands for the group, and on that of the parent', async () => {
    const asks: Moment = (world) => {
      const { services } = acting({ autoRollback: { mode: 'approve', evidence: 'time', unknownMigration: 'act' } });
      world.config = { ...world.config, services: { ...world.config.services, ...services } };
    };
    const shownOn = async (timeline: Story['timeline'], owner: (world: FakeWorld) => string | undefined) => {
      const { world } = await play({ given: [...given, asks], timeline: { ...timeline, ...over } });
      return world.pageUpdates
        .filter(({ key }) => key === `${owner(world)}.page.1`)
        .map(({ summary, details }) => [summary, details?.['answer']]);
    };
    const question = [
      expect.stringMatching(/\. checkout: Roll checkout in production back from v2 to v1\? /),
      expect.stringMatching(/^Question 1: firebreak incident approve /),
    ];
    const taken = { '0 s': fires(cart), '20 s': fires() };
    expect(await shownOn(taken, (world) => recordsOf(world, 'cart')[0]?.id)).toContainEqual(question);
    const together = { '0 s': all(fires(cart), fires()) };
    expect(await shownOn(together, (world) => parentIn(world).id)).toContainEqual(question);
  });

  test('show the group on a page that it took over, and what still fails once the dependency is well', async () => {
    const { world } = await play({
      given,
      timeline: { '0 s': fires(), '10 s': fires(cart), '4 min': ends(), '20 min': ends(cart) },
    });
    const [checkout] = recordsOf(world, 'checkout');
    const number = parentIn(world).number;
    const ofPage = world.pageUpdates.filter(({ key }) => key === `${checkout?.id}.page.1`);
    const shown = ofPage.map(({ summary, details }) => ({ summary, problem: details?.['problem'] }));
    const text = 'checkout failed, and so did cart, which depends on it';
    expect(shown).toContainEqual({
      summary: expect.stringMatching(`^INC-${number} several-services production: ${text}\\. `),
      problem: [
        text,
        'cart production: cart fails of checkout (open)',
        'checkout production: HighErrorRatio of checkout (mitigated, not verified yet)',
      ],
    });
    const left = 'cart still fails, although the incident of checkout is resolved';
    expect(shown.at(-1)).toEqual({
      summary: `INC-${number} several-services production: ${left}. Look at cart in production first: ${left}.`,
      problem: [
        left,
        'cart production: cart fails of checkout (open)',
        'checkout production: HighErrorRatio of checkout (resolved)',
      ],
    });
    expect(pages(world)).toEqual(['pager trigger page.1 critical', 'pager resolve page.1 critical']);
  });

  test.each<Message>([
    { kind: 'recovered', number: 1 },
    { kind: 'mitigation', number: 1, outcome: 'succeeded', page: 'no' },
    { kind: 'runbook', number: 1, acted: true, page: 'no' },
    { kind: 'redeployed', change: `chg_${'0'.repeat(26)}` as ChangeId, number: 1 },
  ])(
    'show on the page at once which of them still fail, also while one is open whose problem is over: %j',
    async (says) => {
      const search = { name: 'search fails', labels: { service: 'search', action: '' } };
      const calls: Moment = (world) => {
        const { services } = Config.parse({
          version: 'test',
          services: { checkout: null, search: { dependsOn: ['checkout'], environments: { production: null } } },
          paging: {},
        });
        world.config = { ...world.config, services: { ...services, ...world.config.services } };
      };
      const shown: (string | undefined)[] = [];
      const recovers: Moment = async (world) => {
        const [{ id } = expect.unreachable()] = recordsOf(world, 'search');
        const at = world.clock.now();
        shown.push(world.pageUpdates.at(-1)?.summary);
        const change = {
          status: 'mitigated',
          verification: 'pending',
          verifying: { number: 1, at, ...('change' in says && { change: says.change }) },
          recoveredAt: at,
        } as const;
        await world.deps.incidents.post(id, says, change, 'recovered-1');
        await wake(world.deps, id);
      };
      const looks: Moment = ({ pageUpdates }) => void shown.push(pageUpdates.at(-1)?.summary, `${pageUpdates.length}`);
      const { world } = await play({
        given: [...given, calls],
        timeline: {
          '0 s': fires(),
          '10 s': fires(cart),
          '20 s': fires(search),
          '4 min': ends(),
          '17 min': recovers,
          '1021 s': looks,
          '40 min': looks,
          '41 min': all(ends(cart), ends(search), saysThatAllIsOver),
        },
      });
      const [before, after, updates, later, updatesLater] = shown;
      expect(before).toContain('cart and search still fail, although the incident of checkout is resolved');
      expect(after).toContain('cart still fails, although the incident of checkout is resolved');
      expect([later, updatesLater]).toEqual([after, updates]);
      expect(parentIn(world).status).toBe('resolved');
    },
  );

  test('show on the page at once that the problem of one is not over which waits for its health', async () => {
    let isHealthy = false;
    const measured: Moment = async (world) => {
      await cartDependsOn({
        services: {
          cart: {
            dependsOn: ['checkout'],
            environments: { production: { health: { promql: 'job:cart:error_ratio', max: 0.01 } } },
          },
        },
      })(world);
      world.deps.metrics.value = async () => ({ kind: 'value', value: isHealthy ? 0.001 : 0.3 });
    };
    const isOver = 'the problem of cart is over';
    const shown: (string | undefined)[] = [];
    const looks: Moment = ({ pageUpdates }) => void shown.push(pageUpdates.at(-1)?.summary);
    // The group learns of the end of the alerts first.
    const waitsLate: Moment = (world) =>
      world.on('incidents.waitForHealth', {
        before: () => {
          looks(world);
          if (shown.length === 1) throw new Error('the table did not answer');
        },
      });
    const { world } = await play({
      given: [measured, waitsLate],
      timeline: {
        '0 s': fires(),
        '10 s': fires(cart),
        '4 min': ends(),
        '20 min': ends(cart),
        '22 min': looks,
        '25 min': () => void (isHealthy = true),
      },
    });
    expect(recordsOf(world, 'cart')[0]).toMatchObject({ closed_as: 'verified', waits_for_health: expect.anything() });
    expect(shown.map((summary) => summary?.includes(isOver))).toEqual([false, true, false]);
    expect(shown.at(-1)).toContain('cart still fails, although the incident of checkout is resolved');
    expect(parentIn(world).status).toBe('resolved');
  });

  test('show the same next step on the page and on each card, which is about the dependency', async () => {
    const asks: Moment = (world) => {
      const { services } = acting({ autoRollback: { mode: 'approve', evidence: 'time', unknownMigration: 'act' } });
      world.config = { ...world.config, services: { ...world.config.services, ...services } };
    };
    const shown: Record<string, unknown> = {};
    const looks =
      (when: string): Moment =>
      async ({ store, deps }) => {
        const stories = await Promise.all([...store.dossiers.keys()].map((id) => deps.incidents.overview(id)));
        shown[when] = Object.fromEntries(
          stories.flatMap((story) => (story === undefined ? [] : [[story.incident.service, incidentLines(story)]])),
        );
      };
    const { world } = await play({
      given: [...given, asks],
      timeline: {
        '0 s': fires(),
        '1 s': fires(cart),
        '30 s': looks('asked'),
        '60 s': answersWhatWaits('approved'),
        '90 s': looks('done'),
        ...over,
      },
    });
    const everywhere = (lines: object) =>
      Object.fromEntries(['checkout', 'cart', 'several-services'].map((service) => [service, lines]));
    const evidence = expect.stringMatching(/^Probable cause: v2 /);
    expect(shown['asked']).toMatchObject(
      everywhere({
        action: expect.stringMatching(/^Roll checkout in production back from v2 to v1\? Approve or reject/),
        evidence,
        hesitation: expect.stringMatching(/^Asks because /),
      }),
    );
    const rolledBack =
      'Rolled checkout in production back from v2 to v1. Watch checkout in production until the mitigation is verified.';
    expect(shown['done']).toMatchObject(everywhere({ action: rolledBack, evidence }));
    const updates = world.pageUpdates.map(({ details }) => details?.['next_step']);
    expect(new Set(world.pageUpdates.map(({ key }) => key)).size).toBe(1);
    expect(updates.at(-1)).toBe(rolledBack);
    expect(JSON.stringify([shown, world.pageUpdates])).not.toMatch(/common cause|parent incident|before each rollback/);
  });

  test('page nobody while both are warnings, and once when one is critical', async () => {
    const warning = { labels: { severity: 'warning' } };
    const declares: Moment = async ({ deps }) => {
      const serviceEnvironment = { service: 'cart' as ServiceName, environment: 'production' as EnvironmentName };
      const said = { title: 'slow', severity: 'warning', by: 'person:ada', trace: 'trace' } as const;
      await wake(deps, (await deps.incidents.declare({ ...serviceEnvironment, ...said })).id);
    };
    const timeline = { '0 s': declares, '20 s': fires(warning) };
    const ended = { '20 min': all(ends(warning), ends(cart), saysThatAllIsOver, wakesTheParent) };
    const { world } = await play({ given, timeline: { ...timeline, ...ended } });
    expect(pages(world)).toEqual([]);
    expect(parentIn(world).severity).toBe('warning');
    const severe = { ...timeline, '60 s': fires(cart), ...ended };
    expect(pages((await play({ given, timeline: severe })).world)).toEqual([
      'pager trigger page.1 critical for several-services',
      'pager resolve page.1 critical for several-services',
    ]);
  });

  test('join while it is not proved that the rollback of the dependency helped', async () => {
    const { world } = await play({ given, timeline: { '0 s': fires(), '2 min': fires(cart), ...over } });
    expect(recordsOf(world, 'cart')[0]?.parent_id).toBe(parentIn(world).id);
    expect(pages(world)).toHaveLength(2);
    const recovered = { '0 s': fires(), '90 s': ends(), '2 min': fires(cart), ...over };
    expect(recordsOf((await play({ given, timeline: recovered })).world, 'cart')[0]).not.toHaveProperty('parent_id');
  });
});

describe('a rollback of the dependency that the caller asks about', () => {
  const asking = { name: 'cart fails', labels: { service: 'cart' } };
  const alone = cartDependsOn({ routes: { manyAtOnce: { sharedDependency: 'off' } } });
  const of = (world: FakeWorld, service: string) => {
    const { id } = recordsOf(world, service)[0] ?? expect.unreachable();
    const { record, timeline } = world.store.dossier(id);
    return { ...record, told: timeline.map(({ kind, text }) => `${kind}: ${text}`) };
  };
  /** Changes the catalogue entry of checkout. */
  const asks =
    (more: object): Moment =>
    (world) => {
      world.config = { ...world.config, services: { ...world.config.services, ...acting(more).services } };
    };
  let before: Record<string, ReturnType<typeof of>> = {};
  const sees: Moment = (world) => {
    before = Object.fromEntries(['cart', 'checkout'].map((service) => [service, of(world, service)]));
  };

  test('is asked about by the incident of the dependency only, once it has one', async () => {
    const approving = { autoRollback: { mode: 'approve', evidence: 'time', unknownMigration: 'act' } };
    const waiting: Record<string, string[]> = {};
    const looks =
      (when: string): Moment =>
      (world) => {
        waiting[when] = [...world.store.dossiers.values()].flatMap(({ record, decisions }) =>
          [...decisions.values()].flatMap(({ view }) => (view.state === 'waiting' ? [record.service] : [])),
        );
      };
    const told: string[] = [];
    const { world } = await play({
      given: [cartDependsOnCheckout, asks(approving)],
      timeline: {
        '0 s': fires(asking),
        '20 s': looks('alone'),
        '30 s': fires(),
        '50 s': all(looks('together'), async (played) => {
          const [group, cart] = ['several-services', 'cart'].map((name) => recordsOf(played, name)[0]?.id ?? MISSING);
          for (const id of [group, cart]) {
            const [view, story] = [
              await played.deps.incidents.view(id ?? MISSING),
              await played.deps.incidents.overview(id ?? MISSING),
            ];
            if (view !== undefined && story !== undefined)
              told.push(incidentText({ ...view, ...incidentDetails(story) }).join('\n'));
          }
        }),
        '60 s': answersWhatWaits('approved'),
        '30 min': all(ends(asking), ends()),
      },
    });
    expect(waiting).toEqual({ alone: ['cart'], together: ['checkout'] });
    const asked =
      /next {5}Roll checkout in production back from v2 to v1\? .*\n {2}Probable cause: v2 .*\n {2}Asks because .*\nanswer {3}firebreak incident approve\|reject INC-2 NUMBER/;
    for (const text of told) expect(text).toMatch(asked);
    expect(told[0]).toMatch(/grouped {2}checkout failed.*\nmember {3}INC-\d, .*\nmember {3}INC-\d, /);
    expect(told[1]).toMatch(/\npart of {2}INC-3\n/);
    expect(of(world, 'checkout').told).toContain('mitigation.succeeded: Rolled back to v1');
    const { id } = recordsOf(world, 'cart')[0] ?? expect.unreachable();
    expect(world.store.dossier(id).decisions.get(2)?.view).toMatchObject({ kind: 'suggest' });
    const view = (await world.deps.incidents.view(id)) ?? expect.unreachable();
    expect(view.suspects).toMatchObject([{ service: 'checkout', version: 'v2' }]);
    expect(incidentText(IncidentDetails.parse(view)).filter((line) => line.startsWith('suspect'))).toEqual([
      expect.stringMatching(/^suspect {2}checkout v2 \(/),
    ]);
    expect(of(world, 'cart').told.join('\n')).toContain('incident INC-2 of checkout decides about this service');
  });

  test('stands in the incident of the dependency, which verifies it', async () => {
    const { world } = await play({
      given: [alone],
      timeline: {
        '0 s': fires(asking),
        '30 s': fires({ labels: { action: '' } }),
        '60 s': answersWhatWaits('approved'),
        '10 min': sees,
        '30 min': all(ends(asking), ends({ labels: { action: '' } })),
      },
    });
    const { cart, checkout } = before;
    expect(checkout).toMatchObject({ status: 'mitigated', verification: 'pending' });
    expect(checkout?.told).toContain('rollback.requested: Rollback from v2 to v1 approved in incident INC-1');
    expect(checkout?.told).toContain('mitigation.succeeded: Rolled back to v1');
    expect(cart).toMatchObject({ status: 'open', verification: 'not_needed' });
    expect(cart?.told).toContain(
      'mitigation.not_taken: Incident INC-2 of checkout rolls it back, and verifies that it helps',
    );
    expect(world.calls.filter((call) => call.startsWith('cd '))).toEqual(['cd roll-back.2 v2 to v1']);
    expect(of(world, 'checkout').told.some((told) => told.startsWith('verification.'))).toBe(true);
  });
});

describe('a parent resolved by a person', () => {
  test('resolves its children, and each timeline names the person and the parent', async () => {
    const { world } = await play(groupPaths['resolved-parent-resolves-its-children'] ?? NOTHING);
    const [parent] = recordsOf(world, 'several-services');
    for (const service of ['cart', 'search', 'ledger', 'checkout']) {
      const [part] = recordsOf(world, service);
      expect(part).toMatchObject({ parent_id: parent?.id, resolved_by: 'person:ada' });
      expect(closedAfter(part?.resolved_at ?? null)).toBe(5);
      expect(world.store.dossier(part?.id ?? MISSING).timeline).toContainEqual(
        expect.objectContaining({
          actor: 'person:ada',
          kind: 'resolve.requested',
          text: `Resolved together with the parent incident INC-${parent?.number}`,
        }),
      );
    }
    expect(parent).toMatchObject({ firing: 0, resolved_by: 'person:ada' });
    // Alerts that fire afterwards open a separate incident.
    expect(recordsOf(world, 'ledger')).toMatchObject([{}, { pages: 1, resolved_by: null }]);
    expect(recordsOf(world, 'ledger')[1]).not.toHaveProperty('parent_id');
  });

  test('releases children that fired or joined since; they continue as separate incidents', async () => {
    const path = groupPaths['child-fires-before-its-parent-closes'];
    const { world } = await play(path ?? NOTHING);
    for (const service of ['ledger', 'checkout']) {
      const [part] = recordsOf(world, service);
      expect(part).toMatchObject({ resolved_by: null });
      expect(part).not.toHaveProperty('parent_id');
      expect(closedAfter(part?.resolved_at ?? null)).toBe(9);
    }
    expect(recordsOf(world, 'cart')).toMatchObject([{ resolved_by: 'person:ada' }]);
  });
});

describe('an incident declared during a group', () => {
  const given = groupPaths['parent-pages-for-simultaneous-incidents']?.given ?? [];
  const declares: Moment = async (world) => {
    const serviceEnvironment = { service: 'checkout' as ServiceName, environment: 'production' as EnvironmentName };
    const said = { title: 'Charged twice', severity: 'critical', by: 'person:ada', trace: 'trace' } as const;
    await wake(world.deps, (await world.deps.incidents.declare({ ...serviceEnvironment, ...said })).id);
  };
  const seesToTheParent: Moment = async (world) => {
    const { id, pages } = parentIn(world);
    const acknowledged = { by: 'person:bob', at: world.clock.now(), page: pages };
    await world.deps.incidents.amend(id, () => ({ handling: { acknowledged } }));
  };
  const three = all(fires(alarm('cart')), fires(alarm('search')), fires(alarm('ledger')));

  test.each([
    ['pages again if the parent is acknowledged', seesToTheParent, ['page.1', 'page.2']],
    ['does not page again while the page is unacknowledged', () => undefined, ['page.1']],
  ])('is added to the timeline of the parent, and %s', async (_, before, pages) => {
    const over = all(saysThatAllIsOver, (world) => wake(world.deps, parentIn(world).id));
    const moments = { '0 s': three, '60 s': before, '70 s': declares, '90 s': over };
    const { world } = await play({ given, timeline: moments });
    const { timeline } = world.store.dossiers.get(parentIn(world).id) ?? expect.unreachable();
    expect(timeline.filter(({ kind }) => kind === 'incident.declared')).toMatchObject([
      {
        actor: 'person:ada',
        text: expect.stringMatching(/^Declared for the child incident checkout production: Charged twice/),
      },
    ]);
    const triggers = world.calls.filter((call) => call.includes('trigger') && call.includes('several-services'));
    expect(triggers.map((call) => call.split(' ')[2])).toEqual(pages);
  });
});

describe('a child whose parent was resolved without it', () => {
  /** Leaves the state that earlier versions left: the run of the parent does not settle its children. */
  const closesTheParentAlone: Moment = async (world) => {
    const { id, seq } = parentIn(world);
    await world.deps.incidents.resolve(id, seq, 'firebreak:earlier', 'Closed');
  };
  const given = groupPaths['parent-pages-for-simultaneous-incidents']?.given ?? [];
  const two = all(fires(alarm('cart')), fires(alarm('search')));
  const third: Moment = async (world) => {
    const serviceEnvironment = { service: 'ledger' as ServiceName, environment: 'production' as EnvironmentName };
    const said = { title: 'slow', severity: 'warning', by: 'person:ada', trace: 'trace' } as const;
    await wake(world.deps, (await world.deps.incidents.declare({ ...serviceEnvironment, ...said })).id);
  };
  const triggers = ({ calls }: FakeWorld): string[] => calls.filter((call) => call.includes('trigger'));
  /** Resolves all open incidents: their alerts would keep them open for days. */
  const resolvesAll: Moment = async ({ deps }) => {
    for (const { id } of await deps.incidents.open()) {
      await deps.incidents.post(id, { kind: 'resolve', by: 'person:ada', note: '' }, {});
      await wake(deps, id);
    }
  };

  test('pages for new alerts', async () => {
    const { world } = await play({
      given,
      timeline: {
        '0 s': two,
        '20 s': third,
        '60 s': closesTheParentAlone,
        '70 s': fires(alarm('ledger', 'ledger loses money')),
        '5 min': resolvesAll,
      },
    });
    expect(triggers(world).at(-1)).toBe('pager trigger page.1 critical for ledger');
  });

  test('is settled later: critical children without a page are paged', async () => {
    const { world } = await play({
      given,
      timeline: {
        '0 s': two,
        '20 s': fires(alarm('ledger')),
        '60 s': closesTheParentAlone,
        '70 s': (before) => settleChildren(before.deps, parentIn(before).id),
        '80 s': (before) => settleChildren(before.deps, parentIn(before).id),
        '5 min': resolvesAll,
      },
    });
    // The first two paged before they became children.
    expect(triggers(world)).toEqual([
      'pager trigger page.1 critical for cart',
      'pager trigger page.1 critical for search',
      'pager trigger page.1 critical for several-services',
      'pager trigger page.1 critical for ledger',
    ]);
    for (const service of ['cart', 'search', 'ledger'])
      expect(recordsOf(world, service)[0]).not.toHaveProperty('parent_id');
  });

  test('pages also if it had paged only before it was reopened', async () => {
    const search = alarm('search');
    const { world } = await play({
      given,
      timeline: {
        '0 s': fires(search),
        '20 s': ends(search),
        '3 min': all(fires(alarm('cart')), fires(alarm('ledger')), fires({ ...search, began: 5 })),
        '4 min': closesTheParentAlone,
        '250 s': (before) => settleChildren(before.deps, parentIn(before).id),
        '10 min': resolvesAll,
      },
    });
    expect(recordsOf(world, 'search')[0]).not.toHaveProperty('parent_id');
    expect(triggers(world)).toContain('pager trigger page.3 critical for search');
  });

  test('pages for a warning too, if its page was left to the parent', async () => {
    const { world } = await play({
      given,
      timeline: {
        '0 s': two,
        // It requests a rollback, but there is nothing to roll back, so a person must look.
        '20 s': fires({ ...alarm('ledger'), labels: { service: 'ledger', severity: 'warning' } }),
        '60 s': closesTheParentAlone,
        '70 s': (before) => settleChildren(before.deps, parentIn(before).id),
        '5 min': resolvesAll,
      },
    });
    expect(triggers(world)).toHaveLength(4);
    expect(triggers(world).at(-1)).toBe('pager trigger page.2 warning for ledger');
  });

  test('does not page for a warning', async () => {
    const { world } = await play({
      given,
      timeline: {
        '0 s': two,
        '20 s': third,
        '60 s': closesTheParentAlone,
        '70 s': (before) => settleChildren(before.deps, parentIn(before).id),
        '5 min': resolvesAll,
      },
    });
    expect(recordsOf(world, 'ledger')[0]).not.toHaveProperty('parent_id');
    expect(triggers(world)).toHaveLength(3);
  });
});

test('a child that cannot be settled is retried, and does not block the others', async () => {
  const path = groupPaths['resolved-parent-resolves-its-children'] ?? NOTHING;
  let failures = 3;
  const { world } = await play({
    ...path,
    given: [
      ...(path.given ?? []),
      (before) => {
        const { signals } = before.deps.incidents;
        before.deps.incidents.signals = async (id, query) => {
          if (before.store.dossier(id).record.service === 'cart' && (failures -= 1) >= 0) throw new Error('away');
          return signals.call(before.deps.incidents, id, query);
        };
      },
    ],
  });
  expect(failures).toBeLessThan(0);
  for (const service of ['cart', 'search'])
    expect(recordsOf(world, service)).toMatchObject([{ resolved_by: 'person:ada' }]);
});

test('a parent with open children does not close automatically', async () => {
  const { world } = await play({
    given: [
      ...(groupPaths['parent-pages-for-simultaneous-incidents']?.given ?? []),
      (before) => {
        before.config = { ...before.config, paging: { ...before.config.paging, autoResolveHours: 1 } };
      },
      DAY_IN_AN_HOUR,
    ],
    timeline: {
      '0 s': all(fires(alarm('cart')), fires(alarm('search')), fires(alarm('ledger'))),
      // The incident with new alerts stays open; the others are not heard of for a day, and close without proof.
      ...Object.fromEntries([30, 60, 90, 120].map((minute) => [`${minute} min`, fires(alarm('cart'))])),
      '130 min': ends(alarm('cart')),
    },
  });
  const closed = ['search', 'ledger', 'cart', 'several-services'].map((service) =>
    closedAfter(recordsOf(world, service)[0]?.resolved_at ?? null),
  );
  expect(closed).toEqual([70, 70, 130, 130]);
});

const nothing: Moment = () => undefined;
const NOTHING: Story = { timeline: {} };
const MISSING = '' as IncidentId;

const recordsOf = (world: FakeWorld, service: string): IncidentRecord[] =>
  [...world.store.dossiers.values()].map(({ record }) => record).filter((record) => record.service === service);

test('a child that ends right before its parent listens is noticed at once, although it completed the previous callback', async () => {
  const path: Story = groupPaths['parent-pages-for-simultaneous-incidents'] ?? { timeline: {} };
  let rounds = 0;
  const { world } = await play({
    given: [
      ...(path.given ?? []),
      beforeParentListens(async (before) => {
        rounds += 1;
        const last = [...before.store.dossiers.values()].find(({ record }) => record.service === 'search')?.record;
        if (last === undefined) throw new Error('the last part has not been opened');
        // What the run of that child does in its last steps, at the same time in another process.
        await leaveGroup(before.deps, last.id);
      }),
    ],
    // The run of that child does the same much later, when it has no effect.
    timeline: Object.fromEntries(
      Object.entries(path.timeline).map(([at, moment]) => [at === '14 min' ? '40 min' : at, moment]),
    ),
  });
  const [parent] = [...world.store.dossiers.values()].filter(({ record }) => record.service === 'several-services');
  expect(rounds).toBe(1);
  expect(parent?.record).toMatchObject({ status: 'resolved', firing: 0 });
  expect(closedAfter(parent?.record.resolved_at ?? null)).toBe(12);
});

/** Acts once, when one child is left, right before the parent creates its next callback. */
const beforeParentListens =
  (act: (world: FakeWorld) => Promise<void>): Moment =>
  (world) => {
    const { incidents } = world.deps;
    let left = 1;
    const readInbox: typeof incidents.readInbox = async (id, after, bell) => {
      const { service, firing } = world.store.dossier(id).record;
      if (service === 'several-services' && firing === 1 && bell !== null && left > 0) {
        left -= 1;
        await act(world);
      }
      return incidents.readInbox(id, after, bell);
    };
    const wrapped = new Proxy(incidents, {
      get: (target, key): unknown => (key === 'readInbox' ? readInbox : Reflect.get(target, key)),
    });
    Object.assign(world.deps, { incidents: wrapped });
  };

test('a flapping incident closes after one quiet round', async () => {
  const path = groupPaths['flapping-incident-stays-open'];
  const { world } = await play(path ?? { timeline: {} });
  const records = [...world.store.dossiers.values()].map(({ record }) => record);
  expect(records.map(({ signal_count }) => signal_count)).toEqual([1, 1, 2]);
  const [first, second, third] = records.map(({ resolved_at }) => closedAfter(resolved_at));
  expect([first, second]).toEqual([1, 3]);
  expect(third).toBeGreaterThanOrEqual(17);
  expect(third).toBeLessThan(30);
  expect(closedAfter(records[2]?.recovered_at ?? null)).toBe(8);
});

test('the alerts of a group whose cause was rolled back were acted upon, also those of its other incidents', async () => {
  const { world } = await play(groupPaths['child-incident-asks-before-a-rollback'] ?? expect.unreachable());
  const { rules } = await alertReview(world.deps, () => true);
  const figures = rules.map((one): [string, object] => [
    one.service,
    { acted_on: one.acted_on, resolved_by_itself: one.resolved_by_itself },
  ]);
  const acted = { acted_on: 1, resolved_by_itself: 0 };
  expect(Object.fromEntries(figures)).toEqual({ cart: acted, checkout: acted, search: acted });
});
