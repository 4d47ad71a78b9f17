import { Config } from '../../../schemas/config/config.ts';
import { wake } from '../../../workflows/wake.ts';
import type { FakeWorld } from '../../support/fake-deps.ts';
import { acting, all, answersWhatWaits, configured, ends, fires, type Moment } from '../play.ts';
import type { Path } from './rollbacks.ts';

/** Stories of incident groups and of flapping incidents. A group forms at three incidents here. */

const manyAtOnce: Moment = (world) => {
  const { services, routes } = Config.parse({
    version: 'test',
    services: { cart: null, search: null, ledger: null },
    paging: {},
    routes: { manyAtOnce: { incidents: 2 } },
  });
  const checkout = acting();
  world.config = { ...checkout, services: { ...checkout.services, ...services }, routes };
};

/** The service cart depends on checkout. `more` changes the catalogue. */
export const cartDependsOn =
  (more: object = {}): Moment =>
  (world) => {
    const environments = { production: { autoRollback: { mode: 'act', evidence: 'time' } } };
    const cart = { dependsOn: ['checkout'], environments };
    const { services, routes } = Config.parse({ version: 'test', services: { cart }, paging: {}, ...more });
    const checkout = acting();
    world.config = { ...checkout, services: { ...checkout.services, ...services }, routes };
  };

export const cartDependsOnCheckout = cartDependsOn();

/** An alert of a service that requests no action. */
export const alarm = (service: string, name = `${service} fails`) => ({ name, labels: { service, action: '' } });

const pagerIsAwayAtFirst: Moment = (world) => {
  world.pages = [
    { kind: 'later', detail: 'answered 503', afterSeconds: null },
    { kind: 'taken', detail: 'accepted' },
  ];
};

const page = (service: string): string => `pager trigger page.1 critical for ${service}`;
const resolve = (service: string): string => `pager resolve page.1 critical for ${service}`;

const again = (name: string) => ({ name });

export function parentIn({ store }: FakeWorld) {
  const found = [...store.dossiers.values()].find(({ record }) => record.group_reason !== undefined);
  if (found === undefined) throw new Error('there is no parent yet');
  return found.record;
}

/** A person resolves the parent, and the process dies before it wakes the incident. */
export const saysThatAllIsOver: Moment = async (world) => {
  const note = 'DNS is back';
  const timeline = { actor: 'person:ada', kind: 'resolve.requested', text: note, detail: null };
  await world.deps.incidents.post(parentIn(world).id, { kind: 'resolve', by: 'person:ada', note }, { timeline });
};

export const wakesTheParent: Moment = (world) => wake(world.deps, parentIn(world).id);

/** Acts only at the n-th call. */
function nth(n: number, act: () => void): () => void {
  let calls = 0;
  return () => {
    calls += 1;
    if (calls === n) act();
  };
}

const fails = (): never => {
  throw new Error('the table did not answer');
};

