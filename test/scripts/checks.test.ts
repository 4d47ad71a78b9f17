import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { actionPinProblems } from '../../scripts/checks/action-pins.ts';
import { docPathProblems } from '../../scripts/checks/doc-paths.ts';
import { environmentProblems } from '../../scripts/checks/environment.ts';
import { environmentDocument } from '../../scripts/environment-doc.ts';
import { lockFileProblems } from '../../scripts/checks/lock-file.ts';
import { machinePathProblems } from '../../scripts/checks/machine-paths.ts';
import { packageRunnerProblems } from '../../scripts/checks/package-runners.ts';
import { patternProblems } from '../../scripts/checks/patterns.ts';
import { retiredWordProblems } from '../../scripts/checks/retired-words.ts';
import { treeProblems } from '../../scripts/checks/tree.ts';
import { TREE } from '../../scripts/tree.mjs';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'firebreak-checks-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** Turns the folder into a git clone; other cases test an unpacked archive. @returns whether this machine has git */
const init = (): boolean => spawnSync('git', ['init', '--quiet'], { cwd: root }).status === 0;

async function write(files: Record<string, string>): Promise<void> {
  for (const [file, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), content);
  }
}

/** A package with a hash. */
const ONE = { version: '1.0.0', integrity: 'sha512-x' };

describe('lock file', () => {
  const project = (packages: object, manifest: object = {}) =>
    write({ 'package.json': JSON.stringify(manifest), 'package-lock.json': JSON.stringify({ packages }) });

  test('a portable lock file has no problems', async () => {
    await project(
      {
        '': { dependencies: { a: '1.0.0' } },
        'node_modules/a': { ...ONE, dependencies: { b: '^1.0.0', '@s/c': '^1.0.0' } },
        'node_modules/a/node_modules/b': { ...ONE, dependencies: { '@s/c': '^1.0.0' } },
        'node_modules/@s/c': { ...ONE },
      },
      { dependencies: { a: '1.0.0' }, devDependencies: { '@s/c': '1.0.0-rc.1' } },
    );
    expect(lockFileProblems(root)).toEqual([]);
  });

  test('a package without a hash and an allowed install script are reported', async () => {
    await project({ 'node_modules/a': { version: '1.0.0' } }, { allowScripts: { a: true, b: false } });
    expect(lockFileProblems(root)).toEqual([
      expect.stringContaining('node_modules/a has no hash'),
      expect.stringContaining('the install script of a is allowed'),
    ]);
  });

  test('a registry address is reported', async () => {
    await project({ 'node_modules/a': { ...ONE, resolved: 'https://registry.example/a.tgz' } });
    expect(lockFileProblems(root)).toEqual([expect.stringContaining('node_modules/a has an address')]);
  });

  test('a package in a folder of this project has neither an address nor a hash', async () => {
    const packages = { 'node_modules/a': { resolved: 'test/a', link: true }, 'test/a': { version: '1.0.0' } };
    await project(packages, { devDependencies: { a: 'file:test/a' } });
    expect(lockFileProblems(root)).toEqual([]);
  });

  test('missing packages are reported, also optional and misplaced ones', async () => {
    await project({
      '': { dependencies: { a: '1.0.0' } },
      'node_modules/a': {
        ...ONE,
        optionalDependencies: { 'a-darwin': '1.0.0' },
        dependencies: { c: '1.0.0' },
      },
      'node_modules/b/node_modules/c': { ...ONE },
    });
    expect(lockFileProblems(root)).toEqual([
      'package-lock.json: node_modules/a needs c, which is missing',
      'package-lock.json: node_modules/a needs a-darwin, which is missing',
    ]);
  });

  test('a version range in package.json is reported', async () => {
    await project({}, { devDependencies: { a: '^1.0.0' } });
    expect(lockFileProblems(root)).toEqual([expect.stringMatching(/^package\.json: a is \^1\.0\.0/)]);
  });
});

