import * as fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { decide } from '../../../domain/rollback.ts';
import type { ChangeId, EnvironmentName, IncidentId, ServiceName, Version } from '../../../schemas/names.ts';
import { NewChange } from '../../../schemas/change.ts';
import { plusSeconds } from '../../../schemas/time.ts';
import { clear } from '../../domain/arbitraries.ts';
import { ADA, BOB, buttonsIn, CHANNEL, ChatWorld, EVE, happened, pressed, submitted, typed } from './chat-world.ts';

const place = { service: 'checkout' as ServiceName, environment: 'production' as EnvironmentName };

let chat: ChatWorld;
let id: IncidentId;

beforeEach(async () => {
  chat = new ChatWorld();
  id = await chat.incident();
});

const people = {
  people: {
    ada: { name: 'Ada', slack: ADA, teams: ['payments'] },
    bob: { name: 'Bob', email: 'bob@example.com', roles: ['viewer'] },
  },
  everyone: 'nobody',
};

describe('who acts', () => {
  test('without people.yaml every member of the workspace is a responder', async () => {
    expect(await chat.says(ADA, '/incident', 'ack')).toBe('You see to it.');
    expect((await chat.record(id)).care?.acknowledged).toMatchObject({ by: `slack:${ADA}` });
  });

  test('somebody of people.yaml acts by their name there, found by id or by address', async () => {
    chat.configure({ ...people, people: { ...people.people, bob: { ...people.people.bob, roles: ['responder'] } } });
    await chat.says(ADA, '/incident', 'note one');
    await chat.says(BOB, '/incident', 'note two');
    expect(await chat.timeline(id)).toEqual(['ada: one', 'bob: two']);
  });

  test('whoever may not is told whom to ask, and nothing is done', async () => {
    chat.configure(people);
    expect(await chat.says(BOB, '/incident', 'ack')).toBe(
      `You may not change incidents of checkout in production. Ask ${ADA}.`,
    );
    expect(chat.told[0]?.message.parts[0]).toMatchObject({ text: [expect.any(String), 'Ask ', { user: ADA }, '.'] });
    expect(await chat.timeline(id)).toEqual([]);
  });

  test('a guest is nobody here', async () => {
    expect(await chat.says(EVE, '/incident', 'ack')).toMatch(
      /^You may do nothing here: eve is a guest of this workspace/,
    );
    expect(await chat.timeline(id)).toEqual([]);
  });

  test('groups of Slack give roles, and are asked again after five minutes', async () => {
    chat.configure({ ...people, userGroups: { S0SRE: { roles: ['responder'] } } });
    chat.groups.set('S0SRE', [BOB]);
    expect(await chat.says(BOB, '/incident', 'ack')).toBe('You see to it.');
    chat.groups.set('S0SRE', []);
    chat.later(301);
    expect(await chat.says(BOB, '/incident', 'note x')).toMatch(/^You may not change incidents/);
  });

  test('while Slack is down members are those whom it has named within a day', async () => {
    chat.configure({ people: { zoe: { roles: ['admin'] } } });
    await chat.says(ADA, '/incident', 'note before');
    chat.slackIsDown = true;
    chat.later(2 * 3600);
    expect(await chat.says(ADA, '/incident', 'note after')).toBe('It is on the timeline.');
    expect(await chat.says(BOB, '/incident', 'note never')).toMatch(
      /^You may do nothing here: Slack could not be asked who you are/,
    );
    expect(await chat.timeline(id)).toEqual([`slack:${ADA}: before`, `slack:${ADA}: after`]);
  });

  test('where people.yaml lists nobody, its signature has to do while Slack is down, and no longer', async () => {
    chat.slackIsDown = true;
    expect(await chat.says(EVE, '/incident', 'note meanwhile')).toBe('It is on the timeline.');
    chat.configure({ everyone: 'nobody' });
    expect(await chat.says(EVE, '/incident', 'note x')).toMatch(/^You may do nothing here: /);
    chat.configure({});
    chat.slackIsDown = false;
    expect(await chat.says(EVE, '/incident', 'note x')).toMatch(/^You may do nothing here: .*a guest/);
  });

  test('while Slack is down whoever people.yaml has by their id acts', async () => {
    chat.configure(people);
    chat.slackIsDown = true;
    expect(await chat.says(ADA, '/incident', 'ack')).toBe('You see to it.');
  });
});

