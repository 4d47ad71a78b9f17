import { beforeEach, describe, expect, test } from 'vitest';
import { NewChange } from '../../../../schemas/changes/change.ts';
import type { EnvironmentName, IncidentId, ServiceName } from '../../../../schemas/config/names.ts';
import { ADA, BOB, ChatWorld, EVE } from './chat-world.ts';

const place = { service: 'checkout' as ServiceName, environment: 'production' as EnvironmentName };

let chat: ChatWorld;
let id: IncidentId;

beforeEach(async () => {
  chat = new ChatWorld();
  id = await chat.incident();
});

const press = (user = ADA, flag = 'new-basket') => chat.presses(user, { verb: 'turn_flag_on', incident: id, flag });

/** Firebreak turns off a flag. */
async function turnsOff(name: string, state: 'succeeded' | 'superseded' | null = 'succeeded', number = 1) {
  const key = `${id}.roll-back.${number}`;
  const detail = `Turning off feature flag ${name}`;
  const effect = {
    key,
    kind: 'flag',
    target: 'flags',
    class: 'convergent',
    detail,
    flag: { name, on: false },
  } as const;
  const act = { serviceEnvironment: place, resource: name, automatic: true, isProposed: true };
  await chat.deps.effects.intendAction(id, effect, act);
  if (state !== null) await chat.deps.effects.conclude(id, key, state, `Flag ${name} was set meanwhile: on`);
  chat.later(60);
}

const switched = (version: string, more: object = {}) =>
  chat.deps.changes.record(
    NewChange.parse({ ...place, version, kind: 'flag', started_at: chat.world.clock.now(), ...more }),
  );

describe('turning a flag on again', () => {
  test('starts the workflow once, with the person on the timeline', async () => {
    await turnsOff('new-basket');
    const before = chat.timeline(id).length;
    expect(await press()).toBe('Firebreak turns on feature flag new-basket again. The timeline shows the result.');
    expect(await press(BOB)).toContain('Firebreak turns on feature flag new-basket again.');
    // The second press only makes sure that the same run has started.
    expect(chat.world.flagRuns).toEqual([`${id} 1`, `${id} 1`]);
    expect(chat.timeline(id).slice(before)).toEqual([
      `slack:${ADA}: Requested to turn on feature flag new-basket again`,
    ]);
    expect(await chat.deps.effects.get(id, `${id}.flag-on.1`)).toMatchObject({
      state: 'intended',
      target: 'flags',
      flag: { name: 'new-basket', on: true, by: `slack:${ADA}` },
      service_environment: place,
    });
    await chat.deps.effects.conclude(id, `${id}.flag-on.1`, 'succeeded', 'Turned on');
    expect(await press(BOB)).toBe('Feature flag new-basket is on again.');
    expect(chat.world.flagRuns).toHaveLength(2);
  });

  test('can be repeated after it failed or was lost, and after the flag was turned off again', async () => {
    await turnsOff('new-basket');
    await press();
    await chat.deps.effects.conclude(id, `${id}.flag-on.1`, 'failed', 'not found');
    await press();
    chat.later(3 * 3600);
    await press();
    expect(chat.world.flagRuns).toEqual([1, 2, 3].map((number) => `${id} ${number}`));
    await chat.deps.effects.conclude(id, `${id}.flag-on.3`, 'succeeded', 'Turned on');
    chat.later(60);
    await turnsOff('new-basket', 'succeeded', 2);
    await press();
    expect(chat.world.flagRuns.at(-1)).toBe(`${id} 4`);
  });

  test('is possible after the incident is resolved', async () => {
    await turnsOff('new-basket');
    await chat.deps.incidents.resolve(id, 0, 'ada', 'over');
    expect(await press()).toContain('Firebreak turns on feature flag new-basket again.');
    expect(chat.world.flagRuns).toEqual([`${id} 1`]);
  });

  test('is refused for a flag that Firebreak has not turned off here', async () => {
    expect(await press()).toMatch(/has not turned off feature flag new-basket in INC-\d+\. Nothing was done\.$/);
    await turnsOff('old-queue');
    expect(await press()).toContain('it has turned off: old-queue');
    await turnsOff('new-basket', null, 2);
    expect(await press()).toContain('Feature flag new-basket is still being turned off');
    expect(chat.world.flagRuns).toEqual([]);
  });

  test('is refused if someone else has changed the flag since', async () => {
    await switched('new-basket 3 (on)', { author: 'before' });
    await turnsOff('new-basket');
    await switched('new-basket 4 (off)', { author: 'firebreak' });
    await switched('other-flag 9 (on)');
    chat.later(1);
    await switched('new-basket 5 (on)', { author: 'carol' });
    expect(await press()).toMatch(
      /^Carol has changed feature flag new-basket at 2026-\S+, after Firebreak turned it off: new-basket 5 \(on\)\. Nothing was done\.$/,
    );
    await turnsOff('old-queue', 'superseded', 2);
    expect(await press(ADA, 'old-queue')).toContain('has changed feature flag old-queue since');
    expect(chat.world.flagRuns).toEqual([]);
  });

  test('is refused while the kill switch is on, and without permission', async () => {
    await turnsOff('new-basket');
    await chat.deps.automation.write({ paused: true }, 'ada');
    expect(await press()).toContain('kill switch is on');
    await chat.deps.automation.write({ paused: false }, 'ada');
    expect(await press(EVE)).toMatch(/permission|role/);
    expect(chat.world.flagRuns).toEqual([]);
  });
});
