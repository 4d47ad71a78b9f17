import { describe, expect, test, vi } from 'vitest';
import type { Deployer, RollbackCall } from '../../../core/domain/rollback/targets.ts';
import { lambdaAliasDeployer } from '../../../vendors/aws/lambda-alias.ts';
import { calls } from '../../../packages/sandbox/test/support.ts';
import { type Gate, openGate, rollback, said } from './gate.ts';
import { nobody, vendor } from '../server.ts';
import { conforms, type TargetWorld } from '../target-conformance.ts';

const deployerAt = (endpoint: string | undefined, more: { roleArn?: string } = {}): Deployer =>
  lambdaAliasDeployer(
    { kind: 'lambda-alias', function: 'checkout', alias: 'live' },
    { region: 'eu-central-1', roleArn: more.roleArn, endpoint },
  );

const isChange = ({ method }: { method: string }): boolean => method === 'PUT';

type Shown = { items: { versions: { number: number; description: string }[]; aliases: AliasShown[] }[] };
type AliasShown = { version: string; weights: Record<string, number> };

/**
 * Creates a function. `descriptions` are those of versions 1, 2, …; the alias points at the newest version by default.
 */
async function world(
  descriptions: string[],
  alias: { version?: number; weights?: Record<string, number> } = {},
): Promise<{ gate: Gate; deployer: Deployer; alias: () => Promise<AliasShown> }> {
  const gate = await openGate(isChange);
  await gate.sandbox('PUT', '/lambda/functions', {
    function: 'checkout',
    versions: descriptions.map((description) => ({ description })),
    alias: 'live',
    ...alias,
  });
  return {
    gate,
    deployer: deployerAt(gate.url),
    async alias() {
      const [aliases] = (await gate.sandbox<Shown>('GET', '/lambda/functions')).items.map((one) => one.aliases);
      return aliases?.[0] ?? { version: '', weights: {} };
    },
  };
}

describe('a Lambda alias conforms to the deployer contract', () => {
  const open = async (): Promise<TargetWorld> => {
    const { gate, deployer } = await world(['v40', 'v41', 'v42']);
    const ship = async () => {
      const { version } = await gate.sandbox<{ version: string }>('POST', '/lambda/functions/checkout/deploy', {
        alias: 'live',
        description: 'v43',
      });
      return `${version} (v43)`;
    };
    return {
      deployer,
      request: rollback(),
      trouble: gate.trouble,
      settle: async () => gate.pass(60_000),
      async running() {
        const [found] = (await gate.sandbox<Shown>('GET', '/lambda/functions')).items;
        return found?.versions.find(({ number }) => String(number) === found.aliases[0]?.version)?.description ?? '';
      },
      begun: async () => gate.changed(),
      ship,
      drift: async () => void (await ship()),
    };
  };
  conforms(open);
});

const FULL = { from: '5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f80', to: '1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d' };
const COMMITS = { fromCommit: FULL.from, toCommit: FULL.to };

describe('the target version is', () => {
  const builds = [...Array.from({ length: 9 }, () => ''), 'build 12', '', 'build 13'];

  test.each<[string, string[], Partial<Record<keyof RollbackCall, string | null>>, string]>([
    ['a version number', ['', '', ''], { from: '3', to: '1' }, '1'],
    ['a word of a Description', ['checkout v40', 'checkout v41 by CI', 'checkout v42'], {}, '2'],
    ['the newest of those that say it', ['v41', 'v41', 'v42'], {}, '2'],
    ['not one that says more than it', ['v41', 'v41-rc1', 'v41.1', 'v42'], {}, '1'],
    ['a commit, shortened', ['main-1a2b3c4', 'main-5d6e7f8'], COMMITS, '1'],
    ['a version that is a commit', ['1a2b3c4', '5d6e7f8'], { from: FULL.from, to: FULL.to }, '1'],
    ['a Description, where a build number is also the number of a version', builds, { from: '13', to: '12' }, '10'],
  ])('%s', async (_, descriptions, names, expected) => {
    const { deployer, alias } = await world(descriptions);
    expect(await deployer.rollBack(rollback(names))).toEqual({ kind: 'succeeded', id: expected });
    expect(await alias()).toMatchObject({ version: expected });
  });

  test('refused if its number and Description contradict each other', async () => {
    const { gate, deployer } = await world(['1', '3', '2']);
    expect(await deployer.rollBack(rollback({ from: '3', to: '2' }))).toEqual({
      kind: 'refused',
      detail: said('ambiguous'),
    });
    expect(gate.changed()).toBe(0);
  });

  test('found on a later page', async () => {
    const { deployer, alias } = await world(Array.from({ length: 120 }, (_, i) => `v${i}`));
    expect(await deployer.rollBack(rollback({ from: 'v119', to: 'v59' }))).toEqual({ kind: 'succeeded', id: '60' });
    expect(await alias()).toMatchObject({ version: '60' });
  });

  test("refused if it can't run", async () => {
    const { gate, deployer } = await world(['v40']);
    const versions = [{ description: 'v41', state: 'Failed' }, { description: 'v42' }];
    await gate.sandbox('PUT', '/lambda/functions', { function: 'checkout', versions, alias: 'live' });
    expect(await deployer.rollBack(rollback())).toEqual({ kind: 'refused', detail: said("version 2 can't run") });
    expect(gate.changed()).toBe(0);
  });
});

