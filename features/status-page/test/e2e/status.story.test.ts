import axe from 'axe-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { Browser, type Eyes, haveBrowser, type Page } from '../../../../test/support/browser.ts';
import { eventually, Firebreak } from '../../../../test/support/firebreak.ts';

const MARKUP = '<img src=x onerror=alert(1)>';

const services = {
  checkout: { statusPage: { components: ['Checkout'], publish: 'auto' }, environments: { production: {} } },
  search: { statusPage: { components: ['Search'] }, environments: { production: {} } },
};

const statusPage = {
  pages: {
    main: {
      title: `Acme ${MARKUP}`,
      timeZone: 'Europe/Berlin',
      colors: { header: '#1d3557' },
      subscriptions: ['email', 'slack', 'teams', 'webhook'],
      components: [{ name: 'Checkout', group: 'Shop', description: MARKUP }, 'Search'],
    },
  },
  maintenance: [
    {
      id: 'upgrade',
      title: 'Upgrade of {components}',
      components: ['Search'],
      announced: '2020-01-01T00:00:00Z',
      from: '2099-01-01T00:00:00Z',
      until: '2099-01-02T00:00:00Z',
      text: '{components} is read-only.',
    },
  ],
};

describe.runIf(haveBrowser())('the status page in a browser', () => {
  let firebreak: Firebreak;
  let browser: Browser;

  const open = (path: string, eyes: Partial<Eyes> = {}): Promise<Page> =>
    browser.open(`${firebreak.url}${path}`, { width: 1200, height: 1000, ...eyes });

  /** Waits until the page, loaded again each time, has this text. */
  const shows = (path: string, text: string): Promise<string> =>
    eventually(async () => {
      const page = await (await fetch(`${firebreak.url}${path}`)).text();
      if (!page.includes(text)) throw new Error(`${path} does not show ${text}`);
      return page;
    }, `${path} shows ${text}`);

  const alert = (service: string) =>
    firebreak.post('/v1/alerts/generic', {
      service,
      environment: 'production',
      severity: 'critical',
      title: `db-internal-7 ${MARKUP}`,
      dedup_key: service,
      status: 'firing',
    });

  beforeAll(async () => {
    [firebreak, browser] = await Promise.all([
      Firebreak.start({
        services,
        timeScale: 60,
        configFiles: { 'status-page.yaml': stringify(statusPage) },
        env: { FIREBREAK_PUBLIC_URL: 'https://firebreak.acme.example' },
      }),
      Browser.start(),
    ]);
  });

  afterAll(async () => {
    await Promise.all([browser.stop(), firebreak.stop()]);
  });

  test('shows an incident when it opens; one that needs approval, only after it', async () => {
    expect(await shows('/status', 'All systems operational')).not.toContain('Current incidents');
    await alert('checkout');
    await alert('search');
    const during = await shows('/status', 'Problems with Checkout');
    expect(during).toContain('Major outage');
    expect(during).not.toMatch(/Problems with Search|db-internal-7/);

    const { body } = await firebreak.get('/v1/incidents?service=search');
    await firebreak.post(`/v1/incidents/${String(body.items[0].id)}/actions/publish`, {});
    expect(await shows('/status', 'Problems with Search')).not.toContain('db-internal-7');
  });

  test.each([
    ['/status', {}],
    ['/status', { dark: true }],
    ['/status', { width: 375, height: 700 }],
    [`/status/history/${new Date().toISOString().slice(0, 7)}`, { dark: true, width: 375, height: 700 }],
    ['/status/incidents/upgrade.html', {}],
    ['/status/subscriptions/main', {}],
    ['/status/subscriptions/main', { dark: true, width: 375, height: 700 }],
  ] satisfies [string, Partial<Eyes>][])('%s with %j has no accessibility problem and fits', async (path, eyes) => {
    const page = await open(path, eyes);
    await eventually(async () => (await page.text('footer')) ?? Promise.reject(new Error('loading')), 'the page');
    await page.evaluate(`${axe.source}; undefined`);
    const found = await page.evaluate<string[]>(`axe
      .run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'] })
      .then(({ violations }) => violations.flatMap(({ id, impact, nodes }) => nodes.map(({ html }) => impact + ' ' + id + ': ' + html)))`);
    expect(found).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
    expect(page.problems).toEqual([]);
    await page.close();
  });

  test('the form and the footer are aligned on a phone', async () => {
    const page = await open('/status/subscriptions/main', { width: 390, height: 844 });
    const edges = (selector: string, edge: 'left' | 'bottom') =>
      page.evaluate<number[]>(
        `[...new Set([...document.querySelectorAll(${JSON.stringify(selector)})].map((one) => Math.round(one.getBoundingClientRect().${edge})))]`,
      );
    expect(await edges('form > *', 'left')).toHaveLength(1);
    expect(await edges('form legend, form input[name=address]', 'left')).toHaveLength(1);
    await page.close();
    const status = await open('/status', { width: 540, height: 844 });
    const baselines = await status.evaluate<number[]>(`[...document.querySelectorAll('footer > div > *')].map((one) => {
      const mark = document.createElement('span');
      mark.style.cssText = 'display: inline-block; width: 0; height: 0';
      one.append(mark);
      return Math.round(mark.getBoundingClientRect().bottom);
    })`);
    expect([...new Set(baselines)]).toHaveLength(1);
    await status.close();
  });
});
