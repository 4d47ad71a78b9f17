import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { ReasonCode } from '../../schemas/incidents/reason.ts';
import { cli } from '../entrances/cli/support.ts';
import { have, programPath } from '../support/prometheus-stack.ts';

const ROOT = join(import.meta.dirname, '../..');
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

describe('replace-a-rollback-webhook.md', async () => {
  const page = await read('replace-a-rollback-webhook.md');
  const files = blocksOf(page).flatMap(({ text }) => {
    const name = /^# (?:config\/)?([\w-]+\.ya?ml)\n/.exec(text)?.[1];
    return name === undefined ? [] : [{ name, text }];
  });
  const named = (wanted: string) => files.filter(({ name }) => name === wanted);

  test.each(named('services.yaml'))('firebreak check accepts the catalogue, without warnings: %#', async ({ text }) => {
    expect(named('paging.yaml')).toHaveLength(1);
    for (const file of [{ name: 'services.yaml', text }, ...named('paging.yaml')])
      await writeFile(join(dir, file.name), file.text);
    const { code, out, err } = await cli(['check', '--config', dir]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^1 service in .*: OK\n$/);
  });

  test('the page describes the way from shadow to approve', () => {
    const modes = named('services.yaml').map(({ text }) => /mode: (\w+)/.exec(text)?.[1]);
    expect(modes).toEqual(['shadow', 'approve']);
  });

  test.runIf(have('amtool')).each(named('alertmanager.yml'))(
    'Alertmanager accepts its configuration: %#',
    async (file) => {
      const path = join(dir, file.name);
      await writeFile(path, file.text);
      execFileSync(programPath('amtool') ?? '', ['check-config', path], { stdio: 'pipe' });
      const { receivers } = parse(file.text) as { receivers: { webhook_configs?: { url: string }[] }[] };
      const urls = receivers.flatMap(({ webhook_configs = [] }) => webhook_configs.map(({ url }) => url));
      expect(urls).toEqual(
        expect.arrayContaining([
          'http://127.0.0.1:8080/v1/alerts/alertmanager',
          'http://rollback-webhook.internal/alerts',
        ]),
      );
    },
  );

  test('every code on the page is the code of a reason', () => {
    const codes = [...page.matchAll(/`([a-z]+(?:_[a-z]+)+)`/g)].map(([, code]) => code);
    const others = ['has_migration', 'from_version'];
    expect(codes.filter((code) => !others.includes(code ?? '')).length).toBeGreaterThan(5);
    expect(codes.filter((code) => !others.includes(code ?? '') && !ReasonCode.safeParse(code).success)).toEqual([]);
  });
});
