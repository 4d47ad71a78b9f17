import { beforeEach, describe, expect, test, vi } from 'vitest';
import { applyAwaiting, applyUnmapped, reportChange } from '../../../../core/actions/changes/report-change.ts';
import { ChangeReport } from '../../../../schemas/changes/change-report.ts';
import { Config } from '../../../../schemas/config/config.ts';
import { Push } from '../../../../schemas/changes/code.ts';
import type { Signal } from '../../../../schemas/alerts/signal.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { FakeWorld, idleEngine } from '../../../support/fake-deps.ts';

const START = '2026-11-20T12:00:00.000Z';
let world: FakeWorld;
const signals: Signal[] = [];

const configure = (version: string, services: object) => {
  world.config = Config.parse({ version, services, paging: {} });
};

function begin(): void {
  world = new FakeWorld(START);
  world.engine = idleEngine();
  signals.length = 0;
  world.deps.queue = { sendAll: async (_receipt, all) => void signals.push(...all) };
  configure('c1', { shop: { repository: 'acme/shop', environments: { production: {} } } });
}
beforeEach(begin);

const at = (seconds: number) => plusSeconds(START as never, seconds);
const report = (seconds: number, more: object = {}, repository = 'acme/shop') =>
  reportChange(
    world.deps,
    ChangeReport.parse({
      source: 'github',
      key: `${repository}#1`,
      at: at(seconds),
      subject: { repository, environment: 'production' },
      version: 'v2',
      ...more,
    }),
    'trace',
  );
const changes = async () => (await world.deps.changes.list({ limit: 50 })).items;

describe('a flag that an action of Firebreak has set', () => {
  const INCIDENT = '01KAAAAAAAAAAAAAAAAAAAAAAA';
  const KEY = `${INCIDENT}.roll-back.1`;
  const flag = (action: string) =>
    report(-10, { source: 'launchdarkly', kind: 'flag', status: 'succeeded', version: 'new-cart 12 (off)', action });
  const taken = (service: string, on = false) =>
    vi.spyOn(world.deps.effects, 'get').mockImplementation(async (_, key) => {
      const effect = {
        key,
        flag: { name: 'new-cart', on },
        service_environment: { service, environment: 'production' },
      };
      return key === KEY ? (effect as Awaited<ReturnType<typeof world.deps.effects.get>>) : undefined;
    });

  test('is recorded as made for its incident', async () => {
    taken('shop');
    await flag(KEY);
    expect(await changes()).toMatchObject([{ kind: 'flag', made_for: INCIDENT }]);
  });

  test.each<[string, string, string, boolean?]>([
    ['an action that Firebreak has not taken', 'shop', `${INCIDENT}.roll-back.2`],
    ['an action that has turned the flag on again', 'shop', KEY, true],
    ['an action elsewhere', 'cart', KEY],
    ['no action', 'shop', 'a text'],
  ])('is a change like others if its sender names %s', async (_, service, key, on = false) => {
    taken(service, on);
    await flag(key);
    expect(await changes()).toMatchObject([{ kind: 'flag', made_for: null }]);
  });
});

