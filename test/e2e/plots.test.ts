import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { html } from 'hono/html';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ASSETS, plotAsset } from '../../entrances/console/assets.ts';
import { type Plot, plot, SHARE } from '../../entrances/console/plot.ts';
import { plusSeconds } from '../../schemas/time/time.ts';
import { NOON } from '../core/arbitraries.ts';
import { Browser, type Finger, haveBrowser, type Page } from '../support/browser.ts';
import { eventually } from '../support/firebreak.ts';

const POLICY = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'";

const chart = (id: string, more: Partial<Plot>): Plot => ({
  id,
  title: id,
  curve: Array.from({ length: 61 }, (_, n) => [plusSeconds(NOON, n * 10), n < 30 ? 0.001 : 0.2]),
  from: NOON,
  until: plusSeconds(NOON, 600),
  limit: null,
  marks: [],
  group: 'health',
  ...more,
});

const pageOf = async (): Promise<string> =>
  String(
    await html`<!doctype html>
      <html lang="en">
        <title>Plots</title>
        <meta name="viewport" content="width=device-width" />
        <link rel="stylesheet" href="${ASSETS.style.path}" />
        <script src="${ASSETS.live.path}" data-plots="${plotAsset().path}" defer></script>
        <main id="main">
          ${plot(
            chart('health', {
              unit: SHARE,
              limit: 0.01,
              marks: [{ kind: 'alert', at: plusSeconds(NOON, 300), label: 'alert' }],
            }),
          )}
          ${plot(chart('traffic', { table: null, height: 90, curve: [0, 300, 600].map((n) => [plusSeconds(NOON, n), n]) }))}
        </main>
      </html>`,
  );

const answer: RequestListener = (request, response) => {
  const asset = [...Object.values(ASSETS), plotAsset()].find(({ path }) => path === request.url);
  response.setHeader('content-security-policy', POLICY);
  response.setHeader('content-type', asset?.type ?? 'text/html; charset=utf-8');
  void pageOf().then((markup) => response.end(asset?.text ?? markup));
};

describe.runIf(haveBrowser())('plots in a browser', () => {
  let browser: Browser;
  let page: Page;
  const server = createServer(answer);

  const sees = (expression: string, what: string): Promise<unknown> =>
    eventually(() => page.evaluate<boolean>(expression), what);

  /** Sends events of a mouse at a part of the width of the first plot. */
  const mouse = (...events: readonly (readonly [type: string, share: number])[]): Promise<unknown> =>
    page.evaluate(`(() => {
      const over = document.querySelector('.u-over');
      const { left, top, width } = over.getBoundingClientRect();
      for (const [type, share] of ${JSON.stringify(events)})
        (type === 'mouseup' ? document : over).dispatchEvent(new MouseEvent(type, {
          bubbles: true, clientX: left + width * share, clientY: top + 20, movementX: 1, movementY: 1 }));
    })()`);

  beforeAll(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    browser = await Browser.start();
    page = await browser.open(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, {
      width: 1000,
      height: 800,
    });
    await sees(`document.querySelectorAll('.plot.drawn .uplot').length === 2`, 'both plots');
  });

  afterAll(async () => {
    await browser.stop();
    server.close();
  });

  test('show the value at the pointer, also in the other plot of the group', async () => {
    await mouse(['mouseenter', 0.8], ['mousemove', 0.8]);
    const values = `[...document.querySelectorAll('.plot-value')].map(({ hidden, textContent }) => hidden ? '' : textContent)`;
    await sees(`${values}.join() === '12:08:00 · 20 %,12:10:00 · 600'`, 'both values');
  });

  test('zoom by dragging, together, and go back', async () => {
    await mouse(['mousedown', 0.5], ['mousemove', 0.6], ['mousemove', 0.9], ['mouseup', 0.9]);
    await sees(`document.querySelectorAll('.plot-reset:not([hidden])').length === 1`, 'one button to show all');
    // The zoom begins at the mark, so the mark is at the left end.
    await sees(
      `Math.abs(document.querySelector('.plot.drawn g.mark .at').getBoundingClientRect().left
        - document.querySelector('.u-over').getBoundingClientRect().left) < 3`,
      'the mark at the left end',
    );
    await page.click('.plot-reset:not([hidden])');
    await sees(`document.querySelectorAll('.plot-reset:not([hidden])').length === 0`, 'all times');
  });

  test('are drawn again when an update replaces them', async () => {
    await page.evaluate(`fetch(location.href).then((response) => response.text()).then((markup) => {
      const next = new DOMParser().parseFromString(markup, 'text/html').querySelector('#health-plot');
      next.dataset.fresh = 'yes';
      document.querySelector('#health-plot').replaceWith(next);
    })`);
    await sees(`document.querySelectorAll('.plot.drawn[data-fresh] .uplot').length === 1`, 'the new plot');
    expect(await page.evaluate(`document.querySelectorAll('.uplot').length`)).toBe(2);
  });

  test('keep their description, and break no rule of the policy', async () => {
    expect(await page.evaluate(`document.querySelector('.plot.drawn > svg').getAttribute('aria-label')`)).toMatch(
      /^health from 12:00:00 to 12:10:00 UTC: /,
    );
    expect(page.problems).toEqual([]);
  });
});

