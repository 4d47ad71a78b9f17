import { createHmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { pagerDutyChanges } from '../../../../vendors/pagerduty/change-events.ts';
import { webhookIncident } from '../../../../core/domain/messages/webhooks.ts';
import { DecisionView } from '../../../../schemas/incidents/incident.ts';
import { Webhook } from '../../../../schemas/incidents/response.ts';
import { webhookReceivers } from '../../../../vendors/webhook/receivers.ts';
import { sync } from '../../../../core/projectors/sync.ts';
import { webhooksProjector } from '../../../../vendors/webhook/projector/webhooks.ts';
import { NewChange } from '../../../../schemas/changes/change.ts';
import { Config } from '../../../../schemas/config/config.ts';
import type { ChangeId, IncidentId } from '../../../../schemas/config/names.ts';
import type { Subject } from '../../../../schemas/incidents/projection.ts';
import { vendor, vendorThat, type Vendor } from '../../server.ts';
import { exchange } from '../../../../packages/sandbox/test/support.ts';
import { FakeWorld, idleEngine, silent } from '../../../support/fake-deps.ts';
import { ends, fires, theIncident } from '../../../workflows/play.ts';
import { StoredProjections } from '../../projectors/stored-projections.ts';

const SECRET = `whsec_${Buffer.from('a key of the receiver').toString('base64')}`;
const ROUTING_KEY = 'R0123456789ABCDEFGHIJ0123456789A';

let world: FakeWorld;
let projections: StoredProjections;
let id: IncidentId;
let eventsUrl: string;

beforeEach(async () => {
  world = new FakeWorld();
  world.engine = idleEngine();
  projections = new StoredProjections(world.clock);
  configured({});
  await fires()(world);
  id = theIncident(world);
});

/** Sleeps in real time, because the clock of the world does not advance by itself. */
const sleepFor = (milliseconds: number, signal: AbortSignal) => sleep(milliseconds, undefined, { signal });

const configured = (response: object) => {
  world.config = Config.parse({
    version: 'test',
    services: { checkout: { environments: { production: {} } } },
    paging: {},
    response,
  });
};

/** Advances the time, marks the subject, and runs the projector. */
async function changed(subject: Subject = `incident:${id}`, seconds = 90): Promise<void> {
  world.clock.set(world.clock.millis + seconds * 1000);
  await projections.changed(subject);
  await passes(0);
}

async function passes(seconds = 90): Promise<void> {
  world.clock.set(world.clock.millis + seconds * 1000);
  const { clock, deps } = world;
  const projector = webhooksProjector({
    projections,
    incidents: deps.incidents,
    changes: deps.changes,
    approvalLinks: deps.approvalLinks,
    publicUrl: 'https://firebreak.example.com',
    config: deps.config,
    receivers: webhookReceivers({
      clock,
      secrets: { get: async (name) => (name === 'HOOK_SECRET' ? SECRET : undefined) },
    }),
    changeEvents: pagerDutyChanges({ eventsUrl: async () => eventsUrl, routingKey: async () => ROUTING_KEY, clock }),
  });
  await sync('webhooks', { clock, log: silent, projections }, projector, { subjects: 16, pause: sleepFor });
}

const retitled = (title: string) =>
  world.deps.incidents.post(id, { kind: 'severity', severity: 'critical', by: 'ada' }, { title });
async function resolved(): Promise<void> {
  await ends()(world);
  const { seq } = (await world.deps.incidents.read(id)) ?? expect.unreachable();
  expect(await world.deps.incidents.resolve(id, seq, 'ada', 'over')).toBe('resolved');
}

const bodies = ({ received }: Vendor) => received.map(({ body }) => JSON.parse(body));
const types = (to: Vendor) => bodies(to).map(({ type }) => type);
const ids = ({ received }: Vendor) => received.map(({ headers }) => headers['webhook-id']);

describe('a receiver of webhooks', () => {
  test('gets signed events for the opening, changes, and the end of an incident, each once', async () => {
    const to = await vendor({});
    configured({ webhooks: [{ url: to.url, signature: 'HOOK_SECRET' }] });
    await changed();
    await changed();
    await retitled('Payments fail');
    await changed();
    await resolved();
    await changed();
    await changed();
    expect(bodies(to)).toMatchObject([
      {
        type: 'incident.opened',
        data: { id, service: 'checkout', environment: 'production', severity: 'critical', status: 'open' },
      },
      { type: 'incident.changed', data: { id, title: 'Payments fail' } },
      { type: 'incident.resolved', data: { id, status: 'resolved', resolved_at: expect.any(String) } },
    ]);
    await fires({ began: 0 })(world);
    await changed();
    expect(bodies(to).at(-1)).toMatchObject({ type: 'incident.opened', data: { id, resolved_at: null } }); // reopened
    for (const { headers, body } of to.received) {
      const content = [headers['webhook-id'], headers['webhook-timestamp'], body].join('.');
      const digest = createHmac('sha256', 'a key of the receiver').update(content).digest('base64');
      expect(headers['webhook-signature']).toBe(`v1,${digest}`);
    }
    expect(new Set(ids(to)).size).toBe(4);
  });

  test('gets events in order, and repetitions until it accepts them', async () => {
    const to = await vendor(
      { status: 503 },
      { cut: 200 },
      { status: 429, headers: { 'retry-after': '30' } },
      { status: 204 },
    );
    configured({ webhooks: [{ url: to.url, signature: 'HOOK_SECRET' }] });
    await changed();
    await retitled('Payments fail');
    await resolved();
    for (let n = 0; n < 3; n += 1) await passes();
    expect(types(to)).toEqual([...Array(4).fill('incident.opened'), 'incident.resolved']);
    const [first, second, third, fourth, last] = to.received.map(({ body }) => body);
    expect([second, third, fourth]).toEqual([first, first, first]);
    expect(new Set(ids(to).slice(0, 4)).size).toBe(1);
    expect(JSON.parse(last ?? '').data.title).toBe('Payments fail');
  });

  test('that refuses an event gets it again, without delaying others', async () => {
    const [stern, kind] = [await vendor({ status: 403 }), await vendor({})];
    configured({ webhooks: [stern, kind].map(({ url }) => ({ url, signature: 'HOOK_SECRET' })) });
    await changed();
    await passes();
    expect([types(stern), types(kind)]).toEqual([['incident.opened', 'incident.opened'], ['incident.opened']]);
  });

  test('that is down is called less often, without delaying others', async () => {
    const [down, kind] = [await vendor({ cut: 200 }), await vendor({})];
    configured({ webhooks: [down, kind].map(({ url }) => ({ url, signature: 'HOOK_SECRET' })) });
    await changed();
    await passes(1);
    await retitled('Payments fail');
    await changed(undefined, 1);
    expect([types(down), types(kind)]).toEqual([['incident.opened'], ['incident.opened', 'incident.changed']]);
  });

  test('that does not answer delays neither this incident nor others nor changes', async () => {
    const patience = new AbortController();
    const limits = vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => patience.signal);
    onTestFinished(() => limits.mockRestore());
    const hanging = await Promise.all(Array.from({ length: 8 }, () => vendor('hang', {})));
    const kind = await vendor({});
    const pager = await vendor({ status: 202, body: '{"status":"success"}' });
    eventsUrl = pager.url;
    configured({
      webhooks: [...hanging, kind].map(({ url }) => ({ url, signature: 'HOOK_SECRET' })),
      pagerduty: { changeEvents: true },
    });
    await fires({ labels: { service: 'cart' }, name: 'Down' })(world);
    const other = [...world.store.dossiers.keys()].at(-1) ?? expect.unreachable();
    const serviceEnvironment = { service: 'checkout', environment: 'production', version: 'v7' };
    const started_at = world.clock.now();
    const { change } = await world.deps.changes.record(NewChange.parse({ ...serviceEnvironment, started_at }));
    await projections.changed(`incident:${id}`, `incident:${other}`, `change:${change.id}`);
    const passed = passes(0);
    await expect.poll(() => [kind.received.length, pager.received.length]).toEqual([2, 1]);

    // New subjects don't wait either.
    await retitled('Payments fail');
    await projections.changed(`incident:${other}`);
    await world.deps.changes.patch(change.id, { status: 'failed' });
    await projections.changed(`change:${change.id}`);
    await expect.poll(() => pager.received.length).toBe(2);
    expect(hanging.map(({ received }) => received.length)).toEqual(Array(8).fill(1));

    limits.mockRestore();
    patience.abort(new DOMException('', 'TimeoutError'));
    await passed;
    await changed();
    // A repeated event has the same ID.
    const told = ({ received }: Vendor, of: IncidentId) =>
      [...new Map(received.map(({ headers, body }) => [headers['webhook-id'], JSON.parse(body)])).values()].flatMap(
        ({ type, data }) => (data.id === of ? [type] : []),
      );
    for (const one of [...hanging, kind])
      expect([told(one, id), told(one, other)]).toEqual([['incident.opened', 'incident.changed'], ['incident.opened']]);
  });

  test('gets the acknowledgement, until the incident pages again', async () => {
    const to = await vendor({});
    configured({ webhooks: [{ url: to.url, signature: 'HOOK_SECRET' }] });
    const at = world.clock.now();
    const acked = { actor: 'grace', kind: 'page.acknowledged', text: 'hm', detail: null };
    await world.deps.incidents.amend(id, () => ({
      handling: { acknowledged: { by: 'grace', at, page: 0 } },
      timeline: acked,
    }));
    await changed();
    await world.deps.effects.intend(
      id,
      { key: `${id}.page.1`, kind: 'page', target: 'pagerduty', class: 'keyed', detail: '' },
      { page: 1 },
    );
    await changed();
    expect(bodies(to).map(({ data }) => data.acknowledged_by)).toEqual(['grace', null]);
  });

  test('gets only the events that it selected', async () => {
    const paths = new Map<string, string[]>();
    const to = await vendorThat(({ path, body }) => {
      paths.set(path, [...(paths.get(path) ?? []), JSON.parse(body).type]);
      return {};
    });
    const at = (path: string, more: object) => ({ url: `${to.url}${path}`, signature: 'HOOK_SECRET', ...more });
    configured({
      webhooks: [
        at('/end', { events: ['incident.resolved'] }),
        at('/critical', { severities: ['critical'] }),
        at('/warning', { severities: ['warning'] }),
        at('/checkout', { services: ['checkout'] }),
        at('/cart', { services: ['cart'] }),
      ],
    });
    await changed();
    await resolved();
    await changed();
    const both = ['incident.opened', 'incident.resolved'];
    expect(Object.fromEntries(paths)).toEqual({ '/end': ['incident.resolved'], '/critical': both, '/checkout': both });
  });

  test('that is new gets no events of resolved incidents', async () => {
    const to = await vendor({});
    await resolved();
    configured({ webhooks: [{ url: to.url, signature: 'HOOK_SECRET' }] });
    await changed();
    expect(to.received).toEqual([]);
  });

  test('without a secret gets no events', async () => {
    const to = await vendor({});
    configured({ webhooks: [{ url: to.url, signature: 'ANOTHER_SECRET' }] });
    await changed();
    expect(to.received).toEqual([]);
  });
});

