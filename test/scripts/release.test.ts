import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { releaseChangelog, releaseNotes, sectionOf } from '../../scripts/release/changelog.ts';
import { versionEdits, versionProblem } from '../../scripts/release/versions.ts';

const PROJECT = resolve(import.meta.dirname, '../..');

const CHANGELOG = `# Changelog

## [Unreleased]

- [CHANGE] config: an unknown key now stops the start
- [BUGFIX] cli: print $& as it is

## [1.0.0] - 2026-01-02

- [FEATURE] alerts: receive alerts
`;

describe('the changelog', () => {
  test('the entries move to the version, and the next ones have a place', () => {
    expect(releaseChangelog(CHANGELOG, '1.1.0', '2026-03-04')).toContain(
      '## [Unreleased]\n\n## [1.1.0] - 2026-03-04\n\n- [CHANGE] config: an unknown key now stops the start\n',
    );
  });

  test.each([
    ['without entries', CHANGELOG.replaceAll(/^- .*$/gm, ''), 'has no entries'],
    ['without a heading for them', CHANGELOG.replace('[Unreleased]', 'Soon'), 'has no entries'],
    ['with an entry without a tag', CHANGELOG.replace('[BUGFIX] ', ''), 'needs a tag and an area'],
  ])('a changelog %s cannot be released', (_, changelog, why) => {
    expect(() => releaseChangelog(changelog, '1.1.0', '2026-03-04')).toThrow(why);
  });

  test('the notes of a version have its entries, and say whether a change needs attention', () => {
    expect(releaseNotes(CHANGELOG, '1.0.0')).toBe(
      'Firebreak 1.0.0\n\nThis release needs no change of your configuration. To upgrade, follow ' +
        '`docs/how-to/backup.md#upgrade`.\n\n- [FEATURE] alerts: receive alerts\n',
    );
    expect(releaseNotes(releaseChangelog(CHANGELOG, '1.1.0', '2026-03-04'), '1.1.0')).toContain('read the `[CHANGE]`');
    expect(() => releaseNotes(CHANGELOG, '2.0.0')).toThrow('no section');
  });

  test('the version of this project has a section in its changelog', async () => {
    const { version } = JSON.parse(await readFile(join(PROJECT, 'package.json'), 'utf8')) as { version: string };
    expect(sectionOf(await readFile(join(PROJECT, 'CHANGELOG.md'), 'utf8'), version)).toMatch(/^- \[/m);
  });
});

describe('versions', () => {
  test.each([
    ['0.1.0', '0.2.0', undefined],
    ['0.9.0', '0.10.0', undefined],
    ['0.2.0-rc.2', '0.2.0-rc.10', undefined],
    ['0.2.0-rc.1', '0.2.0', undefined],
    ['0.2.0', '0.2.0', 'not newer'],
    ['0.2.0', '0.2.0-rc.1', 'not newer'],
    ['0.2.0', '0.1.9', 'not newer'],
    ['0.2.0', 'v0.3.0', 'not a version'],
    ['0.2.0', '0.3', 'not a version'],
  ])('after %s, %s: %s', (current, next, problem) => {
    if (problem === undefined) expect(versionProblem(current, next)).toBeUndefined();
    else expect(versionProblem(current, next)).toContain(problem);
  });

  test('all files of this project state the same version', async () => {
    const { version } = JSON.parse(await readFile(join(PROJECT, 'package.json'), 'utf8')) as { version: string };
    for (const { file, content } of versionEdits(PROJECT, version))
      expect([file, await readFile(join(PROJECT, file), 'utf8')]).toEqual([file, content]);
  });
});

describe('npm run release', () => {
  let root: string;
  const write = async (files: Record<string, string>) => {
    for (const [file, content] of Object.entries(files)) {
      await mkdir(dirname(join(root, file)), { recursive: true });
      await writeFile(join(root, file), content);
    }
  };
  const git = (...args: string[]) => spawnSync('git', args, { cwd: root, encoding: 'utf8' });
  const release = (...args: string[]) =>
    spawnSync(process.execPath, [join(PROJECT, 'scripts/release.ts'), ...args], { cwd: root, encoding: 'utf8' });
  const read = (file: string) => readFile(join(root, file), 'utf8');
  const manifest = (name: string) => `${JSON.stringify({ name, version: '1.0.0' }, null, 2)}\n`;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'firebreak-release-'));
    expect(git('init', '--quiet').status).toBe(0);
    await write({
      'CHANGELOG.md': CHANGELOG,
      'package.json': manifest('firebreak'),
      'packages/demo/package.json': manifest('@firebreak/demo'),
      'package-lock.json': `${JSON.stringify({ version: '1.0.0', packages: { '': { version: '1.0.0' }, 'packages/demo': { version: '1.0.0' }, 'node_modules/a': { version: '1.0.0' } } }, null, 2)}\n`,
      'deploy/chart/Chart.yaml': "apiVersion: v2\nname: firebreak\nversion: 1.0.0\nappVersion: '1.0.0'\n",
      'deploy/kubernetes/a.yaml':
        'app.kubernetes.io/version: "1.0.0"\nimage: localhost/firebreak:1.0.0\nother: 1.0.0\n',
      'docs/how-to/kubernetes-install.md': 'docker push registry.example.com/firebreak:1.0.0\nkustomize 1.0.0\n',
      'test/fixtures/upgrade/1.1.0.tar.gz': '',
    });
    git('config', 'user.name', 'Test');
    git('config', 'user.email', 'test@example.com');
    git('config', 'commit.gpgsign', 'false');
    git('config', 'tag.gpgsign', 'false');
    git('add', '--all');
    expect(git('commit', '--quiet', '--message=first').status).toBe(0);
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  test('a dry run changes nothing, and prints the notes', () => {
    const { status, stdout } = release('1.1.0', '--dry-run');
    expect([status, stdout]).toEqual([0, expect.stringContaining('- [CHANGE] config: an unknown key')]);
    expect([git('status', '--porcelain').stdout, git('tag').stdout]).toEqual(['', '']);
  });

  test.each([
    ['an older version', ['0.9.0'], 'is not newer than 1.0.0', {}],
    ['uncommitted changes', ['1.1.0'], '?? new.txt', { 'new.txt': '' }],
    ['no recorded data folder of the version', ['1.2.0'], '1.2.0.tar.gz is missing', {}],
    ['no version', [], 'usage:', {}],
  ])('%s is refused, and nothing changes', async (_, args, why, files) => {
    await write(files);
    onTestFinished(() => Promise.all(Object.keys(files).map((file) => rm(join(root, file)))).then(() => undefined));
    const before = git('status', '--porcelain').stdout;
    const { status, stderr } = release(...args);
    expect([status, stderr]).toEqual([1, expect.stringContaining(why)]);
    expect([git('status', '--porcelain').stdout, git('tag').stdout]).toEqual([before, '']);
  });

  test('an existing tag is refused', () => {
    git('tag', 'v1.1.0');
    onTestFinished(() => void git('tag', '--delete', 'v1.1.0'));
    expect(release('1.1.0').stderr).toContain('the tag v1.1.0 exists');
  });

  test('sets the version everywhere, commits, and tags with the notes', async () => {
    expect(release('1.1.0')).toMatchObject({ status: 0, stderr: '' });
    const { version, packages } = JSON.parse(await read('package-lock.json')) as {
      version: string;
      packages: Record<string, { version: string }>;
    };
    expect([version, ...Object.values(packages).map((one) => one.version)]).toEqual([
      '1.1.0',
      '1.1.0',
      '1.1.0',
      '1.0.0',
    ]);
    expect(await read('packages/demo/package.json')).toContain('"version": "1.1.0"');
    expect(await read('deploy/chart/Chart.yaml')).toContain("version: 1.1.0\nappVersion: '1.1.0'\n");
    expect(await read('deploy/kubernetes/a.yaml')).toBe(
      'app.kubernetes.io/version: "1.1.0"\nimage: localhost/firebreak:1.1.0\nother: 1.0.0\n',
    );
    expect(await read('docs/how-to/kubernetes-install.md')).toBe(
      'docker push registry.example.com/firebreak:1.1.0\nkustomize 1.0.0\n',
    );
    expect(git('status', '--porcelain').stdout).toBe('');
    expect(git('log', '--format=%s', '-1').stdout).toBe('release: 1.1.0\n');
    expect(git('cat-file', '-t', 'v1.1.0').stdout).toBe('tag\n');
    expect(git('tag', '--list', '--format=%(contents)', 'v1.1.0').stdout).toContain(
      '- [BUGFIX] cli: print $& as it is',
    );
    expect(release('notes', '1.1.0').stdout).toContain('Firebreak 1.1.0\n');
  });
});
