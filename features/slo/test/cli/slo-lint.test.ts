import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cli } from '../../../../test/entrances/cli/support.ts';

let dir: string;
const write = (name: string, text: string) => writeFile(join(dir, name), text);

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'firebreak-cli-slo-'));
  await mkdir(join(dir, 'config/slos'), { recursive: true });
  await mkdir(join(dir, 'runbooks'));
  await write('config/services.yaml', 'services: { checkout: {} }\n');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const GOOD = `apiVersion: openslo/v1
kind: SLO
metadata: { name: checkout }
spec:
  service: checkout
  indicator:
    spec:
      ratioMetric:
        good: { metricSource: { spec: { query: 'sum(rate(ok_total[{{.window}}]))' } } }
        total: { metricSource: { spec: { query: 'sum(rate(all_total[{{.window}}]))' } } }
  objectives: [{ target: 0.999 }]
`;
const POOR = GOOD.replace('service: checkout', 'service: chekout').replace('ok_total[{{.window}}]', 'ok_total[1h]');
const WRONG = GOOD.replace('target', 'targt');

const WARNINGS = [
  'config/slos/a.yaml:5: warning: the catalogue has no service "chekout" (did you mean "checkout"?)',
  expect.stringMatching(/^config\/slos\/a\.yaml:9: warning: the rate is always over 1h.*\(write \[\{\{\.window\}\}\]/),
];

const lint = (...args: string[]) => cli(['slo', 'lint', ...args], { cwd: dir });
const linesOf = (out: string): string[] => out.trim().split('\n');

test('valid SLOs and a missing folder have no problems', async () => {
  await write('config/slos/a.yaml', GOOD);
  expect(await lint('--config', 'config')).toEqual({
    code: 0,
    out: '1 objective, no problems found\n',
    err: '',
  });
  await rm(join(dir, 'config/slos'), { recursive: true });
  expect(await lint('--config', 'config')).toMatchObject({ code: 0, out: '0 objectives, no problems found\n' });
});

test('warnings have a line and do not fail lint or check', async () => {
  await write('config/slos/a.yaml', POOR);
  const { code, out } = await lint('--config', 'config');
  expect([code, linesOf(out)]).toEqual([0, WARNINGS]);
  const checked = await cli(['check', '--config', 'config', '--runbooks', 'runbooks'], { cwd: dir });
  const fine = '1 service and 1 objective in config, 0 runbooks in runbooks: OK';
  expect([checked.code, linesOf(checked.out)]).toEqual([0, [...WARNINGS, fine]]);
});

test('errors fail lint and check', async () => {
  await write('config/slos/a.yaml', WRONG);
  const expected = [
    'config/slos/a.yaml:11: spec.objectives.0: "target" or "targetPercent" is missing',
    'config/slos/a.yaml:11: spec.objectives.0: unknown key "targt" (did you mean "target"?)',
  ];
  const linted = await lint('--config', 'config');
  expect([linted.code, linesOf(linted.out).toSorted(), linted.err]).toEqual([1, expected, 'config/slos has errors\n']);
  const checked = await cli(['check', '--config', 'config', '--runbooks', 'runbooks'], { cwd: dir });
  expect([checked.code, linesOf(checked.out).toSorted(), checked.err]).toEqual([1, expected, '2 problems\n']);
});

test('lint accepts a folder and reports errors of the catalogue', async () => {
  await mkdir(join(dir, 'drafts'));
  await write('drafts/a.yaml', POOR);
  await write('config/services.yaml', 'servces: {}\n');
  const { code, out } = await lint('drafts', '--config', 'config');
  expect([code, linesOf(out)]).toEqual([
    1,
    [
      'config/services.yaml:1: unknown key "servces" (did you mean "services"?)',
      expect.stringMatching(/^drafts\/a\.yaml:9: warning: the rate is always over 1h/),
    ],
  ]);
  expect(await lint('nowhere', '--config', 'config')).toMatchObject({
    code: 2,
    err: expect.stringMatching(/folder nowhere does not exist/),
  });
});
