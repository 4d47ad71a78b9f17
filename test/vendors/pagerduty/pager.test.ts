import { describe, expect, test } from 'vitest';
import type { PageRequest, Pager } from '../../../core/domain/ports/paging.ts';
import { ATTEMPT_TIMEOUT_MS, DEDUP_KEY_MAX_CHARS, SUMMARY_MAX_CHARS } from '../../../vendors/pagerduty/limits.ts';
import { pagerDuty } from '../../../vendors/pagerduty/pager.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { calls, incidents, setFault, start } from '../../../packages/sandbox/test/support.ts';
import { SetClock } from '../../support/fake-deps.ts';
import { impatient } from '../time-limits.ts';
import { nobody, type Received, vendor } from '../server.ts';

const ROUTING_KEY = 'R'.repeat(32);
const NOON = '2026-11-20T12:00:00.000Z' as Timestamp;

const pagerAt = (eventsUrl: string, routingKey: string | undefined = ROUTING_KEY): Pager =>
  pagerDuty({ eventsUrl, routingKey: async () => routingKey, clock: new SetClock(NOON) });

const request = (more: Partial<PageRequest> = {}): PageRequest => ({
  key: '01TEST.page.1',
  action: 'trigger',
  summary: 'checkout production: errors',
  service: 'checkout',
  environment: 'production',
  severity: 'critical',
  incident: '01TEST',
  at: NOON,
  links: [{ href: 'https://firebreak.test/console/incidents/01TEST', text: 'Incident' }],
  ...more,
});

const ACCEPTED = { status: 202, body: '{"status":"success","message":"Event processed","dedup_key":"01TEST.page.1"}' };
const bodyOf = (received: readonly Received[]) => JSON.parse(received[0]?.body ?? '{}') as Record<string, any>;

describe('with the stand-in', () => {
  test('a page opens an incident, a repeat opens no second one, and its end resolves it', async () => {
    const standIns = await start();
    const pager = pagerAt(standIns.urls.pagerduty);
    expect(await pager.send(request())).toMatchObject({ kind: 'taken' });
    expect(await pager.send(request())).toMatchObject({ kind: 'taken' });
    expect(await incidents(standIns)).toMatchObject([
      { incident_key: '01TEST.page.1', status: 'triggered', urgency: 'high' },
    ]);
    expect(await pager.send(request({ action: 'resolve' }))).toMatchObject({ kind: 'taken' });
    expect(await incidents(standIns)).toMatchObject([{ status: 'resolved' }]);
  });

  test('another page of the same incident opens another PagerDuty incident', async () => {
    const standIns = await start();
    const pager = pagerAt(`${standIns.urls.pagerduty}/`); // a trailing slash is allowed
    await pager.send(request());
    await pager.send(request({ key: '01TEST.page.2' }));
    expect(await incidents(standIns)).toHaveLength(2);
  });

  test('a rate limit causes one attempt and "later"', async () => {
    const standIns = await start();
    await setFault(standIns, { vendor: 'pagerduty', fault: { kind: 'rate_limit' } });
    expect(await pagerAt(standIns.urls.pagerduty).send(request())).toEqual({
      kind: 'later',
      detail: expect.stringContaining('429') as string,
      afterSeconds: null,
    });
    expect(await calls(standIns, '?vendor=pagerduty')).toHaveLength(1);
  });
});

describe('an event', () => {
  test('to trigger contains the problem, its location, and its start', async () => {
    const { url, received } = await vendor(ACCEPTED);
    await pagerAt(url).send(request());
    expect(received).toMatchObject([
      {
        method: 'POST',
        path: '/v2/enqueue',
        headers: { 'content-type': expect.stringContaining('application/json') as string },
      },
    ]);
    expect(bodyOf(received)).toEqual({
      routing_key: ROUTING_KEY,
      event_action: 'trigger',
      dedup_key: '01TEST.page.1',
      client: 'Firebreak',
      links: [{ href: 'https://firebreak.test/console/incidents/01TEST', text: 'Incident' }],
      payload: {
        summary: 'checkout production: errors',
        source: 'checkout',
        severity: 'critical',
        timestamp: NOON,
        component: 'checkout',
        group: 'production',
        custom_details: { incident: '01TEST', service: 'checkout', environment: 'production' },
      },
    });
  });

  test.each(['resolve', 'acknowledge'] as const)('to %s contains the key', async (action) => {
    const { url, received } = await vendor(ACCEPTED);
    await pagerAt(url).send(request({ action }));
    expect(bodyOf(received)).toEqual({ routing_key: ROUTING_KEY, event_action: action, dedup_key: '01TEST.page.1' });
  });

  test('contains the images of the alert', async () => {
    const { url, received } = await vendor(ACCEPTED);
    const images = [{ src: 'https://grafana.example.com/1.png', alt: 'errors' }];
    await pagerAt(url).send(request({ images }));
    expect(bodyOf(received)).toMatchObject({ images });
  });

  test('contains the details in addition to the standard fields', async () => {
    const { url, received } = await vendor(ACCEPTED);
    await pagerAt(url).send(request({ details: { since: 'noon', suspects: ['v2, 91 %'] } }));
    expect(bodyOf(received)['payload']).toMatchObject({
      custom_details: { incident: '01TEST', service: 'checkout', since: 'noon', suspects: ['v2, 91 %'] },
    });
  });

  test.each<[string, Partial<PageRequest>, object]>([
    [
      'pictures',
      { images: [{ src: `https://i.test/${'é'.repeat(300_000)}`, alt: '' }] },
      { links: [{ text: 'Incident' }] },
    ],
    ['links', { links: [{ href: `https://l.test/${'é'.repeat(300_000)}`, text: '' }] }, { links: [] }],
    ['details', { details: { problem: 'é'.repeat(300_000) } }, { links: [] }],
  ])('that is too large is sent without its %s', async (_, large, expected) => {
    const standIns = await start();
    expect(await pagerAt(standIns.urls.pagerduty).send(request(large))).toMatchObject({ kind: 'taken' });
    const [sent] = await calls(standIns, '?vendor=pagerduty');
    expect(sent?.body).toMatchObject({ ...expected, payload: { custom_details: { incident: '01TEST' } } });
    expect(JSON.stringify(sent?.body)).not.toContain('éé');
  });

  test.each([
    [SUMMARY_MAX_CHARS, SUMMARY_MAX_CHARS],
    [SUMMARY_MAX_CHARS + 1, SUMMARY_MAX_CHARS],
  ])('with a summary of %i characters is sent with %i', async (length, expected) => {
    const { url, received } = await vendor(ACCEPTED);
    await pagerAt(url).send(request({ summary: 'ü'.repeat(length) }));
    expect((bodyOf(received)['payload'] as { summary: string }).summary).toHaveLength(expected);
  });

  test('with a key that is too long uses the same truncated key at its end', async () => {
    const { url, received } = await vendor(ACCEPTED);
    const key = 'k'.repeat(DEDUP_KEY_MAX_CHARS + 9);
    await pagerAt(url).send(request({ key }));
    await pagerAt(url).send(request({ key, action: 'resolve' }));
    const keys = received.map(({ body }) => (JSON.parse(body) as { dedup_key: string }).dedup_key);
    expect(keys).toEqual([key.slice(0, DEDUP_KEY_MAX_CHARS), key.slice(0, DEDUP_KEY_MAX_CHARS)]);
  });

  test('contains no credential except the key in its body', async () => {
    const { url, received } = await vendor(ACCEPTED);
    await pagerAt(url).send(request());
    expect(received[0]?.headers.authorization ?? '').toBe('');
  });
});

