import { beforeEach, describe, expect, test } from 'vitest';
import type { Reason } from '../../../../schemas/incidents/reason.ts';
import type { StepGuards } from '../../../../core/domain/rollback/guard.ts';
import type { QuestionInputs } from '../../../../core/domain/runbooks/permission.ts';
import { clearSuspectChange } from '../../../../core/actions/incidents/clear-suspect.ts';
import { restoreSuspectChange } from '../../../../core/actions/incidents/restore-suspect.ts';
import { executeResponseAction } from '../../../../core/actions/incidents/response-action.ts';
import { Config } from '../../../../schemas/config/config.ts';
import type { Caller } from '../../../../core/actions/people/caller.ts';
import type { DecisionInputs } from '../../../../core/domain/rollback/judgement.ts';
import { clearingOfVersion } from '../../../../core/domain/changes/cleared-suspects.ts';
import { decide } from '../../../../core/domain/rollback/rollback.ts';
import { NewChange } from '../../../../schemas/changes/change.ts';
import type { ChangeId, EnvironmentName, IncidentId, ServiceName, Version } from '../../../../schemas/config/names.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { clear } from '../../arbitraries.ts';
import { FakeWorld, idleEngine } from '../../../support/fake-deps.ts';

const serviceEnvironment = { service: 'checkout' as ServiceName, environment: 'production' as EnvironmentName };
const ADA: Caller = { name: 'ada', allow: () => undefined };
const BO: Caller = { name: 'bo', allow: () => undefined };

let world: FakeWorld;
let id: IncidentId;
const ids = new Map<string, ChangeId>();

beforeEach(async () => {
  world = new FakeWorld();
  world.engine = idleEngine();
  const deployer = { kind: 'http', url: 'http://cd.test' };
  world.config = Config.parse({
    version: 'test',
    services: { checkout: { environments: { production: { deployer } } } },
    paging: {},
  });
  for (const [version, minutesAgo] of [
    ['v0', 900],
    ['v1', 600],
    ['v2', 10],
  ] as const) {
    const started_at = plusSeconds(world.clock.now(), -60 * minutesAgo);
    const made = NewChange.parse({
      ...serviceEnvironment,
      version,
      started_at,
      finished_at: plusSeconds(started_at, 180),
    });
    ids.set(version, (await world.deps.changes.record(made)).change.id);
  }
  ({ id } = await world.deps.incidents.declare({
    ...serviceEnvironment,
    title: 'Errors',
    severity: 'critical',
    by: 'ada',
    trace: 't',
  }));
});

const changeId = (version: string): ChangeId => {
  const found = ids.get(version);
  if (found === undefined) throw new Error(`${version} was not deployed`);
  return found;
};

async function judged(number: number, more: Parameters<typeof clear>[0] = {}): Promise<string> {
  const inputs: DecisionInputs = clear({ changes: await world.deps.changes.recent(serviceEnvironment, 9), ...more });
  return ((await world.deps.decisions.keep(id, number, decide(inputs), inputs)) ?? expect.unreachable()).digest;
}

const clears = (caller: Caller, version = 'v2') =>
  clearSuspectChange(world.deps, caller, { id, change: changeId(version), key: `cleared-by-${caller.name}` });
const again = (caller: Caller, version = 'v2') =>
  restoreSuspectChange(world.deps, caller, { id, change: changeId(version) });
const messages = () => (world.store.dossiers.get(id)?.inbox ?? []).map(({ message }) => message);
const states = async () => (await world.deps.incidents.view(id))?.decisions.map(({ state }) => state);