describe('paths named in docs', () => {
  const named = async (text: string, file = 'README.md') => {
    await write({
      'domain/ports.ts': '',
      'docs/adr/0001.md': '# 1. The *reason*\n',
      'test/kill/a.test.ts': '',
      [file]: text,
    });
    return docPathProblems(root);
  };

  test.each([
    'See `domain/ports.ts`, `domain/ports.ts:12` and `test/kill/`.',
    'See [why](docs/adr/0001.md#1-the-reason), [there](https://example.com/domain/none.ts#x) and [below](#below).\n\n## Below',
    'Not of this project: `node_modules/x.js`, `application/json`, `GET /v1/alerts`, `domain/<name>.ts`, `domain/*.ts`.',
    '```sh\ncat domain/none.ts `domain/none.ts`\n```',
  ])('fine: %s', async (text) => {
    expect(await named(text)).toEqual([]);
  });

  test.each([
    ['`domain/port.ts`', 'README.md:1: domain/port.ts does not exist'],
    ['first line\n\n`test/e2e/`', 'README.md:3: test/e2e/ does not exist'],
    ['```\nx\n```\n[gone](docs/none.md)', 'README.md:4: docs/none.md does not exist'],
    ['`domain/none.ts:7`', 'README.md:1: domain/none.ts does not exist'],
    ['[why](docs/adr/0001.md#reason)', 'README.md:1: docs/adr/0001.md has no heading #reason'],
    ['```\n# Below\n```\n[below](#below)', 'README.md:4: README.md has no heading #below'],
  ])('found: %s', async (text, problem) => {
    expect(await named(text)).toEqual([problem]);
  });

  test('pages that code names must exist', async () => {
    await write({ 'local/a.ts': "see('docs/none.md');\n// docs/adr/0001.md#none, https://example.com/docs/a.md\n" });
    expect(await named('')).toEqual([
      'local/a.ts:1: docs/none.md does not exist',
      'local/a.ts:2: docs/adr/0001.md has no heading #none',
    ]);
  });

  test('links are relative to the folder of their document', async () => {
    expect(await named('[a](adr/0001.md) [b](../domain/ports.ts) [c](ports.ts)', 'docs/README.md')).toEqual([
      'docs/README.md:1: docs/ports.ts does not exist',
    ]);
  });
});

describe('machine-specific paths', () => {
  const home = ['', 'home', 'alice', 'code'].join('/');

  test('home folders and the path of this clone are reported with file and line', async () => {
    const users = ['', 'Users', 'alice', ''].join('/');
    await write({
      'a.txt': `\n${home}/x`,
      'b.json': `{"at": "${root}"}`,
      'c.md': `cd ${users}code`,
      'd.ts': 'const a = 1;',
    });
    expect(machinePathProblems(root)).toEqual([
      expect.stringMatching(/^a\.txt:2: .*alice/),
      `b.json:1: contains a path of one machine: ${root}`,
      expect.stringMatching(/^c\.md:1: .*alice/),
    ]);
  });

  test('binary files, foreign files, and similar paths are not reported', async () => {
    await write({ 'a.bin': `\0${home}/x`, 'node_modules/a.js': home, 'b.md': `${root}-elsewhere /homepage/a/` });
    expect(machinePathProblems(root)).toEqual([]);
  });

  test('in a clone, files that git ignores are not checked', async ({ skip }) => {
    if (!init()) skip('there is no git on this machine');
    await write({ '.gitignore': 'own.log', 'own.log': home, 'mine.txt': home });
    expect(machinePathProblems(root)).toEqual([expect.stringMatching(/^mine\.txt:1/)]);
  });
});