describe('an alias with weights', () => {
  const three = ['v40', 'v41', 'v42'];

  test('a bad canary loses its traffic', async () => {
    const { deployer, alias } = await world(three, { version: 2, weights: { 3: 0.1 } });
    expect(await deployer.rollBack(rollback())).toEqual({ kind: 'succeeded', id: '2' });
    expect(await alias()).toEqual({ alias: 'live', version: '2', weights: {} });
  });

  test('an alias at the bad version with weight on the good one is pointed at the good one completely', async () => {
    const { deployer, alias } = await world(three, { version: 3, weights: { 2: 0.1 } });
    expect(await deployer.rollBack(rollback())).toEqual({ kind: 'succeeded', id: '2' });
    expect(await alias()).toEqual({ alias: 'live', version: '2', weights: {} });
  });

  test('a canary of a third version is not changed', async () => {
    const { gate, deployer } = await world(three, { version: 3, weights: { 1: 0.25 } });
    expect(await deployer.rollBack(rollback())).toEqual({ kind: 'superseded', current: '3 (v42), 1 (v40) for 25 %' });
    expect(gate.changed()).toBe(0);
  });

  test('a canary over the rolled-back version is drift', async () => {
    const { gate, deployer } = await world(three);
    await deployer.rollBack(rollback());
    expect(await deployer.checkDrift?.(rollback())).toEqual({ kind: 'holds' });
    await gate.sandbox('POST', '/lambda/functions/checkout/deploy', { alias: 'live', description: 'v43', weight: 0.5 });
    expect(await deployer.checkDrift?.(rollback())).toEqual({ kind: 'drifted', detail: said('4 (v43) for 50 %') });
  });
});

describe('a concurrent change of the alias', () => {
  test('a late call has no effect, and the next attempt reads the other change', async () => {
    const { gate, deployer, alias } = await world(['v41', 'v42']);
    await gate.trouble('late_effect');
    expect(await deployer.rollBack(rollback())).toMatchObject({ kind: 'later', detail: said('in time') });
    await gate.sandbox('POST', '/lambda/functions/checkout/deploy', { alias: 'live', description: 'v43' });
    await gate.pass(0); // the held call arrives now, with the previous RevisionId
    expect(gate.changed()).toBe(0);
    expect(await alias()).toMatchObject({ version: '3' });
    expect(await deployer.rollBack(rollback())).toEqual({ kind: 'superseded', current: '3 (v43)' });
  });

  test('a failed precondition is retried', async () => {
    const { gate, deployer } = await world(['v41', 'v42']);
    await gate.trouble({ kind: 'status', status: 412, body: { __type: 'PreconditionFailedException' } });
    expect(await deployer.rollBack(rollback())).toMatchObject({ kind: 'later', detail: said('PreconditionFailed') });
    expect(await deployer.rollBack(rollback())).toMatchObject({ kind: 'succeeded' });
  });
});

