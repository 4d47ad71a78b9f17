import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parsesAsPromql } from '../../../local/config/promql.ts';
import { cli } from '../../../test/entrances/cli/support.ts';
import { importedFrom } from '../decisions/import/formats.ts';

const ROOT = join(import.meta.dirname, '../../..');
const read = (name: string): Promise<string> => readFile(join(ROOT, 'docs/how-to', name), 'utf8');

/** Returns the fenced blocks of a page in order, without the indentation of the list that they are in. */
const blocksOf = (page: string): { kind: string; text: string }[] =>
  [...page.matchAll(/^( *)```(\w+)\n([^]*?)^ *```$/gm)].map(([, indent = '', kind = '', text = '']) => ({
    kind,
    text: text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  }));

let dir: string;
beforeEach(async () => void (dir = await mkdtemp(join(tmpdir(), 'firebreak-migration-'))));
afterEach(() => rm(dir, { recursive: true }));

describe('migrate-from-sloth.md', async () => {
  const page = await read('migrate-from-sloth.md');
  const blocks = blocksOf(page);
  const [before = '', after = ''] = blocks.filter(({ kind }) => kind === 'yaml').map(({ text }) => text);
  const shown = blocks.find(({ kind }) => kind === 'text')?.text ?? '';

  /** Converts the example as the page says. Returns what it prints, without the test's folder. */
  async function converted(): Promise<string> {
    await writeFile(join(dir, 'checkout.yml'), before);
    const args = ['slo', 'import', join(dir, 'checkout.yml'), '--window', '30d', '--out', join(dir, 'config/slos')];
    const { code, out, err } = await cli(args);
    expect(code).toBe(0);
    return `${err}${out}`.replaceAll(`${dir}/`, '');
  }

  test('the example becomes what the page shows, and firebreak check accepts it', async () => {
    expect(await converted()).toBe(shown);
    const written = await readFile(join(dir, 'config/slos/checkout-requests-availability.yaml'), 'utf8');
    expect(written.replaceAll(`${dir}/`, '')).toBe(after);
    await writeFile(join(dir, 'config/services.yaml'), 'services: { checkout: { environments: { production: {} } } }');
    const { code, err } = await cli(['check', '--config', join(dir, 'config')]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
  });

  test('the table has every field of Sloth, and says of the right ones that they are not imported', () => {
    const sloth = [...page.matchAll(/^\| `([\w[\].]+)` \| (.*) \|$/gm)].map(([, field = '', becomes = '']) => ({
      field,
      isImported: !/^(not imported|an error)/.test(becomes),
    }));
    const query = 'sum(rate(a_total[{{.window}}]))';
    const plugins = { chain: [{ id: 'x' }] };
    const common = { objective: 99, description: 'd', labels: { a: 'b' }, plugins, alerting: { name: 'A' } };
    const slis = [
      { events: { error_query: query, total_query: query } },
      { raw: { error_ratio_query: query } },
      { plugin: { id: 'x' } },
    ];
    const value = {
      version: 'prometheus/v1',
      service: 'checkout',
      labels: { c: 'd' },
      slo_plugins: plugins,
      slos: slis.map((sli, index) => ({ name: `n${index}`, ...common, sli })),
    };
    const { problems } = importedFrom({ value, at: () => ({ file: 'a', line: 1 }) }, { window: '30d' });
    const left = problems.flatMap(
      ({ message }) => /^([\w.]+)(?: is not imported|: the file does not contain)/.exec(message)?.[1] ?? [],
    );
    const without = new Set(left.map((path) => path.replace(/^slos\.\d+/, 'slos[]')));
    expect(new Set(sloth.filter(({ isImported }) => !isImported).map(({ field }) => field))).toEqual(without);
    const leaves = leavesOf(value).map((path) => path.slice(1));
    const covers = (field: string, leaf: string) => leaf === field || leaf.startsWith(`${field}.`);
    expect(leaves.filter((leaf) => !sloth.some(({ field }) => covers(field, leaf)))).toEqual([]);
    expect(sloth.filter(({ field }) => !leaves.some((leaf) => covers(field, leaf)))).toEqual([]);
  });

  test('the names of series and alerts are those that both tools generate', async () => {
    await converted();
    await writeFile(join(dir, 'config/services.yaml'), 'services: { checkout: {} }');
    const out = join(dir, 'monitoring');
    const url = ['--url', 'https://firebreak.internal'];
    const made = await cli(['slo', 'generate', '--config', join(dir, 'config'), '--out', out, ...url]);
    expect(made).toMatchObject({ code: 0, err: '' });
    const [recording, alerts] = await Promise.all(
      ['slo-recording.yaml', 'slo-alerts.yaml'].map((name) => readFile(join(out, 'prometheus', name), 'utf8')),
    );
    const sloth = await readFile(join(ROOT, 'features/slo/test/fixtures/sloth/checkout.rules.yml'), 'utf8');
    const series = [...page.matchAll(/\b((?:firebreak|slo):\w+(?::\w+)?)/g)].map(([, name = '']) => name);
    expect(series.length).toBeGreaterThan(5);
    for (const name of series) expect(name.startsWith('slo:') ? sloth : recording).toContain(`record: ${name}\n`);
    for (const name of ['SLOFastBurn', 'SLOSlowBurn']) expect(alerts).toContain(`alert: ${name}\n`);
    const queries = blocks.filter(({ kind }) => kind === 'promql');
    expect(queries).toHaveLength(2);
    expect(queries.map(({ text }) => parsesAsPromql(text))).toEqual([null, null]);
  });
});

/** Returns the paths of all values in a document, with `[]` for the items of a list: `slos[].name`. */
function leavesOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [''];
  const inner = Array.isArray(value)
    ? value.flatMap((item) => leavesOf(item).map((path) => `[]${path}`))
    : Object.entries(value).flatMap(([key, item]) => leavesOf(item).map((path) => `.${key}${path}`));
  return [...new Set(inner)];
}
