import { describe, expect, test } from 'vitest';
import type { DriftCheck } from '../../core/domain/rollback/targets.ts';
import { recordChange } from '../../core/actions/changes/record-change.ts';
import { executeResponseAction } from '../../core/actions/incidents/response-action.ts';
import { NewChange } from '../../schemas/changes/change.ts';
import { plusSeconds } from '../../schemas/time/time.ts';
import { answersWhatWaits, configured, deploys, fires, type Moment, play, says, theIncident } from './play.ts';

const [A, B, C] = ['1'.repeat(40), '2'.repeat(40), '3'.repeat(40)];
const CHECKOUT = { service: 'checkout', environment: 'production' } as never;

/** Moves the deploy of a version two hours back, so that the story is about the others. */
const longAgo =
  (version: string): Moment =>
  async ({ deps }) => {
    for (const change of await deps.changes.recent(CHECKOUT, 50))
      if (change.version === version)
        await deps.changes.revise(change.id, (one) => ({
          ...one,
          started_at: plusSeconds(one.started_at, -7200),
          finished_at: plusSeconds(one.started_at, -7020),
        }));
  };

const resolves = says({ kind: 'resolve', by: 'person:ada', note: '' });

async function played(given: Moment[], timeline: Record<string, Moment> = {}) {
  const { world } = await play({
    given: [longAgo('v2'), ...given],
    timeline: { '0 s': fires(), ...timeline, '2 min': resolves },
  });
  const { decisions, effects } = world.store.dossier(theIncident(world));
  const pins = await world.deps.pins.of(CHECKOUT);
  return {
    world,
    decided: [...decisions.values()].map(
      ({ view: { kind, because, from_version: from, to_version: to } }) => `${kind} ${from} to ${to} (${because})`,
    ),
    effects: [...effects.values()].flatMap(({ kind, detail }) => (kind === 'roll-back' ? [detail] : [])),
    calls: world.calls.filter((call) => call.startsWith('cd ')),
    pinned: pins.map(({ version, commit }) => [version, commit]),
  };
}

/** The CD system compares and restores versions by their commits. */
const KNOWS_COMMITS = configured({ deployer: { kind: 'http', commits: true } });

test('another commit of a branch is suspected, and a person is asked whether to roll back to the one before', async () => {
  const branch = [deploys('6.4', 90, { commit: A }), deploys('6.4', 6, { commit: B })];
  const { decided, calls, world } = await played([KNOWS_COMMITS, ...branch]);
  expect(decided).toEqual(['approve 6.4 (2222222) to 6.4 (1111111) (version_name_moved)']);
  expect(calls).toEqual([]);
  expect(
    (await world.deps.changes.list({ service: 'checkout' as never, limit: 9 })).items.map(({ version }) => version),
  ).toEqual(['6.4 (2222222)', '6.4 (1111111)', 'v2', 'v1']);
});

test('no one is asked about a rollback that the CD system cannot make, because it calls both versions the same', async () => {
  const { decided, calls, world } = await played(
    [deploys('6.4', 90, { commit: A }), deploys('6.4', 6, { commit: B })],
    { '20 s': says({ kind: 'rollback', by: 'person:ada', note: '', from: '6.4 (2222222)' as never }) },
  );
  expect(decided).toEqual(Array(2).fill('none 6.4 (2222222) to null (version_indistinct)'));
  expect(calls).toEqual([]);
  const { decisions } = world.store.dossier(theIncident(world));
  expect([...decisions.values()][0]?.view.reasons[0]?.text).toBe(
    'the CD system knows 6.4 (2222222) and 6.4 (1111111) only as 6.4, so it could only restart the running version; if it restores versions by their commits, set `commits: true` in the deployer',
  );
});

const deploysDigest =
  (startedMinutesAgo: number, digit: string): Moment =>
  ({ deps, clock }) => {
    const started_at = plusSeconds(clock.now(), -60 * startedMinutesAgo);
    const artifact = { of: 'kubernetes shop/Deployment/checkout', id: `sha256:${digit.repeat(64)}` };
    const finished_at = plusSeconds(started_at, 180);
    return deps.changes.record(
      NewChange.parse({ ...(CHECKOUT as object), version: 'stable', started_at, finished_at }),
      { artifact, reported_by: 'kubernetes' },
    );
  };

