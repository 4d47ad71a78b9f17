import { readFileSync } from 'node:fs';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { ExternalPager, ExternalQuery } from '../../../core/domain/ports/external-pager.ts';
import type { PageRequest } from '../../../core/domain/ports/paging.ts';
import { dedupKeyOf, externalPagerDuty } from '../../../vendors/pagerduty/external-incidents.ts';
import { ATTEMPT_TIMEOUT_MS, NOTE_MAX_CHARS } from '../../../vendors/pagerduty/limits.ts';
import { pagerDuty as eventsPager } from '../../../vendors/pagerduty/pager.ts';
import type { StandIns } from '../../../packages/sandbox/core/index.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { calls, clock, incidents, sandbox, setFault, start } from '../../../packages/sandbox/test/support.ts';
import { SetClock } from '../../support/fake-deps.ts';
import { impatient } from '../time-limits.ts';
import { nobody, type Received, type Reply, vendor } from '../server.ts';

const NOW = '2026-11-20T06:48:00.000Z' as Timestamp;
const TOKEN = 'y_NbAkKc66ryYTWUXYEu';
const FROM = 'firebreak@example.com';

type Settings = { token?: string | undefined; from?: string | undefined };

const pagerAt = (apiUrl: string, settings: Settings = {}): ExternalPager => {
  const { token, from } = { token: TOKEN, from: FROM, ...settings };
  return externalPagerDuty({
    apiUrl: async () => apiUrl,
    token: async () => token,
    from: async () => from,
    clock: new SetClock(NOW),
  });
};

type Notification = { path: string; headers: Record<string, string>; body: string };

/**
 * Recorded notifications of a real Alertmanager about one group: to a webhook and PagerDuty of the same receiver, and
 * to PagerDuty of another receiver.
 */
const told = JSON.parse(
  readFileSync(new URL('../../fixtures/alertmanager/beside-pagerduty.notifications.json', import.meta.url), 'utf8'),
) as Record<'webhook' | 'pagerduty' | 'pagerdutyOfAnotherReceiver', Notification>;

type Group = { groupKey: string; alerts: { labels: Record<string, string> }[] };
const group = JSON.parse(told.webhook.body) as Group;

/** Returns the query for an incident whose alerts came through that webhook. */
const query = (more: Partial<ExternalQuery> = {}): ExternalQuery => ({
  groupKeys: [group.groupKey],
  alerts: group.alerts.map(({ labels }) => Object.entries(labels)),
  service: 'checkout-api',
  environment: 'production',
  since: '2026-11-20T06:40:00.000Z' as Timestamp,
  ...more,
});

type Event = { dedup_key: string; payload: { summary: string; custom_details?: unknown } & Record<string, unknown> };

/** Sends Alertmanager's notification to PagerDuty, with optional changes. */
async function notify(
  { urls }: StandIns,
  which: 'pagerduty' | 'pagerdutyOfAnotherReceiver',
  change: (event: Event) => unknown = () => undefined,
) {
  const { path, headers, body } = told[which];
  const event = JSON.parse(body) as Event;
  change(event);
  const response = await fetch(urls.pagerduty + path, { method: 'POST', headers, body: JSON.stringify(event) });
  expect(response.status).toBe(202);
}

const standIns = () => start({ now: clock().now });
const found = (by: string) => ({ kind: 'done', value: { by, incident: { status: 'triggered' } } });
const notFound = (because: string | RegExp) => ({
  kind: 'done',
  value: { incident: null, because: expect.stringMatching(because) as string },
});

test('the key at PagerDuty is the hash of the group key in a webhook of the same receiver', () => {
  const keyTold = (which: 'pagerduty' | 'pagerdutyOfAnotherReceiver') =>
    (JSON.parse(told[which].body) as { dedup_key: string }).dedup_key;
  expect(group.groupKey).toBe(
    '{}/{severity="critical",team=~"pay.*"}:{alertname="HighErrorBurnRate", service="checkout-api"}',
  );
  expect(dedupKeyOf(group.groupKey)).toBe(keyTold('pagerduty'));
  expect(dedupKeyOf(group.groupKey)).not.toBe(keyTold('pagerdutyOfAnotherReceiver'));
});

