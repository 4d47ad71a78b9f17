import { beforeEach, describe, expect, test } from 'vitest';
import { decide } from '../../../../core/domain/rollback/rollback.ts';
import { NewChange } from '../../../../schemas/changes/change.ts';
import type { ChangeId, EnvironmentName, IncidentId, ServiceName, Version } from '../../../../schemas/config/names.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { clear } from '../../../core/arbitraries.ts';
import { ADA, BOB, ChatWorld, pressed } from './chat-world.ts';

const serviceEnvironment = { service: 'checkout' as ServiceName, environment: 'production' as EnvironmentName };

let chat: ChatWorld;
let id: IncidentId;

beforeEach(async () => {
  chat = new ChatWorld();
  id = await chat.incident();
});

describe('clearing a suspect', () => {
  let change: ChangeId;

  beforeEach(async () => {
    await deployed('v1', 300);
    change = await deployed('v2', 10);
  });

  const press = (user = ADA) => chat.presses(user, { verb: 'not_the_deploy', incident: id, change });

  async function judged(more: Partial<Parameters<typeof clear>[0]> = {}): Promise<void> {
    const changes = await chat.deps.changes.recent(serviceEnvironment, 9);
    const inputs = clear({ changes, policy: { mode: 'approve' }, ...more });
    await chat.deps.decisions.keep(id, 1, decide(inputs), inputs);
  }

  test('works without a question about it', async () => {
    expect(await press()).toBe(
      'v2 is cleared: Firebreak no longer asks about it, and rolls it back only if a person requests that. Firebreak now evaluates the other suspects.',
    );
    expect(chat.timeline(id)).toEqual([`slack:${ADA}: v2 was not the cause`]);
    expect((await chat.record(id)).cleared).toMatchObject([{ change_id: change, version: 'v2', by: `slack:${ADA}` }]);
  });

  test('withdraws the question about it', async () => {
    await judged();
    expect((await chat.record(id)).suspects).toMatchObject([{ version: 'v2' }]);
    const digest = (await chat.deps.decisions.get(id, 1))?.digest ?? '';
    expect(await press()).toContain('The question about it is withdrawn.');
    expect(await chat.deps.decisions.state(id, 1)).toBe('withdrawn');
    expect((await chat.record(id)).suspects).toEqual([]);
    expect(await chat.presses(BOB, { verb: 'approve', incident: id, digest })).toBe(
      'Superseded: the question was withdrawn: v2 was not the cause. Nothing was done.',
    );
  });

  test('also withdraws a question of a runbook to other people', async () => {
    await judged({ request: { by: 'runbook', name: 'r', approval: { people: ['carol'], seconds: null } } });
    expect(await press()).toContain('The question about it is withdrawn.');
    expect(await chat.deps.decisions.state(id, 1)).toBe('withdrawn');
  });

  test('says that a rollback is in progress or done', async () => {
    await judged({ policy: { mode: 'act', unknownMigration: 'act' } });
    const effect = {
      key: `${id}.roll-back.1`,
      kind: 'roll-back',
      target: 'cd',
      class: 'keyed',
      detail: 'Rolling back v2 to v1',
    } as const;
    await chat.deps.effects.intendAction(id, effect, {
      serviceEnvironment: serviceEnvironment,
      resource: 'cd',
      automatic: true,
      isProposed: true,
    });
    expect(await press()).toBe(
      'v2 is cleared, but its rollback to v1 is in progress and continues. The rollback is marked as wrong, which counts against the automation of the service.',
    );
    await chat.deps.effects.conclude(id, effect.key, 'succeeded', 'Rolled back to v1');
    expect(await press(BOB)).toMatch(
      /^v2 is cleared, but it was already rolled back to v1\. It is not pinned, .* ada has already cleared it/,
    );
  });

  test('says what becomes of the pin of a version that was rolled back, also if it is suspected again', async () => {
    await judged({ policy: { mode: 'act', unknownMigration: 'act' } });
    await rolledBack({ automatic: true });
    expect(await press()).toBe(
      'v2 is cleared, but it was already rolled back to v1. It is not pinned, so it can be deployed again. The rollback is marked as wrong, which counts against the automation of the service.',
    );
    expect(await chat.deps.pins.of(serviceEnvironment)).toEqual([]);
    expect(await chat.presses(BOB, { verb: 'suspect_again', incident: id, change })).toBe(
      'v2 is suspected again. It was already rolled back to v1, so it is not evaluated again. It is not pinned, so it can be deployed again.',
    );
    expect(await chat.deps.pins.of(serviceEnvironment)).toEqual([]);
  });

  test('says that a pin stays after a rollback that a person requested', async () => {
    await judged({ policy: { mode: 'act', unknownMigration: 'act' } });
    await rolledBack({ automatic: false });
    expect(await press()).toBe(
      'v2 is cleared, but it was already rolled back to v1. It stays pinned until the pin is lifted.',
    );
    expect(await chat.presses(BOB, { verb: 'suspect_again', incident: id, change })).toBe(
      'v2 is suspected again. It was already rolled back to v1, so it is not evaluated again. It stays pinned until the pin is lifted.',
    );
  });

  test('says that a version that is suspected again is not evaluated while the incident is mitigated', async () => {
    await press();
    await chat.deps.incidents.post(id, { kind: 'resume', by: '', note: '' }, { status: 'mitigated' });
    expect(await chat.presses(BOB, { verb: 'suspect_again', incident: id, change })).toBe(
      'v2 is suspected again. It is not evaluated now, because the incident is mitigated.',
    );
  });

  test('is recorded once, even if another person repeats it', async () => {
    await press();
    expect(await press(BOB)).toMatch(new RegExp(`ada has already cleared it, at 2026-`));
    expect(chat.timeline(id)).toEqual([`slack:${ADA}: v2 was not the cause`]);
  });

  test('is executed once if the process dies before it stores the result', async () => {
    await judged();
    const event = chat.heard(pressed(ADA, { verb: 'not_the_deploy', incident: id, change }));
    const { store: did } = chat.deps.processedEvents;
    chat.deps.processedEvents.store = async () => {
      throw new Error('the process dies');
    };
    expect(await chat.deliver(event)).toBe(false);
    chat.deps.processedEvents.store = did;
    expect(await chat.deliver(event)).toBe(true);
    expect(chat.timeline(id)).toEqual([
      expect.stringMatching(/^firebreak: Roll checkout in production back from v2 to v1\? /),
      `slack:${ADA}: v2 was not the cause`,
      `slack:${ADA}: Question withdrawn: v2 was not the cause`,
    ]);
    expect(chat.answer()).not.toContain('has already cleared it');
  });

  test('can be reverted and repeated by anyone, with the same buttons', async () => {
    await press();
    const again = () => chat.presses(BOB, { verb: 'suspect_again', incident: id, change });
    expect(await again()).toBe(
      'v2 is suspected again, and Firebreak now evaluates it with the other suspects. Any action requires approval.',
    );
    chat.later(60);
    expect(await again()).toMatch(/^v2 is suspected again/);
    expect((await chat.record(id)).cleared).toMatchObject([{ restored: { by: `slack:${BOB}` } }]);
    chat.later(60);
    expect(await press()).toMatch(/^v2 is cleared: /);
    expect((await chat.record(id)).cleared).toEqual([expect.not.objectContaining({ restored: expect.anything() })]);
    expect(chat.timeline(id)).toEqual([
      `slack:${ADA}: v2 was not the cause`,
      `slack:${BOB}: Suspected v2 again`,
      `slack:${ADA}: v2 was not the cause`,
    ]);
  });

  test('cannot be reverted if the suspect is not cleared', async () => {
    const again = chat.presses(ADA, { verb: 'suspect_again', incident: id, change });
    expect(await again).toMatch(/^INC-\d+ has no cleared suspect v2\. Nothing was done\.$/);
  });

  test('adds only a timeline entry to a resolved incident', async () => {
    await chat.deps.incidents.resolve(id, 0, 'ada', 'over');
    expect(await press()).toBe('v2 is cleared on the timeline only, because the incident is already resolved.');
    expect(chat.timeline(id)).toEqual(['ada: over', `slack:${ADA}: v2 was not the cause`]);
  });

  test('does not apply to other incidents', async () => {
    const other = await chat.deps.incidents.declare({
      ...serviceEnvironment,
      environment: 'staging' as EnvironmentName,
      title: 'Errors',
      severity: 'critical',
      by: 'ada',
      trace: 't',
    });
    await press();
    expect((await chat.record(other.id)).cleared).toBeUndefined();
    expect(await chat.presses(ADA, { verb: 'not_the_deploy', incident: other.id, change })).toMatch(
      /^INC-\d+ is in staging, but v2 was deployed to production/,
    );
  });

  test('requires a known deployment', async () => {
    const unknown = 'chg_00000000000000000000000000';
    expect(await chat.presses(ADA, { verb: 'not_the_deploy', incident: id, change: unknown })).toBe(
      `There is no deployment ${unknown}. Nothing was done.`,
    );
    expect(chat.timeline(id)).toEqual([]);
  });

  test('is reverted by a manual rollback', async () => {
    await press();
    expect(await chat.says(BOB, '/rollback', 'checkout production')).toMatch(
      /No change is suspected\.\nv2 was cleared by ada at /,
    );
    await chat.presses(BOB, { verb: 'rollback', ...serviceEnvironment, from: 'v2' as Version, to: 'v1' as Version });
    expect((await chat.record(id)).cleared).toMatchObject([{ restored: { by: `slack:${BOB}` } }]);
    expect(chat.timeline(id).at(-1)).toBe(`slack:${BOB}: Requested a rollback; v2 is therefore suspected again`);
  });

  async function rolledBack({ automatic }: { automatic: boolean }): Promise<void> {
    const effect = { key: `${id}.roll-back.1`, kind: 'roll-back', target: 'cd', class: 'keyed', detail: '' } as const;
    await chat.deps.effects.intendAction(id, effect, {
      serviceEnvironment,
      resource: 'cd',
      automatic,
      isProposed: automatic,
    });
    await chat.deps.effects.conclude(id, effect.key, 'succeeded', 'Rolled back to v1');
    const pin = { ...serviceEnvironment, version: 'v2' as Version, rolled_back_to: 'v1' as Version, incident_id: id };
    await chat.deps.pins.add({ ...pin, reason: 'rolled back to v1', pinned_at: chat.world.clock.now() }, change);
  }

  async function deployed(version: string, minutesAgo: number): Promise<ChangeId> {
    const started_at = plusSeconds(chat.world.clock.now(), -60 * minutesAgo);
    const made = NewChange.parse({
      ...serviceEnvironment,
      version,
      started_at,
      finished_at: plusSeconds(started_at, 180),
    });
    return (await chat.deps.changes.record(made)).change.id;
  }
});