describe('a notification of GO Feature Flag, which names no author,', () => {
  const INCIDENT = '01KAAAAAAAAAAAAAAAAAAAAAAA';
  /** Lets Firebreak have set the flag in an incident. */
  const setInIncident = (flag: object, state = 'succeeded') => {
    const effect = { flag: { name: 'new-cart', on: false, ...flag }, state, at: at(-60) };
    vi.spyOn(world.deps.effects, 'ofFlag').mockImplementation(async (serviceEnvironment, name) =>
      serviceEnvironment.service === 'shop' && name === effect.flag.name
        ? ({ incident: INCIDENT, effect } as Awaited<ReturnType<typeof world.deps.effects.ofFlag>>)
        : undefined,
    );
  };
  const notified = (version: string) =>
    report(-10, { source: 'flags', kind: 'flag', status: 'succeeded', version, final: true });

  test.each(['succeeded', 'intended'])(
    'is made for the incident in which Firebreak turned the flag off: %s',
    async (state) => {
      setInIncident({}, state);
      await notified('new-cart off (1f2e3d4c)');
      expect(await changes()).toMatchObject([{ kind: 'flag', made_for: INCIDENT }]);
    },
  );

  test.each<[string, object, string?, string?]>([
    ['another flag', { name: 'dark-mode' }],
    ['a flag that Firebreak has turned on again', { on: true }],
    ['a flag that is turned on', {}, 'new-cart on: B (1f2e3d4c)'],
    ['a flag that Firebreak could not turn off', {}, 'new-cart off (1f2e3d4c)', 'failed'],
    ['a flag that others have set since', {}, 'new-cart off (1f2e3d4c)', 'superseded'],
  ])(
    'is a change like others if it is of %s',
    async (_, flag, version = 'new-cart off (1f2e3d4c)', state = 'succeeded') => {
      setInIncident(flag, state);
      await notified(version);
      expect(await changes()).toMatchObject([{ kind: 'flag', made_for: null }]);
    },
  );

  test('is an ordinary change if a person turned the flag on later', async () => {
    setInIncident({});
    const on = { source: 'flags', kind: 'flag', status: 'succeeded', version: 'new-cart on: B (5e6f7a8b)' };
    await report(-30, { ...on, key: 'on', final: true });
    await notified('new-cart off (1f2e3d4c)');
    expect(await changes()).toMatchObject([{ made_for: null }, { made_for: null }]);
  });
});

describe('events of a rollout', () => {
  test('become one change with the start and the end of the sender', async () => {
    expect(await report(-120)).toEqual({ state: 'waiting' });
    await report(-60, { status: 'started', started_at: at(-60) });
    expect(await changes()).toMatchObject([{ status: 'started', started_at: at(-60), finished_at: null }]);
    await report(-10, { status: 'succeeded', commit: 'abc' });
    expect(await changes()).toMatchObject([
      {
        service: 'shop',
        environment: 'production',
        version: 'v2',
        status: 'succeeded',
        started_at: at(-60),
        finished_at: at(-10),
        commit: 'abc',
        reported_by: 'github',
      },
    ]);
  });

  test('give the same change in the opposite order, and again', async () => {
    const all: [number, object][] = [
      [-120, { author: 'ada' }],
      [-60, { status: 'started', started_at: at(-60), author: 'bo' }],
      [-10, { status: 'failed', url: 'https://ci.example.com/1' }],
    ];
    for (const [seconds, more] of [...all.toReversed(), ...all]) await report(seconds, more);
    const opposite = await changes();
    begin();
    for (const [seconds, more] of all) await report(seconds, more);
    expect(opposite).toEqual(await changes());
    expect(opposite[0]).toMatchObject({ author: 'bo', status: 'failed', started_at: at(-60), finished_at: at(-10) });
  });

  test('report a failure as a signal, and resolve it when the outcome is corrected', async () => {
    await report(-60, { status: 'started', started_at: at(-60) });
    await report(-10, { status: 'failed' });
    await report(-10, { status: 'failed' });
    expect(signals.map(({ status, fingerprint }) => [status, fingerprint])).toEqual([
      ['firing', signals[0]?.fingerprint],
      ['firing', signals[0]?.fingerprint],
    ]);
    await report(-5, { status: 'succeeded' });
    expect(signals.at(-1)).toMatchObject({ status: 'resolved', fingerprint: signals[0]?.fingerprint });
  });

  test('correct the end of a late success, also if a change was not stored with its rollout', async () => {
    const created_at = at(-8 * 3600);
    await report(0, { status: 'succeeded', created_at });
    expect(await changes()).toMatchObject([{ finished_at: created_at }]);
    vi.spyOn(world.deps.changes, 'revise').mockRejectedValueOnce(new Error('the process died'));
    const earlier = () => report(-60, { status: 'started', created_at });
    await expect(earlier()).rejects.toThrow('the process died');
    expect(await changes()).toMatchObject([{ finished_at: created_at }]);
    await earlier();
    expect(await changes()).toMatchObject([{ finished_at: at(0) }]);
  });

  test('keep what people have added', async () => {
    await report(-60, { status: 'started', started_at: at(-60) });
    const [change] = await changes();
    await world.deps.changes.patch(change?.id as never, { has_migration: true, rollback_safe_to: 'v1' });
    await report(-10, { status: 'succeeded' });
    expect(await changes()).toMatchObject([{ status: 'succeeded', has_migration: true, rollback_safe_to: 'v1' }]);
  });

  test('are refused if their time is too far in the future', async () => {
    await expect(report(3600, { status: 'started' })).rejects.toMatchObject({ status: 422 });
    expect(await changes()).toEqual([]);
  });
});

