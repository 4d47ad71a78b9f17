import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Silence } from '../../../../core/domain/ports/silences.ts';
import { losesUnmatched, destinationsOf, mutedBy, routingLabels } from '../../../../core/domain/alerts/routing.ts';
import { toSignal } from '../../../../core/domain/alerts/signal.ts';
import { Config } from '../../../../schemas/config/config.ts';
import type { Signal } from '../../../../schemas/alerts/signal.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import { anAlert } from '../../alert.ts';
import { before, NOON } from '../../arbitraries.ts';
import { anyRoute } from '../../routes.ts';

const SERVICES = {
  checkout: { team: 'payments', tier: 1, repository: 'acme/checkout', slack: { channel: '#payments' } },
  search: {},
};

const configOf = (routes: unknown = {}): Config =>
  Config.parse({ version: 'test', services: SERVICES, paging: {}, routes });

const signal = (labels: Record<string, string>): Signal =>
  toSignal(anAlert({ labels: { alertname: 'Errors', service: 'checkout', ...labels } }), configOf());

const critical = signal({ severity: 'critical' });
const warning = signal({ severity: 'warning' });
const info = signal({ severity: 'info' });

test.each([
  [{}, true],
  [{ unmatched: { slack: '#lost' } }, false],
  [{ unmatched: { ticket: { github: { repository: 'acme/operations' } } } }, false],
  [{ routes: [{ match: 'team="payments"', slack: '#payments' }] }, true],
  [{ routes: [{ match: 'severity="critical"', page: true }] }, true],
  [{ routes: [{ slack: '#all' }] }, false],
  [{ routes: [{ slack: true }] }, true],
  [{ routes: [{ record: true }] }, false],
])('whether warnings of unknown services reach nobody with %j: %s', (routes, expected) => {
  expect(losesUnmatched(configOf(routes), NOON)).toBe(expected);
});

describe('without a file', () => {
  const nothing = { page: false, incident: false, channels: [], tickets: [], record: true, unavailable: [] };
  test.each([
    ['critical pages and opens an incident', critical, { page: true, incident: true, reasons: ['default: critical'] }],
    [
      'a warning goes to the channel of its service',
      warning,
      { channels: ['#payments'], reasons: ['default: warning'] },
    ],
    [
      'a warning of a service without a channel is recorded, with the reason',
      signal({ service: 'search', severity: 'warning' }),
      { unavailable: ['search has no channel in the catalogue'], reasons: ['default: warning'] },
    ],
    ['info is recorded', info, { reasons: ['default: info'] }],
    [
      'an alert of an unknown service pages by its severity',
      signal({ service: 'nobody', severity: 'critical' }),
      { page: true, incident: true, reasons: ['default: critical'] },
    ],
    [
      'a warning that requests a rollback opens an incident, and does not page',
      signal({ severity: 'warning', action: 'auto-rollback' }),
      { incident: true, channels: ['#payments'], reasons: ['default: warning', 'requests a rollback'] },
    ],
    [
      'an end is delivered as its alert was',
      { ...critical, status: 'resolved' as const },
      { page: true, incident: true, reasons: ['default: critical'] },
    ],
  ])('%s', (_, what, expected) => {
    expect(destinationsOf(what, configOf(), NOON)).toEqual({ ...nothing, ...expected });
  });
});

describe('alerts of services outside the catalogue', () => {
  const ticket = { github: { repository: 'acme/operations' } };
  const to = (severity: string, service = 'nobody', routes: object[] = []) => {
    const config = configOf({ routes, unmatched: { slack: '#no-owner', ticket } });
    const { page, channels, tickets, reasons, unavailable } = destinationsOf(
      signal({ service, severity }),
      config,
      NOON,
    );
    return { page, channels, tickets: tickets.length, reasons, unavailable };
  };

  test('go to their route by default', () => {
    const read = { channels: ['#no-owner'], tickets: 1, unavailable: [] };
    expect(to('critical')).toEqual({ page: true, ...read, reasons: ['default: critical, unmatched'] });
    expect(to('warning')).toEqual({ page: false, ...read, reasons: ['default: warning, unmatched'] });
    expect(to('info')).toMatchObject({ channels: [], tickets: 0 });
  });

  test('go there neither if another route decides, nor if the catalogue has the service', () => {
    expect(to('warning', 'nobody', [{ slack: '#all' }])).toMatchObject({ channels: ['#all'], tickets: 0 });
    expect(to('warning', 'checkout')).toMatchObject({ channels: ['#payments'], tickets: 0 });
  });
});