describe('a search finds an incident', () => {
  test('by the key of the alert group, in one call', async () => {
    const pagerDuty = await standIns();
    await notify(pagerDuty, 'pagerduty');
    const [incident] = await incidents(pagerDuty);
    expect(await pagerAt(`${pagerDuty.urls.pagerduty}/`).find(query())).toEqual({
      kind: 'done',
      value: {
        by: 'group_key',
        incident: {
          id: incident?.id,
          url: `${pagerDuty.urls.pagerduty}/incidents/${incident?.id}`,
          title: '[FIRING:2] HighErrorBurnRate checkout-api (production critical payments)',
          status: 'triggered',
          acknowledgedBy: [],
          assignedTo: ['Sandbox On-Call'],
          acknowledged: null,
          resolvedBy: null,
          createdAt: '2026-11-20T06:48:00.000Z',
        },
      },
    });
    const asked = (await calls(pagerDuty)).filter(({ headers }) => headers['accept']?.includes('pagerduty'));
    expect(asked.map(({ path, query: text }) => [path, decodeURIComponent(text ?? '')])).toEqual([
      ['/incidents', `incident_key=${dedupKeyOf(group.groupKey)}&statuses[]=triggered&statuses[]=acknowledged`],
    ]);
  });

  test('by the key of the second alert group', async () => {
    const pagerDuty = await standIns();
    await notify(pagerDuty, 'pagerduty');
    const groupKeys = ['{}:{alertname="Another"}', group.groupKey];
    expect(await pagerAt(pagerDuty.urls.pagerduty).find(query({ groupKeys }))).toMatchObject(found('group_key'));
  });

  test('by the labels of an alert from another receiver', async () => {
    const pagerDuty = await standIns();
    await notify(pagerDuty, 'pagerdutyOfAnotherReceiver');
    expect(await pagerAt(pagerDuty.urls.pagerduty).find(query())).toMatchObject(found('labels'));
    const alerts = query().alerts.slice(1); // any of the alerts suffices
    expect(await pagerAt(pagerDuty.urls.pagerduty).find(query({ alerts, service: 'shop' }))).toMatchObject(
      found('labels'),
    );
  });

  test('by labels in the format since Alertmanager 0.30', async () => {
    const pagerDuty = await standIns();
    await notify(pagerDuty, 'pagerdutyOfAnotherReceiver', ({ payload }) => {
      payload.custom_details = { firing: group.alerts, resolved: [], num_firing: 2, num_resolved: 0 };
    });
    expect(await pagerAt(pagerDuty.urls.pagerduty).find(query())).toMatchObject(found('labels'));
  });

  test('by names, if another sender pages for the same service', async () => {
    const pagerDuty = await standIns();
    await notify(pagerDuty, 'pagerdutyOfAnotherReceiver');
    const alerts = [Object.entries({ alertname: 'HighErrorBurnRate', service: 'checkout-api', severity: 'page' })];
    expect(await pagerAt(pagerDuty.urls.pagerduty).find(query({ alerts }))).toMatchObject(found('names'));
  });

  test('by words in its text, if a template has removed the labels', async () => {
    const pagerDuty = await standIns();
    await notify(pagerDuty, 'pagerdutyOfAnotherReceiver', ({ payload }) => delete payload.custom_details);
    expect(await pagerAt(pagerDuty.urls.pagerduty).find(query())).toMatchObject(found('names'));
  });

  test('that is acknowledged', async () => {
    const pagerDuty = await standIns();
    await notify(pagerDuty, 'pagerduty');
    const [incident] = await incidents(pagerDuty);
    await sandbox(pagerDuty, 'POST', `/pagerduty/incidents/${incident?.id}/acknowledge`, { by: 'Ada' });
    expect(await pagerAt(pagerDuty.urls.pagerduty).find(query())).toMatchObject({
      value: { incident: { status: 'acknowledged', acknowledgedBy: ['Ada'] } },
    });
  });
});

