import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { snapshotFiles } from '../../pages/snapshot/files.ts';
import { statusApp } from '../../pages/routes.ts';
import { Config } from '../../../../schemas/config/config.ts';
import { StatusPageFile } from '../../schemas/status-page-file.ts';
import { consoleWorld } from '../../../../test/support/console-world.ts';
import { silent, SetClock } from '../../../../test/support/fake-deps.ts';
import { at, MemoryPublicIncidents, publicIncident } from '../support/public-incidents.ts';

const NOW = at('2026-11-22T12:00:00Z');
const pages = {
  main: { title: 'Acme', components: ['Checkout'] },
  staff: { audience: 'internal', title: 'For staff', components: ['Build system'] },
};
const current = Config.parse({ version: 'test', services: {}, paging: {}, statusPage: { pages } });
const publicIncidents = new MemoryPublicIncidents(
  publicIncident({ components: ['Build system'], started_at: at('2026-11-22T11:00:00Z'), resolved_at: null }),
);
const deps = {
  clock: new SetClock(NOW),
  config: { current: async () => current, problems: async () => [] },
  publicIncidents,
  features: { 'status-page': { publicIncidents } },
  publicUrl: 'https://firebreak.example',
};
const site = () => consoleWorld(() => deps);

const PATHS = [
  '/console/status/staff',
  '/console/status/staff.rss',
  '/console/status/staff.json',
  '/console/status/staff/api/v2/summary.json',
  '/console/status/staff/history/2026-11.html',
  '/console/status/staff/incidents/a1b2c3d4e5f6.html',
];

test.each(PATHS)('%s is shown to people who are signed in, and kept by no cache', async (path) => {
  const response = await site().get(path, { token: 'vera' });
  expect(response.status).toBe(200);
  expect(response.headers.get('cache-control')).toBe('private, no-store');
  expect(response.headers.get('access-control-allow-origin')).toBeNull();
  expect(await response.text()).toContain('Build system');
});

test.each(PATHS)('%s is shown to nobody else', async (path) => {
  const { get } = site();
  const sent = await get(path);
  expect([sent.status, sent.headers.get('location')]).toEqual([302, `/login?next=${encodeURIComponent(path)}`]);
  expect((await get(path, { token: 'wrong', headers: { accept: 'application/json' } })).status).toBe(401);
  expect((await get(path, { token: 'ci' })).status).toBe(403);
});

test('its links lead to itself, and its policy allows its own style only', async () => {
  const response = await site().get('/console/status/staff', { token: 'vera' });
  const text = await response.text();
  const [, style = ''] = /<style>([^]*?)<\/style>/.exec(text) ?? [];
  const hash = createHash('sha256').update(style).digest('base64');
  expect(response.headers.get('content-security-policy')).toContain(`style-src 'sha256-${hash}'`);
  const links = [...text.matchAll(/<a href="(\/[^"]*)"/g)].map(([, href]) => href ?? '');
  expect(links.length).toBeGreaterThan(3);
  for (const href of links) expect([href, (await site().get(href, { token: 'vera' })).status]).toEqual([href, 200]);
});

test('the console shows no public page, and the public has no internal one, nor its components', async () => {
  const { get } = site();
  for (const path of ['main', 'nothing', 'staff/nothing', 'staff.exe'])
    expect([path, (await get(`/console/status/${path}`, { token: 'vera' })).status]).toEqual([path, 404]);
  const app = statusApp({ ...deps, log: silent });
  for (const path of ['/status/staff', '/status/staff.rss', '/status/staff/api/v2/status.json'])
    expect([path, (await app.request(`http://localhost${path}`)).status]).toEqual([path, 404]);
  for (const path of ['/status', '/status.json', '/status/api/v2/summary.json', '/status.rss'])
    expect(await (await app.request(`http://localhost${path}`)).text()).not.toMatch(/Build system|For staff/);
  const files = await snapshotFiles(deps, NOW);
  expect(files.length).toBeGreaterThan(10);
  expect(JSON.stringify(files)).not.toMatch(/Build system|For staff|staff/);
});

test('an internal page has no subscriptions', () => {
  const file = { pages: { staff: { ...pages.staff, subscriptions: ['email'] } } };
  expect(StatusPageFile.safeParse(file).error?.issues[0]?.message).toContain('must be empty for an internal page');
});
