import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PublishedConfig } from '../../../core/stores/config/config-source.ts';

const ROOT = join(import.meta.dirname, '../../..');
const page = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

test('the publishing command in docs/how-to/aws.md produces what the functions read', () => {
  const [, script = ''] = /npm run --silent (\S+) > current\.json/.exec(page('docs/how-to/aws.md')) ?? [];
  const output = execFileSync('npm', ['run', '--silent', script], { cwd: ROOT, encoding: 'utf8' });
  const { config, problems } = PublishedConfig.parse(JSON.parse(output));
  expect(problems).toEqual([]);
  expect(config.version).toMatch(/^[0-9a-f]{16}$/);
  expect(Object.keys(config.services)).not.toEqual([]);
  expect(config.runbooks.runbooks).not.toEqual([]);
});