describe('a search finds no incident', () => {
  test('if none is open', async () => {
    const pagerDuty = await standIns();
    expect(await pagerAt(pagerDuty.urls.pagerduty).find(query())).toMatchObject(notFound('none of 0 open incidents'));
    await notify(pagerDuty, 'pagerduty');
    const [incident] = await incidents(pagerDuty);
    await sandbox(pagerDuty, 'POST', `/pagerduty/incidents/${incident?.id}/resolve`, {});
    expect(await pagerAt(pagerDuty.urls.pagerduty).find(query())).toMatchObject(notFound('none of 0 open incidents'));
  });

  test('by labels among older ones', async () => {
    const pagerDuty = await standIns();
    await notify(pagerDuty, 'pagerdutyOfAnotherReceiver');
    const since = '2026-11-20T06:48:01.000Z' as Timestamp;
    expect(await pagerAt(pagerDuty.urls.pagerduty).find(query({ since }))).toMatchObject(notFound('none of 0'));
  });

  test("that is a page by Firebreak, because it would suppress Firebreak's own notifications", async () => {
    const pagerDuty = await standIns();
    const pager = eventsPager({
      eventsUrl: pagerDuty.urls.pagerduty,
      routingKey: async () => 'R'.repeat(32),
      clock: new SetClock(NOW),
    });
    const ownPage: PageRequest = {
      key: '01JCYZ7Q8M3N5P7R9T1V3X5Z7B.page.1',
      action: 'trigger',
      summary: 'checkout-api production: HighErrorBurnRate',
      service: 'checkout-api',
      environment: 'production',
      severity: 'critical',
      incident: '01JCYZ7Q8M3N5P7R9T1V3X5Z7B',
      at: NOW,
      links: [],
    };
    expect(await pager.send(ownPage)).toMatchObject({ kind: 'taken' });
    expect(await pagerAt(pagerDuty.urls.pagerduty).find(query())).toMatchObject(notFound('none of 1 open incidents'));
  });

  test('if two match by name', async () => {
    const pagerDuty = await standIns();
    for (const key of ['one', 'two']) {
      await notify(pagerDuty, 'pagerdutyOfAnotherReceiver', (event) => {
        event.dedup_key = key;
        delete event.payload.custom_details;
      });
    }
    const [one, two] = (await incidents(pagerDuty)).map(({ id }) => id);
    expect(await pagerAt(pagerDuty.urls.pagerduty).find(query())).toMatchObject(
      notFound(new RegExp(`${two}, ${one} may match`)),
    );
  });

  type Details = (event: Event) => unknown;
  const labelled =
    (labels: Record<string, string>): Details =>
    ({ payload }) =>
      void (payload.custom_details = { firing: [{ status: 'firing', labels }] });
  const worded =
    (summary: string, details?: unknown): Details =>
    ({ payload }) => {
      payload.summary = summary;
      payload.custom_details = details;
    };
  const named = { alertname: 'HighErrorBurnRate', service: 'checkout-api', environment: 'production' };

  test.each<[string, Details, boolean]>([
    ['labels that name the same', labelled(named), true],
    ['labels without an environment', labelled({ alertname: named.alertname, app: 'checkout-api' }), true],
    ['labels of another environment', labelled({ ...named, environment: 'staging' }), false],
    [
      'labels of another environment, called env',
      labelled({ alertname: named.alertname, service: 'checkout-api', env: 'qa' }),
      false,
    ],
    ['labels of another service', labelled({ ...named, service: 'search-api' }), false],
    ['labels of another alert', labelled({ ...named, alertname: 'HighLatency' }), false],
    [
      'our names, but not in the labels',
      labelled({ alertname: 'X', note: 'HighErrorBurnRate of checkout-api' }),
      false,
    ],
    [
      'our labels, but resolved',
      ({ payload }) =>
        void (payload.custom_details = { firing: [], resolved: [{ status: 'resolved', labels: named }] }),
      true, // its title still contains all names
    ],
    ['words: all of them', worded('HighErrorBurnRate: checkout-api, production.'), true],
    ['words: in the details', worded('Trouble', { a: ['HighErrorBurnRate'], b: 'checkout-api (production)' }), true],
    ['words: details that are one text', worded('Trouble', 'HighErrorBurnRate in production/ checkout-api'), true],
    ['words: a longer service', worded('HighErrorBurnRate checkout-api-worker production'), false],
    ['words: a host', worded('HighErrorBurnRate checkout-api.internal production'), false],
    ['words: a part of an address', worded('HighErrorBurnRate https://wiki/checkout-api production'), false],
    ['words: another alert', worded('NoHighErrorBurnRate checkout-api production'), false],
    ['words: no environment', worded('HighErrorBurnRate checkout-api'), false],
  ])('matches an incident with %s: %#', async (_, change, matches) => {
    const pagerDuty = await standIns();
    await notify(pagerDuty, 'pagerdutyOfAnotherReceiver', change);
    expect(await pagerAt(pagerDuty.urls.pagerduty).find(query())).toMatchObject(
      matches ? found('names') : notFound('none of 1 open incidents at PagerDuty matches the alerts'),
    );
  });

  test('ignores alerts that the sender lists as resolved', async () => {
    const pagerDuty = await standIns();
    await notify(pagerDuty, 'pagerdutyOfAnotherReceiver', ({ payload }) => {
      const { firing } = payload.custom_details as { firing: string };
      payload.custom_details = { firing: firing.replaceAll('checkout-api', 'search-api'), resolved: firing };
    });
    expect(await pagerAt(pagerDuty.urls.pagerduty).find(query())).toMatchObject(notFound('none of 1'));
  });

  test("ignores a label list that can't be parsed completely", async () => {
    const pagerDuty = await standIns();
    const firing =
      'Labels:\n - alertname = HighErrorBurnRate\n - note = one\ntwo\n - service = checkout-api\nAnnotations:\n';
    await notify(pagerDuty, 'pagerdutyOfAnotherReceiver', worded('Trouble', { firing }));
    const alerts = [[['alertname', 'HighErrorBurnRate'] as const, ['note', 'one'] as const]];
    expect(await pagerAt(pagerDuty.urls.pagerduty).find(query({ alerts }))).toMatchObject(notFound('none of 1'));
  });
});