describe('a state that a sender repeats', () => {
  const [first, second] = ['1'.repeat(40), '2'.repeat(40)];
  const pipeline = (seconds: number, commit: string) =>
    world.deps.changes.record({
      service: 'shop' as never,
      environment: 'production' as never,
      version: commit as never,
      kind: 'deploy',
      status: 'succeeded',
      commit,
      started_at: at(seconds),
      finished_at: at(seconds),
    });
  const reconciled = (seconds: number, commit: string, more: object = {}) =>
    report(seconds, {
      source: 'flux',
      key: commit,
      object: 'Kustomization/apps/shop',
      status: 'succeeded',
      final: true,
      version: commit,
      commit,
      ...more,
    });

  beforeEach(async () => {
    await pipeline(-90_000, first);
  });

  test('is no new change of the version that runs, however long ago another system reported it', async () => {
    await reconciled(-60, first);
    expect(await changes()).toMatchObject([{ version: first, finished_at: at(-90_000) }]);
  });

  test('does not end a deploy that began after it', async () => {
    await world.deps.changes.record({
      service: 'shop' as never,
      environment: 'production' as never,
      version: second as never,
      kind: 'deploy',
      status: 'started',
      started_at: at(-60),
    });
    await reconciled(-3600, second);
    expect((await changes()).filter(({ status }) => status === 'started')).toMatchObject([{ started_at: at(-60) }]);
  });

  test('is a new change if it began, or if another version runs', async () => {
    await reconciled(-600, first, { status: 'started', final: undefined, started_at: at(-600) });
    await reconciled(-540, first);
    await pipeline(-300, second);
    await reconciled(-60, 'f'.repeat(40));
    expect(await changes()).toMatchObject([{}, { version: second }, { version: first, started_at: at(-600) }, {}]);
  });
});

describe('the commit of an image', () => {
  const [ofDeploys, ofCode] = ['d'.repeat(40), `4c1f0d9${'c'.repeat(33)}`];
  const image = (tag: string) => ({ images: [`ghcr.io/acme/shop:${tag}`], commit: ofDeploys, version: ofDeploys });
  const asked: string[] = [];

  beforeEach(async () => {
    asked.length = 0;
    const production = { sources: { image: 'ghcr.io/acme/shop' } };
    configure('c1', { shop: { repository: 'acme/shop', environments: { production } } });
    await world.deps.code.push(
      Push.parse({
        forge: 'github',
        repository: 'acme/shop',
        branch: 'main',
        before: 'a'.repeat(40),
        after: ofCode,
        received_at: at(-600),
        commits: [{ sha: ofCode, committed_at: at(-900), paths: null }],
        truncated: false,
      }),
    );
    world.deps.imageCommits = {
      commitOf: async (reference) => {
        asked.push(reference);
        return reference.endsWith(':1.4.0') ? ofCode : undefined;
      },
    };
  });

  test('replaces that of the repository for deployments, and is asked for once', async () => {
    await report(-60, { status: 'started', started_at: at(-60), commit: ofDeploys, version: ofDeploys });
    expect(await changes()).toMatchObject([{ version: ofDeploys, commit: ofDeploys, committed_at: null }]);
    for (const seconds of [-30, -10]) await report(seconds, { status: 'succeeded', ...image('1.4.0') });
    expect(await changes()).toMatchObject([{ version: '1.4.0', commit: ofCode, committed_at: at(-900) }]);
    expect(asked).toEqual(['ghcr.io/acme/shop:1.4.0']);
  });

  test('is that of a tag that names a commit of the repository', async () => {
    await report(-60, { status: 'succeeded', ...image('sha-4c1f0d9') });
    await report(-50, { key: 'other', status: 'succeeded', ...image('0d9beef') });
    expect((await changes()).map(({ version, commit }) => [version, commit])).toEqual([
      ['0d9beef', ofDeploys],
      ['sha-4c1f0d9', ofCode],
    ]);
  });
});