describe('package runners', () => {
  test('a package runner in a document, an example, or the action is reported', async () => {
    await write({
      'README.md': 'npx firebreak doctor\nnpx firebreak   # inside a clone\n```sh\nnpx firebreak # in a clone\n```\n',
      'examples/ci.yml': 'script: npx -y firebreak freeze check shop production # in a clone\n',
      'examples/Jenkinsfile': 'sh "pnpm dlx firebreak check"\n',
      'deploy/actions/run.sh': 'npm exec -- firebreak check\nfirebreak check\nnpx sst deploy\n',
      'docs/how-to/aws.md': 'npx sst secret set FIREBREAK_ADMIN_TOKEN x\nbunx firebreak\n',
      'entrances/cli/bin.mjs': '// npx firebreak\n',
    });
    expect(
      packageRunnerProblems(root)
        .map((problem) => problem.split(' runs ')[0])
        .toSorted((a = '', b = '') => (a < b ? -1 : 1)),
    ).toEqual([
      'README.md:1: "npx firebreak"',
      'README.md:4: "npx firebreak"',
      'deploy/actions/run.sh:1: "npm exec -- firebreak"',
      'deploy/actions/run.sh:3: "npx sst"',
      'docs/how-to/aws.md:1: "npx sst"',
      'docs/how-to/aws.md:2: "bunx firebreak"',
      'examples/Jenkinsfile:1: "pnpm dlx firebreak"',
      'examples/ci.yml:1: "npx -y firebreak"',
    ]);
  });

  test('an installation of the product from a registry is reported, and one of another package is not', async () => {
    await write({
      'README.md': 'npm install --global firebreak@1\nnpm install --save-exact zod\ndocker build -t firebreak .\n',
      'docs/how-to/run.md': '```sh\ndocker run -d firebreak:0.2.0\ndocker run ghcr.io/example/firebreak:0.2.0\n```\n',
    });
    expect(packageRunnerProblems(root).toSorted()).toEqual([
      'README.md:1: "npm install --global firebreak@1" gets something that is not ours',
      'docs/how-to/run.md:2: "docker run -d firebreak:0.2.0" gets something that is not ours',
    ]);
  });

  test('an image or action of that name in a public registry is reported, also in a manifest, and one of a person is not', async () => {
    await write({
      'deploy/kubernetes/a.yaml': 'image: firebreak:0.2.0\nimage: localhost/firebreak:0.2.0\n',
      'deploy/chart/values.yaml': 'image:\n  repository: firebreak\n  # repository: registry.example.com/firebreak\n',
      'deploy/chart/templates/_helpers.tpl': 'image: docker.io/library/firebreak\n',
      'deploy/Containerfile': 'FROM firebreak/base\nFROM docker.io/library/node:24\n',
      'examples/ci.yml': '- uses: firebreak/record@v1\n- uses: your-org/firebreak/deploy/actions@v1\n',
      'docs/a.md':
        'images: [{ name: firebreak, newName: registry.example.com/firebreak }]\nimages: [{ newName: "firebreak" }]\n' +
        '{"image": "firebreak:1"}\nkubectl run a --image=firebreak\nhelm template a --set image.repository=firebreak\nnpm i @firebreak/cli\n',
    });
    const found = packageRunnerProblems(root).map((problem) => problem.split(': "')[0] ?? '');
    expect(found.toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
      'deploy/Containerfile:1',
      'deploy/chart/templates/_helpers.tpl:1',
      'deploy/chart/values.yaml:2',
      'deploy/kubernetes/a.yaml:1',
      'docs/a.md:2',
      'docs/a.md:3',
      'docs/a.md:4',
      'docs/a.md:5',
      'docs/a.md:6',
      'examples/ci.yml:1',
    ]);
  });

  test('this project has none', () => {
    expect(packageRunnerProblems(join(import.meta.dirname, '../..'))).toEqual([]);
  });
});

describe('actions', () => {
  const sha = '0123456789abcdef0123456789abcdef01234567';

  test('references by tag, branch, short commit, or without a version are reported with their line', async () => {
    await write({
      '.github/workflows/ci.yml': `steps:\n  - uses: actions/checkout@v4\n  - name: Node\n    uses: "actions/setup-node@main" # v4\n`,
      'deploy/actions/action.yml': `  - uses: a/b/c@${sha.slice(0, 12)} # v1.0.0\n  - { id: x }\n`,
      'docs/a.md':
        'jobs:\n    uses: acme/flows/.github/workflows/deploy.yml@v2\n- uses: docker://alpine:3\n- uses: a/b\n- { uses: a/b@v1, with: { c: 1 } }\n',
      'examples/b.yaml': `- uses: a/b@${sha}\n`,
    });
    expect(actionPinProblems(root).toSorted()).toEqual([
      expect.stringMatching(/^\.github\/workflows\/ci\.yml:2: actions\/checkout@v4 is not pinned/),
      expect.stringMatching(/^\.github\/workflows\/ci\.yml:4: actions\/setup-node@main is not pinned/),
      expect.stringMatching(/^deploy\/actions\/action\.yml:1: a\/b\/c@0123456789ab is not pinned/),
      expect.stringMatching(/^docs\/a\.md:2: acme\/flows\/.* is not pinned/),
      expect.stringMatching(/^docs\/a\.md:3: docker:\/\/alpine:3 is not pinned/),
      expect.stringMatching(/^docs\/a\.md:4: a\/b is not pinned/),
      expect.stringMatching(/^docs\/a\.md:5: a\/b@v1 is not pinned/),
      expect.stringMatching(/^examples\/b\.yaml:1: a\/b@\w+ has no version/),
    ]);
  });

  test('pinned actions, files of the same repository, and steps of runbooks are not reported', async () => {
    await write({
      'a.yml': `- uses: a/b@${sha} # v1.2.3\n- uses: ./action\n- uses: docker://a@sha256:${'0'.repeat(64)} # 3.1\n`,
      'runbooks/a.md': '  - id: x\n    uses: wait.until\n  - uses: http\n',
    });
    expect(actionPinProblems(root)).toEqual([]);
  });

  test('all actions of this project are pinned', () => {
    expect(actionPinProblems(join(import.meta.dirname, '../..'))).toEqual([]);
  });
});