/** Returns an incident in the format of the API reference. */
const incident = (id: string, more: object = {}) => ({
  id,
  type: 'incident',
  summary: `[#1234] ${id}`,
  html_url: `https://acme.pagerduty.com/incidents/${id}`,
  title: id,
  status: 'triggered',
  created_at: '2026-11-20T06:47:00Z',
  assignments: [{ at: '2026-11-20T06:47:00Z', assignee: { id: 'PXPGF42', type: 'user_reference', summary: 'Ada' } }],
  acknowledgements: [],
  resolve_reason: null,
  ...more,
});
const json = (body: unknown): Reply => ({ body: JSON.stringify(body) });
const list = (all: object[], more = false): Reply => json({ incidents: all, limit: 100, offset: 0, more, total: null });
const noNotes = json({ notes: [] });
const taken = json({ note: { id: 'PWL7QXS' } });
const noAlerts = json({ alerts: [], limit: 25, offset: 0, more: false });

const pathsOf = (received: readonly Received[]) => received.map(({ path }) => decodeURIComponent(path));

describe('in an alert storm', () => {
  const open = (count: number) => Array.from({ length: count }, (_, n) => incident(`P${n}`));

  test('only some incidents are read, and the result says so', async () => {
    const { url, received } = await vendor(
      list([]),
      list(open(100), true),
      list(open(100), true),
      list(open(60), true),
      noAlerts,
    );
    expect(await pagerAt(url).find(query())).toMatchObject(
      notFound('none of 15 open incidents at PagerDuty matches the alerts; there are more than were read'),
    );
    expect(received).toHaveLength(1 + 3 + 15);
    expect(pathsOf(received)[3]).toBe(
      '/incidents?since=2026-11-20T06:40:00.000Z&sort_by=created_at:desc&limit=100&offset=200&statuses[]=triggered&statuses[]=acknowledged',
    );
  });

  test('incidents with matching titles are read first', async () => {
    const titled = [...open(40), incident('PLAST', { title: 'HighErrorBurnRate checkout-api' })];
    const alerts = json({ alerts: [{ summary: 'x', body: { details: { firing: group.alerts } } }], more: false });
    const { url, received } = await vendor(list([]), list(titled), alerts, noAlerts);
    expect(await pagerAt(url).find(query())).toMatchObject({ value: { by: 'labels', incident: { id: 'PLAST' } } });
    expect(pathsOf(received)[2]).toBe('/incidents/PLAST/alerts?statuses[]=triggered&sort_by=created_at:desc&limit=25');
  });

  test("a match by name doesn't count while there are more incidents", async () => {
    const titled = [...open(40), incident('PLAST', { title: 'HighErrorBurnRate checkout-api' })];
    const alerts = json({
      alerts: [{ summary: 'HighErrorBurnRate checkout-api production', body: null }],
      more: false,
    });
    const { url } = await vendor(list([]), list(titled), alerts, noAlerts);
    expect(await pagerAt(url).find(query())).toMatchObject(notFound('PLAST may match.*there are more'));
  });

  test('the newest of several incidents with the key is chosen', async () => {
    const { url } = await vendor(list([incident('POLD', { created_at: '2026-11-19T00:00:00Z' }), incident('PNEW')]));
    expect(await pagerAt(url).find(query())).toMatchObject({ value: { incident: { id: 'PNEW' } } });
  });

  test('the number of group keys is limited', async () => {
    const { url, received } = await vendor(list([]));
    const groupKeys = Array.from({ length: 40 }, (_, n) => `{}:{n="${n % 20}"}`);
    await pagerAt(url).find(query({ groupKeys }));
    expect(pathsOf(received).filter((path) => path.includes('incident_key'))).toHaveLength(10);
  });
});

