import { describe, expect, test } from 'vitest';
import { check } from '../../actions/check.ts';
import type { CheckDeps } from '../../actions/inputs.ts';
import { checkRollbackVersion } from '../../decisions/exemptions/rollback-version.ts';
import { newChange } from '../../../../core/stores/changes/changes.ts';
import { emptyConfig, ServicesFile } from '../../../../schemas/config/config.ts';
import { NewChange } from '../../../../schemas/changes/change.ts';
import { CheckRequest } from '../../schemas/freeze-check.ts';
import { noExtensions } from '../../../../core/domain/ports/extensions.ts';
import type { Signer } from '../../types.ts';
import { at, freeze, INCIDENT, NOON, pin } from '../decisions/builders.ts';

const { services } = ServicesFile.parse({ services: { checkout: { environments: { production: {} } } } });

const BAD = '4c1f0d9b2a6e8f7d5c3b1a09e8d7c6b5a4f3e2d1';
const GOOD = 'b'.repeat(40);

const change = (version: string, commit: string | null, minutes: number) =>
  newChange(
    NewChange.parse({ service: 'checkout', environment: 'production', version, commit, started_at: at(minutes) }),
    NOON,
    null,
  );

/** v2 is known bad. v1 ran well before, and optionally has the commit of v2. */
function firebreak({ shared = false, number = 42 }: { shared?: boolean; number?: number | null } = {}) {
  const changes = [
    change('v0', GOOD, -300),
    change('v1', shared ? BAD : 'a'.repeat(40), -200),
    change('v2', BAD, -60),
    change('v1', null, -50),
    change('v3', null, -10),
  ];
  const signer: Pick<Signer, 'sign'> = { sign: async (claims) => JSON.stringify(claims) };
  return {
    clock: { now: () => NOON },
    config: { current: async () => ({ ...emptyConfig, version: 'c1', services }) },
    changes: { recent: async () => changes, live: async () => [changes.at(-1)] },
    incidents: { openAt: async () => undefined, read: async () => (number === null ? undefined : { number }) },
    freezeState: {
      read: async () => ({ own: [], dependencies: [], pins: [pin('v2')] }),
    },
    extensions: noExtensions,
    freezeDecisions: { keep: async ({ id }: { id: string }) => ({ id, first: true }) },
    signer,
    unrecognized: { count: async () => undefined },
  } as unknown as CheckDeps;
}

const asked = (more: object, deps = firebreak()) =>
  check(deps, {
    request: CheckRequest.parse({ service: 'checkout', environment: 'production', ...more }),
    isKindUnstated: true,
    by: 'ci',
    consume: false,
    identityToken: null,
  });

describe('a known bad version is refused by its recorded commit:', () => {
  test.each([
    ['by its name', { version: 'v2' }],
    ['by its name in another spelling', { version: '2' }],
    ['by its name and its commit', { version: '2', commit: BAD }],
    ['by the commit only', { commit: BAD }],
    ['by the commit as the version', { version: BAD, commit: BAD }],
    ['under another name', { version: 'r3', commit: BAD }],
    ['by a shortened commit in upper case', { commit: BAD.slice(0, 8).toUpperCase() }],
    ['as any kind of change', { version: 'r3', commit: BAD, change: 'rollback' }],
  ])('%s', async (_, more) => {
    expect(await asked(more)).toMatchObject({ allowed: false, reasons: [{ code: 'pinned_version' }] });
  });

  test.each([
    ['another commit', { version: 'r3', commit: GOOD }],
    ['the name with another commit, such as the fix on the same branch', { version: 'v2', commit: GOOD }],
    ['the name in another spelling with another commit', { version: '2', commit: GOOD }],
    ['an abbreviation that is too short', { version: 'r3', commit: BAD.slice(0, 6) }],
  ])('not by %s', async (_, more) => expect(await asked(more)).toMatchObject({ allowed: true }));

  test('not a known good version with the same commit, because its settings differ', async () => {
    const deps = firebreak({ shared: true });
    expect(await asked({ version: 'v1', commit: BAD }, deps)).toMatchObject({ allowed: true });
    expect(await asked({ commit: BAD }, deps)).toMatchObject({ allowed: false });
  });

  test('which is its name as well, also shortened, although no commit is recorded', async () => {
    const [changes, pins] = [[change('v1', null, -200), change(BAD, null, -60)], [pin(BAD)]];
    const deps = {
      ...firebreak(),
      changes: { recent: async () => changes, live: async () => [changes.at(-1)] },
      freezeState: { read: async () => ({ own: [], dependencies: [], pins }) },
    } as unknown as CheckDeps;
    for (const more of [{ version: BAD }, { version: BAD.slice(0, 8) }, { version: 'r3', commit: BAD }])
      expect(await asked(more, deps)).toMatchObject({ allowed: false, reasons: [{ code: 'pinned_version' }] });
  });

  test.each([
    ['the number of the incident', 42, '(INC-42)'],
    ['its ID, if it was stored before numbers existed', null, `(${INCIDENT})`],
  ])('with %s', async (_, number, named) => {
    const { reasons } = await asked({ version: 'v2' }, firebreak({ number }));
    expect(reasons[0]?.text).toMatch(/^v2 has been pinned as known bad since .* UTC \(.*\)$/);
    expect(reasons[0]?.text.endsWith(named)).toBe(true);
  });

  test('and the signed state contains the commit', async () => {
    const { signed_state } = await asked({ version: 'v9' });
    expect(JSON.parse(signed_state ?? '')).toMatchObject({
      pinned: ['v2'],
      pins: [{ version: 'v2', commit: BAD }],
      pinned_commits: [{ version: 'v2', commit: BAD }],
    });
  });

  test('and the signed state has no commit of a pinned name as known good', async () => {
    const branch = (commit: string, minutes: number) => ({
      ...change(`6.4 (${commit.slice(0, 7)})`, commit, minutes),
      reported_version: '6.4',
    });
    const changes = [branch(GOOD, -300), branch(BAD, -200), change('v3', null, -10)];
    const known = async (pins: object[]) => {
      const deps = {
        ...firebreak(),
        changes: { recent: async () => changes, live: async () => [changes.at(-1)] },
        freezeState: { read: async () => ({ own: [], dependencies: [], pins }) },
      } as unknown as CheckDeps;
      const { signed_state } = await asked({ version: 'v9' }, deps);
      return (JSON.parse(signed_state ?? '') as { known_good: object[] }).known_good;
    };
    expect(await known([pin('6.4 (4c1f0d9)')])).toEqual([{ version: '6.4 (bbbbbbb)', commit: GOOD }]);
    expect(await known([{ ...pin('6.4'), pinned_at: at(-400) }])).toEqual([]);
  });
});

