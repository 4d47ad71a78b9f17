import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EACH_ALONE, eventually, Firebreak } from '../support/firebreak.ts';
import { BAD, environment, GOOD, Guarded, type Site } from './guarded.ts';

/** The runbooks that ship with Firebreak, with their defaults. */

const SERVICES = ['both', 'named', 'asked', 'full', 'flagged', 'doubtful', 'shadowed', 'tied', 'chosen'] as const;

const entry = (name: string) => ({
  repository: `acme/${name}`,
  environments: {
    production: {
      ...environment(name === 'shadowed' ? 'shadow' : 'act'),
      flags: { kind: 'launchdarkly', project: 'default' },
    },
  },
});

let firebreak: Firebreak;
const guarded = new Guarded(() => firebreak);

beforeAll(async () => {
  firebreak = await Firebreak.start({
    unshown: true,
    services: Object.fromEntries(SERVICES.map((name) => [name, entry(name)])),
    configFiles: EACH_ALONE,
    env: { FIREBREAK_RUNBOOKS_DIR: fileURLToPath(new URL('../../runbooks', import.meta.url)) },
  });
});
afterAll(() => firebreak?.remove());

const site = (service: (typeof SERVICES)[number]): Site => ({ service, environment: 'production' });

const finished = async (at: Site, runbook: string) => {
  const one = await guarded.incident(at, () => true);
  expect((await guarded.awaitEntry(one, 'runbook.started')).text).toContain(`(${runbook}, version `);
  await guarded.awaitEntry(one, 'runbook.finished');
  return one;
};

const issues = async (repository: string) =>
  (await firebreak.calls('github')).filter(
    ({ method, path }) => method === 'POST' && path === `/repos/${repository}/issues`,
  );

describe('a bad deploy is rolled back once', () => {
  test.each([
    ['both', { runbook: 'high-error-rate-after-deploy' }],
    ['named', { runbook: 'high-error-rate-after-deploy', action: '' }],
    ['asked', {}],
  ] as const)('if alert and runbook request it: %s', async (name, labels) => {
    const at = site(name);
    await guarded.deployed(at, GOOD, BAD);
    await guarded.fire(at, labels);
    const one = await finished(at, 'high-error-rate-after-deploy');
    await guarded.mitigated(at);
    await eventually(
      async () => (await guarded.timeline(one)).some(({ kind }) => kind.startsWith('verification.')),
      'the end of the verification window',
    );
    expect(await guarded.rollbacks(at)).toHaveLength(1);
    expect((await guarded.timeline(one)).filter(({ kind }) => kind === 'rollback.started')).toHaveLength(1);
  });

  test('and not in shadow mode', async () => {
    const at = site('shadowed');
    await guarded.deployed(at, GOOD, BAD);
    await guarded.fire(at, { runbook: 'high-error-rate-after-deploy' });
    await finished(at, 'high-error-rate-after-deploy');
    expect(await guarded.rollbacks(at)).toEqual([]);
  });
});

test('a warning with a runbook opens an incident with a ticket and without a page', async () => {
  const at = site('full');
  await guarded.fire(at, { alertname: 'DiskWillFill', runbook: 'disk-filling', severity: 'warning', action: '' });
  const one = await finished(at, 'disk-filling');
  expect(await issues('acme/full')).toHaveLength(1);
  expect(one.severity).toBe('warning');
  const pages = (await firebreak.calls('pagerduty')).filter(({ body }) => JSON.stringify(body).includes('full'));
  expect(pages).toEqual([]);
});

test('the recently changed flag is switched off, although the runbook starts with the incident', async () => {
  const at = site('flagged');
  await firebreak.put('/sandbox/launchdarkly/flags', { flag: 'new-cart', environment: 'production', on: true });
  await guarded.deployed(at, GOOD, { version: 'new-cart', minutes: 4, kind: 'flag' });
  await guarded.fire(at, { runbook: 'flag-regression', action: '' });
  const one = await finished(at, 'flag-regression');
  expect((await guarded.awaitEntry(one, 'flag.succeeded')).text).toContain('Turned off feature flag new-cart');
  expect((await guarded.awaitEntry(one, 'runbook.changes_remain')).text).toContain(
    'feature flag new-cart is still off',
  );
});