describe('a note', () => {
  const withNote = async (pagerDuty: StandIns) => {
    await notify(pagerDuty, 'pagerduty');
    return (await incidents(pagerDuty))[0]?.id ?? '';
  };
  const notesOf = async (pagerDuty: StandIns, id: string): Promise<any[]> => {
    const headers = { authorization: `Token token=${TOKEN}` };
    const answer = await fetch(`${pagerDuty.urls.pagerduty}/incidents/${id}/notes`, { headers });
    return ((await answer.json()) as { notes: any[] }).notes;
  };

  test('is written once per key', async () => {
    const pagerDuty = await standIns();
    const id = await withNote(pagerDuty);
    const pager = pagerAt(pagerDuty.urls.pagerduty);
    const done = { kind: 'done', value: null };
    for (const key of ['01TEST.page.11', '01TEST.page.1', '01TEST.page.1', '01TEST.page.11'])
      expect(await pager.annotate(id, 'Rolling back', key)).toEqual(done);
    expect(await notesOf(pagerDuty, id)).toMatchObject([
      { content: 'Rolling back\n\nfirebreak:01TEST.page.1', user: { summary: FROM } },
      { content: 'Rolling back\n\nfirebreak:01TEST.page.11', user: { summary: FROM } },
    ]);
  });

  test('with a lost response is found by the retry', async () => {
    const pagerDuty = await standIns();
    const id = await withNote(pagerDuty);
    const pager = pagerAt(pagerDuty.urls.pagerduty);
    await setFault(pagerDuty, { vendor: 'pagerduty', fault: { kind: 'lost' }, match: { method: 'POST' }, times: 1 });
    expect(await pager.annotate(id, 'Rolling back', 'k')).toMatchObject({ kind: 'unclear' });
    expect(await pager.annotate(id, 'Rolling back', 'k')).toMatchObject({ kind: 'done' });
    expect(await notesOf(pagerDuty, id)).toHaveLength(1);
  });

  test.each([NOTE_MAX_CHARS - 14, NOTE_MAX_CHARS - 13, 100_000])('of %i characters keeps its key', async (length) => {
    const { url, received } = await vendor(noNotes, taken);
    await pagerAt(url).annotate('P1', 'ü'.repeat(length), 'k');
    const { note } = JSON.parse(received[1]?.body ?? '{}') as { note: { content: string } };
    expect(note.content).toHaveLength(Math.min(length + 13, NOTE_MAX_CHARS));
    expect(note.content).toMatch(length > NOTE_MAX_CHARS - 13 ? /ü…\n\nfirebreak:k$/ : /ü\n\nfirebreak:k$/);
  });

  test('has the user and the API version in its headers', async () => {
    const { url, received } = await vendor(noNotes, taken);
    await pagerAt(url).annotate('P/1', 'x', 'k');
    expect(received).toMatchObject([
      { method: 'GET', path: '/incidents/P%2F1/notes' },
      {
        method: 'POST',
        path: '/incidents/P%2F1/notes',
        headers: {
          accept: 'application/vnd.pagerduty+json;version=2',
          authorization: `Token token=${TOKEN}`,
          'content-type': 'application/json',
          from: FROM,
        },
      },
    ]);
  });

  test("needs no user with a user's API key", async () => {
    const { url, received } = await vendor(noNotes, taken);
    expect(await pagerAt(url, { from: undefined }).annotate('P1', 'x', 'k')).toMatchObject({ kind: 'done' });
    expect(received[1]?.headers).not.toHaveProperty('from');
  });

  test("needs a user with an account's API key, and reports that it is missing", async () => {
    const pagerDuty = await standIns();
    const id = await withNote(pagerDuty);
    expect(await pagerAt(pagerDuty.urls.pagerduty, { from: undefined }).annotate(id, 'x', 'k')).toEqual({
      kind: 'refused',
      code: 'bad_request',
      detail: expect.stringMatching(/"From" header.*PAGERDUTY_FROM is not set/) as string,
    });
  });

  test('for a deleted incident is refused', async () => {
    const pagerDuty = await standIns();
    expect(await pagerAt(pagerDuty.urls.pagerduty).annotate('Q0000000000099', 'x', 'k')).toMatchObject({
      kind: 'refused',
      code: 'not_found',
    });
  });

  test.each([
    ['429', { status: 429, headers: { 'ratelimit-reset': '20' } }, { kind: 'later', afterSeconds: 20 }],
    ['500', { status: 500 }, { kind: 'unclear' }],
    ['408', { status: 408 }, { kind: 'unclear' }],
    ['a connection that is cut', { cut: 200 }, { kind: 'unclear' }],
    ['what something in between says', { status: 200, body: 'please log in' }, { kind: 'unclear' }],
    ['403', { status: 403 }, { kind: 'refused', code: 'forbidden' }],
  ] as const)('with the response %s', async (_, reply, expected) => {
    const { url, received } = await vendor(noNotes, reply);
    expect(await pagerAt(url).annotate('P1', 'x', 'k')).toMatchObject(expected);
    expect(received).toHaveLength(2);
  });
});