describe('with routes', () => {
  const delivered = (what: Signal, routes: unknown, at = NOON) => destinationsOf(what, configOf(routes), at);

  test('the first matching route without `continue` is the last one', () => {
    const routes = [
      { name: 'elsewhere', match: { team: 'search' }, slack: '#search' },
      { match: { severity: 'warning' }, slack: '#first' },
      { match: { severity: 'warning' }, page: true },
    ];
    expect(delivered(warning, routes)).toMatchObject({ page: false, channels: ['#first'], reasons: ['route 2'] });
  });

  test('a route with `continue` adds to the following ones', () => {
    const routes = [
      { name: 'all', slack: ['#everything', true], ticket: true, continue: true },
      { name: 'payments', match: { team: 'payments' }, incident: true, slack: '#everything', ticket: 'github' },
      { page: true },
    ];
    expect(delivered(warning, routes)).toMatchObject({
      page: false,
      incident: true,
      channels: ['#everything', '#payments'],
      tickets: [{ kind: 'github', repository: 'acme/checkout', labels: [] }],
      reasons: ['all', 'payments'],
    });
  });

  test('without a terminating route, the severity applies', () => {
    const routes = [{ name: 'copy', slack: '#copy', continue: true }, { match: { team: 'search' } }];
    expect(delivered(critical, routes)).toMatchObject({
      page: true,
      channels: ['#copy'],
      reasons: ['copy', 'default: critical'],
    });
  });

  test('a terminating route without a target only records', () => {
    expect(delivered(critical, [{ name: 'noise', record: true }])).toMatchObject({
      page: false,
      incident: false,
      channels: [],
      record: true,
      reasons: ['noise'],
    });
  });

  test('an alert that requests a rollback always has an incident', () => {
    const asks = signal({ severity: 'critical', action: 'auto-rollback' });
    expect(delivered(asks, [{ name: 'noise' }])).toMatchObject({
      page: false,
      incident: true,
      reasons: ['noise', 'requests a rollback'],
    });
  });

  test('a route is skipped outside its hours', () => {
    const routes = [
      { name: 'by day', match: { severity: 'warning' }, hours: 'Mon-Fri 09:00-17:00 Europe/Berlin', page: true },
      { name: 'by night', match: { severity: 'warning' }, ticket: true },
    ];
    expect(delivered(warning, routes, '2026-11-20T08:00:00.000Z' as Timestamp)).toMatchObject({ reasons: ['by day'] });
    expect(delivered(warning, routes, '2026-11-20T16:00:00.000Z' as Timestamp)).toMatchObject({
      reasons: ['by night'],
    });
  });

  test('tickets go to the named repository, else to that of the service, else nowhere', () => {
    const targets = (what: Signal) =>
      delivered(what, [
        {
          ticket: [
            true,
            { github: { repository: 'acme/operations', labels: ['alert'] } },
            { webhook: { url: 'https://tickets.internal/hook', signature: 'TICKETS_SECRET' } },
            { webhook: { url: 'https://unsigned.internal/hook' } },
          ],
        },
      ]);
    const named = [
      { kind: 'github', repository: 'acme/operations', labels: ['alert'] },
      { kind: 'webhook', url: 'https://tickets.internal/hook', signature: 'TICKETS_SECRET' },
      { kind: 'webhook', url: 'https://unsigned.internal/hook', signature: null },
    ];
    expect(targets(warning)).toMatchObject({
      tickets: [{ kind: 'github', repository: 'acme/checkout', labels: [] }, ...named],
      unavailable: [],
    });
    expect(targets(signal({ service: 'search' }))).toMatchObject({
      tickets: named,
      unavailable: ['search has no repository in the catalogue'],
    });
  });

  const anySignal = fc
    .record(
      {
        severity: fc.constantFrom('critical', 'warning', 'info', 'page'),
        team: fc.constantFrom('payments', 'search'),
        service: fc.constantFrom('checkout', 'search', 'unknown'),
        environment: fc.constantFrom('production', 'staging'),
        action: fc.constant('auto-rollback'),
      },
      { requiredKeys: ['severity'] },
    )
    .map(signal);
  const anyRoutes = fc.array(anyRoute, { maxLength: 4 });

  test('routes after the terminating one have no effect', () => {
    fc.assert(
      fc.property(anySignal, anyRoutes, anyRoute, anyRoutes, (what, first, last, others) => {
        const routes = [...first, { ...last, match: {}, hours: [], continue: false }];
        expect(delivered(what, [...routes, ...others])).toEqual(delivered(what, routes));
      }),
    );
  });

  test('a route with `continue` only ever adds destinations', () => {
    fc.assert(
      fc.property(anySignal, anyRoute, anyRoutes, (what, added, others) => {
        const alone = delivered(what, [{ ...added, continue: false }]);
        const without = delivered(what, others);
        const all = delivered(what, [{ ...added, continue: true }, ...others]);
        const taken = alone.reasons[0]?.startsWith('default: ') === false;
        expect(all.page).toBe((taken && alone.page) || without.page);
        expect(all.incident).toBe((taken && alone.incident) || without.incident);
        expect(new Set(all.channels)).toEqual(new Set([...(taken ? alone.channels : []), ...without.channels]));
      }),
    );
  });

  test('an alert is always recorded, and a page or a requested action always has an incident', () => {
    fc.assert(
      fc.property(anySignal, anyRoutes, (what, routes) => {
        const { page, incident, record, reasons: because } = delivered(what, routes);
        expect(record).toBe(true);
        expect(incident || !(page || what.requestsRollback)).toBe(true);
        expect(because).not.toEqual([]);
      }),
    );
  });
});

