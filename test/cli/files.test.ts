import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cli, launched } from './support.ts';

let dir: string;
const write = (name: string, text: string) => writeFile(join(dir, name), text);

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'firebreak-cli-'));
  await Promise.all(['config', 'runbooks'].map((name) => mkdir(join(dir, name))));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const RIGHT = `---
title: Say it
match: { runbook: say-it }
steps:
  - id: say
    uses: note
    with: { text: hello }
---
Words.
`;
const WRONG = RIGHT.replace('uses: note', 'uses: not');

const folders = ['--config', 'config', '--runbooks', 'runbooks'];

describe('check', () => {
  test('what is shipped is right', async () => {
    const { code, out } = await cli(['check']);
    expect([code, out]).toEqual([0, expect.stringMatching(/1 service in config, \d+ runbooks in runbooks: fine\n$/)]);
  });

  test('tells what is wrong of all files with file and line, and what was meant', async () => {
    await write(
      'config/services.yaml',
      'services:\n  checkout:\n    environments:\n      production:\n        drils: true\n',
    );
    await write('runbooks/say.md', WRONG);
    const { code, out, err } = await cli(['check', ...folders], { cwd: dir });
    expect(out.trim().split('\n')).toEqual([
      'config/services.yaml:5: unknown key "drils" in services.checkout.environments.production (did you mean "drills"?)',
      expect.stringMatching(/^runbooks\/say\.md:6: .*"not".*\(did you mean "note"\?\)$/),
    ]);
    expect([code, err]).toEqual([1, '2 problems\n']);
  });

  test('warns of what is called without credentials', async () => {
    await write(
      'config/services.yaml',
      'services:\n  checkout:\n    environments:\n      production:\n        deployer: { kind: http }\n        flags: { kind: http, url: "http://f.test/{flag}", auth: { bearer: F } }\n',
    );
    const { code, out } = await cli(['check', ...folders], { cwd: dir });
    expect(out).toMatch(/^config\/services\.yaml:5: warning: .*deployer has no "auth"/);
    expect([code, out.match(/warning/g)]).toEqual([0, ['warning']]);
  });

  test('warns of a freeze for somebody who is not there', async () => {
    await write('config/services.yaml', 'services: { checkout: {} }\n');
    await write('config/freeze.yaml', 'policies:\n  - match: { service: chekout }\n    stale: { deploys: deny }\n');
    const { code, out } = await cli(['check', ...folders], { cwd: dir });
    expect([code, out.split('\n')]).toEqual([
      0,
      [
        expect.stringMatching(/^config\/freeze\.yaml:2: warning: .*"chekout".*\(did you mean "checkout"\?\)$/),
        '1 service in config, 0 runbooks in runbooks: fine',
        '',
      ],
    ]);
  });

  test('folders come from the environment, too; one that is not there is a mistake of the caller', async () => {
    await write('config/routes.yaml', '- pages: true\n');
    const env = { FIREBREAK_CONFIG_DIR: join(dir, 'config'), FIREBREAK_RUNBOOKS_DIR: 'runbooks' };
    expect(await cli(['check'], { cwd: dir, env })).toMatchObject({
      code: 1,
      out: expect.stringMatching(/^config\/routes\.yaml:1: unknown key "pages"/),
    });
    expect(await cli(['check', '--config', 'nowhere'], { cwd: dir })).toEqual({
      code: 2,
      out: '',
      err: expect.stringMatching(/^there is no folder nowhere\n/),
    });
  });
});

describe('runbooks', () => {
  test('lint says with file and line what is wrong', async () => {
    await write('runbooks/say.md', WRONG);
    const { code, out } = await cli(['runbooks', 'lint', 'runbooks'], { cwd: dir });
    expect([code, out]).toEqual([1, expect.stringMatching(/^runbooks\/say\.md:6: .*did you mean "note"\?\)\n$/)]);
  });

  test('lint warns of what no alert reaches, and of services that there are not', async () => {
    await write('config/services.yaml', 'services: { checkout: {} }\n');
    await write('runbooks/say.md', RIGHT.replace('steps:', 'services: chekout\nsteps:'));
    const { out } = await cli(['runbooks', 'lint', 'runbooks', '--config', 'config'], { cwd: dir });
    expect(out).toMatch(/^runbooks\/say\.md:4: .*chekout.*did you mean "checkout"\?/);
  });

  test('lint has nothing to say about what is right', async () => {
    await write('runbooks/say.md', RIGHT);
    const linted = await cli(['runbooks', 'lint', 'runbooks', '--config', 'config'], { cwd: dir });
    expect(linted).toEqual({ code: 0, out: '1 runbook, nothing to complain about\n', err: '' });
  });

  test('list', async () => {
    await write('runbooks/say.md', RIGHT);
    expect(await cli(['runbooks', 'list', 'runbooks'], { cwd: dir })).toEqual({
      code: 0,
      out: 'NAME  MODE  STEPS  TITLE\nsay   -     1      Say it\n',
      err: '',
    });
    const { out } = await cli(['runbooks', 'list', 'runbooks', '--json'], { cwd: dir });
    expect(JSON.parse(out)).toEqual([
      { name: 'say', title: 'Say it', file: 'say.md', version: expect.stringMatching(/^[0-9a-f]{16}$/), mode: null },
    ]);
  });
});

describe('how it is called', () => {
  test.each<[string, string[], number, RegExp]>([
    ['no command', [], 2, /^Usage: firebreak/],
    ['a command that there is not', ['chek'], 2, /unknown command 'chek'\n\(Did you mean check\?\)/],
    ['an option that there is not', ['check', '--confg', 'x'], 2, /unknown option '--confg'/],
    ['an argument too few', ['drill', 'checkout'], 2, /missing required argument 'environment'/],
    ['a value that cannot be', ['incident', 'list', '--limit', 'all'], 2, /a whole number from 1 to 500/],
    ['an action that there is not', ['token', 'create', 'ci', '--action', 'fly'], 2, /there is no action "fly"/],
    ['an address that is none', ['incident', 'list'], 2, /FIREBREAK_URL is "nowhere"/],
  ])('%s: exit code and why', async (_, args, code, why) => {
    const ended = await cli(args, { env: { FIREBREAK_URL: 'nowhere', FIREBREAK_TOKEN: 'x' } });
    expect([ended.code, ended.out, ended.err]).toEqual([code, '', expect.stringMatching(why)]);
  });

  test('the launcher keeps the folder, hands the arguments on, and ends as the command does', async () => {
    await write('runbooks/say.md', WRONG);
    const ended = await launched(['runbooks', 'lint', 'runbooks'], { cwd: dir });
    expect([ended.code, ended.out]).toEqual([1, expect.stringMatching(/^runbooks\/say\.md:6: /)]);
    expect(await launched(['--version'])).toMatchObject({ code: 0, out: '0.1.0\n' });
  });
});