describe('a page by Firebreak', () => {
  const KEY = '01JCYZ7Q8M3N5P7R9T1V3X5Z7B.page.1';

  test('is found by its key, with the last acknowledgement or the resolver', async () => {
    const pagerDuty = await standIns();
    const pager = pagerAt(pagerDuty.urls.pagerduty);
    expect(await pager.paged(KEY)).toEqual({ kind: 'done', value: null });
    await notify(pagerDuty, 'pagerduty', (event) => (event.dedup_key = KEY));
    const id = (await incidents(pagerDuty))[0]?.id ?? '';
    const person = (action: string, by: string) =>
      sandbox(pagerDuty, 'POST', `/pagerduty/incidents/${id}/${action}`, { by });
    expect(await pager.paged(KEY)).toMatchObject({ value: { status: 'triggered', acknowledged: null } });
    await person('acknowledge', 'Ada Park');
    expect(await pager.paged(KEY)).toMatchObject({
      value: { status: 'acknowledged', acknowledged: { by: { id: 'PADA001', name: 'Ada Park' }, at: NOW } },
    });
    await person('resolve', 'Grace Moreau');
    expect(await pager.paged(KEY)).toMatchObject({
      value: { status: 'resolved', resolvedBy: { id: 'PGRACE1', name: 'Grace Moreau' } },
    });
  });

  test('has no resolver if an integration resolved it', async () => {
    const closed = incident('P1', {
      status: 'resolved',
      last_status_change_by: { id: 'PSVC', type: 'service_reference', summary: 'API' },
    });
    const { url } = await vendor(list([closed]), json({ incident: closed }));
    expect(await pagerAt(url).paged(KEY)).toMatchObject({ value: { status: 'resolved', resolvedBy: null } });
  });

  test('that was merged into another incident continues there', async () => {
    const merged = incident('P1', {
      status: 'resolved',
      last_status_change_by: { id: 'PADA001', type: 'user_reference', summary: 'Ada' },
      resolve_reason: { type: 'merge_resolve_reason', incident: { id: 'P2', type: 'incident_reference' } },
    });
    const { url } = await vendor(list([merged]), json({ incident: merged }), json({ incident: incident('P2') }));
    expect(await pagerAt(url).paged(KEY)).toMatchObject({ value: { id: 'P2', status: 'triggered', resolvedBy: null } });
  });

  test('ignores acknowledgements in an unexpected format', async () => {
    const at = '2026-11-20T06:47:30Z';
    const odd = incident('P1', {
      status: 'acknowledged',
      acknowledgements: [
        { at: 'yesterday', acknowledger: { id: 'P1', type: 'user_reference', summary: 'Ada' } },
        { at, acknowledger: 7 },
      ],
    });
    const { url } = await vendor(list([odd]));
    expect(await pagerAt(url).paged(KEY)).toMatchObject({
      value: { acknowledgedBy: ['Ada'], acknowledged: { by: null, at: '2026-11-20T06:47:30.000Z' } },
    });
  });
});