describe('environment variables', () => {
  const unread = /no code reads/;
  const problems = () => environmentProblems(root).filter((problem) => !unread.test(problem));

  test('variables in the table and a generated page have no problems', async () => {
    await write({
      'docs/reference/environment.md': environmentDocument(),
      'local/a.ts': `export const port = process.env['PORT'] ?? env.HOST ?? secrets.get('SLACK_BOT_TOKEN');`,
    });
    expect(problems()).toEqual([]);
  });

  test.each([
    `process.env['FIREBREAK_PROT']`,
    `env.FIREBREAK_PROT`,
    `env["FIREBREAK_PROT"]`,
    `secrets.get('FIREBREAK_PROT')`,
  ])('%s is found, since the table has no such name', async (read) => {
    await write({
      'docs/reference/environment.md': environmentDocument(),
      'local/a.ts': `\nexport const a = ${read};`,
    });
    expect(problems()).toEqual([expect.stringContaining('local/a.ts:2: reads FIREBREAK_PROT')]);
  });

  test('an edited or missing page is reported', async () => {
    await write({ 'docs/reference/environment.md': environmentDocument().replace('8080', '8081') });
    expect(problems()).toEqual([expect.stringContaining('docs/reference/environment.md differs')]);
    await rm(join(root, 'docs/reference/environment.md'));
    expect(problems()).toEqual([expect.stringContaining('docs/reference/environment.md differs')]);
  });

  test('an unused variable is reported', async () => {
    await write({
      'docs/reference/environment.md': environmentDocument(),
      'local/a.ts': `export const a = env['PORT'];`,
    });
    const all = environmentProblems(root);
    expect(all).toContainEqual(expect.stringContaining('no code reads HOST'));
    expect(all).not.toContainEqual(expect.stringContaining('no code reads PORT'));
  });
});

describe('patterns of checks and tools', () => {
  const json = (value: unknown): string => JSON.stringify(value);
  const tools = {
    'knip.json': json({ workspaces: { 'packages/demo': { entry: ['main.ts'], project: ['old/**/*.ts'] } } }),
    '.oxlintrc.json': `{\n  // why\n"overrides": [{ "files": ["{core,old}/**"] }], "ignorePatterns": ["core/*.md"] }`,
    '.oxfmtrc.json': json({ ignorePatterns: ['**/*.md'] }),
    'tsconfig.json': json({ include: ['*.ts', 'core', 'cor'], exclude: ['node_modules', 'old'] }),
    'package.json': json({
      scripts: { test: 'node --watch node_modules/tool/tool.mjs test/old packages/demo/main.ts' },
    }),
    '.gitattributes': '# comment\n* text=auto\n*.lock binary\ntest/old/** -text\n',
  };

  test('globs that match no file, and places of the rule for imports without a file, are reported', async () => {
    await write({ ...tools, 'core/ports/a.ts': '', 'a.ts': '', 'README.md': '', 'packages/demo/main.ts': '' });
    const ofScripts = /^scripts\/(?!lint\/)/;
    expect(patternProblems(root).filter((problem) => !ofScripts.test(problem))).toEqual(
      expect.arrayContaining([
        'knip.json: packages/demo/old/**/*.ts matches no file',
        '.oxlintrc.json: old/** matches no file',
        '.oxlintrc.json: core/*.md matches no file',
        'tsconfig.json: cor matches no file',
        'tsconfig.json: old matches no file',
        'package.json: test/old matches no file',
        '.gitattributes: **/*.lock matches no file',
        '.gitattributes: test/old/** matches no file',
        'scripts/lint/import-direction.mjs: core/stores has no file',
        'scripts/lint/import-direction.mjs: packages/sandbox/main.ts has no file',
      ]),
    );
  });

  test('globs that match a file, and folders with files, are not reported', async () => {
    await write({ ...tools, 'core/ports/a.ts': '', 'a.ts': '', 'README.md': '', 'packages/demo/main.ts': '' });
    const problems = patternProblems(root).join('\n');
    for (const used of ['packages/demo/main.ts', 'core', '*.ts', '**/*', '**/*.md', 'node_modules'])
      expect(problems).not.toContain(`: ${used} matches no file`);
  });

  test('globs of checks themselves are checked', async () => {
    await write(tools);
    expect(patternProblems(root)).toEqual(
      expect.arrayContaining([
        'scripts/checks/package-runners.ts: deploy/** matches no file',
        'scripts/test-files.ts: test/kill/full/**/*.test.ts matches no file',
      ]),
    );
  });

  test('this project has none', () => {
    expect(patternProblems(join(import.meta.dirname, '../..'))).toEqual([]);
  });
});