export const groupPaths: Record<string, Path> = {
  'parent-pages-for-simultaneous-incidents': {
    given: [manyAtOnce],
    timeline: {
      '0 s': fires(alarm('cart')),
      '20 s': fires(alarm('search')),
      '40 s': fires(alarm('ledger')),
      '60 s': fires({ labels: { action: '' } }),
      '10 min': all(ends(alarm('cart')), ends(alarm('ledger'))),
      '12 min': ends({ labels: { action: '' } }),
      '14 min': ends(alarm('search')),
    },
    // The first two paged before the parent existed; the parent closes with its last child.
    calls: [
      page('cart'),
      page('search'),
      page('several-services'),
      resolve('cart'),
      resolve('search'),
      resolve('several-services'),
    ],
    status: 'resolved',
  },
  'dependency-and-caller-are-one-outage': {
    given: [cartDependsOnCheckout],
    timeline: {
      '0 s': fires(alarm('cart')),
      '20 s': fires(),
      '5 min': ends(alarm('cart')),
      '6 min': ends(),
    },
    // The caller has paged before its dependency failed: that page stands for the group until the group ends.
    calls: [page('cart'), 'cd roll-back.1 v2 to v1', resolve('cart')],
    status: 'resolved',
  },
  'parent-starts-late': {
    given: [manyAtOnce, (world) => world.on('engine.start', { before: nth(4, fails) })],
    timeline: {
      '0 s': all(fires(alarm('cart')), fires(alarm('search'))),
      '20 s': fires(alarm('ledger')),
      '9 min': all(ends(alarm('cart')), ends(alarm('search')), ends(alarm('ledger'))),
    },
    calls: [
      page('cart'),
      page('search'),
      page('several-services'),
      resolve('cart'),
      resolve('search'),
      resolve('several-services'),
    ],
    status: 'resolved',
  },
  'page-continues-after-the-incident-joins-a-parent': {
    given: [manyAtOnce, pagerIsAwayAtFirst],
    timeline: {
      '0 s': fires(alarm('cart')),
      '1 s': fires(alarm('search')),
      '2 s': fires(alarm('ledger')),
      '9 min': all(ends(alarm('cart')), ends(alarm('search')), ends(alarm('ledger'))),
    },
    calls: [
      page('cart'),
      page('search'),
      page('several-services'),
      page('cart'),
      resolve('cart'),
      resolve('search'),
      resolve('several-services'),
    ],
    status: 'resolved',
  },
  'child-incident-asks-before-a-rollback': {
    given: [manyAtOnce],
    timeline: {
      '0 s': all(fires(alarm('cart')), fires(alarm('search'))),
      '20 s': fires(),
      '4 min': answersWhatWaits('approved'),
      '20 min': all(ends(alarm('cart')), ends(alarm('search')), ends()),
    },
    calls: [
      page('cart'),
      page('search'),
      page('several-services'),
      'cd roll-back.1 v2 to v1',
      resolve('cart'),
      resolve('search'),
      resolve('several-services'),
    ],
    status: 'resolved',
  },
  'child-incident-with-a-higher-severity-does-not-page': {
    given: [manyAtOnce],
    timeline: {
      '0 s': all(fires(alarm('cart')), fires(alarm('search'))),
      '20 s': fires(alarm('ledger')),
      '2 min': fires(alarm('ledger', 'ledger loses money')),
      '9 min': all(
        ends(alarm('cart')),
        ends(alarm('search')),
        ends(alarm('ledger')),
        ends(alarm('ledger', 'ledger loses money')),
      ),
    },
    calls: [
      page('cart'),
      page('search'),
      page('several-services'),
      resolve('cart'),
      resolve('search'),
      resolve('several-services'),
    ],
    status: 'resolved',
  },
  'later-failure-stays-separate': {
    given: [manyAtOnce],
    timeline: {
      '0 s': all(fires(alarm('cart')), fires(alarm('search'))),
      '20 s': fires(alarm('ledger')),
      '7 min': fires({ labels: { action: '' } }),
      '8 min': ends({ labels: { action: '' } }),
      '9 min': all(ends(alarm('cart')), ends(alarm('search')), ends(alarm('ledger'))),
    },
    calls: [
      page('cart'),
      page('search'),
      page('several-services'),
      'pager trigger page.1 critical',
      'pager resolve page.1 critical',
      resolve('cart'),
      resolve('search'),
      resolve('several-services'),
    ],
    status: 'resolved',
  },
  'resolved-parent-resolves-its-children': {
    given: [manyAtOnce],
    timeline: {
      '0 s': all(fires(alarm('cart')), fires(alarm('search'))),
      '20 s': fires(alarm('ledger')),
      '60 s': fires({ labels: { action: '' } }),
      '5 min': all(saysThatAllIsOver, wakesTheParent),
      '6 min': fires(alarm('ledger', 'ledger fails again')),
      '9 min': ends(alarm('ledger', 'ledger fails again')),
    },
    // Alerts that fire afterwards open a separate incident.
    calls: [
      page('cart'),
      page('search'),
      page('several-services'),
      resolve('several-services'),
      resolve('cart'),
      resolve('search'),
      page('ledger'),
      resolve('ledger'),
    ],
    status: 'resolved',
  },
  'child-fires-before-its-parent-closes': {
    given: [manyAtOnce],
    timeline: {
      '0 s': all(fires(alarm('cart')), fires(alarm('search'))),
      '20 s': fires(alarm('ledger')),
      '300 s': saysThatAllIsOver,
      '301 s': fires(alarm('ledger', 'ledger loses money')),
      '302 s': fires({ labels: { action: '' } }),
      '303 s': wakesTheParent,
      '9 min': all(
        ends(alarm('ledger')),
        ends(alarm('ledger', 'ledger loses money')),
        ends({ labels: { action: '' } }),
      ),
    },
    // Neither that child nor the one that joined afterwards is over. They page, because they are no longer children.
    // The ledger's first page was left to the parent.
    calls: [
      page('cart'),
      page('search'),
      page('several-services'),
      resolve('several-services'),
      resolve('cart'),
      resolve('search'),
      'pager trigger page.2 critical for ledger',
      'pager trigger page.1 critical',
      'pager resolve page.2 critical for ledger',
      'pager resolve page.1 critical',
    ],
    status: 'resolved',
  },
  'simultaneous-incidents-cannot-be-read': {
    given: [
      configured({ autoRollback: { mode: 'shadow' } }),
      (world) => world.on('incidentGroups.newestOpenings', { before: fails }),
    ],
    timeline: { '0 s': fires(), '9 min': ends() },
    calls: ['pager trigger page.1 critical', 'pager resolve page.1 critical'],
    status: 'resolved',
  },
  'flapping-incident-stays-open': {
    given: [configured({ autoRollback: { mode: 'shadow' } })],
    timeline: {
      '0 s': fires(again('first')),
      '1 min': ends(again('first')),
      '2 min': fires(again('second')),
      '3 min': ends(again('second')),
      '4 min': fires(again('third')),
      '5 min': ends(again('third')),
      '7 min': fires(again('fourth')),
      '8 min': ends(again('fourth')),
    },
    // The third incident within the hour stays open when it fires again, and sends no new page.
    calls: ['first', 'second', 'third'].flatMap(() => [
      'pager trigger page.1 critical',
      'pager resolve page.1 critical',
    ]),
    status: 'resolved',
  },
  'flapping-alert-reopens-its-incident': {
    given: [configured({ autoRollback: { mode: 'shadow' } })],
    timeline: Object.fromEntries(
      [0, 5, 10, 15, 20, 25].flatMap((seconds) => [
        [`${seconds} s`, fires({ began: 0 })],
        [`${seconds + 3} s`, ends()],
      ]),
    ),
    // One incident, which pages once more when it is reopened, and then stays open until the alert is quiet.
    calls: [1, 2].flatMap((one) => [`pager trigger page.${one} critical`, `pager resolve page.${one} critical`]),
    status: 'resolved',
  },
  'failure-returns-repeatedly-and-pages-once': {
    timeline: {
      '0 s': fires(),
      '5 min': fires(again('second')),
      '6 min': all(ends(again('second')), fires(again('third'))),
      '7 min': fires(again('fourth')),
      '20 min': all(ends(), ends(again('third')), ends(again('fourth'))),
    },
    calls: [
      'pager trigger page.1 critical',
      'cd roll-back.1 v2 to v1',
      'pager trigger page.2 critical',
      'pager resolve page.1 critical',
      'pager resolve page.2 critical',
    ],
    status: 'resolved',
  },
};
