import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Browser, type Eyes, haveBrowser } from '../../support/browser.ts';
import { consoleWorld, tokenRecord } from '../../support/console-world.ts';
import { blobsInMemory } from '../../support/noun-stores.ts';
import { NewChange } from '../../../schemas/changes/change.ts';
import type { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import type { Connections } from '../../../schemas/config/connections.ts';
import { Config, emptyConfig } from '../../../schemas/config/config.ts';
import { storeCheck } from '../../../vendors/connections/stored-check.ts';

const PHONE = { width: 390, height: 844 };

const blobs = blobsInMemory();
const { get, tokensPort, world } = consoleWorld(({ deps }) => ({
  blobs,
  config: { ...deps.config, problems: async () => [] },
  quarantine: Object.assign(Object.create(null), { count: async () => 27 }),
}));
const tokens = Array.from({ length: 50 }, (_, n) => tokenRecord(`ci-${n}`, ['deployments:write']));
Object.assign(tokensPort, { list: async () => ({ items: tokens, next_cursor: null }) });

const SERVICES = Array.from({ length: 300 }, (_, n) => ({ service: `service-${n}`, environment: 'production' }));
const CONNECTIONS: Connections = {
  vendors: [],
  targets: SERVICES.map((place) => ({ ...place, deployer: 'http', mode: 'act', drills: false, problem: null })),
  evidence: SERVICES.map((place) => ({
    ...place,
    level: 'time',
    can: {
      kind: 'time',
      steps: [`report the deployments of ${place.service}`, 'add a health query, so that causes are proved'],
    },
    proofs: [],
    missing: null,
    propose: [],
    deploys: null,
  })),
  unknown_environments: [],
  unnamed_environments: [],
  unmatched_unread: false,
  generated: [],
  judged: [],
  secrets: [],
  watched: null,
  objectives: { configured: 0, evaluated_at: null, problem: null, failing: 0, errors: [] },
};

const server = createServer((request, response) => {
  void Promise.resolve(get(request.url ?? '/', { token: 'ada' })).then(async (answer) => {
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    response.end(Buffer.from(await answer.arrayBuffer()));
  });
});

describe.runIf(haveBrowser())('on a phone', () => {
  let browser: Browser;

  const open = (path: string, eyes: Partial<Eyes> = {}) =>
    browser.open(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, { ...PHONE, ...eyes });

  beforeAll(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    browser = await Browser.start();
  });

  afterAll(async () => {
    await browser.stop();
    server.close();
  });

  test.each(['/console/incidents', '/console/settings'])(
    '%s is as wide as the screen, also with a count beside a section',
    async (path) => {
      const page = await open(path);
      expect(await page.text('.top nav .count')).toContain('27');
      expect(await page.evaluate('[innerWidth, document.documentElement.scrollWidth]')).toEqual([390, 390]);
      await page.close();
    },
  );

  test('the fields that filter the incidents are wide enough for what they say', async () => {
    const page = await open('/console/incidents');
    // A field that may be as wide as it needs shows its first choice, which is selected, and an arrow.
    const cut = `[...document.querySelectorAll('.search select')].flatMap((field) => {
      const alone = field.cloneNode();
      alone.append(field.options[0].cloneNode(true));
      alone.style.cssText = 'position: absolute; width: auto; flex: none';
      document.body.append(alone);
      const needed = alone.offsetWidth;
      alone.remove();
      return field.offsetWidth < needed ? [field.options[0].text] : [];
    })`;
    expect(await page.evaluate("document.querySelectorAll('.search select').length")).toBe(6);
    expect(await page.evaluate(cut)).toEqual([]);
    await page.close();
  });

  test.each(['/console', '/console/incidents', '/console/settings', '/console/digest', '/console/freezes'])(
    '%s has one row of navigation and one below it, with the current pages in sight',
    async (path) => {
      for (const [eyes, height] of [
        [{}, 90],
        [{ width: 768, height: 1024 }, 100],
      ] as const) {
        const page = await open(path, eyes);
        const bottoms = `[...document.querySelectorAll('.top > :not(#live)')].map((part) => part.getBoundingClientRect().bottom)`;
        expect(Math.max(...(await page.evaluate<number[]>(bottoms)))).toBeLessThan(height);
        const outside = `[...document.querySelectorAll('.top nav a[aria-current]')].filter((link) => {
          const [{ left, right, top, bottom }, row] = [link, link.parentElement].map((part) => part.getBoundingClientRect());
          return left < row.left - 1 || right > row.right + 1 || top < row.top || bottom > row.bottom;
        }).map(({ textContent }) => textContent)`;
        expect(await page.evaluate(outside)).toEqual([]);
        expect(await page.evaluate(`document.querySelector('.find').checkVisibility()`)).toBe(true);
        await page.close();
      }
    },
  );

  test.each([390, 375])('%s pixels wide, all sections are in sight, in both themes', async (width) => {
    for (const dark of [false, true]) {
      const page = await open('/console/incidents', { width, dark });
      const ends = `[...document.querySelectorAll('.top nav:not(.sub) a')].map((link) => link.getBoundingClientRect().right)`;
      expect(Math.max(...(await page.evaluate<number[]>(ends)))).toBeLessThanOrEqual(width);
      await page.close();
    }
  });

  test('on a desk, the rows of navigation touch, and tables keep a distance from the texts around them', async () => {
    await world.deps.incidents.declare({
      service: 'cart' as ServiceName,
      environment: 'production' as EnvironmentName,
      title: 'Payments fail',
      severity: 'critical',
      by: 'ada',
      trace: 'trace',
    });
    let page = await open('/console/digest', { width: 1280, height: 900 });
    const gap = (above: string, below: string) =>
      page.evaluate<number>(`(() => {
        const [first, next] = ${JSON.stringify([above, below])}.map((one) => document.querySelector(one).getBoundingClientRect());
        return next.top - first.bottom;
      })()`);
    expect(await gap('.top nav:not(.sub)', '.top nav.sub')).toBeLessThan(2);
    expect(await gap('main > p', 'main > .stack')).toBeGreaterThanOrEqual(8);
    expect(await gap('#incidents > p', '#incidents .scrolled')).toBeGreaterThanOrEqual(8);
    expect(await gap('#incidents .scrolled', '#incidents .scrolled + p')).toBeGreaterThanOrEqual(8);
    await page.close();
    page = await open('/console/delivery/pipelines', { width: 1280, height: 900 });
    expect(await gap('main > p', 'main > .panel')).toBeGreaterThanOrEqual(8);
    await page.close();
  });

  test('the settings of many services, tokens, and people are a few screens high', async () => {
    world.config = Config.parse({
      ...emptyConfig,
      people: { people: Object.fromEntries(SERVICES.map((_, n) => [`person-${n}`, { roles: ['viewer'] }])) },
    });
    await storeCheck({ ...world.deps, blobs }, { at: world.clock.now(), by: 'ada', connections: CONNECTIONS });
    const page = await open('/console/settings');
    expect(await page.text('#connections')).toContain('service-0/production');
    expect(await page.text('#people')).toContain('person-0');
    expect(await page.evaluate('document.documentElement.scrollHeight')).toBeLessThan(7000);
    await page.close();
  });

  test('the list of many services is a few screens high, and leads on', async () => {
    const production = { deployer: { kind: 'http', url: 'http://cd.test' } };
    const entries = SERVICES.map(({ service }) => [
      service,
      { team: 'payments', tier: 1, environments: { production } },
    ]);
    world.config = Config.parse({ ...emptyConfig, services: Object.fromEntries(entries) });
    for (const { service, environment } of SERVICES.slice(0, 50))
      await world.deps.changes.record(NewChange.parse({ service, environment, version: 'v42' }));
    const page = await open('/console/services');
    expect(await page.text('#services')).toMatch(/service-0\b[^]*v42[^]*More services/);
    expect(await page.evaluate('document.documentElement.scrollHeight')).toBeLessThan(6 * PHONE.height);
    await page.close();
  });

  test('long names without a blank, such as digests, break at the width of the screen', async () => {
    const name = `checkout-${'0123456789abcdef'.repeat(4)}`;
    world.config = Config.parse({ ...emptyConfig, services: { [name]: { environments: { production: {} } } } });
    await world.deps.incidents.declare({
      service: name as ServiceName,
      environment: 'production' as EnvironmentName,
      title: `${name} fails`,
      severity: 'critical',
      by: 'ada',
      trace: 'trace',
    });
    for (const path of ['/console/incidents', '/console/services']) {
      const page = await open(path);
      expect(await page.text('tbody')).toContain(name);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(PHONE.width);
      await page.close();
    }
  });

  test('without JavaScript, no button is shown that only the script handles', async () => {
    const shown = `[...document.querySelectorAll('footer button')].filter((button) => button.checkVisibility({ visibilityProperty: true })).map(({ id }) => id)`;
    for (const scripts of [false, true]) {
      const page = await open('/console/incidents', { scripts });
      expect(await page.evaluate(shown)).toEqual(scripts ? ['show-times', 'keys'] : []);
      await page.close();
    }
  });
});
