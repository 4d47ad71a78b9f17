import { afterAll, beforeAll, describe, test } from 'vitest';
import { EACH_ALONE, Firebreak } from '../../../support/firebreak.ts';
import { seen } from '../../../support/fixtures.ts';
import { environment, Guarded, type Site } from '../../../product/guarded.ts';
import { SECRET } from './github-server.ts';
import { GithubSite } from './github-site.ts';

const service = (name: string, deployer: object) => ({
  repository: `acme/${name}`,
  environments: { production: environment('act', { deployer: { kind: 'github', ...deployer } }) },
});

let firebreak: Firebreak;
let github: GithubSite;
const guarded = new Guarded(() => firebreak);

beforeAll(async () => {
  firebreak = await Firebreak.start({
    unshown: true,
    services: {
      rerun: service('rerun', {}),
      revert: service('revert', { via: 'revert', mode: 'commit', path: 'app' }),
    },
    // An open incident freezes its service, even while Firebreak rolls it back.
    configFiles: { ...EACH_ALONE, 'freeze.yaml': 'defaults: { incidents: critical }\n' },
    timeScale: 100,
    env: { GITHUB_WEBHOOK_SECRET: SECRET },
  });
  github = await GithubSite.of(firebreak);
});
afterAll(() => firebreak?.remove());

/** Records a good version that ran for hours and a bad one, both deployed before the environment was protected. */
async function deployed(name: string): Promise<{ at: Site; good: string; bad: string }> {
  const repository = `acme/${name}`;
  const at = { service: name, environment: 'production' };
  await github.settings({ protection: false, run_ms: 0 });
  const good = await github.push(repository, { 'app/version.txt': 'good', 'docs/read.md': 'one' });
  await github.run(repository, good, 'completed');
  const bad = await github.push(repository, { 'app/version.txt': 'bad', 'docs/read.md': 'two' });
  await github.run(repository, bad, 'completed');
  await github.settings({ protection: true, run_ms: 0 });
  await guarded.deployed(
    at,
    { version: 'v41', commit: good, minutes: 310 },
    { version: 'v42', commit: bad, minutes: 3 },
  );
  return { at, good, bad };
}

describe("Firebreak's own rollback passes a protected environment during a freeze", () => {
  test('as a run of the good version, while new versions wait', async () => {
    const { at, good } = await deployed('rerun');
    const repository = 'acme/rerun';
    await guarded.fire(at);
    await github.run(repository, good, 'waiting');
    const next = await github.push(repository, { 'app/version.txt': 'new' });
    await github.told((await github.ask(repository, next)).run, ({ body }) => body.state === undefined);
    await github.told((await github.ask(repository, good)).run, ({ body }) => body.state === 'approved');
    await guarded.mitigated(at);
    await github.run(repository, next, 'waiting');
  });

  test('as a new commit with the content of the good version, while other commits wait', async () => {
    const { at, bad } = await deployed('revert');
    const repository = 'acme/revert';
    await guarded.fire(at);
    const waiting = async () =>
      (await github.runs(repository)).find(({ status, head_sha }) => status === 'waiting' && head_sha !== bad);
    const { head_sha: reverted } = await seen(waiting, 'the run of our own commit');
    const other = await github.push(repository, { 'app/version.txt': 'good ', 'app/more.txt': 'Firebreak-Key: x' });
    await github.told((await github.ask(repository, other)).run, ({ body }) => body.state === undefined);
    await github.told((await github.ask(repository, reverted)).run, ({ body }) => body.state === 'approved');
    await guarded.mitigated(at);
    await github.run(repository, other, 'waiting');
  });
});