describe.runIf(haveBrowser())('plots on a touch screen', () => {
  let browser: Browser;
  let page: Page;
  const server = createServer(answer);

  const sees = (expression: string, what: string): Promise<unknown> =>
    eventually(() => page.evaluate<boolean>(expression), what);

  /** Returns the place at a share of the width of the first plot, some pixels below its upper edge. */
  const placeAt = (share: number, below = 40): Promise<Finger> =>
    page.evaluate(`(() => {
      const { left, top, width } = document.querySelector('.u-over').getBoundingClientRect();
      return { x: left + width * ${share}, y: top + ${below} };
    })()`);

  beforeAll(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    browser = await Browser.start();
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    page = await browser.open(url, { width: 390, height: 300, touch: true });
    await sees(`document.querySelectorAll('.plot.drawn .uplot').length === 2`, 'both plots');
  });

  afterAll(async () => {
    await browser.stop();
    server.close();
  });

  test('a finger across shows values, which stay when it is lifted', async () => {
    await page.touch([await placeAt(0.2)], [await placeAt(0.4)], [await placeAt(0.8)]);
    await sees(`document.querySelector('.plot-value')?.textContent === '12:08:00 · 20 %'`, 'the value');
    expect(await page.evaluate(`document.querySelector('.plot-value').hidden`)).toBe(false);
    expect(await page.evaluate(`scrollY`)).toBe(0);
  });

  test('a tap shows a value', async () => {
    await page.touch([await placeAt(0.2)]);
    await sees(`document.querySelector('.plot-value')?.textContent === '12:02:00 · 0.1 %'`, 'the value');
  });

  test('two fingers zoom both plots, and a button shows all', async () => {
    const at = (...shares: number[]): Promise<Finger[]> => Promise.all(shares.map((share) => placeAt(share)));
    await page.touch(await at(0.45, 0.55), await at(0.35, 0.65), await at(0.2, 0.8));
    await sees(`document.querySelectorAll('.plot-reset:not([hidden])').length === 1`, 'one button to show all');
    await page.touch([await placeAt(1)]);
    await sees(`/^12:0[5-7]:/.test(document.querySelector('.plot-value').textContent)`, 'a time within the zoom');
    await page.evaluate(`document.querySelector('.plot-reset:not([hidden])').click()`);
    await sees(`document.querySelectorAll('.plot-reset:not([hidden])').length === 0`, 'all times');
  });

  test('a finger up scrolls the page', async () => {
    const up = [200, 170, 140, 110, 80, 50].map((below) => placeAt(0.5, below));
    await page.touch(...(await Promise.all(up)).map((finger) => [finger]));
    await sees(`scrollY > 50`, 'the page further down');
  });
});