describe('a commit of a repository for deployments', () => {
  const [before, revision, ofCode] = ['b'.repeat(40), 'd'.repeat(40), `4c1f0d9${'c'.repeat(33)}`];
  const pushed = (repository: string, sha: string, more: object = {}) =>
    Push.parse({
      forge: 'github',
      repository,
      branch: 'main',
      before,
      after: sha,
      received_at: at(-600),
      commits: [{ sha, committed_at: at(-900), paths: ['apps/shop/kustomization.yaml'], ...more }],
      truncated: false,
    });
  const sync = (seconds: number, status: string) =>
    reportChange(
      world.deps,
      ChangeReport.parse({
        source: 'argo-cd',
        key: 'shop#1',
        at: at(seconds),
        subject: { argoApplication: 'shop' },
        version: revision,
        commit: revision,
        status,
      }),
      'trace',
    );
  const named = { names: { images: ['ghcr.io/acme/shop:sha-4c1f0d9'], commits: [] } };

  beforeEach(async () => {
    const deployRepository = { repository: 'https://github.com/acme/deploy.git', path: 'apps/shop' };
    const production = { sources: { argoApplication: 'shop', image: 'ghcr.io/acme/shop', deployRepository } };
    configure('c1', { shop: { repository: 'acme/shop', environments: { production } } });
    await world.deps.code.push(pushed('acme/shop', ofCode));
  });

  test('is followed to the commit of the application, in any order of the push and the synchronization', async () => {
    const expected = {
      version: 'sha-4c1f0d9',
      commit: ofCode,
      committed_at: at(-900),
      deploy_commit: revision,
      status: 'succeeded',
    };
    const push = pushed('acme/deploy', revision, named);
    await world.deps.code.push(push);
    for (const status of ['started', 'succeeded']) await sync(-60, status);
    expect(await changes()).toMatchObject([expected]);
    begin();
    const deployRepository = { repository: 'acme/deploy', path: 'apps/shop' };
    const production = { sources: { argoApplication: 'shop', image: 'ghcr.io/acme/shop', deployRepository } };
    configure('c1', { shop: { repository: 'acme/shop', environments: { production } } });
    await world.deps.code.push(pushed('acme/shop', ofCode));
    await sync(-60, 'succeeded');
    expect(await changes()).toMatchObject([{ version: revision, commit: revision }]);
    await world.deps.code.push(push);
    await applyAwaiting(world.deps, push, 'trace');
    expect(await changes()).toMatchObject([expected]);
  });

  test('names the commit of the application itself, or nothing', async () => {
    const names = { images: [], commits: [{ repository: 'acme/shop', commit: '4c1f0d9' }] };
    await world.deps.code.push(pushed('acme/deploy', revision, { names }));
    await sync(-60, 'succeeded');
    expect(await changes()).toMatchObject([{ version: revision, commit: ofCode, deploy_commit: revision }]);
    begin();
    await world.deps.code.push(pushed('acme/deploy', revision));
    configure('c1', {
      shop: {
        environments: {
          production: { sources: { argoApplication: 'shop', deployRepository: { repository: 'acme/deploy' } } },
        },
      },
    });
    await sync(-60, 'succeeded');
    expect(await changes()).toMatchObject([{ version: revision, commit: revision }]);
  });
});