test('external texts are not formatted as Markdown in a Teams card', async () => {
  const to = await vendor({ status: 202 });
  configured({ webhooks: [{ url: to.url, format: 'teams' }] });
  await retitled('[click](https://evil.example) **now** <at>everyone</at>');
  await changed();
  const [message] = bodies(to);
  expect(message).toMatchObject({
    type: 'message',
    attachments: [
      { contentType: 'application/vnd.microsoft.card.adaptive', content: { type: 'AdaptiveCard', version: '1.4' } },
    ],
  });
  const { body } = message.attachments[0].content;
  expect(body[0].inlines[1].text).toBe('checkout production: [click](https://evil.example) **now** <at>everyone</at>');
  expect(new Set(body.map(({ type }: { type: string }) => type))).toEqual(new Set(['RichTextBlock']));
});

test('a card and the payload link to the question that waits, and to the incident', async () => {
  const view = (await world.deps.incidents.view(id)) ?? expect.unreachable();
  const incident = (await world.deps.incidents.read(id)) ?? expect.unreachable();
  const decision = DecisionView.parse({
    id: 'd1',
    kind: 'suggest',
    because: 'mode_suggest',
    at: incident.opened_at,
    digest: 'd',
    state: 'waiting',
    answer_until: '2026-11-20T13:00:00.000Z',
    reasons: [{ code: 'suspect', text: 'v2 is new' }],
    answered_by: null,
    from_version: 'v2',
    to_version: 'v1',
  });
  const links = { url: 'https://fb.example/i', urls: new Map([['d1', 'https://fb.example/console/approve/x']]) };
  const payload = (state: 'waiting' | 'final') =>
    webhookIncident({ ...view, decisions: [{ ...decision, state }] }, incident, links);
  expect(payload('waiting').question).toEqual({
    text: expect.stringContaining('v2'),
    answer_until: '2026-11-20T13:00:00.000Z',
    url: 'https://fb.example/console/approve/x',
  });
  const { write } = webhookReceivers({ clock: world.clock, secrets: { get: async () => undefined } });
  const buttons = (state: 'waiting' | 'final') => {
    const { body } = write(
      Webhook.parse({ url: 'https://teams.example', format: 'teams' }),
      '1',
      'incident.changed',
      world.clock.now(),
      payload(state),
    );
    return JSON.parse(body).attachments[0].content.actions.map(({ title, url }: { title: string; url: string }) => [
      title,
      url,
    ]);
  };
  const inConsole = ['Open in the console', 'https://fb.example/i'];
  expect(buttons('waiting')).toEqual([['Approve or reject', 'https://fb.example/console/approve/x'], inConsole]);
  expect(payload('final').question).toBeNull();
  expect(buttons('final')).toEqual([inConsole]);
});