describe('the routing labels', () => {
  const labelsOf = (what: Signal) => Object.fromEntries(routingLabels(what, configOf().services[what.service]));

  test('are those of the alert, with normalized values', () => {
    expect(labelsOf(signal({ severity: 'page', env: 'staging', pod: 'a-1' }))).toEqual({
      alertname: 'Errors',
      pod: 'a-1',
      env: 'staging',
      service: 'checkout',
      environment: 'staging',
      severity: 'critical',
      team: 'payments',
      tier: '1',
      source: 'alertmanager',
    });
  });

  test("keep the alert's own team, tier, and source", () => {
    expect(labelsOf(signal({ team: 'web', tier: '3', source: 'blackbox' }))).toMatchObject({
      team: 'web',
      tier: '3',
      source: 'blackbox',
    });
    expect(labelsOf(signal({ team: '' }))).toMatchObject({ team: 'payments' }); // Prometheus treats an empty label as missing
  });

  test('name an unknown service as the alert does, and a missing one as unmatched', () => {
    expect(labelsOf(signal({ service: 'legacy' }))).toMatchObject({ service: 'legacy' });
    expect(labelsOf(signal({ service: '' }))).toMatchObject({ service: 'unmatched' });
  });

  test('can have names of object properties', () => {
    const odd = signal({ service: 'constructor', toString: 'x' });
    expect(destinationsOf(odd, configOf([{ match: { toString: 'x' }, slack: '#odd' }]), NOON).channels).toEqual([
      '#odd',
    ]);
    expect(destinationsOf(odd, configOf([{ match: { valueOf: '' }, slack: '#none' }]), NOON).channels).toEqual([
      '#none',
    ]);
  });
});