describe('a commit of a repository for deployments that is not followed', () => {
  const ofDeploys = (digit: string) => digit.repeat(40);
  const applied = (seconds: number, key: string, tag: string, digit: string) =>
    report(seconds, {
      source: 'argo-cd',
      key,
      status: 'succeeded',
      version: ofDeploys(digit),
      commit: ofDeploys(digit),
      images: [`ghcr.io/acme/shop:${tag}`],
    });
  const versions = async () => (await changes()).map(({ kind, version }) => `${kind} ${version}`).toReversed();

  beforeEach(() => {
    configure('c1', {
      shop: { repository: 'acme/shop', environments: { production: { sources: { image: 'ghcr.io/acme/shop' } } } },
    });
  });

  test('makes no version of its own, and the next one can bring an older version back', async () => {
    await applied(-7200, 'shop#1', '1.2.3', 'a');
    await applied(-5400, 'shop#2', '1.2.3', 'b');
    await applied(-3600, 'shop#3', '1.2.4', 'c');
    await applied(-1800, 'shop#4', '1.2.3', 'd');
    expect(await versions()).toEqual(['deploy 1.2.3', 'deploy 1.2.3', 'deploy 1.2.4', 'rollback 1.2.3']);
  });

  test('is known as such in a change that another system has recorded without a commit', async () => {
    await report(-7200, { source: 'github', status: 'succeeded', version: '1.2.3' });
    await report(-7100, {
      source: 'flux',
      key: 'shop#1',
      status: 'succeeded',
      version: '1.2.3',
      commit: ofDeploys('a'),
    });
    expect(await changes()).toMatchObject([
      { reported_by: 'github', commit: ofDeploys('a'), deploy_commit: ofDeploys('a') },
    ]);
    await report(-60, {
      source: 'github',
      key: 'again',
      status: 'succeeded',
      version: '1.2.3',
      commit: ofDeploys('e'),
    });
    expect(await versions()).toEqual(['deploy 1.2.3', 'deploy 1.2.3']);
  });
});

describe('an unmapped rollout', () => {
  test('is kept, and recorded with its own times when the configuration maps it', async () => {
    const unmapped = await report(-60, { status: 'started', started_at: at(-60) }, 'acme/cart');
    expect(unmapped).toMatchObject({ state: 'unmapped', why: 'no service has the repository "acme/cart"' });
    await report(-30, { status: 'succeeded' }, 'acme/cart');
    await applyUnmapped(world.deps);
    expect(await changes()).toEqual([]);
    configure('c2', { cart: { repository: 'acme/cart', environments: { production: {} } } });
    await applyUnmapped(world.deps);
    expect(await changes()).toMatchObject([
      { service: 'cart', status: 'succeeded', started_at: at(-60), finished_at: at(-30) },
    ]);
    expect(await world.deps.rollouts.unmapped()).toEqual([]);
  });

  test('that the new configuration does not map either stays', async () => {
    await report(-60, { status: 'started' }, 'acme/cart');
    configure('c2', {});
    await applyUnmapped(world.deps);
    expect(await world.deps.rollouts.unmapped()).toMatchObject([{ unmapped_in: 'c2' }]);
  });
});

describe('a rollout that fails before its version is known', () => {
  const failed = (more: object = { started_at: at(-60) }) =>
    report(-10, { status: 'failed', version: undefined, ...more });

  test('is recorded', async () => {
    await failed();
    expect(await changes()).toMatchObject([{ status: 'failed', version: 'unknown' }]);
  });

  test('is not if it has not begun, such as a failed plan', async () => {
    await failed({});
    expect(await changes()).toEqual([]);
  });

  test('has the version with which it started', async () => {
    await report(-60, { status: 'started' });
    await failed();
    expect(await changes()).toMatchObject([{ status: 'failed', version: 'v2' }]);
  });
});