describe('change events', () => {
  const serviceEnvironment = { service: 'checkout', environment: 'production', version: 'v7' };
  const recorded = async (more: object): Promise<ChangeId> => {
    const started_at = world.clock.now();
    const { change } = await world.deps.changes.record(NewChange.parse({ ...serviceEnvironment, started_at, ...more }));
    return change.id;
  };

  test('are sent to PagerDuty once for each status, in its documented format', async () => {
    const { response } = exchange('pagerduty/change-enqueue');
    const to = await vendor({ status: 429 }, { status: response.status, body: response.body });
    eventsUrl = to.url;
    configured({ pagerduty: { changeEvents: true } });
    const change = await recorded({ status: 'started', author: 'ada', url: 'https://ci.example.com/1' });
    for (let n = 0; n < 3; n += 1) await changed(`change:${change}`);
    await world.deps.changes.patch(change, { status: 'succeeded', finished_at: world.clock.now() });
    for (let n = 0; n < 2; n += 1) await changed(`change:${change}`);
    expect(to.received.map(({ path }) => path)).toEqual(Array(3).fill('/v2/change/enqueue'));
    expect(bodies(to)).toMatchObject([
      { payload: { summary: 'Deploy: checkout production v7 started' } },
      {
        routing_key: ROUTING_KEY,
        links: [{ href: 'https://ci.example.com/1' }],
        payload: {
          summary: 'Deploy: checkout production v7 started',
          custom_details: { author: 'ada', status: 'started', version: 'v7' },
        },
      },
      { payload: { summary: 'Deploy: checkout production v7' } },
    ]);
  });

  test('are sent only if configured, and not for old changes', async () => {
    const to = await vendor({ status: 202, body: '{"status":"success"}' });
    eventsUrl = to.url;
    configured({});
    await changed(`change:${await recorded({ status: 'started' })}`);
    configured({ pagerduty: { changeEvents: true } });
    await changed(`change:${await recorded({ started_at: '2026-11-19T12:00:00.000Z' })}`);
    expect(to.received).toEqual([]);
  });
});