const html = { headers: { 'content-type': 'text/html' }, body: '<html>please log in</html>' };

describe('the response', () => {
  test.each([
    ['202', ACCEPTED, 'taken'],
    ['202 without a body', { status: 202 }, 'taken'],
    ['200 that says success', { status: 200, body: '{"status":"success"}' }, 'taken'],
    ['200 from something in between', { status: 200, ...html }, 'refused'],
    ['400', { status: 400, body: '{"status":"invalid event","errors":["severity is not valid"]}' }, 'refused'],
    ['403', { status: 403, body: '{}' }, 'refused'],
    ['408', { status: 408, body: '{}' }, 'later'],
    ['429', { status: 429, body: '{"status":"throttle exceeded"}' }, 'later'],
    ['429 in HTML', { status: 429, ...html }, 'later'],
    ['500', { status: 500, body: '{}' }, 'later'],
    ['502 in HTML', { status: 502, ...html }, 'later'],
    ['302 to somewhere else', { status: 302, headers: { location: 'http://127.0.0.1:9/elsewhere' } }, 'refused'],
  ] as const)('%s is requested once', async (_, reply, kind) => {
    const { url, received } = await vendor(reply);
    expect(await pagerAt(url).send(request())).toMatchObject({ kind });
    expect(received).toHaveLength(1);
  });

  test('about an invalid event is reported with its reasons', async () => {
    const { url } = await vendor({
      status: 400,
      body: '{"status":"invalid event","errors":["severity is not valid"]}',
    });
    expect(await pagerAt(url).send(request())).toMatchObject({
      detail: expect.stringContaining('severity is not valid') as string,
    });
  });

  test('that doesn\'t arrive within the time limit is "later"', async () => {
    const limits = impatient();
    const { url, received } = await vendor('hang');
    expect(await pagerAt(url).send(request())).toMatchObject({ kind: 'later' });
    expect(received).toHaveLength(1);
    expect(limits).toContain(ATTEMPT_TIMEOUT_MS);
  });

  test('with a status of 202 suffices, even if its body is incomplete', async () => {
    impatient();
    const { url } = await vendor({ cut: 202 });
    expect(await pagerAt(url).send(request())).toMatchObject({ kind: 'taken' });
  });

  test('without a listener at the address is "later"', async () => {
    expect(await pagerAt(await nobody()).send(request())).toMatchObject({ kind: 'later' });
  });
});

describe('the routing key', () => {
  test('that is missing turns the pager off', async () => {
    const { url, received } = await vendor(ACCEPTED);
    expect(
      await pagerDuty({ eventsUrl: url, routingKey: async () => undefined, clock: new SetClock(NOON) }).send(request()),
    ).toMatchObject({ kind: 'off' });
    expect(await pagerAt(url, '').send(request())).toMatchObject({ kind: 'off' });
    expect(received).toEqual([]);
  });

  test('of an invalid length is refused and not revealed', async () => {
    const { url, received } = await vendor(ACCEPTED);
    const answer = await pagerAt(url, 'secret-but-short').send(request());
    expect(answer).toMatchObject({ kind: 'refused' });
    expect(JSON.stringify(answer)).not.toContain('secret-but-short');
    expect(received).toEqual([]);
  });

  test('that was rotated is used from then on', async () => {
    const { url, received } = await vendor(ACCEPTED);
    const keys = ['A'.repeat(32), 'B'.repeat(32)];
    const pager = pagerDuty({ eventsUrl: url, routingKey: async () => keys.shift(), clock: new SetClock(NOON) });
    await pager.send(request());
    await pager.send(request());
    expect(received.map(({ body }) => (JSON.parse(body) as { routing_key: string }).routing_key[0])).toEqual([
      'A',
      'B',
    ]);
  });
});
