import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { minutesAgo } from '../../../support/alerts.ts';
import { EACH_ALONE, eventually, Firebreak } from '../../../support/firebreak.ts';
import { environment, Guarded } from '../../../product/guarded.ts';
import { type Access, type CdSystem, cdSystems, type Deployment, type Outcome, PLACE } from './cd-systems.ts';
import { SECRET } from './github-server.ts';
import { GithubSite } from './github-site.ts';

const REPOSITORY = 'acme/checkout';

let firebreak: Firebreak;
let github: GithubSite;
let access: Access;
const guarded = new Guarded(() => firebreak);

/** Commits of the repository, used as versions. */
let good: string;
let bad: string;
/** Start of the problem, soon after the deploy of `bad`, whenever its alert is sent. */
let problem: string;

beforeAll(async () => {
  firebreak = await Firebreak.start({
    unshown: true,
    services: { checkout: { repository: REPOSITORY, environments: { production: environment('act') } } },
    configFiles: EACH_ALONE,
    timeScale: 100,
    env: { GITHUB_WEBHOOK_SECRET: SECRET },
  });
  github = await GithubSite.of(firebreak);
  const token = async (actions: string[]) =>
    (await firebreak.post('/v1/tokens', { name: 'cd', actions, services: [PLACE.service] })).body.token;
  access = { firebreak, token: await token(['freezes:check']), key: await token(['flagger:gate']) };
  await github.settings({ protection: true, run_ms: 0 });
  good = await github.push(REPOSITORY, { 'version.txt': 'good' });
  bad = await github.push(REPOSITORY, { 'version.txt': 'bad' });
  await guarded.deployed(
    PLACE,
    { version: good, commit: good, minutes: 310 },
    { version: bad, commit: bad, minutes: 3 },
  );
  problem = minutesAgo(0.5);
});
afterAll(() => firebreak?.remove());

/** A protected environment: the deployment continues when its run does. Later decisions are not awaited. */
const protection = (): CdSystem => ({
  name: 'a protected environment at GitHub',
  knowsDeployments: false,
  async deploy({ version }): Promise<Outcome> {
    const { run } = await github.ask(REPOSITORY, version);
    // Sent by the request itself, or by the sweeper if it is faster.
    const { body } = await github.told(run, () => true);
    return { goesOn: body.state === 'approved', said: body.comment };
  },
});

/** Another, unknown commit. */
let commits = 0;
async function next(): Promise<Deployment> {
  commits += 1;
  return { version: await github.push(REPOSITORY, { 'version.txt': `new ${commits}` }), id: `deployment-${commits}` };
}

const names = [...cdSystems.map((make) => make({} as Access).name), protection().name];
const systemOf = (name: string): CdSystem => {
  const found = [...cdSystems.map((make) => make(access)), protection()].find((each) => each.name === name);
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found;
};

const freeze = async (): Promise<string> => {
  const { status, body } = await firebreak.post('/v1/freezes', { ...PLACE, reason: 'the Christmas sale' });
  expect(status).toBe(201);
  return body.id;
};
const lift = async (id: string) => expect((await firebreak.request('DELETE', `/v1/freezes/${id}`)).status).toBe(200);

describe.each(names)('%s', (name) => {
  let system: CdSystem;
  beforeAll(() => void (system = systemOf(name)));

  test('continues without a freeze', async () => {
    expect(await system.deploy(await next())).toMatchObject({ goesOn: true });
  });

  test('is held back with the reason during a freeze, but allows a rollback to a known good version', async () => {
    const frozen = await freeze();
    const held = await next();
    const { goesOn, said } = await system.deploy(held);
    expect({ goesOn, said }).toEqual({ goesOn: false, said: expect.stringContaining('the Christmas sale') });
    expect(await system.deploy({ version: good, id: `back-by-${name}` })).toMatchObject({ goesOn: true });
    await lift(frozen);
    await eventually(async () => (await system.deploy(held)).goesOn, `${name} after the lift`);
  });

  test('continues during a freeze only with an override, and uses it once', async () => {
    const frozen = await freeze();
    const [first, second] = [await next(), await next()];
    expect(await system.deploy(first)).toMatchObject({ goesOn: false });
    const expires_at = new Date(Date.now() + 3_600_000).toISOString();
    const override = { reason: 'the sale needs it', expires_at, uses: 1, version: first.version };
    expect((await firebreak.post(`/v1/freezes/${frozen}/overrides`, override)).status).toBe(201);
    await eventually(async () => (await system.deploy(first)).goesOn, `${name} by the override`);
    expect(await system.deploy(first)).toMatchObject({ goesOn: true }); // a retry of the same deployment
    expect(await system.deploy(second)).toMatchObject({ goesOn: false });
    const { body } = await firebreak.get(`/v1/freezes/${frozen}`);
    expect(body.overrides[0].used_by).toHaveLength(1);
    if (system.knowsDeployments)
      expect(await system.deploy({ ...first, id: `${first.id}-again` })).toMatchObject({ goesOn: false });
    await lift(frozen);
  });
});

describe('a known bad version', () => {
  beforeAll(async () => {
    await guarded.fire(PLACE, {}, problem);
    await guarded.mitigated(PLACE);
    const { body } = await firebreak.get('/v1/versions/pinned');
    expect(body.items).toMatchObject([{ version: bad }]);
  });

  test.each(names)('%s refuses it and allows a newer one', async (name) => {
    const system = systemOf(name);
    const { goesOn, said } = await system.deploy({ version: bad, id: `again-by-${name}` });
    expect({ goesOn, said }).toEqual({ goesOn: false, said: expect.stringContaining('pinned as known bad') });
    expect(await system.deploy(await next())).toMatchObject({ goesOn: true });
  });
});
