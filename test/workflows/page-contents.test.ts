import { expect, test } from 'vitest';
import type { ExternalIncident } from '../../core/domain/ports/external-pager.ts';
import { pagerDuty } from '../../vendors/pagerduty/pager.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import { calls, start } from '../../packages/sandbox/test/support.ts';
import type { FakeWorld } from '../support/fake-deps.ts';
import type { ServiceName } from '../../schemas/config/names.ts';
import { Config } from '../../schemas/config/config.ts';
import { configured, ends, fires, type Moment, mode, play, samplesOf, says, type Story, theIncident } from './play.ts';
import { dies } from './stories/rollbacks.ts';

type Arrived = {
  links: { href: string; text: string }[];
  payload: { summary: string; timestamp: string; custom_details: Record<string, unknown> };
};

/** Returns the pages of a story as PagerDuty receives them, in order. */
async function arrivedOf({ given = [], timeline }: Story): Promise<Arrived[]> {
  const { world } = await play({ given, timeline: { ...timeline, '9 min': ends() } });
  const standIns = await start();
  const eventsUrl = standIns.urls.pagerduty;
  const pager = pagerDuty({ eventsUrl, routingKey: async () => 'R'.repeat(32), clock: world.clock });
  for (const request of world.pageRequests.filter(({ action }) => action === 'trigger'))
    expect(await pager.send(request)).toMatchObject({ kind: 'taken' });
  const bodies = (await calls(standIns, '?vendor=pagerduty')).map(({ body }) => body);
  return bodies.toReversed().map((body) => body as Arrived);
}

const OFF = { kind: 'off', detail: 'PagerDuty is off' } as const;

const refuses: Moment = (world) =>
  Object.assign(world, { rollbacks: [{ kind: 'refused', detail: 'answered 404: unknown service' }] });

test('a page says what broke and since when; a second page says why it was sent', async () => {
  const pages = await arrivedOf({
    given: [refuses],
    timeline: { '1 s': fires({ began: 120 }) },
  });
  expect(pages).toHaveLength(2);
  const [first, second] = pages;
  expect(first?.payload).toMatchObject({
    custom_details: {
      incident: expect.any(String),
      service: 'checkout',
      environment: 'production',
      problem: [expect.stringContaining('HighErrorRatio')],
      since: '2026-11-20 11:58 UTC',
      status: 'open',
      next_step: 'Look at checkout in production.',
      why_not_automatic: 'No decision yet.',
      suspects: 'not known yet',
      api: expect.stringMatching(/^GET \/v1\/incidents\/\w{26}$/),
    },
  });
  expect(first?.payload.summary).not.toContain('Page');
  const refused = 'The rollback was refused: answered 404: unknown service';
  expect(second?.payload.summary).toContain(`. Page 2: ${refused}`);
  expect(second?.payload.custom_details).toMatchObject({
    page_reason: refused,
    suspects: [expect.stringMatching(/^v2, \d+ %: /)],
    next_step: expect.stringMatching(/^Look at checkout in production: The rollback was refused/),
    evidence: expect.stringMatching(/^Probable cause: v2 /),
    details: expect.arrayContaining([
      'Try again: /rollback checkout production v1.',
      'Failed to roll checkout in production back from v2 to v1: look at it now.',
    ]),
  });
});

test('a page names a service outside the catalogue once', async () => {
  const alert = { labels: { service: 'billing', environment: 'production' }, summary: 'billing answers with errors' };
  const { world } = await play({ given: [], timeline: { '1 s': fires(alert), '9 min': ends(alert) } });
  expect(world.pageRequests[0]?.summary).toMatch(/^(INC-\d+ )?billing production: billing answers with errors$/);
});

const OUTAGE: Record<string, Moment> = {
  '365 s': fires({ name: 'Down', labels: { service: 'payments-api', action: '' } }),
  '370 s': fires({ began: 20, summary: 'checkout fails 41 % of its requests' }),
};

const dependsOnPayments: Moment = (world) => {
  world.config = Config.parse({
    ...world.config,
    services: {
      'payments-api': { environments: { production: {} } },
      checkout: { ...world.config.services['checkout' as ServiceName], dependsOn: ['payments-api'] },
    },
  });
};

const FIRST = { '1 s': fires({ summary: 'checkout fails 16 % of its requests' }), '180 s': ends() };

test.each([
  ['that begins after a recovery', FIRST],
  ['that reopens the incident', { ...FIRST, '190 s': says({ kind: 'resolve', by: 'person:ada', note: '' }) }],
])('the page of a problem %s is about this problem, with its own time', async (_, first) => {
  const pages = await arrivedOf({ given: [dependsOnPayments], timeline: { ...first, ...OUTAGE } });
  const [opening, second] = pages.filter(({ payload }) => payload.custom_details['service'] === 'checkout');
  expect(opening?.payload.summary).toBe('INC-1 checkout production: checkout fails 16 % of its requests');
  expect(second?.payload.summary).toContain(
    'INC-1 checkout production: checkout fails 41 % of its requests; payments-api, on which it depends, fails as well. Page 2: ',
  );
  expect(second?.payload.timestamp).toBe('2026-11-20T12:05:50.000Z');
});

