import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { stripVTControlCharacters } from 'node:util';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CommandContext, Screen } from '../../../entrances/cli/command-context.ts';
import { run } from '../../../entrances/cli/program.ts';
import { printTable, printText } from '../../../entrances/cli/table.ts';
import { bareEnvironment } from '../../support/firebreak.ts';
import { cli } from './support.ts';
import { runs } from '../../support/runs.ts';

const incident = (number: number, status: string, title: string) => ({
  id: `01KAJ0000000000000000000${String(number).padStart(2, '0')}`,
  number,
  service: 'checkout',
  environment: 'production',
  title,
  severity: 'critical',
  status,
  opened_at: `2026-11-20T0${number}:00:00.000Z`,
  resolved_at: null,
  signal_count: 1,
  parent_id: null,
  channel: null,
  roles: {},
  suspects: [],
  decisions: [],
  effects: [],
});

const OPEN = incident(2, 'open', 'checkout answers with errors, and every third payment of the last hour was refused');
const MITIGATED = { ...incident(5, 'mitigated', 'cart is slow'), status_text: 'mitigated, not verified yet' };
const CLOSED = {
  ...incident(7, 'resolved', 'checkout is slow'),
  status_text: 'closed, not verified',
  closed_as: 'unverified',
};

/** What the server has. */
const shows = { mitigated: false };

let server: Server;
let env: Record<string, string>;
beforeAll(async () => {
  server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://localhost');
    const status = searchParams.get('status');
    // The open incident is too old for the first page.
    const items =
      status === null
        ? [CLOSED]
        : status === 'open'
          ? [OPEN]
          : status === 'mitigated' && shows.mitigated
            ? [MITIGATED]
            : [];
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ items, next_cursor: null }));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  env = { FIREBREAK_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, FIREBREAK_TOKEN: 'x' };
});
afterAll(() => server.close());

/** Runs a command at a terminal. */
async function at(screen: Screen, ...args: string[]): Promise<{ lines: string[]; err: string }> {
  const lines: string[] = [];
  let err = '';
  const code = await run(args, {
    env: { ...bareEnvironment(), ...env },
    cwd: '/',
    root: '/',
    out: (text) => void lines.push(...text.split('\n')),
    err: (text) => void (err += `${text}\n`),
    screen,
  });
  expect({ code, err: code === 0 ? '' : err }).toEqual({ code: 0, err: '' });
  return { lines, err };
}

test('open incidents are listed before resolved ones, also those that the newest incidents push out', async () => {
  const { out } = await cli(['incident', 'list'], { env });
  expect(out.split('\n').map((line) => line.split(/ +/)[0])).toEqual(['NAME', 'INC-2', 'INC-7', '']);
});

test('the list says what the state of an incident means, not only that it is over', async () => {
  const { out } = await cli(['incident', 'list'], { env });
  expect(out).toMatch(/^INC-7 {2}closed, not verified {2}checkout/m);
  shows.mitigated = true;
  const { out: mitigated } = await cli(['incident', 'list'], { env });
  shows.mitigated = false;
  expect(mitigated).toMatch(/^INC-5 {2}mitigated, not verified yet {2}checkout/m);
});

test('a pipe gets every column, whole and without colors', async () => {
  const { out, err } = await cli(['incident', 'list'], { env });
  expect(out).toContain(
    `INC-2  open                  checkout/production  critical  2026-11-20 02:00:00  ${OPEN.title}\n`,
  );
  expect(stripVTControlCharacters(out)).toBe(out);
  expect(err).toBe('');
});

test('at a terminal, the text is cut, then times are shortened, and what does not fit follows on a line of its own', async () => {
  const wide = await at({ width: 110, colors: false }, 'incident', 'list');
  expect(wide.lines[1]).toBe(
    'INC-2  open                  checkout/production  critical  2026-11-20 02:00:00  checkout answers with errors…',
  );
  const usual = await at({ width: 90, colors: false }, 'incident', 'list');
  expect(usual.lines).toEqual([
    'NAME   STATUS                SERVICE              SEVERITY  TITLE',
    'INC-2  open                  checkout/production  critical  checkout answers with errors,…',
    '    OPENED 11-20 02:00',
    'INC-7  closed, not verified  checkout/production  critical  checkout is slow',
    '    OPENED 11-20 07:00',
  ]);
  const small = await at({ width: 68, colors: false }, 'incident', 'list');
  expect(small.lines.slice(0, 3)).toEqual([
    'NAME   STATUS                SEVERITY  TITLE',
    'INC-2  open                  critical  checkout answers with errors…',
    '    SERVICE checkout/production, OPENED 11-20 02:00',
  ]);
  for (const { err } of [wide, usual, small]) expect(err).toBe('');
});

test.each([30, 58, 80, 100])('at a width of %i, no column is left out', async (width) => {
  const { lines } = await at({ width, colors: false }, 'incident', 'list');
  const text = lines.join(' ').replaceAll(/\s+/g, ' ');
  for (const shown of ['INC-2', 'open', 'checkout/production', 'critical', /11-20 02:00/, 'checkout '])
    expect(text).toMatch(shown);
});

test('text is broken between words at a terminal only, and further lines are indented', () => {
  const printed = (screen?: Screen): string[] => {
    const lines: string[] = [];
    printText(
      { out: (text) => void lines.push(text), ...(screen && { screen }) },
      '  Asks because\nv3 has a migration',
    );
    return lines;
  };
  expect(printed({ width: 20, colors: false })).toEqual(['  Asks because v3', '    has a migration']);
  expect(printed()).toEqual(['  Asks because v3 has a migration']);
});

test('lines keep to any width of at least 30 characters', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 30, max: 200 }), async (width) => {
      const { lines } = await at({ width, colors: true }, 'incident', 'list');
      for (const line of lines) expect(stripVTControlCharacters(line).length).toBeLessThanOrEqual(width);
    }),
    { numRuns: runs(20) },
  );
});

test('characters that take two columns of a terminal count as two', () => {
  const lines: string[] = [];
  const rows = [
    ['注文', '日本語のタイトル🔥が長い'],
    ['cart', 'naïve ☃ 結果が届かない'],
    ['cart', '届かない'],
  ];
  const context: Partial<CommandContext> = {
    outPainted: (line) => void lines.push(line),
    screen: { width: 24, colors: false },
  };
  printTable(context as CommandContext, { heading: ['NAME', 'TITLE'], rows });
  expect(lines).toEqual(['NAME  TITLE', '注文  日本語のタイトル…', 'cart  naïve ☃ 結果が届…', 'cart  届かない']);
});

test('colors change no character, and only states have them', async () => {
  const plain = await at({ width: 100, colors: false }, 'incident', 'list');
  const colored = await at({ width: 100, colors: true }, 'incident', 'list');
  expect(colored.lines.map(stripVTControlCharacters)).toEqual(plain.lines);
  expect(colored.lines[1]).toContain('\u001b[31mcritical\u001b[39m');
  expect(colored.lines[1]).not.toContain('\u001b[31mcheckout');
});