test('a flag with too little suspicion for a rollback is switched off only after approval', async () => {
  const at = site('doubtful');
  const flags = ['old-cart', 'old-search'];
  for (const flag of flags)
    await firebreak.put('/sandbox/launchdarkly/flags', { flag, environment: 'production', on: true });
  // Both are equally likely causes.
  await guarded.deployed(at, GOOD, ...flags.map((version) => ({ version, minutes: 4, kind: 'flag' })));
  await guarded.fire(at, { runbook: 'flag-regression', action: '' });
  const asked = await guarded.incident(at, ({ decisions }) => decisions.at(-1)?.question !== undefined, 'asked about');
  const [{ version: flag, confidence }] = asked.suspects;
  expect(confidence).toBeLessThan(0.8);
  expect(asked.decisions.at(-1)).toMatchObject({ kind: 'approve', because: 'no_confident_suspect', state: 'waiting' });
  const acts = async () => (await guarded.incident(at, () => true)).effects.filter(({ kind }: any) => kind === 'flag');
  expect(await acts()).toEqual([]);
  expect((await guarded.answer(asked, 'approve')).status).toBe(200);
  expect((await guarded.awaitEntry(asked, 'flag.succeeded')).text).toContain(`Turned off feature flag ${flag}`);
  expect(await acts()).toHaveLength(1);
});

describe('a flag and a deploy that could both be the cause', () => {
  const FLAG = { version: 'new-cart', minutes: 5, kind: 'flag' };
  const effectsOf = ({ effects }: any) => effects.map(({ kind, state }: any) => `${kind} ${state}`);

  test('are both offered, and an approval must name one: only that act is done', async () => {
    const at = site('tied');
    await firebreak.put('/sandbox/launchdarkly/flags', { flag: 'new-cart', environment: 'production', on: true });
    await guarded.deployed(at, GOOD, BAD, FLAG);
    await guarded.fire(at);
    const one = await guarded.judged(at);
    const [decision] = one.decisions;
    expect(decision).toMatchObject({
      state: 'waiting',
      because: 'candidates_tie',
      from_version: null,
      to_version: null,
    });
    const acts = decision.offers.map(({ act, from_version }: any) => `${act} ${from_version}`);
    expect(acts.toSorted()).toEqual([`roll_back ${BAD.version}`, 'turn_off_flag new-cart']);
    const { text } = decision.reasons.find(({ code }: any) => code === 'candidates');
    expect(text).toMatch(/flag new-cart of tied \(\d+ %\)/);
    expect(text).toMatch(/deploy 2026\.5 of tied \(\d+ %\)/);
    expect((await guarded.awaitEntry(one, 'decision')).text).toMatch(/^.*, or .* Choose one or none by /);

    const unnamed = await guarded.act(one, 'approve', { digest: decision.digest });
    expect([unnamed.status, unnamed.body.code]).toEqual([409, 'choose']);
    const flag = decision.offers.find(({ act }: any) => act === 'turn_off_flag');
    expect((await guarded.act(one, 'approve', { digest: flag.digest })).status).toBe(200);
    const isTurnedOff = (now: any) => now.status === 'mitigated' && effectsOf(now).includes('flag succeeded');
    const done = await guarded.incident(at, isTurnedOff, 'mitigated with the flag off');
    expect(done.decisions[0]).toMatchObject({ state: 'approved', chosen: flag.digest, from_version: null });
    expect(await guarded.rollbacks(at)).toEqual([]);
    expect((await guarded.awaitEntry(one, 'decision.approved')).text).toBe(
      'Approved to turn off feature flag new-cart of tied in production',
    );
  });

  test('or the deploy is rolled back, if that is chosen', async () => {
    const at = site('chosen');
    await guarded.deployed(at, GOOD, BAD, FLAG);
    await guarded.fire(at);
    const one = await guarded.judged(at);
    const deploy = one.decisions[0].offers.find(({ act }: any) => act === 'roll_back');
    expect((await guarded.act(one, 'approve', { digest: deploy.digest })).status).toBe(200);
    const done = await guarded.mitigated(at);
    expect(done.decisions[0]).toMatchObject({ from_version: BAD.version, to_version: GOOD.version });
    expect(effectsOf(done)).not.toContain('flag succeeded');
    expect(await guarded.rollbacks(at)).toMatchObject([{ from_version: BAD.version, to_version: GOOD.version }]);
  });
});
