import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ASSETS, plotAsset } from '../../../entrances/console/assets.ts';
import { type Plot, plot, SHARE } from '../../../entrances/console/plot.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { NOON } from '../../core/arbitraries.ts';
import { consoleWorld } from '../../support/console-world.ts';
import { runs } from '../../support/runs.ts';

const LATER = plusSeconds(NOON, 600);

const chart = (more: Partial<Plot> = {}): Plot => ({
  id: 'p',
  title: 'Errors',
  curve: [0, 60, 120, 600].map((at, n) => [plusSeconds(NOON, at), n / 100]),
  from: NOON,
  until: LATER,
  limit: null,
  marks: [],
  ...more,
});

const drawn = async (more: Partial<Plot> = {}): Promise<string> => String(await plot(chart(more)));
const dataOf = (markup: string) =>
  JSON.parse((/data-plot="([^"]*)"/.exec(markup)?.[1] ?? '').replaceAll('&quot;', '"').replaceAll('&amp;', '&'));
const labels = (markup: string): string[] =>
  [...(markup.split('class="narrow"')[0] ?? '').matchAll(/<text class="label \w+"[^>]*>([^<]*)</g)].map(
    ([, text = '']) => text.trim(),
  );

test('the script of plots has at most 60 kB, and browsers may keep it', async () => {
  const { get } = consoleWorld();
  const { path, text } = plotAsset();
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(60_000);
  const response = await get(path);
  expect([response.status, response.headers.get('cache-control')]).toEqual([
    200,
    'public, max-age=31536000, immutable',
  ]);
  expect(await response.text()).toContain('uPlot');
  const page = await (await get('/console', { token: 'vera' })).text();
  expect(page).toContain(`data-plots="${path}"`);
  expect(page).not.toContain(`src="${path}"`);
  expect(ASSETS.live.text).not.toContain('uPlot');
});

test('a figure has the data that the script draws, and no style', async () => {
  const markup = await drawn({
    limit: 0.02,
    unit: SHARE,
    group: 'health',
    marks: [{ kind: 'deploy', at: plusSeconds(NOON, 30), label: 'deploy of "v2"' }],
  });
  expect(dataOf(markup)).toMatchObject({
    from: Date.parse(NOON) / 1000,
    seconds: 600,
    lines: [['', [0, 60, 120, 600], [0, 0.01, 0.02, 0.03]]],
    unit: { factor: 100, suffix: ' %' },
    gap: 180,
    group: 'health',
  });
  expect(markup).not.toMatch(/\sstyle=/);
  expect(markup).toContain('limit 2 %');
  expect(markup.match(/<g class="mark deploy" data-at="30" transform="translate\([\d.]+\)"/g)).toHaveLength(2);
  expect(markup).toMatch(/aria-label="Errors from [^"]* between 0 % and 3 %/);
});

test('all times of a legend and of a table follow the switch to local time', async () => {
  const at = plusSeconds(NOON, 200);
  const [from, until] = [plusSeconds(at, -10), plusSeconds(at, 10)];
  for (const end of [LATER, plusSeconds(NOON, 2 * 86_400)]) {
    const markup = await drawn({ until: end, marks: [{ kind: 'onset', at, label: 'problem', from, until }] });
    expect(markup).toContain('no samples until');
    expect(markup).toMatch(/problem\s+<time/);
    const others = markup
      .replaceAll(/<svg[^]*?<\/svg>|<time class="clock" datetime="[^"]+"[^>]*>[^<]*<\/time>/g, '')
      .replaceAll(/<[^>]*>/g, '');
    expect(others).not.toMatch(/\d\d:\d\d|UTC/);
  }
});

test('marks are labelled where they are, without covering each other', async () => {
  const at = (...seconds: number[]) =>
    seconds.map((second, n) => ({ kind: 'alert', at: plusSeconds(NOON, second), label: `alert ${n}` }) as const);
  expect(labels(await drawn({ marks: at(0, 300, 600) }))).toEqual(['alert 0', 'alert 1', 'alert 2']);
  const close = await drawn({ marks: at(1, 2, 3, 4, 5, 6, 7, 8) });
  expect(labels(close).length).toBeLessThan(8);
  expect(close.match(/<li>\s*<svg class="mark alert"/g)).toHaveLength(8);
});

/** Returns the lines of the marks and the texts of their labels, in pixels. */
function marksIn(picture: string): { x: number; top: number; text: [from: number, to: number, y: number] | null }[] {
  return picture
    .split('<g class="mark')
    .slice(1)
    .map((mark) => {
      const [x = 0, top] = [/translate\(([\d.]+)\)/, /class="at" d="M0,([\d.]+)V/].map((one) =>
        Number(one.exec(mark)?.[1]),
      );
      const [, anchor, at, y, label = ''] =
        /<text\s+class="label (\w+)"\s+x="([\d.-]+)"\s+y="([\d.]+)"\s*>([^<]*)</.exec(mark) ?? [];
      const width = 6 * label.trim().length;
      const from = x + Number(at) - (anchor === 'start' ? 0 : width);
      return { x, top: top ?? 0, text: anchor === undefined ? null : [from, from + width, Number(y)] };
    });
}

