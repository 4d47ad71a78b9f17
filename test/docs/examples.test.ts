import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isMap, isSeq, parse, parseAllDocuments } from 'yaml';
import * as z from 'zod';
import { loadConfig } from '../../local/config/config-files.ts';
import { configSchemas } from '../../scripts/config-schemas.ts';
import { DeployerConfig, FlagsConfig } from '../../schemas/rollback/targets.ts';

const ROOT = join(import.meta.dirname, '../..');

/** Configuration file of a block, by its first key. */
const FILE_OF: Readonly<Record<string, string>> = {
  pages: 'status-page.yaml',
  services: 'services.yaml',
  environments: 'services.yaml',
  deployer: 'services.yaml',
  flags: 'services.yaml',
  paging: 'paging.yaml',
  routes: 'routes.yaml',
  maintenance: 'routes.yaml',
  manyAtOnce: 'routes.yaml',
  channelPrefix: 'slack.yaml',
  pagerduty: 'response.yaml',
  webhooks: 'response.yaml',
  escalation: 'response.yaml',
  triage: 'response.yaml',
  stakeholders: 'response.yaml',
  people: 'people.yaml',
  links: 'links.yaml',
  bands: 'delivery.yaml',
  attributionMinutes: 'delivery.yaml',
  severities: 'postmortems.yaml',
};

type Block = { name: string; text: string };

/** Returns YAML blocks of a page. A block whose lines are alternatives counts as one block per line. */
function blocksOf(page: string, markdown: string): Block[] {
  const blocks = [...markdown.matchAll(/^```ya?ml\n([\s\S]*?)^```/gm)].map(({ 1: text = '', index }) => ({
    name: `${page}:${markdown.slice(0, index).split('\n').length}`,
    text,
  }));
  return blocks.flatMap(({ name, text }) => {
    const lines = text.trim().split('\n');
    const areAlternatives = lines.length > 1 && lines.every((line) => /^(deployer|flags): \{/.test(line));
    return areAlternatives ? lines.map((line, n) => ({ name: `${name}, ${n + 1}`, text: line })) : [{ name, text }];
  });
}

const indented = (text: string, by: number): string => text.replaceAll(/^(?=.)/gm, ' '.repeat(by));

/** Completes a block to a configuration file; undefined: it belongs to another product, such as Alertmanager. */
function asFile({ name, text }: Block): { file: string; text: string } | undefined {
  const [document] = parseAllDocuments(text);
  if (!document || document.errors.length > 0) throw new Error(`${name} is no YAML: ${document?.errors[0]?.message}`);
  if (isSeq(document.contents)) return { file: 'routes.yaml', text }; // routes may be a bare list
  const contents = isMap(document.contents) ? document.contents : null;
  const [first] = contents?.items.map(({ key }) => String(key)) ?? [];
  const file = FILE_OF[first ?? ''];
  if (file === undefined || contents === null) return undefined;
  // Of the catalogue they are a map, of the status page a list.
  if (first === 'environments' && isSeq(contents.get('environments'))) return { file: 'status-page.yaml', text };
  if (first === 'environments') return { file, text: `services:\n  checkout:\n${indented(text, 4)}` };
  if (first === 'deployer' || first === 'flags')
    return { file, text: `services:\n  checkout:\n    environments:\n      production:\n${indented(text, 8)}` };
  return { file, text };
}

const pages = (await readdir(join(ROOT, 'docs'), { recursive: true }))
  .filter((name) => name.endsWith('.md') && !name.startsWith('adr/'))
  .map((name) => `docs/${name}`);
const blocks = (
  await Promise.all(
    [...pages, 'README.md'].map(async (page) => blocksOf(page, await readFile(join(ROOT, page), 'utf8'))),
  )
).flat();
const ours = blocks.flatMap((block) => {
  const whole = asFile(block);
  return whole === undefined ? [] : [{ name: block.name, ...whole }];
});

/** JSON Schemas by configuration file. */
const schemas = new Map(
  [...configSchemas()].map(([file, schema]) => [
    `${basename(file, '.json')}.yaml`,
    z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]),
  ]),
);

let dir: string;
beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), 'firebreak-docs-'))));
afterAll(() => rm(dir, { recursive: true }));

describe('configuration examples in the documentation', () => {
  test.each(ours)('$name is accepted', async ({ file, text }) => {
    await writeFile(join(dir, file), text);
    const loaded = await loadConfig(dir);
    await rm(join(dir, file));
    expect(loaded.ok ? [] : loaded.problems).toEqual([]);
    const schema = schemas.get(file);
    if (schema !== undefined) expect(schema.safeParse(parse(text)).error, 'as editors check it').toBeUndefined();
  });

  test('include every kind of deployer and of flags', () => {
    const kinds = (schema: typeof DeployerConfig | typeof FlagsConfig) =>
      schema.options.flatMap((option) => [...option.shape.kind.values]);
    const shown = ours.map(({ text }) => text).join('\n');
    const missing = [...kinds(DeployerConfig), ...kinds(FlagsConfig)].filter(
      (kind) => !shown.includes(`kind: ${kind}`),
    );
    expect(missing).toEqual([]);
  });
});