test('a later page of the same problem has no value of its beginning, but the newest that was measured', async () => {
  const measured = (at: Timestamp): number => (at < '2026-11-20T12:20:00.000Z' ? 0.16 : 0.41);
  const fails: Moment = (world) => {
    world.deps.metrics.range = async (_, from, until) => samplesOf(from, until, measured);
  };
  const begins = { '1 s': fires({ summary: 'checkout fails 16 % of its requests' }) };
  const again = { '25 min': says({ kind: 'page', by: 'person:ada', note: '' }) };
  const [, unmeasured] = await arrivedOf({ given: [mode('shadow')], timeline: { ...begins, ...again } });
  expect(unmeasured?.payload.summary).toMatch(
    /^INC-1 checkout production: checkout fails … of its requests\. Page 2: /,
  );
  const repeated = { '24 min': fires({ summary: 'checkout fails 30 % of its requests' }) };
  const [, repeatedPage] = await arrivedOf({ given: [mode('shadow')], timeline: { ...begins, ...repeated, ...again } });
  expect(repeatedPage?.payload.summary).toMatch(/: checkout fails 30 % of its requests\. Page 2: /);
  const judgedAgain = { '1495 s': says({ kind: 'judge_again', changes: [] }) };
  const [, page] = await arrivedOf({
    given: [
      configured({ autoRollback: { mode: 'shadow' }, health: { promql: 'job:checkout:error_ratio', max: 0.01 } }),
      fails,
    ],
    timeline: { ...begins, ...judgedAgain, ...again },
  });
  expect(page?.payload.summary).toMatch(/, 41 % of its requests failed at 12:\d\d UTC\. Page 2: /);
});

test('a later page has the newest value: of the last sample, or of an alert that was repeated since', async () => {
  const fails: Moment = (world) => {
    world.deps.metrics.range = async (_, from, until) => samplesOf(from, until, () => 0.41);
  };
  const given = [
    configured({ autoRollback: { mode: 'shadow' }, health: { promql: 'job:checkout:error_ratio', max: 0.01 } }),
    fails,
  ];
  const begins = { '1 s': fires({ summary: 'checkout fails 16 % of its requests' }) };
  const again = { '240 s': says({ kind: 'page', by: 'person:ada', note: '' }) };
  const [, page] = await arrivedOf({ given, timeline: { ...begins, ...again } });
  expect(page?.payload.summary).toMatch(
    /: checkout fails … of its requests, 41 % of its requests failed at 12:00 UTC\. /,
  );
  const repeated = { '200 s': fires({ summary: 'checkout fails 30 % of its requests' }) };
  const [, repeatedPage] = await arrivedOf({ given, timeline: { ...begins, ...repeated, ...again } });
  expect(repeatedPage?.payload.summary).toMatch(/: checkout fails 30 % of its requests\. Page 2: /);
});

test('the page names a dependency that fails by its own health, although it has no incident', async () => {
  const isPayments = (promql: string): boolean => promql.includes('payments');
  const measured: Moment = async (world) => {
    await configured({ autoRollback: { mode: 'shadow' }, health: { promql: 'job:checkout:error_ratio', max: 0.01 } })(
      world,
    );
    dependsOnPayments(world);
    const payments = { environments: { production: { health: { promql: 'job:payments:error_ratio', max: 0.01 } } } };
    world.config = Config.parse({ ...world.config, services: { ...world.config.services, 'payments-api': payments } });
    world.deps.metrics.range = async (promql, from, until) =>
      samplesOf(from, until, (at) => (at < '2026-11-20T11:57:00.000Z' ? 0.001 : isPayments(promql) ? 0.9 : 0.41));
  };
  const again = { '20 s': says({ kind: 'page', by: 'person:ada', note: '' }) };
  const [, page] = await arrivedOf({ given: [measured], timeline: { '1 s': fires(), ...again } });
  expect(page?.payload.summary).toMatch(
    /, 41 % of its requests failed at 12:00 UTC; payments-api, on which it depends, fails as well\. Page 2: /,
  );
});

const RESOLVED: ExternalIncident = {
  id: 'Q1',
  url: null,
  title: 'checkout',
  status: 'resolved',
  acknowledgedBy: [],
  assignedTo: [],
  acknowledged: null,
  resolvedBy: null,
  createdAt: '2026-11-20T12:00:00.000Z' as Timestamp,
};

test('the first decision updates the page under its key, and nobody is paged again', async () => {
  const { world } = await play({ given: [mode('approve')], timeline: { '1 s': fires(), '30 s': ends() } });
  const id = theIncident(world);
  expect(world.calls.filter((call) => call.includes('trigger'))).toEqual(['pager trigger page.1 critical']);
  expect(world.pageUpdates).toMatchObject([
    {
      action: 'update',
      key: `${id}.page.1`,
      summary: expect.stringMatching(
        /^INC-1 checkout production: .*\. Roll checkout in production back from v2 to v1\? /,
      ),
      details: { suspects: [expect.stringMatching(/^v2, /)], answer: expect.stringContaining('1') },
    },
  ]);
});