test.each<[string, Moment[], Moment[]]>([
  [
    'by its commit, too',
    [],
    [deploys('6.4', 95, { commit: A }), deploys(A, 90, { commit: A }), deploys('6.4', 6, { commit: B })],
  ],
  [
    'by its commit only now',
    [],
    [deploys('6.4', 90, { commit: A }), deploys('6.4', 7, { commit: B }), deploys(B, 6, { commit: B })],
  ],
  [
    'by its name, and of which only the digests are known',
    [configured({ deployer: { kind: 'kubernetes', namespace: 'shop', deployment: 'checkout' } })],
    [deploysDigest(90, '1'), deploysDigest(6, '2')],
  ],
])('nor if a version was reported %s', async (_, given, deployed) => {
  const { decided, calls } = await played([...given, ...deployed], { '30 s': answersWhatWaits('approved') });
  expect(decided.map((one) => one.replace(/ .*\(/, ' ('))).toEqual(['none (version_indistinct)']);
  expect(calls).toEqual([]);
});

test('a person is asked before a commit is restored whose name means a later one that was rolled back', async () => {
  const { decided, calls } = await played([
    deploys('6.4', 120, { commit: A }),
    deploys('6.4', 70, { commit: B }),
    deploys('6.4', 60, { commit: A, kind: 'rollback' }),
    deploys('6.5', 6, { commit: C }),
  ]);
  expect(decided).toEqual(['approve 6.5 to 6.4 (1111111) (version_name_moved)']);
  expect(calls).toEqual([]);
});

test('a commit is neither rolled back to its own name nor suspected as another version', async () => {
  const { decided, calls } = await played([
    deploys('v4', 200, { commit: B }),
    deploys('v5', 90, { commit: A }),
    deploys(A, 6, { commit: A }),
  ]);
  expect(calls).toEqual([]);
  expect(decided.filter((one) => one.startsWith('roll_back'))).toEqual([]);
});

test('a person is asked before a CD system that knows only names restores the newest commit of a branch', async () => {
  const branch = [
    deploys('6.4', 120, { commit: A }),
    deploys('6.4', 70, { commit: B }),
    deploys('6.5', 6, { commit: C }),
  ];
  const asked = await played(branch);
  expect(asked.decided).toEqual(['approve 6.5 to 6.4 (2222222) (version_name_moved)']);
  expect(asked.calls).toEqual([]);
  expect((await played([KNOWS_COMMITS, ...branch])).calls).toEqual(['cd roll-back.1 6.5 to 6.4']);
});

test('an approval does not cover a name that has moved since the question', async () => {
  const asks = configured({
    deployer: { kind: 'http', commits: true },
    autoRollback: { mode: 'approve', evidence: 'time', unknownMigration: 'act' },
  });
  const { decided, calls, world } = await played(
    [asks, deploys('stable', 90, { commit: A }), deploys('v9', 6, { commit: B })],
    {
      '20 s': deploys('stable', 0, { commit: C, status: 'failed' }),
      '30 s': answersWhatWaits('approved'),
    },
  );
  expect(decided[0]).toBe('approve v9 to stable (mode_approve)');
  expect(calls).toEqual([]);
  const { timeline } = world.store.dossier(theIncident(world));
  expect(timeline.map(({ text }) => text)).toContainEqual(
    expect.stringContaining('knows stable (1111111) as stable, which now means the commit 3333333'),
  );
});

describe('a rollback that a person requests to a commit whose name means another one now', () => {
  const BRANCH = [deploys('6.4', 90, { commit: A }), deploys('6.4', 6, { commit: B })];
  const requests =
    (more: object = {}, name = 'person:ada'): Moment =>
    ({ deps, store }) =>
      executeResponseAction(
        deps,
        { name, allow: () => undefined },
        { id: theIncident({ store } as never), action: 'rollback', note: '', ...more },
      );
  const TO_A = { to: '6.4 (1111111)' };
  const quiet = configured({
    deployer: { kind: 'http', commits: true },
    autoRollback: { mode: 'shadow', evidence: 'time', unknownMigration: 'act' },
  });
  const asked = (requested: Moment, more: Record<string, Moment> = {}, given = [quiet]) =>
    played([...given, ...BRANCH], { '20 s': requested, ...more });
  const QUESTION = 'approve 6.4 (2222222) to 6.4 (1111111) (version_name_moved)';
  const MOVED = 'knows 6.4 (1111111) as 6.4, which now means the commit 2222222';

  test.each([
    ['by name', TO_A],
    ['as the newest one that is known to be good', {}],
  ])('%s, asks first, and a repeated request asks no second time', async (_, to) => {
    const { decided, calls } = await asked(requests(to), { '30 s': requests(to) });
    expect(decided.slice(1)).toEqual([QUESTION]);
    expect(calls).toEqual([]);
  });

  test('is executed after the approval, and the record says what was known', async () => {
    const { calls, world } = await asked(requests(TO_A), { '30 s': answersWhatWaits('approved') });
    expect(calls).toEqual(['cd roll-back.2 6.4 to 6.4']);
    const { decisions } = world.store.dossier(theIncident(world));
    expect([...decisions.values()].at(-1)?.view.reasons.map(({ code }) => code)).toEqual([
      'version_name_moved',
      'requested_by_person',
      'suspect',
    ]);
  });

  test('is executed at once if the person confirmed it knowing that, and the timeline tells it', async () => {
    const { decided, calls, world } = await asked(requests({ ...TO_A, movedKnown: true }));
    expect(decided.slice(1)).toEqual(['roll_back 6.4 (2222222) to 6.4 (1111111) (requested_by_person)']);
    expect(calls).toEqual(['cd roll-back.2 6.4 to 6.4']);
    const { timeline } = world.store.dossier(theIncident(world));
    expect(timeline.map(({ text }) => text)).toContainEqual(expect.stringContaining(MOVED));
  });

  test('is executed while the question waits if the person then confirms it knowing that', async () => {
    const { decided, calls, world } = await asked(requests(TO_A), {
      '30 s': requests({ ...TO_A, movedKnown: true }),
    });
    expect(decided.at(-1)).toBe('roll_back 6.4 (2222222) to 6.4 (1111111) (requested_by_person)');
    expect(calls).toEqual(['cd roll-back.3 6.4 to 6.4']);
    const { decisions } = world.store.dossier(theIncident(world));
    expect([...decisions.values()].map(({ view: { state } }) => state)).toEqual(['final', 'withdrawn', 'final']);
  });

  const two = configured({
    deployer: { kind: 'http', commits: true },
    autoRollback: { mode: 'shadow', evidence: 'time', unknownMigration: 'act', approvals: 2 },
  });

  test.each([
    ['was not told, is no approval', {}, ['person:ada'], []],
    ['knows that, is one', { movedKnown: true }, ['person:ada', 'person:bob'], ['cd roll-back.2 6.4 to 6.4']],
  ])('by a second person who %s', async (_, more, given, called) => {
    const second = requests({ ...TO_A, ...more }, 'person:bob');
    const { decided, calls, world } = await asked(requests(TO_A), { '30 s': second }, [two]);
    expect(decided.slice(1)).toEqual(['approve 6.4 (2222222) to 6.4 (1111111) (second_person)']);
    const { decisions } = world.store.dossier(theIncident(world));
    expect([...decisions.values()].at(-1)?.view.approvals.given).toEqual(given);
    expect(calls).toEqual(called);
  });

  test('tells the second person', async () => {
    const { decided, world } = await asked(requests(TO_A), {}, [two]);
    expect(decided[1]).toBe('approve 6.4 (2222222) to 6.4 (1111111) (second_person)');
    const { decisions } = world.store.dossier(theIncident(world));
    expect([...decisions.values()].at(-1)?.view.reasons.map(({ text }) => text)).toContainEqual(
      expect.stringContaining(MOVED),
    );
  });

  test('tells the person whom a program asks', async () => {
    const proposes = says({ kind: 'rollback_proposed', by: 'agent', note: '', from: '6.4 (2222222)' as never });
    const { decided, calls, world } = await asked(proposes, { '30 s': answersWhatWaits('approved') });
    expect(decided[1]).toBe('approve 6.4 (2222222) to 6.4 (1111111) (rollback_proposed)');
    expect(calls).toEqual(['cd roll-back.2 6.4 to 6.4']);
    const { decisions } = world.store.dossier(theIncident(world));
    expect([...decisions.values()].at(-1)?.view.reasons.map(({ text }) => text)).toContainEqual(
      expect.stringContaining(MOVED),
    );
  });

  test('is withheld if the name moved only after the question', async () => {
    const { calls, world } = await played(
      [quiet, deploys('stable', 90, { commit: A }), deploys('v9', 6, { commit: B })],
      {
        '20 s': says({ kind: 'rollback_proposed', by: 'agent', note: '', from: 'v9' as never, to: 'stable' as never }),
        '30 s': deploys('stable', 0, { commit: C, status: 'failed' }),
        '40 s': answersWhatWaits('approved'),
      },
    );
    expect(calls).toEqual([]);
    const { timeline } = world.store.dossier(theIncident(world));
    expect(timeline.map(({ text }) => text)).toContainEqual(
      expect.stringContaining('knows stable (1111111) as stable, which now means the commit 3333333'),
    );
  });
});

test('no one is asked about a commit of a branch that is not known', async () => {
  const { decided, calls } = await played(
    [KNOWS_COMMITS, deploys('6.4', 180, { commit: A }), deploys('6.4', 90), deploys('6.4', 6, { commit: B })],
    { '30 s': answersWhatWaits('approved') },
  );
  expect(decided).toEqual(['none 6.4 (2222222) to null (version_indistinct)']);
  expect(calls).toEqual([]);
});

test('a bad commit of a branch is rolled back by the names of the target, and only this commit is pinned', async () => {
  const { decided, calls, pinned, world } = await played([
    deploys('6.4', 34, { commit: A }),
    deploys('6.4', 6, { commit: B }),
  ]);
  expect(decided).toEqual(['roll_back 6.4 (2222222) to v2 (suspect)']);
  expect(calls).toEqual(['cd roll-back.1 6.4 to v2']);
  expect(pinned).toEqual([['6.4 (2222222)', B]]);
  await deploys('6.4', 0, { commit: C })(world);
  const [fix] = (await world.deps.changes.list({ service: 'checkout' as never, limit: 1 })).items;
  expect(fix?.version).toBe('6.4 (3333333)');
});

describe('a rollback to another commit of a branch, which the pipeline reports', () => {
  const UNTOLD = { kind: 'unknown', detail: 'the target does not tell' } as const;
  const DRIFTED = { kind: 'drifted', detail: '6.4 was synced again' } as const;
  const underWay = (handle: string | null) => ({ kind: 'in_progress', id: 'rb-1', handle }) as const;
  const reported = async (
    more: object,
    given: Moment[] = [],
    handle: string | null = null,
    held: DriftCheck = UNTOLD,
  ) => {
    const story = await played(
      [
        ...given,
        deploys('6.4', 90, { commit: A }),
        deploys('6.4', 6, { commit: B }),
        (world) => {
          world.rollbacks = [underWay(handle), underWay(handle), underWay(handle), { kind: 'succeeded', id: 'rb-1' }];
          world.held = [held];
          world.looks = [underWay(handle), underWay(handle), underWay(handle), { kind: 'succeeded', id: 'rb-1' }];
        },
      ],
      {
        '30 s': answersWhatWaits('approved'),
        '36 s': ({ deps, clock }) =>
          deps.changes.record(
            NewChange.parse({ ...(CHECKOUT as object), version: '6.4', started_at: clock.now(), ...more }),
            {
              reported_by: 'github',
            },
          ),
      },
    );
    const { record, effects } = story.world.store.dossier(theIncident(story.world));
    return {
      state: [...effects.values()].find(({ kind }) => kind === 'roll-back')?.state,
      verification: record.verification,
      timeline: story.world.store.dossier(theIncident(story.world)).timeline.map(({ text }) => text),
      pinned: story.pinned,
    };
  };
  const REVERTS = configured({ deployer: { kind: 'github', via: 'revert' } });

  test.each<[string, object, Moment[], string | null]>([
    ['without a commit', {}, [KNOWS_COMMITS], null],
    ['with its commit', { commit: A }, [KNOWS_COMMITS], null],
    ['with the commit of the revert', { commit: C }, [REVERTS], 'commit/3'],
    ['with the commit of the revert, which cannot be polled', { commit: C }, [REVERTS], null],
  ])('%s, is no newer deploy', async (_, more, given, handle) => {
    expect(await reported(more, given, handle)).toMatchObject({
      state: 'succeeded',
      verification: 'pending',
      pinned: [['6.4 (2222222)', B]],
    });
  });

  test('with the commit of the revert, does not hide that another system undoes it', async () => {
    const { timeline } = await reported({ commit: C }, [REVERTS], 'commit/3', DRIFTED);
    expect(timeline).toContainEqual(expect.stringContaining('6.4 was synced again'));
  });

  test('as a rollback by a revert that was done before the call, needs no page', async () => {
    const { world } = await played([REVERTS, deploys('6.4', 90, { commit: A }), deploys('6.4', 6, { commit: B })], {
      '20 s': deploys('6.4', 0, { commit: C, kind: 'rollback', previous_version: '6.4 (2222222)' }),
      '30 s': answersWhatWaits('approved'),
    });
    const { timeline } = world.store.dossier(theIncident(world));
    expect(timeline.map(({ text }) => text)).toContainEqual(
      expect.stringContaining('6.4 (2222222) of checkout was rolled back to 6.4 (1111111) already'),
    );
  });

  test('but with another commit is one', async () => {
    expect(await reported({ commit: C }, [KNOWS_COMMITS])).toMatchObject({ state: 'superseded', pinned: [] });
  });
});

test.each([
  ['while it is in progress', '12 s'],
  ['after its end', '60 s'],
])('the rollback job reports the version to restore with the commit of its own run %s', async (_, at) => {
  const underWay = { kind: 'in_progress', id: 'rb-1', handle: null } as const;
  const { world, pinned, calls } = await played(
    [
      deploys('v41', 90, { commit: A }),
      deploys('v42', 6, { commit: B }),
      ({ rollbacks }) => rollbacks.splice(0, 9, underWay, underWay, underWay, { kind: 'succeeded', id: 'rb-1' }),
    ],
    {
      [at]: ({ deps, clock }) =>
        recordChange(
          deps,
          NewChange.parse({ ...(CHECKOUT as object), version: 'v41', commit: C, started_at: clock.now() }),
          'trace',
        ),
    },
  );
  expect(calls[0]).toBe('cd roll-back.1 v42 to v41');
  const { record, effects } = world.store.dossier(theIncident(world));
  expect([...effects.values()].find(({ kind }) => kind === 'roll-back')?.state).toBe('succeeded');
  expect(record.verification).toBe('pending');
  expect(pinned).toEqual([['v42', B]]);
  const { items } = await world.deps.changes.list({ service: 'checkout' as never, limit: 3 });
  expect(items.map(({ version, kind, commit }) => [version, kind, commit])).toEqual([
    ['v41', 'rollback', A],
    ['v42', 'deploy', B],
    ['v41', 'deploy', A],
  ]);
});

test('the version before is the one in another spelling, and is no target of a rollback', async () => {
  const { decided, calls } = await played([deploys('v42', 8), deploys('42', 6)]);
  expect(decided).toEqual(['roll_back v42 to v2 (suspect)']);
  expect(calls).toEqual(['cd roll-back.1 42 to v2']);
});

test('a fix of the same branch is not rolled back by the question about the commit before', async () => {
  const { decided, calls } = await played([deploys('6.4', 6, { commit: A })], {
    '30 s': deploys('6.4', 0, { commit: B }),
  });
  expect(decided[0]).toBe('roll_back 6.4 to v2 (suspect)');
  expect(calls).toEqual(['cd roll-back.1 6.4 to v2']);
});
