import { beforeEach, describe, expect, test } from 'vitest';
import { decide } from '../../../domain/rollback.ts';
import { NewChange } from '../../../schemas/change.ts';
import type { ChangeId, EnvironmentName, IncidentId, ServiceName, Version } from '../../../schemas/names.ts';
import { plusSeconds } from '../../../schemas/time.ts';
import { clear } from '../../domain/arbitraries.ts';
import { ADA, BOB, ChatWorld, pressed } from './chat-world.ts';

const place = { service: 'checkout' as ServiceName, environment: 'production' as EnvironmentName };

let chat: ChatWorld;
let id: IncidentId;

beforeEach(async () => {
  chat = new ChatWorld();
  id = await chat.incident();
});

describe('"this was not the deploy"', () => {
  let change: ChangeId;

  beforeEach(async () => {
    await deployed('v1', 300);
    change = await deployed('v2', 10);
  });

  const press = (user = ADA) => chat.presses(user, { verb: 'not_the_deploy', incident: id, change });

  async function judged(more: Partial<Parameters<typeof clear>[0]> = {}): Promise<void> {
    const changes = await chat.deps.changes.recent(place, 9);
    const inputs = clear({ changes, policy: { mode: 'approve' }, ...more });
    await chat.deps.decisions.keep(id, 1, decide(inputs), inputs);
  }

  test('clears a suspect that nobody was asked about', async () => {
    expect(await press()).toBe(
      'Not the deploy: v2 is cleared: it is not asked about any more, and rolled back only if a person asks for it. What else is suspected is judged now.',
    );
    expect(await chat.timeline(id)).toEqual([`slack:${ADA}: v2 was not the cause`]);
    expect((await chat.record(id)).cleared).toMatchObject([{ change_id: change, version: 'v2', by: `slack:${ADA}` }]);
  });

  test('withdraws the question about it', async () => {
    await judged();
    expect((await chat.record(id)).suspects).toMatchObject([{ version: 'v2' }]);
    const digest = (await chat.deps.decisions.get(id, 1))?.digest ?? '';
    expect(await press()).toContain('The question about it is withdrawn.');
    expect(await chat.deps.decisions.state(id, 1)).toBe('rejected');
    expect((await chat.record(id)).suspects).toEqual([]);
    expect(await chat.presses(BOB, { verb: 'approve', incident: id, digest })).toBe(
      `Superseded: ada has rejected it already. Nothing was done.`,
    );
  });

  test('withdraws the question also where a runbook asks others', async () => {
    await judged({ asked: { by: 'runbook', who: 'r', approval: { people: ['carol'], seconds: null } } });
    expect(await press()).toContain('The question about it is withdrawn.');
    expect(await chat.deps.decisions.state(id, 1)).toBe('expired');
  });

  test('says so plainly where it is being rolled back, or was', async () => {
    await judged({ policy: { mode: 'act', unknownMigration: 'act' } });
    const effect = {
      key: `${id}.roll-back.1`,
      kind: 'roll-back',
      target: 'cd',
      class: 'keyed',
      detail: 'Rolling back v2 to v1',
    } as const;
    await chat.deps.effects.intendAct(id, effect, { place, resource: 'cd', automatic: true, ours: true });
    expect(await press()).toBe(
      'Not the deploy: v2 is cleared, but it is being rolled back to v1 at this moment, and that goes on to its end. The rollback counts as wrong, against the automation of the service.',
    );
    await chat.deps.effects.conclude(id, effect.key, 'succeeded', 'Rolled back to v1');
    expect(await press(BOB)).toMatch(/has been rolled back to v1 already, and is pinned .* ada has said so before you/);
  });

  test('is said once, whoever else says it', async () => {
    await press();
    expect(await press(BOB)).toMatch(new RegExp(`ada has said so before you, at 2026-`));
    expect(await chat.timeline(id)).toEqual([`slack:${ADA}: v2 was not the cause`]);
  });

  test('where the process dies before it has kept what came of it, is done once', async () => {
    await judged();
    const heard = chat.heard(pressed(ADA, { verb: 'not_the_deploy', incident: id, change }));
    const { did } = chat.deps.hearings;
    chat.deps.hearings.did = async () => {
      throw new Error('the process dies');
    };
    expect(await chat.deliver(heard)).toBe(false);
    chat.deps.hearings.did = did;
    expect(await chat.deliver(heard)).toBe(true);
    expect(await chat.timeline(id)).toEqual([
      `slack:${ADA}: v2 was not the cause`,
      `slack:${ADA}: Question withdrawn: v2 was not the cause`,
    ]);
    expect(chat.answer()).not.toContain('has said so before you');
  });

  test('is taken back by anybody, and said again, by the same buttons', async () => {
    await press();
    const again = () => chat.presses(BOB, { verb: 'suspect_again', incident: id, change });
    expect(await again()).toBe(
      'v2 is suspected again, and judged with the others now. What is done about it waits for a person.',
    );
    chat.later(60);
    expect(await again()).toMatch(/^v2 is suspected again/);
    expect((await chat.record(id)).cleared).toMatchObject([{ back: { by: `slack:${BOB}` } }]);
    chat.later(60);
    expect(await press()).toMatch(/^Not the deploy: v2 is cleared/);
    expect((await chat.record(id)).cleared).toEqual([expect.not.objectContaining({ back: expect.anything() })]);
    expect(await chat.timeline(id)).toEqual([
      `slack:${ADA}: v2 was not the cause`,
      `slack:${BOB}: v2 may be the cause after all`,
      `slack:${ADA}: v2 was not the cause`,
    ]);
  });

  test('cannot be taken back where nobody has said it', async () => {
    const again = chat.presses(ADA, { verb: 'suspect_again', incident: id, change });
    expect(await again).toMatch(/^Nobody has cleared v2 of incident .* Nothing was done.$/);
  });

  test('is on the timeline of an incident that is over', async () => {
    await chat.deps.incidents.resolve(id, 0, 'ada', 'over');
    expect(await press()).toBe('Not the deploy: that is on the timeline of the incident, which is over.');
    expect(await chat.timeline(id)).toEqual(['ada: over', `slack:${ADA}: v2 was not the cause`]);
  });

  test('is of this incident: another one suspects it still', async () => {
    const other = await chat.deps.incidents.declare({
      ...place,
      environment: 'staging' as EnvironmentName,
      title: 'Errors',
      severity: 'critical',
      by: 'ada',
      trace: 't',
    });
    await press();
    expect((await chat.record(other.id)).cleared).toBeUndefined();
    expect(await chat.presses(ADA, { verb: 'not_the_deploy', incident: other.id, change })).toMatch(
      /^v2 was put into production, and incident .* is one of staging/i,
    );
  });

  test('is said of what was deployed only', async () => {
    const unknown = 'chg_00000000000000000000000000';
    expect(await chat.presses(ADA, { verb: 'not_the_deploy', incident: id, change: unknown })).toBe(
      `There is no deployment ${unknown}. Nothing was done.`,
    );
    expect(await chat.timeline(id)).toEqual([]);
  });

  test('is taken back by a rollback that is asked for by hand', async () => {
    await press();
    expect(await chat.says(BOB, '/rollback', 'checkout production')).toMatch(
      /No change is suspected\.\nv2 was cleared by ada at /,
    );
    await chat.presses(BOB, { verb: 'rollback', ...place, from: 'v2' as Version, to: 'v1' as Version });
    expect((await chat.record(id)).cleared).toMatchObject([{ back: { by: `slack:${BOB}` } }]);
    expect((await chat.timeline(id)).at(-1)).toBe(
      `slack:${BOB}: Asked for a rollback; that v2 was cleared is taken back by it`,
    );
  });

  async function deployed(version: string, minutesAgo: number): Promise<ChangeId> {
    const started_at = plusSeconds(chat.world.clock.now(), -60 * minutesAgo);
    const made = NewChange.parse({ ...place, version, started_at, finished_at: plusSeconds(started_at, 180) });
    return (await chat.deps.changes.record(made)).change.id;
  }
});
