import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { API } from '../../pages/api.ts';
import { OpenAPIHono } from '@hono/zod-openapi';
import type { Env } from '../../../../entrances/http/context.ts';
import { API_FILES, describeStatusPages } from '../../pages/description.ts';
import { pagesOf } from '../../decisions/pages.ts';
import { statusApp } from '../../pages/routes.ts';
import { textOn } from '../../pages/style.ts';
import { Config } from '../../../../schemas/config/config.ts';
import { silent, SetClock } from '../../../../test/support/fake-deps.ts';
import { at, MemoryPublicIncidents, publicIncident } from '../support/public-incidents.ts';
import { ANSWERS } from './atlassian.ts';

const NOW = '2026-11-22T12:00:00.000Z';
const HOSTILE = `<script>alert(1)</script>"'&]]><img src=x onerror=alert(1)>`;

const statusPage = {
  pages: {
    main: {
      title: `Acme ${HOSTILE}`,
      url: 'https://status.acme.example',
      timeZone: 'Europe/Berlin',
      colors: { header: '#1d3557' },
      components: [
        { name: 'Checkout', group: 'Shop', description: HOSTILE, since: '2026-10-01' },
        { name: `Search ${HOSTILE}`, group: 'Shop' },
        'Catalog',
      ],
    },
    partners: { title: 'For partners', components: ['Partner API'] },
  },
  maintenance: [
    {
      id: 'upgrade',
      title: 'Upgrade of {components}',
      components: ['Catalog', 'Partner API'],
      announced: '2026-11-20T00:00:00Z',
      from: '2026-11-24T22:00:00Z',
      until: '2026-11-25T01:00:00Z',
      text: '{components} is read-only.',
    },
  ],
};

function siteOf({ file = statusPage, services = {} }: { file?: object; services?: object } = {}) {
  const clock = new SetClock(NOW);
  const config = Config.parse({ version: 'test', services, paging: {}, statusPage: file });
  const publicIncidents = new MemoryPublicIncidents(
    publicIncident({ components: ['Checkout', 'Partner API'] }),
    publicIncident({ id: 'open', started_at: at('2026-11-22T11:00:00Z'), resolved_at: null, components: ['Catalog'] }),
  );
  for (const { name } of [...pagesOf(config).values()].flatMap(({ components }) => components))
    publicIncidents.since.set(name, at('2026-01-01T00:00:00Z'));
  const app = statusApp({
    clock,
    config: { current: async () => config, problems: async () => [] },
    publicIncidents,
    log: silent,
    publicUrl: 'https://firebreak.example',
  });
  const get = async (path: string, headers: Record<string, string> = {}) => {
    const answer = await app.request(`http://localhost${path}`, { headers });
    return { status: answer.status, headers: answer.headers, text: await answer.text() };
  };
  return { get, clock, publicIncidents };
}

const PAGES = ['/status', '/status/history/2026-11', '/status/incidents/open.html', '/status/incidents/upgrade'];