describe('the response of AWS', () => {
  const answers = (status: number, type: string, headers: Record<string, string> = {}) => ({
    status,
    headers: { 'x-amzn-errortype': type, ...headers },
    body: JSON.stringify({ Type: 'User', Message: 'the reason' }),
  });

  test.each([
    ['no permission', answers(403, 'AccessDeniedException'), 'refused'],
    ['no such function', answers(404, 'ResourceNotFoundException'), 'refused'],
    ['too many calls', answers(429, 'TooManyRequestsException'), 'later'],
    ['a fault', answers(500, 'ServiceException'), 'later'],
    ['an update under way', answers(409, 'ResourceConflictException'), 'busy'],
    ['a session that is over', answers(403, 'ExpiredTokenException'), 'later'],
  ] as const)('%s', async (_, reply, kind) => {
    await world(['v42']);
    const { url, received } = await vendor(reply);
    expect(await deployerAt(url).rollBack(rollback())).toMatchObject({ kind, detail: said('the reason') });
    expect(received).toHaveLength(1);
  });

  test('contains the time of the retry', async () => {
    await world(['v42']);
    const { url } = await vendor(answers(429, 'TooManyRequestsException', { 'retry-after': '7' }));
    expect(await deployerAt(url).rollBack(rollback())).toMatchObject({ kind: 'later', afterSeconds: 7 });
  });

  test('is retried if it is missing, incomplete, or not from AWS', async () => {
    await world(['v42']);
    const cut = await vendor({ cut: 200 });
    const page = await vendor({ status: 200, body: '<html>' });
    for (const url of [await nobody(), cut.url, page.url])
      expect(await deployerAt(url).rollBack(rollback())).toMatchObject({ kind: 'later', detail: said('Lambda') });
    expect(await deployerAt(await nobody()).checkDrift?.(rollback())).toMatchObject({ kind: 'unknown' });
  });
});

describe('credentials and endpoints', () => {
  test('the configured role is assumed first', async () => {
    const { gate } = await world(['v41', 'v42']);
    const deployer = deployerAt(gate.url, { roleArn: 'arn:aws:iam::210987654321:role/deploy/Rollback' });
    expect(await deployer.rollBack(rollback())).toMatchObject({ kind: 'succeeded' });
    const made = (await calls(gate.standIns, '?vendor=aws')).toReversed();
    expect(made.map(({ path }) => path === '/')).toEqual([true, false, false, false, false]); // one session for all
    expect(made.map(({ headers }) => headers['x-amz-security-token'] !== undefined)).toEqual([
      false,
      true,
      true,
      true,
      true,
    ]);
    expect(deployer.resource).toContain('210987654321');
  });

  test("nothing is called if the role can't be assumed", async () => {
    await world(['v41', 'v42']);
    const body =
      '<ErrorResponse><Error><Code>AccessDenied</Code><Message>not authorized</Message></Error></ErrorResponse>';
    const { url, received } = await vendor({ status: 403, headers: { 'content-type': 'text/xml' }, body });
    const deployer = deployerAt(url, { roleArn: 'arn:aws:iam::210987654321:role/Rollback' });
    expect(await deployer.rollBack(rollback())).toMatchObject({ kind: 'refused', detail: said('not authorized') });
    expect(received).toHaveLength(1);
  });

  test("Firebreak's own endpoint is never used for the target", async () => {
    const own = await vendor({ status: 200, body: '{}' });
    vi.stubEnv('AWS_ENDPOINT_URL', own.url);
    vi.stubEnv('AWS_ENDPOINT_URL_LAMBDA', own.url);
    const { gate, deployer } = await world(['v41', 'v42']);
    expect(await deployer.rollBack(rollback())).toMatchObject({ kind: 'succeeded' });
    expect(gate.changed()).toBe(1);
    expect(own.received).toEqual([]);
  });

  test('a function in two regions or accounts is two targets', () => {
    const config = { kind: 'lambda-alias', function: 'checkout', alias: 'live' } as const;
    const arn = 'arn:aws:lambda:eu-west-1:123456789012:function:checkout';
    const resources = [
      lambdaAliasDeployer(config, { region: 'eu-west-1', roleArn: undefined, endpoint: undefined }),
      lambdaAliasDeployer(config, { region: 'eu-west-2', roleArn: undefined, endpoint: undefined }),
      lambdaAliasDeployer(
        { ...config, function: arn },
        { region: 'eu-west-1', roleArn: undefined, endpoint: undefined },
      ),
    ].map(({ resource }) => resource);
    expect(new Set(resources).size).toBe(3);
    expect(resources[2]).toBe('lambda-alias ["123456789012","eu-west-1","checkout","live"]');
  });
});