describe('once', () => {
  const acts: [string, () => ReturnType<typeof typed>][] = [
    ['a note', () => typed(ADA, '/incident', 'note x')],
    ['an update', () => typed(ADA, '/incident', 'update it gets better')],
    ['command', () => typed(ADA, '/incident', 'take')],
    ['a hand-over', () => typed(ADA, '/incident', `handover <@${BOB}> look at the queue`)],
    ['a role', () => typed(ADA, '/incident', `assign scribe <@${BOB}>`)],
    ['a severity', () => typed(ADA, '/incident', 'severity warning')],
    ['the end', () => typed(ADA, '/incident', 'resolve it is over')],
    ['a pause', () => pressed(ADA, { verb: 'pause', incident: id })],
  ];

  test.each(acts)('%s that is delivered twice is done and told once', async (_, request) => {
    const heard = chat.heard(request());
    await chat.deliver(heard);
    const [timeline, told] = [await chat.timeline(id), chat.told.length];
    expect(timeline).toHaveLength(1);
    await chat.deliver(heard);
    expect(await chat.timeline(id)).toEqual(timeline);
    expect(chat.told).toHaveLength(told);
  });

  test.each(acts)(
    '%s, where the process dies before it has told anybody, is done once and told',
    async (_, request) => {
      const heard = chat.heard(request());
      chat.onTell = () => {
        throw new Error('the process dies');
      };
      expect(await chat.deliver(heard)).toBe(false);
      chat.onTell = () => undefined;
      expect(await chat.deliver(heard)).toBe(true);
      expect(await chat.timeline(id)).toHaveLength(1);
      expect(chat.told.length).toBeGreaterThan(0);
    },
  );

  test.each(acts)('%s, where the process dies before it has kept what came of it, is done once', async (_, request) => {
    const heard = chat.heard(request());
    const { did } = chat.deps.hearings;
    chat.deps.hearings.did = async () => {
      throw new Error('the process dies');
    };
    expect(await chat.deliver(heard)).toBe(false);
    chat.deps.hearings.did = did;
    expect(await chat.deliver(heard)).toBe(true);
    expect(await chat.timeline(id)).toHaveLength(1);
  });

  test('what cannot be read costs nobody else', async () => {
    expect(await chat.deliver('nonsense', chat.heard(typed(ADA, '/incident', 'note x')))).toBe(true);
    expect(chat.quarantined).toHaveLength(1);
    expect(await chat.timeline(id)).toHaveLength(1);
  });

  test('what our own code does wrong is kept, and holds up nobody', async () => {
    chat.deps.incidents.note = async () => {
      throw new TypeError('a mistake');
    };
    expect(await chat.deliver(chat.heard(typed(ADA, '/incident', 'note x')))).toBe(true);
    expect(chat.quarantined[0]).toContain('a mistake');
  });

  test('what was wanted long ago is not done any more', async () => {
    const heard = chat.heard(typed(ADA, '/incident', 'resolve'));
    chat.later(16 * 60);
    await chat.deliver(heard);
    expect(chat.answer()).toMatch(/^This was taken up too late/);
    expect(await chat.timeline(id)).toEqual([]);
  });
});

