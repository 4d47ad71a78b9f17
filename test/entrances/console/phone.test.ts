import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Browser, type Eyes, haveBrowser } from '../../support/browser.ts';
import { consoleWorld } from '../../support/console-world.ts';

const PHONE = { width: 390, height: 844 };

const { get, tokensPort } = consoleWorld(({ deps }) => ({
  config: { ...deps.config, problems: async () => [] },
  quarantine: Object.assign(Object.create(null), { count: async () => 27 }),
}));
Object.assign(tokensPort, { list: async () => ({ items: [], next_cursor: null }) });

const server = createServer((request, response) => {
  void get(request.url ?? '/', { token: 'ada' }).then(async (answer) => {
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
});