test.each([
  [
    'resolved while the update was on its way',
    (world: FakeWorld) => {
      world.updates = [{ kind: 'later', detail: 'answered 503', afterSeconds: null }];
    },
    1,
  ],
  [
    'that a person resolved at the pager',
    (world: FakeWorld) => {
      world.external = [{ kind: 'done', value: RESOLVED }];
    },
    0,
  ],
])('a page %s is not updated any more', async (_, given, attempts) => {
  const { world } = await play({
    given: [mode('approve'), given],
    timeline: { '1 s': fires(), '2 s': ends(), '1 min': () => undefined },
  });
  expect(world.pageUpdates).toHaveLength(attempts);
  expect(world.calls.at(-1)).toBe('pager resolve page.1 critical');
});

test('a page that the pager does not update is left as it is after a few attempts', async () => {
  const unavailable: Moment = (world) => {
    world.updates = [{ kind: 'later', detail: 'answered 503', afterSeconds: null }];
  };
  const { world } = await play({
    given: [mode('approve'), unavailable],
    timeline: { '1 s': fires(), '9 min': ends() },
  });
  const { effects } = world.store.dossier(theIncident(world));
  expect([...effects.values()].filter(({ kind }) => kind === 'page-update')).toMatchObject([
    { state: 'failed', detail: 'Page 1 not updated: answered 503' },
  ]);
  expect(world.pageUpdates).toHaveLength(4);
});

test.each([
  ['the pager', 'pager trigger', {}],
  ['the fallback', 'fallback pager trigger', { pages: [OFF], fallbackPager: [{ kind: 'taken', detail: 'accepted' }] }],
] as const)('a page that %s has accepted is not sent again after the process dies', async (_, call, vendors) => {
  // The pager that is off is a first effect to conclude.
  let left = 'pages' in vendors ? 2 : 1;
  const diesThen: Moment = (world) => {
    Object.assign(world, structuredClone(vendors));
    world.on('effects.conclude', {
      after: () => {
        left -= 1;
        if (left === 0) throw new Error('the process has died');
      },
    });
  };
  const { world } = await play({ given: [mode('shadow'), diesThen], timeline: { '1 s': fires(), '9 min': ends() } });
  expect(world.calls.filter((one) => one.startsWith(call))).toHaveLength(1);
  expect(left).toBeLessThanOrEqual(0);
});

test('a page that no pager has accepted when its run dies is sent by the next run', async () => {
  const unavailable: Moment = (world) => {
    world.pages = [
      { kind: 'later', detail: 'answered 503', afterSeconds: null },
      { kind: 'taken', detail: 'accepted' },
    ];
  };
  const { world } = await play({
    given: [mode('shadow'), unavailable],
    timeline: { '1 s': fires(), '3 s': dies, '9 min': ends() },
  });
  const sent = 'pager trigger page.1 critical';
  expect(world.calls).toEqual([sent, sent, 'pager resolve page.1 critical']);
  expect(world.store.dossier(theIncident(world)).effects.get(`${theIncident(world)}.page.1`)).toMatchObject({
    state: 'succeeded',
  });
});

test('a page for a question contains the question, its number, and how to answer it', async () => {
  const [page] = await arrivedOf({
    given: [mode('approve')],
    timeline: { '1 s': fires({ labels: { severity: 'warning' } }) },
  });
  expect(page?.payload.summary).toMatch(/A rollback is waiting for approval$/);
  expect(page?.payload.custom_details).toMatchObject({
    page_reason: 'A rollback is waiting for approval',
    next_step: expect.stringMatching(/^Roll checkout in production back from v2 to v1\? Approve or reject by /),
    answer: expect.stringMatching(/^Question 1: firebreak incident approve INC-1 1,/),
  });
});

test('a page is sent even if its details cannot be read', async () => {
  const unreadable: Moment = (world) =>
    world.on('incidents.story', {
      before: () => {
        throw new Error('the table is throttled');
      },
    });
  const [page] = await arrivedOf({ given: [unreadable], timeline: { '1 s': fires() } });
  expect(page?.payload.custom_details).toEqual({
    incident: expect.any(String),
    service: 'checkout',
    environment: 'production',
  });
});

test.each([
  ['in Slack', false, ['https://slack.com/app_redirect?channel=C0123']],
  ['not at a stand-in for it', true, []],
])('a page links to the channel %s', async (_, standIn, expected) => {
  const channel: Moment = async (world) => {
    Object.assign(world.deps.chat, { standIn: async () => standIn });
    world.on('incidents.story', { before: () => joins(world) });
  };
  const joins = ({ deps, store }: Parameters<Moment>[0]) =>
    deps.incidents.setChannel([...store.dossiers.keys()][0] ?? expect.unreachable(), '#incident-1', 'C0123');
  const [page] = await arrivedOf({ given: [channel], timeline: { '1 s': fires() } });
  expect(page?.links.map(({ href }) => href)).toEqual(expected);
  expect(page?.payload.custom_details).toMatchObject({ channel: '#incident-1' });
});