describe('an incident in Slack', () => {
  test('is declared by a modal, from a message that becomes its first entry', async () => {
    chat.messages.set(`${CHANNEL}/1795157390.000200`, {
      text: 'it <b>hurts',
      user: BOB,
      url: 'https://x.slack.com/p1',
    });
    const answer = await chat.submits(
      ADA,
      'declare_incident',
      { service: 'checkout', environment: 'staging', severity: 'warning', summary: 'Slow' },
      { message: { ts: '1795157390.000200', text: 'it <b>hurts' } },
    );
    expect(answer).toBe('Declared: Slow, warning, checkout in staging. Its channel comes in a moment.');
    const [declared] = (await chat.deps.incidents.open()).filter(({ environment }) => environment === 'staging');
    expect(declared).toMatchObject({ title: 'Slow', severity: 'warning', by_hand: true });
    expect(declared?.care?.triaged).toMatchObject({ by: `slack:${ADA}` });
    expect(await chat.timeline(declared?.id as IncidentId)).toEqual([`slack:${ADA}: bob: it <b>hurts`]);
  });

  test('whoever is on call has command of what is declared', async () => {
    chat.configure(people);
    const carol = { pagerduty: 'PCAROL', name: 'Carol', email: null, level: 1, person: null, slack: 'U0CAROL' };
    chat.world.onCall = [{ kind: 'done', value: [{ ...carol, level: 2, name: 'Dan' }, carol] }];
    await chat.submits(ADA, 'declare_incident', {
      service: 'checkout',
      environment: 'staging',
      severity: 'sev1',
      summary: 'Down',
    });
    const [declared] = (await chat.deps.incidents.open()).filter(({ environment }) => environment === 'staging');
    expect(declared?.roles?.commander).toMatchObject({ name: 'slack:U0CAROL', shown: 'Carol' });
    const { items } = await chat.deps.incidents.timeline(declared?.id as IncidentId, { limit: 10 });
    expect(items.find(({ kind }) => kind === 'role.assigned')).toMatchObject({
      actor: 'firebreak',
      text: 'Carol has command, being on call for payments',
      detail: { role: 'commander', to: 'slack:U0CAROL' },
    });
    // They are told where it is talked of, and not twice.
    expect(chat.told.map(({ to }) => to)).toEqual([ADA]);
  });

  test('in an unknown service is refused with the one that was probably meant', async () => {
    const wrong = { service: 'chekout', severity: 'critical', summary: 'Down' };
    expect(await chat.submits(ADA, 'declare_incident', wrong)).toBe(
      'There is no service "chekout". Did you mean "checkout"? Nothing was done.',
    );
  });

  test('is taken from somebody else, and handed over with a brief that whoever gets it is sent', async () => {
    await chat.says(ADA, '/incident', 'take');
    expect(await chat.says(BOB, '/incident', 'take')).toBe('You are commander, in place of ada.');
    await chat.says(BOB, '/incident', `handover <@${ADA}> the queue is full`);
    expect((await chat.record(id)).roles?.commander).toMatchObject({ name: `slack:${ADA}`, slack: ADA });
    expect(chat.told.at(-1)).toMatchObject({ to: ADA, ear: null });
    expect(chat.answer()).toBe(
      'bob hands command over to you: Errors, checkout in production, #incident-1\nthe queue is full',
    );
    expect(await chat.timeline(id)).toEqual([
      `slack:${ADA}: Is commander`,
      `slack:${BOB}: Is commander, in place of ada`,
      `slack:${BOB}: Command goes to ada. the queue is full`,
    ]);
  });

  test('is not handed over to somebody who may do nothing', async () => {
    expect(await chat.says(ADA, '/incident', `handover <@${EVE}> x`)).toMatch(/^U0EVE may do nothing here/);
    expect((await chat.record(id)).roles).toBeUndefined();
  });

  test('the first who sees to it stands', async () => {
    await chat.presses(ADA, { verb: 'acknowledge', incident: id });
    expect(await chat.presses(BOB, { verb: 'acknowledge', incident: id })).toBe(`slack:${ADA} sees to it already.`);
  });

  test('its severity is confirmed, and changed', async () => {
    expect(await chat.says(ADA, '/incident', 'severity sev1')).toBe(
      'It is critical, as it was taken for: that is confirmed.',
    );
    expect(await chat.submits(BOB, 'set_severity', { severity: 'info', text: 'one user' }, { incident: id })).toBe(
      'It is info now, and was critical.',
    );
    expect(await chat.timeline(id)).toEqual([
      `slack:${ADA}: Confirms that it is critical`,
      `slack:${BOB}: Changed severity to info`,
      `slack:${BOB}: one user`,
    ]);
    expect((await chat.record(id)).care?.triaged).toMatchObject({ by: `slack:${ADA}` });
  });

  test('a pin puts a message onto the timeline once, whoever pins it', async () => {
    chat.messages.set(`${CHANNEL}/1795157380.000100`, { text: 'the <!channel> queue', user: BOB, url: null });
    const item = { type: 'message', channel: CHANNEL, ts: '1795157380.000100' };
    for (const user of [ADA, BOB])
      await chat.deliver(chat.heard(happened({ type: 'reaction_added', user, reaction: 'pushpin', item })));
    expect(await chat.timeline(id)).toEqual([`slack:${ADA}: bob: the <!channel> queue`]);
    expect(chat.told).toEqual([]);
  });

  test('marks and newcomers of other channels are no business of ours', async () => {
    const item = { type: 'message', channel: 'C0OTHER', ts: '1795157380.000100' };
    await chat.deliver(chat.heard(happened({ type: 'reaction_added', user: ADA, reaction: 'pushpin', item })));
    await chat.deliver(chat.heard(happened({ type: 'member_joined_channel', user: ADA, channel: 'C0OTHER' })));
    expect(chat.told).toEqual([]);
  });

  test('a late joiner is told what happened so far, once', async () => {
    await chat.says(ADA, '/incident', 'take');
    chat.told.length = 0;
    const joins = () =>
      chat.deliver(chat.heard(happened({ type: 'member_joined_channel', user: BOB, channel: CHANNEL })));
    await joins();
    await joins();
    expect(chat.told).toHaveLength(1);
    expect(chat.told[0]).toMatchObject({ to: BOB, ear: { channel: CHANNEL, responseUrl: null } });
    expect(chat.answer()).toMatch(/^What happened so far: checkout production: Errors/);
    expect(chat.answer()).toContain('ada has command');
    expect(chat.answer()).toContain('Next step');
  });

  test('outside of its channel it is not clear which one is meant', async () => {
    const answer = await chat.says(ADA, '/incident', 'ack', 'C0OTHER');
    expect(answer).toBe('You see to it.'); // known by the name of its channel
    const heard = chat.heard(typed(ADA, '/incident', 'ack', 'C0OTHER'));
    Object.assign((heard as { request: { command: object } }).request.command, { channel_name: 'general' });
    await chat.deliver(heard);
    expect(chat.answer()).toMatch(/^This is not the channel of an incident.*#incident-1: checkout production, Errors/s);
  });

  test('what is over is not changed, and says so', async () => {
    await chat.deps.incidents.resolve(id, 0, 'ada', 'over');
    expect(await chat.presses(ADA, { verb: 'take_command', incident: id })).toBe(
      'Superseded: the incident is resolved already. Nothing was done.',
    );
    expect(await chat.submits(ADA, 'resolve_incident', {}, { incident: id })).toMatch(
      /^Superseded: the incident is resolved/,
    );
  });
});

describe('questions', () => {
  const digest = 'digest-of-nothing';

  test('an answer to a question that does not wait says what is so now', async () => {
    expect(await chat.presses(ADA, { verb: 'approve', incident: id, digest })).toBe(
      'Superseded: no question waits any more. Nothing was done.',
    );
  });
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
      `Superseded: slack:${ADA} has rejected it already. Nothing was done.`,
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
    expect(await press(BOB)).toMatch(
      /has been rolled back to v1 already, and is pinned .* slack:U0ADA has said so before you/,
    );
  });

  test('is said once, whoever else says it', async () => {
    await press();
    expect(await press(BOB)).toMatch(new RegExp(`slack:${ADA} has said so before you, at 2026-`));
    expect(await chat.timeline(id)).toEqual([`slack:${ADA}: v2 was not the cause`]);
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
    const press = chat.presses(ADA, { verb: 'suspect_again', incident: id, change });
    expect(await press).toMatch(/^Nobody has cleared v2 of incident .* Nothing was done.$/);
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
      /No change is suspected\.\nv2 was cleared by slack:U0ADA at /,
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

describe('rollbacks', () => {
  async function deployed(version: string, minutesAgo: number, more: object = {}): Promise<void> {
    const started_at = plusSeconds(chat.world.clock.now(), -60 * minutesAgo);
    await chat.deps.changes.record(
      NewChange.parse({ ...place, version, started_at, finished_at: started_at, ...more }),
    );
  }

  test('are shown first, and done by the button alone', async () => {
    await deployed('v1', 300);
    await deployed('v2', 10);
    const answer = await chat.says(ADA, '/rollback', 'checkout production');
    expect(answer).toMatch(/checkout in production runs v2.*It would go back to v1, which takes back v2 \(deploy\)/s);
    expect(await chat.timeline(id)).toEqual([]);
    const [button] = buttonsIn(chat.told.at(-1)?.message ?? { summary: '', parts: [] });
    expect(button).toEqual({ verb: 'rollback', ...place, from: 'v2', to: 'v1' });
    if (button === undefined) return;
    expect(await chat.presses(ADA, button)).toMatch(/^The rollback of v2 is begun/);
    expect(await chat.timeline(id)).toEqual([`slack:${ADA}: Asked for a rollback`]);
  });

  test('that were interrupted are not begun again', async () => {
    await deployed('v1', 300);
    await deployed('v2', 10);
    const heard = chat.heard(pressed(ADA, { verb: 'rollback', ...place, from: 'v2' as Version, to: null }));
    const { did } = chat.deps.hearings;
    chat.deps.hearings.did = async (key, outcome) => {
      if (key === heard.key) throw new Error('the process dies');
      await did(key, outcome);
    };
    expect(await chat.deliver(heard)).toBe(false);
    chat.deps.hearings.did = did;
    await deployed('v1.1', 0);
    expect(await chat.deliver(heard)).toBe(true);
    expect(chat.answer()).toMatch(/^This was begun before/);
    expect(await chat.timeline(id)).toEqual([`slack:${ADA}: Asked for a rollback`]);
  });

  test('that were shown before another deploy are superseded', async () => {
    await deployed('v1', 300);
    await deployed('v2', 60);
    await deployed('v3', 1);
    const old = { verb: 'rollback', ...place, from: 'v2' as Version, to: 'v1' as Version } as const;
    expect(await chat.presses(ADA, old)).toBe('Superseded: v3 runs there now, and no longer v2. Nothing was done.');
    expect(await chat.timeline(id)).toEqual([]);
  });

  test('to a version that is named say what is known of it, and are done by the button alone', async () => {
    await deployed('v1', 600);
    await deployed('v2', 300, { rollback_safe_to: 'v1' });
    await deployed('v3', 10, { has_migration: true });
    const answer = await chat.says(ADA, '/rollback', 'checkout production v1');
    expect(answer).toContain('It would go back to v1, which takes back v2 (deploy), v3 (deploy).');
    expect(answer).toMatch(
      /v1 ran last from 2026-.* UTC until 2026-.* UTC, for 5 hours, and was well as far as is known\./,
    );
    expect(answer).toContain('⚠️ v3 has a migration: the old version may not work on the new data.');
    expect(answer).toContain('⚠️ The newest version that is known good is v2.');
    expect(answer).toContain('v2 can be taken back to just that (rollback_safe_to).');
    const [button] = buttonsIn(chat.told.at(-1)?.message ?? { summary: '', parts: [] });
    expect(button).toEqual({ verb: 'rollback', ...place, from: 'v3', to: 'v1', named: true });
    const confirm = chat.told.at(-1)?.message.parts.flatMap((part) => (part.kind === 'buttons' ? part.buttons : []))[0];
    expect(confirm?.confirm?.text).toMatch(/^checkout in production: v3 back to v1\. v3 has a migration/);
    if (button === undefined) return;
    expect(await chat.presses(ADA, button)).toMatch(/^The rollback of v3 to v1 is begun/);
    expect(await chat.timeline(id)).toEqual([`slack:${ADA}: Asked for a rollback to v1`]);
    const mail = chat.world.store.dossiers.get(id)?.inbox.at(-1)?.message;
    expect(mail).toEqual({ kind: 'rollback', by: `slack:${ADA}`, note: '', from: 'v3', to: 'v1' });
  });

  test('to a version that cannot be gone back to are refused, and say why', async () => {
    await deployed('v1.0', 600);
    await deployed('v1.1', 300);
    await deployed('v2.0', 200, { status: 'failed' });
    await deployed('v3.0', 10, { rollback_safe_to: 'v1.1' });
    const asks = (version: string) => chat.says(ADA, '/rollback', `checkout production ${version}`);
    expect(await asks('v1.2')).toBe(
      'No deployment of v1.2 is among the newest of checkout in production; known are v1.1, v1.0. Nothing was done.',
    );
    expect(await asks('v3.0')).toBe('v3.0 is what runs of checkout in production now. Nothing was done.');
    expect(await asks('v2.0')).toMatch(/has succeeded, so it has never run there\. Nothing was done\.$/);
    expect(await asks('v1.0')).toMatch(
      /^v3.0 can be taken back to v1.1 at most .* and v1.0 is older\. Nothing was done\.$/,
    );
    expect(await chat.timeline(id)).toEqual([]);
  });

  test('to a version that is pinned are refused, also when it was pinned since', async () => {
    await deployed('v1', 600);
    await deployed('v2', 300);
    await deployed('v3', 10);
    const named = { verb: 'rollback', ...place, from: 'v3' as Version, to: 'v1' as Version, named: true } as const;
    const pinned_at = chat.world.clock.now();
    chat.world.store.pins.push({
      id: 'pin_v1',
      ...place,
      version: 'v1' as Version,
      incident_id: id,
      reason: 'rolled back',
      pinned_at,
      lifted_at: null,
      lifted_by: null,
    });
    expect(await chat.says(ADA, '/rollback', 'checkout production v1')).toMatch(/^v1 is pinned as known bad/);
    expect(await chat.presses(ADA, named)).toMatch(/^Superseded: v1 is pinned as known bad .* Nothing was done\.$/);
    expect(await chat.timeline(id)).toEqual([]);
  });

  test('without any version known good can still be to one that is named', async () => {
    await deployed('v1', 25);
    await deployed('v2', 10);
    expect(await chat.says(ADA, '/rollback', 'checkout production')).toMatch(
      /VERSION goes back to one that you name\.$/,
    );
    expect(await chat.says(ADA, '/rollback', 'checkout production v1')).toMatch(/⚠️ v1 ran too short a time/);
  });

  test('deployments are listed with what runs', async () => {
    await deployed('v1', 300);
    expect(await chat.says(ADA, '/deploys', 'checkout')).toMatch(/▶️ .* production v1 deploy, succeeded/);
  });
});

describe('the kill switch', () => {
  test('is for those who answer for everybody', async () => {
    chat.configure(people);
    expect(await chat.says(BOB, '/firebreak', 'pause too much')).toMatch(/^You may not switch automation off/);
    expect(await chat.says(ADA, '/firebreak', 'pause too much')).toBe(
      'All automation is paused, everywhere (too much). People are paged as ever.',
    );
    expect(await chat.deps.automation.read()).toMatchObject({ paused: true, by: 'ada', reason: 'too much' });
    expect(await chat.says(ADA, '/firebreak', 'pause')).toMatch(/^It is so already: ada has paused/);
  });
});

test('whatever is typed, nothing of it fails', async () => {
  const word = fc.oneof(
    fc.constantFrom('incident', 'freeze', 'open', 'lift', 'override', 'take', 'assign', 'note', 'severity', 'resolve'),
    fc.constantFrom('checkout', 'production', 'staging', 'v1', '2h', '30m', 'uses=1', 'reason="x y"', 'team:payments'),
    fc.constantFrom(
      'update',
      'ack',
      'roles',
      'status',
      'list',
      'pause',
      'resume',
      'handover',
      `<@${BOB}>`,
      '<@U0NOBODY>',
    ),
    fc.constantFrom(
      '__proto__',
      'constructor',
      'toString',
      '<!channel>',
      '&lt;x&gt;',
      '💥',
      'x'.repeat(400),
      '"',
      '\u0000',
      '\ud800',
    ),
    fc.string({ unit: 'binary', maxLength: 12 }),
  );
  const command = fc.constantFrom('/incident', '/rollback', '/deploys', '/firebreak', '/acme-incident', '/unknown');
  await fc.assert(
    fc.asyncProperty(command, fc.array(word, { maxLength: 5 }), async (name, typedWords) => {
      const heard = chat.heard(typed(ADA, name, typedWords.join(' ')));
      expect(await chat.deliver(heard)).toBe(true);
      expect(chat.quarantined).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

test('forms that are none of ours have no consequences', async () => {
  await chat.deliver(chat.heard(submitted(ADA, 'of_another_app', {})));
  expect(chat.told).toEqual([]);
});
