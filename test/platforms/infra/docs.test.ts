import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { PublishedConfig } from '../../../stores/config/config-source.ts';
import { describeSystem } from './platform.ts';

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

test('all alarms together cost what docs/how-to/aws.md says', async () => {
  const system = await describeSystem('production', {
    FIREBREAK_ADMIN_TOKEN: 'an-admin-token-of-some-length',
    FIREBREAK_AUDIT_KEY: 'an-audit-key-of-some-length',
  });
  vi.unstubAllGlobals();
  const [, each, most] =
    /\| alarms \| \$([\d.]+) each, under \$(\d+) together \|/.exec(page('docs/how-to/aws.md')) ?? [];
  const alarms = system.of('aws.cloudwatch.MetricAlarm').length;
  expect(alarms).toBeGreaterThan(50);
  expect(alarms * Number(each)).toBeLessThan(Number(most));
});