describe('reading an incident', () => {
  test('returns its assignees and its resolution', async () => {
    const pagerDuty = await standIns();
    await notify(pagerDuty, 'pagerduty');
    const id = (await incidents(pagerDuty))[0]?.id ?? '';
    const pager = pagerAt(pagerDuty.urls.pagerduty);
    const person = (action: string, by: string) =>
      sandbox(pagerDuty, 'POST', `/pagerduty/incidents/${id}/${action}`, { by });
    expect(await pager.read(id)).toMatchObject({ value: { id, status: 'triggered', acknowledgedBy: [] } });
    await person('acknowledge', 'Ada');
    await person('acknowledge', 'Grace');
    expect(await pager.read(id)).toMatchObject({
      value: {
        status: 'acknowledged',
        acknowledgedBy: ['Ada', 'Grace'],
        acknowledged: { by: { id: expect.stringMatching(/^P/), name: 'Grace' }, at: expect.any(String) },
        resolvedBy: null,
      },
    });
    await person('resolve', 'Ada');
    expect(await pager.read(id)).toMatchObject({
      value: { status: 'resolved', assignedTo: [], resolvedBy: { name: 'Ada' } },
    });
  });

  test('follows a merge', async () => {
    const merged = (id: string, into: string) =>
      json({
        incident: incident(id, {
          status: 'resolved',
          resolve_reason: { type: 'merge_resolve_reason', incident: { id: into, type: 'incident_reference' } },
        }),
      });
    const { url, received } = await vendor(merged('P1', 'P2'), merged('P2', 'P3'), json({ incident: incident('P3') }));
    expect(await pagerAt(url).read('P1')).toMatchObject({ value: { id: 'P3', status: 'triggered' } });
    expect(pathsOf(received)).toEqual(['/incidents/P1', '/incidents/P2', '/incidents/P3']);
    const circle = await vendor(merged('P1', 'P1'));
    expect(await pagerAt(circle.url).read('P1')).toMatchObject({ value: { id: 'P1', status: 'resolved' } });
    expect(circle.received).toHaveLength(4);
  });

  test('returns nothing for a deleted incident', async () => {
    const pagerDuty = await standIns();
    expect(await pagerAt(pagerDuty.urls.pagerduty).read('Q0000000000099')).toEqual({ kind: 'done', value: null });
  });

  test('accepts missing optional fields', async () => {
    const bare = {
      id: 'P1',
      status: 'triggered',
      created_at: '2026-11-20T07:47:00+01:00',
      summary: '[#1] disk',
      html_url: 'javascript:x',
    };
    const { url } = await vendor(json({ incident: bare }));
    expect(await pagerAt(url).read('P1')).toEqual({
      kind: 'done',
      value: {
        id: 'P1',
        url: null,
        title: '[#1] disk',
        status: 'triggered',
        acknowledgedBy: [],
        assignedTo: [],
        acknowledged: null,
        resolvedBy: null,
        createdAt: '2026-11-20T06:47:00.000Z',
      },
    });
  });
});

const html = { headers: { 'content-type': 'text/html' }, body: '<html>please log in</html>' };