describe('lists of folders', () => {
  const folders = Object.keys(TREE);
  const lists = (named: readonly string[]) => ({
    'tsconfig.json': JSON.stringify({ include: ['*.ts', 'deploy/actions', ...named] }),
    'knip.json': JSON.stringify({ workspaces: { '.': { project: [`{${named.join()}}/**/*.ts`, '*.ts'] } } }),
    'deploy/Containerfile': named.map((folder) => `COPY ${folder} ./${folder}\n`).join(''),
  });

  test('each place that lacks a folder, or names one that is gone, is reported', async () => {
    const files = folders.filter((folder) => folder !== 'runbooks').map((folder) => [`${folder}/a.ts`, '']);
    await write({ ...Object.fromEntries(files), ...lists(['core', 'vendor']), 'new/a.ts': '', '.ci/run': '' });
    const problems = treeProblems(root);
    expect(problems).toEqual(
      expect.arrayContaining([
        'scripts/tree.mjs, TREE: add new',
        'scripts/tree.mjs, TREE: remove runbooks',
        'tsconfig.json, include: add vendors',
        'tsconfig.json, include: remove vendor',
        'knip.json, project: add vendors',
        'knip.json, project: remove vendor',
        'deploy/Containerfile, COPY: add vendors',
      ]),
    );
    expect(problems.filter((problem) => / core$| \.ci$/.test(problem))).toEqual([]);
  });

  test('this project has none', () => {
    expect(treeProblems(join(import.meta.dirname, '../..'))).toEqual([]);
  });
});

describe('retired words', () => {
  const glossary =
    '# Glossary\n\n## Retired words\n\n| Retired | Use |\n|---|---|\n| "odd phrase" | plain phrase |\n| odd | plain |\n\n' +
    '## Retired names\n\n| Retired | Use |\n|---|---|\n| `OldName`, `older`, `kind.old` | `NewName` |\n';

  test('names as whole words of code, and phrases in any text, are reported with their line', async () => {
    await write({
      'docs/reference/glossary.md': glossary,
      'docs/a.md': 'Fine: OldName in prose, odd.\nAn Odd Phrase.\n',
      'docs/adr/0001.md': 'odd phrase',
      'CHANGELOG.md': 'odd phrase',
      'domain/a.ts': 'type OldNames = 1;\nconst older = 2;\n// an odd phrase\nkindXold; "kind.old";\n',
      'test/golden/a.json': '"odd phrase"',
    });
    expect(retiredWordProblems(root).map((problem) => problem.split(' is retired')[0])).toEqual([
      'docs/a.md:2: "Odd Phrase"',
      'domain/a.ts:2: "older"',
      'domain/a.ts:3: "odd phrase"',
      'domain/a.ts:4: "kind.old"',
    ]);
  });

  test('a glossary without a list fails the check', async () => {
    await write({ 'docs/reference/glossary.md': '# Glossary\n' });
    expect(() => retiredWordProblems(root)).toThrow('no retired names or phrases');
  });

  test('this project uses none', () => {
    expect(retiredWordProblems(join(import.meta.dirname, '../..'))).toEqual([]);
  });
});