describe('matchers see a severity by its meaning, and in the word of the sender', () => {
  test.each([
    ['severity="page"', 'page', true],
    ['severity="critical"', 'page', true],
    ['severity=~"warn|ticket"', 'ticket', true],
    ['severity="ticket"', 'page', false],
    ['severity="page"', 'critical', false],
    ['severity!="page"', 'page', false],
    ['severity!="critical"', 'page', false],
    ['severity!~"warn.*|info"', 'page', true],
    ['severity=""', '', false],
    ['severity!=""', '', true],
  ])('%s of an alert with "%s": %s', (match, severity, isMatch) => {
    const { channels } = destinationsOf(signal({ severity }), configOf([{ match, slack: '#matched' }]), NOON);
    expect(channels.includes('#matched')).toBe(isMatch);
  });

  test('also for maintenance windows', () => {
    const maintenance = [{ name: 'upgrade', match: { severity: 'ticket' }, from: before(10), until: before(-10) }];
    const mutedWith = (severity: string) => mutedBy(signal({ severity }), configOf({ maintenance }), null, NOON)?.name;
    expect([mutedWith('ticket'), mutedWith('warning')]).toEqual(['upgrade', undefined]);
  });
});

describe('an alert is muted', () => {
  const maintenance = [
    {
      name: 'upgrade',
      match: { service: 'checkout', severity: 'critical' },
      from: before(10),
      until: before(-10),
      reason: 'new disks',
      by: 'ada',
    },
  ];
  const silence = (more: Partial<Silence> = {}): Silence => ({
    id: 's1',
    matchers: [{ name: 'alertname', value: 'Err.*', isRegex: true, isEqual: true }],
    startsAt: before(10),
    endsAt: before(-5),
    createdBy: 'grace',
    comment: 'known',
    ...more,
  });
  const muted = (what: Signal, silences: readonly Silence[] | null, at = NOON) =>
    mutedBy(what, configOf({ maintenance }), silences, at);
  const byWindow = { by: 'maintenance', name: 'upgrade', until: before(-10), reason: 'new disks (by ada)' };
  const bySilence = { by: 'silence', name: 's1', until: before(-5), reason: 'known (by grace)' };

  test.each([
    ['by a window that is open', critical, null, byWindow],
    ['by none that is for others', warning, null, null],
    ['by a silence', warning, [silence()], bySilence],
    ['by what ends last: the window', critical, [silence()], byWindow],
    [
      'by what ends last: the silence',
      critical,
      [silence({ endsAt: before(-20) })],
      { ...bySilence, until: before(-20) },
    ],
    ['by none that has ended', warning, [silence({ endsAt: NOON })], null],
    ['by none that has not begun', warning, [silence({ startsAt: before(-1) })], null],
    ['by none that is for nothing', warning, [silence({ matchers: [] })], null],
    [
      'by the labels it came with, where silences are concerned',
      signal({ severity: 'page' }),
      [
        silence({
          matchers: [{ name: 'severity', value: 'page', isRegex: false, isEqual: true }],
          endsAt: before(-20),
        }),
      ],
      { ...bySilence, until: before(-20) },
    ],
    [
      'and not by those that Firebreak has added',
      warning,
      [silence({ matchers: [{ name: 'team', value: 'payments', isRegex: false, isEqual: true }] })],
      null,
    ],
    [
      'regardless of its sender',
      toSignal(anAlert({ source: 'grafana', labels: { alertname: 'Errors' } }), configOf()),
      [silence()],
      bySilence,
    ],
  ])('%s', (_, what, silences, expected) => {
    expect(muted(what, silences)).toEqual(expected);
  });

  test('from the first instant of a window until just before its end', () => {
    expect(
      [before(10.001), before(10), before(-9.999), before(-10)].map((at) => muted(critical, null, at) !== null),
    ).toEqual([false, true, true, false]);
  });
});