describe('the response to a request', () => {
  test.each([
    [
      '401 in plain text',
      { status: 401, body: 'HTTP Token: Access denied.\n' },
      { kind: 'refused', code: 'unauthorized' },
    ],
    ['403', { status: 403, body: '{}' }, { kind: 'refused', code: 'forbidden' }],
    [
      '400 with reasons',
      { status: 400, body: '{"error":{"message":"Invalid Input Provided","code":2001,"errors":["No status"]}}' },
      { kind: 'refused', code: 'bad_request', detail: 'PagerDuty answered 400: Invalid Input Provided; No status' },
    ],
    ['302', { status: 302, headers: { location: 'http://127.0.0.1:9/' } }, { kind: 'refused', code: 'http_302' }],
    ['200 from something in between', { status: 200, ...html }, { kind: 'refused', code: 'unreadable' }],
    ['200 with a status that is new', json({ incidents: [incident('P1', { status: 'x' })] }), { kind: 'refused' }],
    ['429', { status: 429, headers: { 'ratelimit-reset': '20' } }, { kind: 'later', afterSeconds: 20 }],
    [
      '429 from something in between',
      { status: 429, headers: { 'retry-after': '7' } },
      { kind: 'later', afterSeconds: 7 },
    ],
    ['429 without a hint', { status: 429 }, { kind: 'later', afterSeconds: null }],
    ['500', { status: 500, body: '{}' }, { kind: 'later', afterSeconds: null }],
    ['502 in HTML', { status: 502, ...html }, { kind: 'later' }],
    ['a cut connection', { cut: 200 }, { kind: 'later' }],
  ] as [string, Reply, object][])('%s, after one attempt', async (_, reply, expected) => {
    const { url, received } = await vendor(reply);
    expect(await pagerAt(url).find(query())).toMatchObject(expected);
    expect(received).toHaveLength(1);
  });

  test('without a listener at the address is "later"', async () => {
    expect(await pagerAt(await nobody()).find(query())).toMatchObject({ kind: 'later' });
  });

  test('that doesn\'t arrive within the time limit is "later"', async () => {
    const limits = impatient();
    const { url, received } = await vendor('hang');
    expect(await pagerAt(url).find(query())).toMatchObject({ kind: 'later' });
    expect(received).toHaveLength(1);
    expect(limits[0]).toBeLessThanOrEqual(ATTEMPT_TIMEOUT_MS);
  });

  test('that is slow uses the time of all calls in the attempt', async () => {
    const { url, received } = await vendor(list([]));
    const slow = vi.spyOn(performance, 'now').mockImplementation(() => received.length * 0.6 * ATTEMPT_TIMEOUT_MS);
    onTestFinished(() => slow.mockRestore());
    const limits = vi.spyOn(AbortSignal, 'timeout');
    onTestFinished(() => limits.mockRestore());
    expect(await pagerAt(url).find(query({ groupKeys: ['1', '2', '3'] }))).toMatchObject({ kind: 'later' });
    expect(received).toHaveLength(2);
    expect(limits.mock.calls).toEqual([[ATTEMPT_TIMEOUT_MS], [0.4 * ATTEMPT_TIMEOUT_MS]]);
  });
});

describe('invalid settings', () => {
  const unreached = async (settings: Settings, expected: object) => {
    const { url, received } = await vendor(list([]));
    const pager = pagerAt(url, settings);
    const answers = await Promise.all([pager.find(query()), pager.annotate('P1', 'x', 'k'), pager.read('P1')]);
    for (const answer of answers) expect(answer).toMatchObject(expected);
    expect(JSON.stringify(answers)).not.toContain('s3cret');
    expect(received).toEqual([]);
  };

  test('without an API key, it is off', async () => {
    const off = { kind: 'off', detail: expect.stringContaining('PAGERDUTY_API_TOKEN is not set') as string };
    await unreached({ token: undefined }, off);
    await unreached({ token: '' }, off);
  });

  test("a key or email address that can't be sent is reported without its value", async () => {
    await unreached({ token: 's3cret\n' }, { kind: 'refused', code: 'bad_token' });
    await unreached({ from: 's3cret' }, { kind: 'refused', code: 'bad_from' });
    await unreached({ from: 's3cret@example.com\nx: y' }, { kind: 'refused', code: 'bad_from' });
  });

  test('an invalid API address is reported', async () => {
    expect(await pagerAt('api.pagerduty.com').read('P1')).toMatchObject({ kind: 'refused', code: 'bad_url' });
  });
});