test('no line of a mark crosses the label of another', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 600 }), fc.integer({ min: 2, max: 25 })), { maxLength: 10 }),
      async (given) => {
        const markup = await drawn({
          marks: given.map(([second, length]) => ({
            kind: 'deploy',
            at: plusSeconds(NOON, second),
            label: 'x'.repeat(length),
          })),
        });
        for (const picture of markup.split('</svg>').slice(0, 2)) {
          const marks = marksIn(picture);
          expect(marks).toHaveLength(given.length);
          for (const { x, top } of marks)
            for (const { text } of marks)
              if (text !== null && top < text[2] - 4) expect(x <= text[0] || x >= text[1]).toBe(true);
        }
      },
    ),
    { numRuns: runs(60) },
  ));

test('events in lanes have shapes, numbers, and no labels', async () => {
  const markup = await drawn({
    lanes: [
      { kind: 'alert', name: 'incidents', at: [10, 80, 9000].map((second) => plusSeconds(NOON, second)) },
      { kind: 'rollback', name: 'rollbacks', at: [plusSeconds(NOON, 30)] },
    ],
  });
  expect(markup.match(/class="event"/g)).toHaveLength(2 * 3);
  expect(new Set([...markup.matchAll(/class="event"\s+d="([^"]*)"/g)].map(([, shape]) => shape)).size).toBe(2);
  expect(labels(markup)).toEqual([]);
  expect(markup).toMatch(/aria-label="[^"]*incidents: 3\. rollbacks: 1"/);
  expect(dataOf(markup).lanes).toEqual([
    ['incidents', [10, 80, 9000]],
    ['rollbacks', [30]],
  ]);
});

test('the data of each line of each plot is a region with a name of its own', async () => {
  const beside = { ownName: 'v2', others: [{ name: 'v1', curve: [[NOON, 1]] }] } satisfies Plot['beside'];
  const page = (await drawn({ title: 'Health' })) + (await drawn({ title: 'Requests' })) + (await drawn({ beside }));
  expect([...page.matchAll(/role="region" aria-label="([^"]*)"/g)].map(([, name]) => name)).toEqual([
    'Data of the plot: Health',
    'Data of the plot: Requests',
    'Data of the plot: Errors, v2',
    'Data of the plot: Errors, v1',
  ]);
});

test('dots show values between gaps', async () => {
  const curve = [0, 60, 400].map((second) => [plusSeconds(NOON, second), 1] as const);
  expect(/class="dots" d="([^"]*)"/.exec(await drawn({ curve, dots: true }))?.[1]?.match(/h0/g)).toHaveLength(3);
  expect(await drawn({ curve })).not.toContain('class="dots"');
});

test('counts are bars', async () => {
  const markup = await drawn({ shape: 'bars', curve: [1, 2, 3].map((n) => [plusSeconds(NOON, 200 * n), n]) });
  expect(/class="bars" d="([^"]*)"/.exec(markup)?.[1]?.match(/Z/g)).toHaveLength(3);
  expect(markup).not.toContain('class="curve"');
  expect(dataOf(markup)).toMatchObject({ bars: true });
});

test('a label finds a place on the other side if another mark is near', async () => {
  const marks = [
    { kind: 'now', at: plusSeconds(NOON, 400), label: 'now' },
    { kind: 'forecast', at: plusSeconds(NOON, 415), label: 'spent, at the rate of the last hour' },
  ] as const;
  expect(labels(await drawn({ marks }))).toEqual(['now', 'spent, at the rate of the last hour']);
});

const steps = (from: number, until: number, step: number): number[] =>
  Array.from({ length: Math.floor((until - from) / step) + 1 }, (_, n) => from + n * step);

test.each([
  ['a pause of five samples', [...steps(0, 300, 15), ...steps(375, 600, 15)], 1],
  ['no pause: one sample is missing', [...steps(0, 300, 15), ...steps(330, 600, 15)], 0],
  ['no pause: older samples are further apart', [...steps(0, 240, 60), ...steps(255, 600, 15)], 0],
  ['a pause between samples of different distances', [...steps(0, 240, 60), ...steps(450, 600, 15)], 1],
])('a line has gaps where samples are missing: %s', async (_, times, gaps) => {
  const markup = await drawn({ curve: times.map((at) => [plusSeconds(NOON, at), 0.01]) });
  expect(markup.match(/no samples until/g)?.length ?? 0).toBe(gaps);
});