describe('clearing a suspect', () => {
  const guards = (change_id: string): StepGuards => ({
    service: 'checkout',
    matched: true,
    guard: { state: 'read', paused: false },
    incident_paused: false,
    one_of_many: false,
    demoted: false,
    modes: ['act'],
    requires_approval: true,
    against: {
      change_id,
      suspect: null,
      lacking: null,
      neighbours_unreadable: false,
      monitoring_failure_only: false,
    },
  });
  const asksAbout = (number: number, version: string, people: string[] | null) => {
    const inputs: QuestionInputs = {
      runbook: 'r',
      title: 'R',
      version: '1',
      step: 's',
      only_asks: false,
      guards: guards(changeId(version)),
    };
    const reasons: Reason[] = [{ code: 'runbook_requires_approval', text: 'the runbook requires approval' }];
    return world.deps.decisions.ask(id, number, {
      serviceEnvironment: serviceEnvironment,
      text: 'Off?',
      reasons,
      people,
      approvals: 1,
      inputs,
    });
  };

  test('withdraws questions of runbooks about it, to any people, and no other questions', async () => {
    await asksAbout(1000, 'v2', null);
    await asksAbout(1001, 'v2', ['carol']);
    await asksAbout(1002, 'v1', null);
    expect((await clears(ADA)).withdrawn).toBe(2);
    expect(await states()).toEqual(['withdrawn', 'withdrawn', 'waiting']);
  });

  test('evaluates the other suspects, unless a question about another one is waiting', async () => {
    await judged(1, { policy: { mode: 'approve' } });
    await clears(ADA, 'v1');
    expect(messages().at(-1)).toMatchObject({ kind: 'cleared', judge: false });
    expect(await states()).toEqual(['waiting']);
    await clears(ADA, 'v2');
    expect(messages()).toContainEqual({ kind: 'cleared', by: 'ada', change: changeId('v2'), judge: true });
    expect(await states()).toEqual(['withdrawn']);
  });

  describe('whose name was seen with another commit since', () => {
    const [A, B] = ['1'.repeat(40), '2'.repeat(40)];
    const deployed = async (minutesAgo: number, commit: string) => {
      const started_at = plusSeconds(world.clock.now(), -60 * minutesAgo);
      const { change } = await world.deps.changes.record(
        NewChange.parse({ ...serviceEnvironment, version: '6.4', commit, started_at, finished_at: started_at }),
      );
      ids.set(commit, change.id);
    };

    test('withdraws the question about it, and not that about the other commit', async () => {
      await deployed(5, A);
      await judged(1, { policy: { mode: 'approve' } });
      await deployed(2, B);
      await judged(2, { policy: { mode: 'approve' } });
      const asked = (await world.deps.incidents.view(id))?.decisions.map(({ from_version: from }) => from);
      expect(asked).toEqual(['6.4', '6.4 (2222222)']);
      expect((await clears(ADA, A)).withdrawn).toBe(1);
      expect(await states()).toEqual(['withdrawn', 'waiting']);
      expect((await clears(ADA, B)).withdrawn).toBe(1);
    });

    test('stops its rollback', async () => {
      await deployed(5, A);
      await judged(1);
      await clears(ADA, A);
      await deployed(2, B);
      const cleared = (await world.deps.incidents.read(id))?.cleared;
      const changes = await world.deps.changes.recent(serviceEnvironment, 9);
      const ofVersion = (version: string) => clearingOfVersion(cleared, { service: 'checkout', version }, changes);
      expect([ofVersion('6.4 (1111111)')?.change_id, ofVersion('6.4 (2222222)')]).toEqual([changeId(A), undefined]);
    });

    test('is named with its commit, although the record of an earlier release is not', async () => {
      await deployed(5, A);
      await deployed(2, B);
      const { get } = world.deps.changes;
      world.deps.changes.get = async (change) => {
        const { reported_version: reported, ...found } =
          (await get.call(world.deps.changes, change)) ?? expect.unreachable();
        return { ...found, version: reported ?? found.version };
      };
      await judged(1, { policy: { mode: 'approve' } });
      const { cleared, withdrawn } = await clears(ADA, B);
      expect([cleared.version, withdrawn]).toEqual(['6.4 (2222222)', 1]);
    });
  });

  test('evaluates nothing while a rollback is in progress or has helped', async () => {
    await judged(1);
    const act = { serviceEnvironment: serviceEnvironment, resource: 'cd', automatic: true, isProposed: true };
    const effect = { key: `${id}.roll-back.1`, kind: 'roll-back', target: 'cd', class: 'keyed', detail: '' } as const;
    await world.deps.effects.intendAction(id, effect, act);
    await clears(ADA, 'v1');
    expect(messages().at(-1)).toMatchObject({ kind: 'cleared', judge: false });
    await world.deps.incidents.post(id, { kind: 'resume', by: '', note: '' }, { status: 'mitigated' });
    await world.deps.effects.conclude(id, effect.key, 'succeeded', '');
    await clears(ADA, 'v0');
    expect(messages().at(-1)).toMatchObject({ change: changeId('v0'), judge: false });
  });

  test('by two people at the same time is recorded once, and both answers name the first', async () => {
    const [one, two] = await Promise.all([clears(ADA), clears(BO)]);
    expect(one.cleared).toEqual(two.cleared);
    expect(one.incident.cleared).toHaveLength(1);
    expect(messages().filter(({ kind }) => kind === 'cleared')).toHaveLength(1);
  });

  test('acknowledges the incident', async () => {
    await clears(ADA);
    expect((await world.deps.incidents.read(id))?.handling?.acknowledged).toMatchObject({ by: 'ada' });
  });

  test('is limited in number', async () => {
    const [first] = (await clears(ADA, 'v0')).incident.cleared;
    if (first === undefined) throw new Error('it was not cleared');
    await world.store.editIncident(id, {
      cleared: Array.from({ length: 50 }, (_, n) => ({
        ...first,
        change_id: `chg_${String(n).padStart(26, '0')}` as ChangeId,
      })),
    });
    await expect(clears(ADA, 'v2')).rejects.toMatchObject({ status: 409, code: 'too-many-cleared' });
  });
});