describe('the status page', () => {
  test('shows components, the incident that is open, planned maintenance, and past incidents', async () => {
    const { text } = await siteOf().get('/status');
    for (const shown of [
      'Major outage',
      'Problems with Catalog',
      'Upgrade of Catalog',
      'Problems with Checkout',
      '100 % uptime',
    ])
      expect(text).toContain(shown);
    expect(text).toContain('22 Nov 2026, 12:00 CET');
  });

  test('shows a published post-mortem: linked in the history, on the page of the incident, in feeds and the API', async () => {
    const { get, publicIncidents } = siteOf();
    const times = { at: at('2026-11-21T10:00:00Z'), updated_at: at('2026-11-21T11:00:00Z') };
    const record = publicIncident({ id: 'told', postmortem: { ...times, text: `The **disk** was full. ${HOSTILE}` } });
    await publicIncidents.write(record);
    for (const path of ['/status', '/status/history/2026-11'])
      expect((await get(path)).text).toContain('incidents/told.html#postmortem');
    const { text } = await get('/status/incidents/told.html');
    expect(text).toContain('<h2 id="postmortem">Post-mortem</h2>');
    expect(text).toContain('The <strong>disk</strong> was full. &lt;script&gt;');
    expect(text).not.toContain('<script>alert');
    expect((await get('/status.atom')).text).toContain('2026-11-21 11:00 UTC – Post-mortem: The **disk** was full.');
    const { incidents } = ANSWERS['incidents.json'].parse(
      JSON.parse((await get('/status/api/v2/incidents.json')).text),
    );
    const told = incidents.find(({ id }) => id === 'told');
    expect([told?.status, told?.incident_updates[0]?.status]).toEqual(['postmortem', 'postmortem']);
  });

  test('has IDs in its feeds that differ between installations and pages, and survive another address', async () => {
    const idsOf = async (file: object, path = '/status.atom') =>
      [...(await siteOf({ file }).get(path)).text.matchAll(/<id>([^<]*)<\/id>/g)].map(([, id]) => id);
    const addressed = (url: string) => ({
      ...statusPage,
      pages: { ...statusPage.pages, main: { ...statusPage.pages.main, url } },
    });
    const [ours, theirs] = [await idsOf(statusPage), await idsOf(addressed('https://status.other.example'))];
    expect(await idsOf(addressed('https://status.acme.example/'))).toEqual(ours);
    for (const id of ours)
      expect(id).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    // The two incidents keep theirs; the feed and the maintenance do not.
    expect(ours.filter((id) => theirs.includes(id))).toHaveLength(2);
    expect(ours).toHaveLength(4);
    const partners = await idsOf(statusPage, '/status/partners.atom');
    expect(partners.filter((id) => ours.includes(id))).toEqual([]);
    const rss = (await siteOf().get('/status.rss')).text;
    for (const id of ours.slice(1)) expect(rss).toContain(`<guid isPermaLink="false">${id}</guid>`);
  });

  test.each(PAGES)('%s contains texts of the configuration as text, and no script', async (path) => {
    const { status, text } = await siteOf().get(path);
    expect(status).toBe(200);
    expect(text).not.toMatch(/<script|<img src=x|onerror=alert\(1\)>(?!&)/);
    expect(text).toContain('Acme &lt;script&gt;');
  });

  test.each(PAGES)('%s loads nothing, and its policy allows its own styles only', async (path) => {
    const { headers, text } = await siteOf().get(path);
    const [, style = ''] = /<style>([^]*?)<\/style>/.exec(text) ?? [];
    const hash = createHash('sha256').update(style).digest('base64');
    expect(headers.get('content-security-policy')).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'`,
    );
    expect(text).not.toMatch(/ style="| src="(?!data:)|@import|url\(/);
    expect(headers.get('set-cookie')).toBeNull();
  });

  test('without components says that nothing is measured yet, in every form', async () => {
    const { get } = siteOf({ file: {} });
    const { text } = await get('/status');
    expect(text).toContain('Nothing is measured yet');
    expect(text).not.toContain('All systems operational');
    for (const path of ['/status.rss', '/status.atom'])
      expect((await get(path)).text).toContain('Nothing is measured yet');
    expect((await get('/status.svg')).text).toContain('No components');
    const json = async (path: string): Promise<unknown> => JSON.parse((await get(path)).text);
    const empty = {
      page: expect.objectContaining({ updated_at: '2026-11-22T00:00:00.000Z' }),
      status: { indicator: 'none', description: 'No Components Yet' },
    };
    expect(await json('/status/api/v2/summary.json')).toEqual({
      ...empty,
      components: [],
      incidents: [],
      scheduled_maintenances: [],
    });
    expect(await json('/status/api/v2/status.json')).toEqual(empty);
    expect(await json('/status.json')).toMatchObject({ status: { ...empty.status, state: null } });
  });

  test('of one audience does not name the components of another', async () => {
    const { get } = siteOf();
    for (const path of [...PAGES, '/status.rss', '/status/api/v2/incidents.json'])
      expect((await get(path)).text).not.toContain('Partner API');
    const partners = await get('/status/partners');
    expect(partners.text).toContain('Problems with Partner API');
    expect(partners.text).not.toMatch(/Checkout|Catalog/);
    expect((await get('/status/partners/incidents/open')).status).toBe(404);
  });

  test('a file that does not exist is a page for browsers, and a problem for programs', async () => {
    const { get } = siteOf();
    for (const path of ['/status/api/v2/nothing.json', '/status.pdf']) {
      const browser = await get(path, { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' });
      expect([browser.status, browser.headers.get('content-type')]).toEqual([404, 'text/html; charset=utf-8']);
      expect(browser.text).toContain('There is nothing at this address');
      const program = await get(path, { accept: '*/*' });
      expect([program.status, program.headers.get('content-type')]).toEqual([404, 'application/problem+json']);
      expect(program.headers.get('vary')).toContain('Accept');
    }
  });

  test('answers 404 for pages, files, months, and incidents that do not exist', async () => {
    const { get } = siteOf();
    for (const path of [
      '/status/nothing',
      '/status/main',
      '/status/history/2026-12',
      '/status/history/1999-01',
      '/status.exe',
      '/status/api/v2/secrets.json',
      '/status/api/v2/__proto__',
      '/status/incidents/constructor',
    ])
      expect([path, (await get(path)).status]).toEqual([path, 404]);
  });

  test('shows all components of the catalogue if no pages are configured', async () => {
    const services = { checkout: { statusPage: { components: ['Checkout'] } }, internal: {} };
    const { text } = await siteOf({ file: {}, services }).get('/status');
    expect(text).toContain('Checkout');
    expect(text).not.toContain('internal');
  });

  test('with 50 components and 20 open incidents is smaller than 100 KB', async () => {
    const components = Array.from({ length: 50 }, (_, n) => ({ name: `Component ${n}`, group: `Group ${n % 5}` }));
    const { get, publicIncidents } = siteOf({ file: { pages: { main: { components } } } });
    for (let n = 0; n < 20; n += 1)
      await publicIncidents.write(
        publicIncident({ id: `many-${n}`, components: [`Component ${n}`], resolved_at: null }),
      );
    const { text } = await get('/status');
    expect(text).toContain('Component 49');
    expect(Buffer.byteLength(text)).toBeLessThan(100 * 1024);
  });
});

describe('the API of the status page', () => {
  test.each(Object.entries(ANSWERS))('%s has the form of Statuspage', async (path, schema) => {
    const { text, headers } = await siteOf().get(`/status/api/v2/${path}`);
    schema.parse(JSON.parse(text));
    expect(headers.get('access-control-allow-origin')).toBe('*');
    expect(headers.get('content-type')).toContain('application/json');
  });

  test('describes the page, its components, and its incidents', async () => {
    const { get } = siteOf();
    const read = async (path: string) => JSON.parse((await get(`/status/api/v2/${path}`)).text) as unknown;
    expect(await read('summary.json')).toMatchObject({
      page: { url: 'https://status.acme.example', time_zone: 'Europe/Berlin', updated_at: '2026-11-22T11:00:00.000Z' },
      status: { indicator: 'critical', description: 'Major Service Outage' },
      incidents: [
        {
          id: 'open',
          name: 'Problems with Catalog',
          impact: 'critical',
          shortlink: 'https://status.acme.example/incidents/open.html',
          incident_updates: [
            { affected_components: [{ name: 'Catalog', old_status: 'operational', new_status: 'major_outage' }] },
          ],
        },
      ],
      scheduled_maintenances: [{ id: 'upgrade', status: 'scheduled', components: [{ name: 'Catalog' }] }],
    });
    expect(await read('incidents.json')).toMatchObject({ incidents: [{ id: 'open' }, { status: 'resolved' }] });
  });

  test('a maintenance starts and ends at its time', async () => {
    const { get, clock } = siteOf();
    const states = [];
    for (const time of ['2026-11-24T21:59:00Z', '2026-11-24T22:00:00Z', '2026-11-25T01:00:00Z']) {
      clock.set(Date.parse(time));
      const { scheduled_maintenances: all } = JSON.parse(
        (await get('/status/api/v2/scheduled-maintenances.json')).text,
      ) as {
        scheduled_maintenances: { status: string; components: { status: string }[] }[];
      };
      states.push([all[0]?.status, all[0]?.components[0]?.status]);
    }
    // The open incident is worse than the maintenance.
    expect(states).toEqual([
      ['scheduled', 'major_outage'],
      ['in_progress', 'major_outage'],
      ['completed', 'major_outage'],
    ]);
  });

  test('an update has the states of its components before and after it, with what else affects them', async () => {
    const shared = { title: 'Upgrade', text: 'Soon.', components: ['Catalog'], announced: '2026-11-22T01:00:00Z' };
    const maintenance = [
      { ...shared, id: 'first', from: '2026-11-22T02:00:00Z', until: '2026-11-22T06:00:00Z' },
      { ...shared, id: 'second', from: '2026-11-22T04:00:00Z', until: '2026-11-22T08:00:00Z' },
    ];
    const { get, publicIncidents } = siteOf({ file: { ...statusPage, maintenance } });
    const began = { started_at: at('2026-11-22T05:00:00Z'), published_at: at('2026-11-22T05:10:00Z') };
    await publicIncidents.write({
      ...publicIncident({ ...began, id: 'between', components: ['Catalog'], resolved_at: null }),
      states: [
        { at: began.started_at, state: 'degraded_performance' },
        { at: at('2026-11-22T07:00:00Z'), state: 'major_outage' },
      ],
      updates: [{ at: began.published_at, status: 'investigating', text: 'Slow.', state: 'degraded_performance' }],
    });
    publicIncidents.all.delete('open');
    const statesIn = async (path: string, list: 'incidents' | 'scheduled_maintenances') => {
      const answer = JSON.parse((await get(`/status/api/v2/${path}.json`)).text);
      const events = answer[list].filter(({ id }: { id: string }) => id !== 'a1b2c3d4e5f6');
      return events.map((event: any) => [
        event.id,
        ...event.incident_updates.map(({ affected_components: [one] }: any) => [one.old_status, one.new_status]),
      ]);
    };
    expect(await statesIn('scheduled-maintenances', 'scheduled_maintenances')).toEqual([
      [
        'second',
        ['major_outage', 'major_outage'],
        ['under_maintenance', 'under_maintenance'],
        ['operational', 'operational'],
      ],
      [
        'first',
        ['degraded_performance', 'degraded_performance'],
        ['operational', 'under_maintenance'],
        ['operational', 'operational'],
      ],
    ]);
    expect(await statesIn('incidents', 'incidents')).toEqual([
      ['between', ['under_maintenance', 'degraded_performance']],
    ]);
  });
});

describe('the feeds', () => {
  test.each(['rss', 'atom'])('%s is well-formed and escapes all texts', async (ending) => {
    const { text, headers } = await siteOf().get(`/status.${ending}`);
    expect(headers.get('content-type')).toContain(`application/${ending}+xml`);
    expect(text).toContain('Problems with Catalog');
    expect(text).not.toMatch(/<script|<img/);
    expect(text).toContain('https://status.acme.example/incidents/open.html');
  });

  test('the badge has the state as text', async () => {
    const { text, headers } = await siteOf().get('/status.svg');
    expect(headers.get('content-type')).toBe('image/svg+xml');
    expect(text).toContain('Major outage</text>');
    expect(text).not.toContain('<script');
  });
});

describe('under load', () => {
  test('the table is read once in some seconds, however many readers there are', async () => {
    const { get, clock, publicIncidents } = siteOf();
    await Promise.all(Array.from({ length: 50 }, () => get('/status')));
    const once = publicIncidents.reads;
    expect(once).toBeLessThan(10);
    await get('/status/api/v2/summary.json');
    expect(publicIncidents.reads).toBe(once);
    clock.set(clock.millis + 5000);
    await get('/status');
    expect(publicIncidents.reads).toBe(2 * once);
  });

  test('readers get what they have confirmed with 304, and may keep it for some seconds', async () => {
    const { get } = siteOf();
    const { headers } = await get('/status');
    expect(headers.get('cache-control')).toMatch(/^public, max-age=10\b/);
    const again = await get('/status', { 'if-none-match': headers.get('etag') ?? '' });
    expect([again.status, again.text]).toEqual([304, '']);
  });

  test('the last answer is shown while the table cannot be read; without one, the answer is 503', async () => {
    const { get, clock, publicIncidents } = siteOf();
    await get('/status');
    publicIncidents.broken = true;
    clock.set(clock.millis + 60_000);
    expect((await get('/status')).text).toContain('Problems with Catalog');
    expect((await get('/status/partners')).status).toBe(503);
  });
});

test.each([
  ['#000000', '#fff'],
  ['#ffffff', '#000'],
  ['#1d3557', '#fff'],
  ['#ffd166', '#000'],
])('text on %s is %s', (color, text) => {
  expect(textOn(color)).toBe(text);
});

test('the OpenAPI description names every file of the API', () => {
  expect([...API_FILES].toSorted()).toEqual(Object.keys(API).toSorted());
  const app = new OpenAPIHono<Env>();
  describeStatusPages(app);
  const { paths } = app.getOpenAPI31Document({ openapi: '3.1.0', info: { title: 'Test', version: '1' } });
  const names = ['', '.json', '.rss', ...API_FILES.map((name) => `/api/v2/${name}`)];
  expect(Object.keys(paths ?? {})).toEqual(
    expect.arrayContaining(['/status', '/status/{page}'].flatMap((page) => names.map((name) => `${page}${name}`))),
  );
});
