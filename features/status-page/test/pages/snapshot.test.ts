import { createHash } from 'node:crypto';
import { runInNewContext } from 'node:vm';
import { dirname, join } from 'node:path/posix';
import { describe, expect, test } from 'vitest';
import { snapshotFiles } from '../../pages/snapshot/files.ts';
import { Config } from '../../../../schemas/config/config.ts';
import { at, MemoryPublicIncidents, publicIncident } from '../support/public-incidents.ts';

const NOW = at('2026-11-22T12:00:00Z');

const statusPage = {
  pages: {
    main: { title: 'Acme', timeZone: 'Europe/Berlin', components: ['Checkout', 'Catalog'] },
    partners: { title: 'For partners', url: 'https://partners.example', components: ['Partner API'] },
  },
  maintenance: [
    {
      id: 'upgrade',
      title: 'Upgrade of {components}',
      components: ['Catalog'],
      announced: '2026-11-20T00:00:00Z',
      from: '2026-12-24T22:00:00Z',
      until: '2026-12-25T01:00:00Z',
      text: '{components} is read-only.',
    },
  ],
};

const incidents = () =>
  new MemoryPublicIncidents(
    publicIncident({ id: 'over', components: ['Checkout', 'Partner API'] }),
    publicIncident({ id: 'older', started_at: at('2026-02-03T10:00:00Z'), resolved_at: at('2026-02-03T11:00:00Z') }),
    publicIncident({ id: 'open', started_at: at('2026-11-22T11:00:00Z'), resolved_at: null, components: ['Catalog'] }),
  );

async function filesAt(now = NOW, file: object = statusPage): Promise<Map<string, string>> {
  const current = Config.parse({ version: 'test', services: {}, paging: {}, statusPage: file });
  const config = { current: async () => current, problems: async () => [] };
  const deps = { config, publicIncidents: incidents(), publicUrl: 'https://firebreak.example' };
  return new Map((await snapshotFiles(deps, now)).map(({ path, body }) => [path, body]));
}

const bodyOf = (files: ReadonlyMap<string, string>, path: string): string => {
  const body = files.get(path);
  if (body === undefined) throw new Error(`there is no ${path}`);
  return body;
};

describe('the snapshot', () => {
  test('has all files of every page, each page in its own folder', async () => {
    const files = await filesAt();
    const ofPage = [
      'index.html',
      'status.json',
      'status.rss',
      'status.atom',
      'status.svg',
      'history/2026-01.html',
      'history/2026-11.html',
      'api/v2/summary.json',
      'api/v2/status.json',
      'api/v2/components.json',
      'api/v2/incidents.json',
      'api/v2/incidents/unresolved.json',
      'api/v2/scheduled-maintenances.json',
      'api/v2/scheduled-maintenances/upcoming.json',
      'api/v2/scheduled-maintenances/active.json',
      'incidents/over.html',
    ];
    const ofMain = ['incidents/open.html', 'incidents/older.html', 'incidents/upgrade.html', '404.html'];
    for (const path of [...ofPage, ...ofMain, ...ofPage.map((one) => `partners/${one}`)])
      expect([...files.keys()]).toContain(path);
    expect([...files.keys()]).not.toContain('partners/incidents/open.html');
    expect(bodyOf(files, 'partners/index.html')).not.toMatch(/Catalog|Checkout/);
    expect(JSON.parse(bodyOf(files, 'api/v2/status.json'))).toMatchObject({ status: { indicator: 'critical' } });
  });

  test('has relative links only, each to one of its files, and loads nothing', async () => {
    const files = await filesAt();
    const pages = [...files].filter(([path]) => path.endsWith('.html') && path !== '404.html');
    expect(pages.length).toBeGreaterThan(25);
    for (const [path, body] of pages) {
      const links = [...body.matchAll(/ href="([^"]*)"/g)].map(([, href]) => href ?? '');
      const others = links.filter((href) => !href.startsWith('#') && !href.startsWith('data:'));
      expect(others.length).toBeGreaterThan(3);
      for (const href of others) expect([...files.keys()], `${href} in ${path}`).toContain(join(dirname(path), href));
      expect(body).not.toMatch(/ src="(?!data:)|@import|url\(/);
    }
  });

  test('carries a policy that allows its own style and script only', async () => {
    const files = await filesAt();
    for (const path of ['index.html', 'incidents/open.html', 'incidents/over.html', 'partners/index.html']) {
      const body = bodyOf(files, path);
      const [, policy = ''] = /http-equiv="content-security-policy"\s+content="([^"]*)"/.exec(body) ?? [];
      expect(policy).toContain("default-src 'none'");
      for (const [, text = ''] of body.matchAll(/<(?:style|script)>([^]*?)<\/(?:style|script)>/g))
        expect(policy).toContain(`'sha256-${createHash('sha256').update(text).digest('base64')}'`);
    }
  });

  test('shows its age where something can still change, and nothing of the time elsewhere', async () => {
    const [files, later] = await Promise.all([filesAt(), filesAt(at('2026-11-22T12:00:30Z'))]);
    const current = ['index.html', 'history/2026-11.html', 'incidents/open.html', 'incidents/upgrade.html'];
    for (const path of current) expect(bodyOf(files, path)).toContain(`<time datetime="${NOW}">22 Nov 2026, 13:00 CET`);
    const changed = [...files].filter(([path, body]) => later.get(path) !== body).map(([path]) => path);
    const uptime = ['status.json', 'partners/status.json'];
    expect(changed.toSorted()).toEqual(
      [...current, ...uptime, 'partners/history/2026-11.html', 'partners/index.html'].toSorted(),
    );
  });

  test('has links to the address of its page in feeds', async () => {
    const files = await filesAt();
    expect(bodyOf(files, 'partners/status.rss')).toContain('https://partners.example/incidents/over.html');
  });

  test('shows the age by script, and warns readers when it is high', async () => {
    const body = bodyOf(await filesAt(), 'index.html');
    const [, script = ''] = /<script>([^]*?)<\/script>/.exec(body) ?? [];
    /** Runs the script that many seconds after the snapshot. */
    const seenAfter = (seconds: number) => {
      const elements = {
        age: { querySelector: () => ({ dateTime: NOW }) },
        old: { hidden: true, textContent: '' },
        ago: { textContent: '' },
      };
      const Now = class extends Date {
        static override now = () => Date.parse(NOW) + seconds * 1000;
      };
      const document = { getElementById: (id: keyof typeof elements) => elements[id] };
      runInNewContext(script, { document, Date: Now, setInterval: () => 0, addEventListener: () => undefined });
      return { ago: elements.ago.textContent, warning: elements.old.hidden ? null : elements.old.textContent };
    };
    expect(seenAfter(-90)).toEqual({ ago: ' (0 seconds ago)', warning: null });
    expect(seenAfter(1)).toEqual({ ago: ' (1 second ago)', warning: null });
    expect(seenAfter(299)).toEqual({ ago: ' (4 minutes ago)', warning: null });
    expect(seenAfter(300).warning).toMatch(/^This page was last updated 5 minutes ago\./);
    expect(seenAfter(7 * 3600).warning).toMatch(/7 hours ago/);
    expect(seenAfter(3 * 86_400).warning).toMatch(/3 days ago/);
  });
});
