import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Browser, haveBrowser } from '../../../../test/support/browser.ts';
import { eventually, Firebreak } from '../../../../test/support/firebreak.ts';

const services = {
  checkout: { statusPage: { components: ['Checkout'], publish: 'auto' }, environments: { production: {} } },
};

/** A static host: serves files of a folder, and knows nothing else. Other sites may read them, as from CloudFront. */
async function staticHost(folder: string): Promise<{ url: string; server: Server }> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://host');
    readFile(join(folder, pathname.endsWith('/') ? `${pathname}index.html` : pathname)).then(
      (body) => response.writeHead(200, { 'access-control-allow-origin': '*' }).end(body),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((listening) => void server.listen(0, '127.0.0.1', listening));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

let firebreak: Firebreak;
let folder: string;
let host: Awaited<ReturnType<typeof staticHost>>;

beforeAll(async () => {
  firebreak = await Firebreak.start({ services, timeScale: 60 });
  folder = join(firebreak.dataDir, 'status');
  host = await staticHost(folder);
  await firebreak.post('/v1/alerts/generic', {
    service: 'checkout',
    environment: 'production',
    severity: 'critical',
    title: 'db-internal-7 is slow',
    dedup_key: 'checkout',
    status: 'firing',
  });
  await eventually(
    async () => (await readFile(join(folder, 'index.html'), 'utf8')).includes('Problems with Checkout'),
    'the snapshot shows the incident',
  );
  await firebreak.kill9();
});

afterAll(async () => {
  host.server.close();
  await firebreak.stop();
});

test('a static host serves the snapshot while the product is killed', async () => {
  await expect(fetch(`${firebreak.url}/status`)).rejects.toThrow();
  const get = async (path: string) => (await fetch(`${host.url}${path}`)).text();
  const { incidents } = JSON.parse(await get('/api/v2/incidents/unresolved.json')) as { incidents: { id: string }[] };
  expect(incidents).toHaveLength(1);
  for (const path of ['/', '/status.rss', '/status.atom', `/incidents/${incidents[0]?.id}.html`])
    expect(await get(path)).toContain('Problems with Checkout');
  expect(await get('/status.svg')).toContain('Major outage');
  const { at, files } = JSON.parse(await get('/snapshot.json')) as { at: string; files: Record<string, string> };
  expect(Date.parse(at)).toBeGreaterThan(Date.now() - 600_000);
  for (const path of Object.keys(files)) expect(await get(`/${path}`)).not.toContain('db-internal-7');
});

test.runIf(haveBrowser())('a browser reads the snapshot from file://, with its age', async () => {
  const browser = await Browser.start();
  try {
    const page = await browser.open(pathToFileURL(join(folder, 'index.html')).href, { width: 900, height: 900 });
    await eventually(
      async () => /^\(\d+ (second|minute)s? ago\)$/.test((await page.text('#ago'))?.trim() ?? ''),
      'the age by script',
    );
    expect(await page.text('#overall')).toContain('Major outage');
    await page.click('.event h3 a');
    await eventually(async () => (await page.text('main h1')) === 'Problems with Checkout', 'the incident');
    expect(page.problems).toEqual([]);

    const plain = await browser.open(pathToFileURL(join(folder, 'index.html')).href, {
      width: 900,
      height: 900,
      scripts: false,
    });
    await eventually(
      async () => /Last updated \d+ \w{3} \d{4}, \d\d:\d\d UTC\s*\. Up/.test((await plain.text('#age')) ?? ''),
      'the time without script',
    );
  } finally {
    await browser.stop();
  }
});

test.runIf(haveBrowser())("Atlassian's widget, embedded in another site, shows the state of the snapshot", async () => {
  const site = await mkdtemp(join(tmpdir(), 'firebreak-site-'));
  const widget = fileURLToPath(import.meta.resolve('@statuspage/status-widget/dist/index.js'));
  await copyFile(widget, join(site, 'widget.js'));
  await writeFile(
    join(site, 'index.html'),
    `<!doctype html><title>Acme</title><link rel="icon" href="data:,">
    <script src="widget.js"></script>
    <statuspage-widget src="${host.url}" appearance="badge" title="Acme Status"></statuspage-widget>`,
  );
  const [browser, other] = await Promise.all([Browser.start(), staticHost(site)]);
  try {
    const page = await browser.open(`${other.url}/`, { width: 900, height: 900 });
    const badge = () =>
      page.evaluate<{ text: string[]; indicator: string; href: string } | null>(`(() => {
        const link = document.querySelector('statuspage-widget')?.shadowRoot?.querySelector('a.badge');
        const indicator = link?.querySelector('.status-indicator');
        const text = (element) => element?.textContent.trim();
        return link && { text: [text(link.querySelector('.status-text')), text(indicator)], indicator: indicator.className, href: link.href };
      })()`);
    await expect.poll(badge).toEqual({
      text: ['Acme Status', 'Major Service Outage'],
      indicator: 'status-indicator critical',
      href: `${host.url}/`,
    });
    // An error of the widget's own bundle, after it has defined its element.
    expect(page.problems.filter((one) => !one.includes('parcelRequire is not defined'))).toEqual([]);
  } finally {
    other.server.close();
    await browser.stop();
    await rm(site, { recursive: true, force: true });
  }
});