describe('suspecting again', () => {
  test('asks again with the current data', async () => {
    await clears(ADA, 'v1');
    await judged(1, { policy: { mode: 'approve' } });
    await again(BO, 'v1');
    expect(await states()).toEqual(['withdrawn']);
    expect(messages()).toContainEqual({ kind: 'cleared', by: 'bo', change: changeId('v1'), judge: true });
  });

  test('keeps a question that a person requested', async () => {
    await clears(ADA, 'v1');
    await judged(1, { policy: { approvals: 2 }, request: { by: 'person', name: 'ada' } });
    await again(BO, 'v1');
    expect(await states()).toEqual(['waiting']);
    expect(messages().at(-1)).toMatchObject({ kind: 'cleared', judge: false });
  });

  test('is executed once if the same person repeats it', async () => {
    await clears(ADA);
    await again(BO);
    await again(BO);
    expect(messages().filter(({ kind }) => kind === 'cleared')).toHaveLength(2);
    await expect(again(ADA)).rejects.toMatchObject({
      code: 'not-cleared',
      message: expect.stringMatching(/^INC-\d+ has no/),
    });
  });
});

describe('the approval of a second person', () => {
  const asks = (caller: Caller, to?: string) =>
    executeResponseAction(world.deps, caller, {
      id,
      action: 'rollback',
      note: '',
      ...(to !== undefined && { to: to as Version }),
    });
  const askedFor = (to?: string) =>
    judged(1, {
      policy: { approvals: 2 },
      request: { by: 'person', name: 'ada', ...(to !== undefined && { to: to as Version }) },
    });

  test('is a request for the same version', async () => {
    await askedFor('v0');
    await asks(BO, 'v0');
    expect(await states()).toEqual(['approved']);
    expect(messages().map(({ kind }) => kind)).toEqual(['answered']);
  });

  test('is a request that names the chosen version', async () => {
    await askedFor();
    await asks(BO, 'v1');
    expect(await states()).toEqual(['approved']);
  });

  test.each([
    ['v0', 'v1'],
    ['v0', undefined],
    [undefined, 'v0'],
  ])('is not a request for another version: %s is asked about, %s is requested', async (first, second) => {
    await askedFor(first);
    await asks(BO, second);
    expect(await states()).toEqual(['withdrawn']);
    expect(messages()[0]).toMatchObject({ kind: 'rollback', by: 'bo', ...(second !== undefined && { to: second }) });
  });
});

describe('a rollback to a named version in progress', () => {
  test('is not repeated for the person who requested it, and blocks another version', async () => {
    await judged(1, { request: { by: 'person', name: 'ada', to: 'v0' as Version } });
    const effect = { key: `${id}.roll-back.1`, kind: 'roll-back', target: 'cd', class: 'keyed', detail: '' } as const;
    await world.deps.effects.intendAction(id, effect, {
      serviceEnvironment: serviceEnvironment,
      resource: 'cd',
      automatic: false,
      isProposed: false,
    });
    const asks = (to: string) =>
      executeResponseAction(world.deps, ADA, { id, action: 'rollback', note: '', to: to as Version });
    await asks('v0');
    expect(messages()).toEqual([]);
    await expect(asks('v1')).rejects.toMatchObject({ status: 409, code: 'rollback-in-progress' });
  });
});