describe('commits of a repository for deployments are not those of the application:', () => {
  const [OLD, APPLIED] = ['d'.repeat(40), 'e'.repeat(40)];
  const applied = (version: string, commit: string, minutes: number) => ({
    ...change(version, commit, minutes),
    reported_by: 'argo-cd',
  });
  const changes = [applied('v1', OLD, -200), applied('v2', APPLIED, -60), applied('v1', OLD, -50)];
  const deps = (pins: object[]) => ({
    ...firebreak(),
    changes: { recent: async () => changes, live: async () => [changes.at(-1)] },
    freezeState: { read: async () => ({ own: [], dependencies: [], pins }) },
  });
  const askedOf = (more: object, pins: object[]) => asked(more, deps(pins) as unknown as CheckDeps);

  test.each([
    ['the version with the commit of the application', { version: 'v2', commit: BAD }],
    ['the commit that was applied', { commit: APPLIED }],
  ])('%s is refused if the version is pinned', async (_, more) => {
    for (const known of [pin('v2'), { ...pin('v2'), pinned_at: at(-50) }])
      expect(await askedOf(more, [known])).toMatchObject({
        allowed: false,
        reasons: [{ code: 'pinned_version' }],
      });
  });

  test('a rollback to the version with the commit of the application is one to a known version', () => {
    expect(
      checkRollbackVersion([...changes, applied('v3', APPLIED, -10)], { version: 'v1', commit: GOOD }),
    ).toMatchObject({ kind: 'known_good' });
  });
});

describe('above the limit of its caller', () => {
  /** Every decision is counted in the record of its aggregate. */
  const limited = { keep: async (_: object, aggregate: () => string) => ({ id: aggregate(), first: false }) };
  const ask = (more: object, deps: object = {}) =>
    asked(more, { ...firebreak(), freezeDecisions: limited, ...deps } as unknown as CheckDeps);

  test('a check has its own verdict and token, and the ID of the record that counts it', async () => {
    const answers = [];
    for (const version of ['v7', 'v8', 'v2'])
      answers.push(await ask({ version, deployment_id: `deploy-of-${version}` }));
    expect(answers.map(({ allowed }) => allowed)).toEqual([true, true, false]);
    const [v7, v8, v2] = answers.map(({ decision_id }) => decision_id);
    expect(v8).toBe(v7);
    expect(v2).not.toBe(v7);
    const claims = answers.map(({ token }) => token && JSON.parse(token));
    expect(claims).toMatchObject([{ version: 'v7', decision_id: v7 }, { version: 'v8', decision_id: v7 }, null]);
    expect((await ask({ version: 'v7', change: 'flag' })).decision_id).not.toBe(v7);
  });

  test('names that nobody knows share a record', async () => {
    const changes = { recent: async () => [], live: async () => [] };
    const ids = new Set<string>();
    for (const name of ['a', 'b', 'c'])
      for (const names of [{ service: name }, { service: name, environment: name }])
        ids.add((await ask({ ...names, version: name }, { changes })).decision_id);
    expect(ids.size).toBe(2); // with and without a known environment
  });
});

test('a version that was rolled back is not known good, with the number of the incident', async () => {
  const undone = { ...change('v4', null, -40), rolled_back_by: INCIDENT };
  const deps = {
    ...firebreak(),
    changes: { recent: async () => [undone, change('v5', null, -5)], live: async () => [] },
    freezeState: { read: async () => ({ own: [freeze('person')], dependencies: [], pins: [] }) },
  } as unknown as CheckDeps;
  const { reasons } = await asked({ version: 'v4', change: 'rollback' }, deps);
  expect(JSON.stringify(reasons)).toContain('v4 was itself rolled back, in INC-42');
});

test('a check decides the same if an incident that it names cannot be read', async () => {
  const logged: string[] = [];
  const read = async (): Promise<never> => {
    throw Object.assign(new Error('disk error'), { name: 'DatabaseDamaged' });
  };
  const deps = {
    ...firebreak(),
    incidents: { openAt: async () => undefined, read },
    log: { error: (text: string) => logged.push(text) },
  } as unknown as CheckDeps;
  const { reasons, stale } = await asked({ version: 'v2' }, deps);
  expect({ reasons, stale }).toEqual({
    reasons: [expect.objectContaining({ code: 'pinned_version', text: expect.stringContaining(`(${INCIDENT})`) })],
    stale: false,
  });
  expect(logged).toEqual(['a freeze check continues without the names of incidents']);
});
