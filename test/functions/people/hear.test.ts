import * as fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { EnvironmentName, IncidentId, ServiceName, Version } from '../../../schemas/names.ts';
import type { ChatUser } from '../../../domain/ports.ts';
import { decide } from '../../../domain/rollback.ts';
import { clear } from '../../domain/arbitraries.ts';
import { NewChange } from '../../../schemas/change.ts';
import { plusSeconds } from '../../../schemas/time.ts';
import {
  ADA,
  BOB,
  buttonsIn,
  CHANNEL,
  chosen,
  ChatWorld,
  EVE,
  happened,
  pressed,
  submitted,
  typed,
} from './chat-world.ts';

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
      /^You may do nothing here: eve is a guest of this workspace.*Any full member of this workspace may/,
    );
    expect(await chat.timeline(id)).toEqual([]);
    chat.configure(people);
    expect(await chat.says(EVE, '/incident', 'ack')).toMatch(/Nothing was done\. Ask U0ADA\.$/);
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

  test.each([
    ['an act', () => typed(ADA, '/incident', 'ack')],
    ['what happened so far', () => happened({ type: 'member_joined_channel', user: BOB, channel: CHANNEL })],
  ] as const)('%s that is delivered again while it is being done is told once', async (_, request) => {
    const heard = chat.heard(request());
    await Promise.all([1, 2, 3].map(() => chat.deliver(heard)));
    expect(chat.told).toHaveLength(1);
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

  test('a connection that failed is no mistake of our code: it is tried again', async () => {
    chat.deps.incidents.note = async () => {
      throw new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') });
    };
    expect(await chat.deliver(chat.heard(typed(ADA, '/incident', 'note x')))).toBe(false);
    expect(chat.quarantined).toEqual([]);
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
      text: 'it &lt;b&gt;hurts',
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

  test('that is declared and interrupted is declared once, and whoever is on call is asked all the same', async () => {
    chat.configure({ onCall: { payments: { schedule: 'PSCHED1' } } });
    const form = { service: 'checkout', environment: 'staging', severity: 'sev1', summary: 'Slow' };
    const heard = chat.heard(submitted(ADA, 'declare_incident', form));
    const { amend } = chat.deps.incidents;
    chat.deps.incidents.amend = async () => {
      throw new Error('the process dies');
    };
    expect(await chat.deliver(heard)).toBe(false);
    chat.deps.incidents.amend = amend;
    expect(await chat.deliver(heard)).toBe(true);
    expect(chat.answer()).toMatch(/^Declared: Slow/);
    const [declared] = (await chat.deps.incidents.open()).filter(({ environment }) => environment === 'staging');
    expect(await chat.timeline(declared?.id as IncidentId)).toEqual([]);
    expect(chat.queued).toMatchObject([{ ask: 'on_call', incident: declared?.id }]);
  });

  test('whoever is on call has command of what is declared, and nobody waits for that', async () => {
    chat.configure({ ...people, onCall: { payments: { schedule: 'PSCHED1' } } });
    const carol = { pagerduty: 'PCAROL', name: 'Carol', email: null, level: 1, person: null, slack: 'U0CAROL' };
    chat.world.onCall = [{ kind: 'done', value: [{ ...carol, level: 2, name: 'Dan' }, carol] }];
    await chat.submits(ADA, 'declare_incident', {
      service: 'checkout',
      environment: 'staging',
      severity: 'sev1',
      summary: 'Down',
    });
    expect(chat.answer()).toMatch(/^Declared: Down/);
    await chat.deliverQueued();
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
      'There is no service "chekout". Did you mean "checkout"? Nothing was done.You wrote: Down',
    );
  });

  test('is taken from somebody else, and handed over with a brief that whoever gets it is sent', async () => {
    await chat.says(ADA, '/incident', 'take');
    expect(await chat.says(BOB, '/incident', 'take')).toBe(
      `You are commander, in place of ada.✉️ Told by a message: ${ADA} `,
    );
    expect(chat.letters()).toEqual([
      { to: ADA, text: `bob has taken over as commander of Errors, checkout in production, ${CHANNEL}` },
    ]);
    expect(await chat.says(BOB, '/incident', `handover <@${ADA}> the queue is full`)).toBe(
      `${ADA} has command. The brief is on the timeline.✉️ Told by a message: ${ADA} `,
    );
    expect((await chat.record(id)).roles?.commander).toMatchObject({ name: `slack:${ADA}`, slack: ADA });
    expect(chat.letters().slice(1)).toEqual([
      {
        to: ADA,
        text: `bob hands command over to you: Errors, checkout in production, ${CHANNEL}\nthe queue is full`,
      },
    ]);
    expect(await chat.timeline(id)).toEqual([
      `slack:${ADA}: Is commander`,
      `slack:${BOB}: Is commander, in place of ada`,
      `slack:${BOB}: Command goes to ada. the queue is full`,
    ]);
  });

  test('is handed over once: again, nobody is written to, and the answer says so', async () => {
    await chat.says(BOB, '/incident', 'take');
    await chat.says(BOB, '/incident', `handover <@${ADA}> the queue is full`);
    const written = chat.letters();
    expect(await chat.says(BOB, '/incident', `handover <@${ADA}> the queue is full`)).toMatch(
      /^U0ADA has command already: nothing has changed\./,
    );
    expect(await chat.says(ADA, '/incident', `handover <@${ADA}> x`)).toMatch(/^You have command already/);
    expect(await chat.says(ADA, '/incident', 'take')).toBe('You are commander already.');
    expect(chat.letters()).toEqual(written);
  });

  test('is not taken from somebody by a button that was shown while nobody had it', async () => {
    const take = { verb: 'take_command', incident: id } as const;
    expect(await chat.presses(ADA, take)).toBe('You are commander.');
    expect(await chat.presses(BOB, take)).toBe(
      'Superseded: ada is commander already. To take over all the same: /incident take commander. Nothing was done.',
    );
    expect(await chat.presses(ADA, take)).toBe('You are commander already.');
    expect((await chat.record(id)).roles?.commander).toMatchObject({ slack: ADA });
    expect(chat.letters()).toEqual([]);
  });

  test('is left, one role or all that they have, and by nobody else', async () => {
    await chat.says(ADA, '/incident', 'take');
    await chat.says(ADA, '/incident', 'take scribe');
    expect(await chat.says(BOB, '/incident', 'leave scribe')).toBe('You are not scribe: ada is. Nothing was done.');
    expect(await chat.says(ADA, '/incident', 'leave scribe')).toBe(
      'You are not scribe any more: nobody is, until somebody takes it.',
    );
    await chat.says(ADA, '/incident', 'take comms');
    const all = chat.heard(typed(ADA, '/incident', 'leave'));
    await chat.deliver(all);
    expect(chat.answer()).toMatch(/^You are not commander and communications any more/);
    await chat.deliver(all);
    expect(await chat.says(ADA, '/incident', 'leave')).toBe('You have no role here. Nothing was done.');
    expect((await chat.record(id)).roles ?? {}).toEqual({});
  });

  test('goes to whom is named by a name of people.yaml, where Slack hands on what was typed', async () => {
    chat.configure({
      people: {
        ada: { name: 'Ada Park', slack: ADA, roles: ['responder'] },
        bob: { name: 'Bob Tanaka', email: 'bob@example.com', roles: ['responder'] },
        bob2: { name: 'Bobby', roles: ['responder'] },
      },
    });
    expect(await chat.says(ADA, '/incident', 'handover @Bob Tanaka the queue is full')).toMatch(/^U0BOB has command\./);
    expect(await chat.timeline(id)).toEqual(['ada: Command goes to Bob Tanaka. the queue is full']);
    expect(await chat.says(ADA, '/incident', 'assign scribe @ada park')).toMatch(/^U0ADA is scribe\./);
    expect(await chat.says(ADA, '/incident', 'assign scribe @Bobby')).toMatch(
      /^Who Bobby is in Slack is not known now/,
    );
    expect(await chat.says(ADA, '/incident', 'handover @Adda Park look')).toMatch(
      /^Whom "@Adda Park look" means .* Did you mean @Ada Park\?.*Nothing was done\./,
    );
    expect((await chat.record(id)).roles?.commander).toMatchObject({ slack: BOB });
  });

  test('whoever could not be written to is named in the answer', async () => {
    chat.deps.whispers.write = async () => ({ kind: 'refused', code: 'channel_not_found', detail: 'no such user' });
    expect(await chat.says(BOB, '/incident', `assign scribe <@${ADA}>`)).toBe(
      `${ADA} is scribe.⚠️ Slack took no message to ${ADA} now: tell them yourself.`,
    );
  });

  test('whoever loses command to somebody by the doing of a third hears of it', async () => {
    chat.users.set('U0CAROL', { ...(chat.users.get(ADA) as ChatUser), id: 'U0CAROL', name: 'carol', email: null });
    await chat.says(ADA, '/incident', 'take');
    expect(await chat.says(BOB, '/incident', 'handover <@U0CAROL> look at the queue')).toBe(
      `U0CAROL has command in place of ada. The brief is on the timeline.✉️ Told by a message: U0CAROL ${ADA} `,
    );
    expect(chat.letters()).toEqual([
      { to: 'U0CAROL', text: expect.stringMatching(/^bob hands command over to you/) },
      { to: ADA, text: expect.stringMatching(/^bob has given command to carol: Errors/) },
    ]);
  });

  test('is not handed over to somebody who may do nothing', async () => {
    expect(await chat.says(ADA, '/incident', `handover <@${EVE}> x`)).toMatch(/^U0EVE may do nothing here/);
    expect((await chat.record(id)).roles).toBeUndefined();
  });

  test.each([
    ['handover', 'x'],
    ['assign scribe', ''],
  ])('no role goes to somebody who may only look: %s', async (command, rest) => {
    chat.configure({
      people: {
        ada: { slack: ADA },
        bob: { slack: BOB, roles: ['lookalike'] },
      },
      roles: { lookalike: { actions: ['incidents:write'], services: ['search'] } },
      everyone: 'viewer',
    });
    chat.users.set('U0CAROL', { ...(chat.users.get(ADA) as ChatUser), id: 'U0CAROL', name: 'carol', email: null });
    const words = (user: string) =>
      `${user} may not change incidents of checkout in production, so nothing has changed. Ask ${ADA}.`;
    for (const user of ['U0CAROL', BOB])
      expect(await chat.says(ADA, '/incident', `${command} <@${user}> ${rest}`)).toContain(words(user));
    expect((await chat.record(id)).roles).toBeUndefined();
    expect(chat.letters()).toEqual([]);
    expect(await chat.says(BOB, '/incident', `${command} <@${ADA}> ${rest}`)).toContain('You may not change incidents');
  });

  test('the first who sees to it stands', async () => {
    await chat.presses(ADA, { verb: 'acknowledge', incident: id });
    expect(await chat.presses(BOB, { verb: 'acknowledge', incident: id })).toBe('ada sees to it already.');
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
    expect(await chat.timeline(id)).toEqual([`slack:${ADA}: bob: the @channel queue`]);
    expect(chat.told).toEqual([]);
  });

  test('what is pinned stands on the timeline as whoever wrote it sees it', async () => {
    const text = `&lt;b&gt; R&amp;D &amp;lt; <@${ADA}> <@U0CAROL|carol> <https://x.example|x>`;
    chat.messages.set(`${CHANNEL}/1795157380.000100`, { text, user: BOB, url: null });
    const item = { type: 'message', channel: CHANNEL, ts: '1795157380.000100' };
    await chat.deliver(chat.heard(happened({ type: 'reaction_added', user: ADA, reaction: 'pushpin', item })));
    expect(await chat.timeline(id)).toEqual([`slack:${ADA}: bob: <b> R&D &lt; @ada @carol x (https://x.example)`]);
    const link = '&lt;https://a.example/?b=1&amp;c=2|label&gt; <https://a.example/?b=1&amp;c=2>';
    chat.messages.set(`${CHANNEL}/1795157380.000200`, { text: link, user: BOB, url: null });
    const second = { ...item, ts: '1795157380.000200' };
    await chat.deliver(chat.heard(happened({ type: 'reaction_added', user: ADA, reaction: 'pushpin', item: second })));
    expect((await chat.timeline(id)).at(-1)).toBe(
      `slack:${ADA}: bob: <https://a.example/?b=1&c=2|label> https://a.example/?b=1&c=2`,
    );
  });

  test('what is put onto the timeline by the menu of a message is answered, and never lost silently', async () => {
    await chat.deliver(chat.heard(chosen(ADA, 'a &lt; b', { id: CHANNEL, name: 'incident-1' })));
    expect(chat.answer()).toBe('It is on the timeline.');
    expect(await chat.timeline(id)).toEqual([`slack:${ADA}: bob: a < b`]);
    await chat.deliver(chat.heard(chosen(ADA, 'a &lt; c', { id: 'C0GENERAL', name: 'general' })));
    expect(chat.answer()).toMatch(/^This is not the channel of an incident.*Nothing was done\..*C0INCIDENT: checkout/s);
    expect(await chat.timeline(id)).toHaveLength(1);
  });

  test('of another channel a message goes onto the timeline of the incident that was chosen', async () => {
    chat.messages.set('C0GENERAL/1795157380.000100', { text: 'a &lt; b, and more', user: BOB, url: null });
    const message = { ts: '1795157380.000100', text: 'a < b', author: BOB };
    await chat.submits(ADA, 'pin_message', { incident: id }, { channel: 'C0GENERAL', message });
    expect(await chat.timeline(id)).toEqual([`slack:${ADA}: bob: a < b, and more`]);
    expect(chat.told.at(-1)?.message.parts.at(-1)).toEqual({
      kind: 'note',
      text: ['checkout production: Errors', ', ', { channel: CHANNEL }],
    });
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

  test('outside of its channel it is not clear which one is meant; the only one is offered', async () => {
    expect(await chat.says(ADA, '/incident', 'ack', 'C0OTHER')).toBe('You see to it.'); // known by the name of its channel
    expect(await chat.saysElsewhere(ADA, '/incident', 'resolve it is over')).toBe(
      'This is not the channel of an incident, so it is not clear which one is meant. One is open: checkout production, ' +
        'Errors. Nothing was done; for that one say /incident resolve #incident-1 it is over',
    );
    expect(await chat.timeline(id)).toHaveLength(1);
  });

  test('of several, how to name one is said', async () => {
    await chat.incident('Slow', 'staging', 2);
    expect(await chat.saysElsewhere(ADA, '/incident', 'note “it” &lt; that')).toMatch(
      /as \/incident note #incident-\d “it” < that\.\nOpen now:\n• C0INCIDENT2?: checkout \w+, \w+\n• C0INCIDENT2?: /,
    );
  });

  test('how the only one stands is told everywhere', async () => {
    expect(await chat.saysElsewhere(ADA, '/incident', 'status')).toMatch(/^What happened so far: checkout production/);
    expect(await chat.saysElsewhere(ADA, '/incident', 'roles')).toMatch(/^Errors\n• commander: nobody/);
  });

  test('where none is open, that is said', async () => {
    await chat.deps.incidents.resolve(id, 0, 'ada', 'over');
    expect(await chat.saysElsewhere(ADA, '/incident', 'ack')).toMatch(/No incident is open; \/incident declares one/);
  });

  describe('another one', () => {
    let other: IncidentId;
    beforeEach(async () => {
      other = await chat.incident('Slow', 'staging', 2);
    });

    const names = () => [
      `<#${CHANNEL}2|incident-2>`,
      `<#${CHANNEL}2>`,
      '#incident-2',
      '#Incident-2',
      'incident-2',
      other,
    ];

    test('is the one that is done something about where it is named, by whatever name', async () => {
      for (const [at, name] of names().entries()) {
        expect(await chat.says(ADA, '/incident', `note ${name} number ${at}`)).toBe(
          `It is on the timeline.checkout staging: Slow, ${CHANNEL}2`,
        );
      }
      expect(await chat.timeline(other)).toHaveLength(names().length);
      expect(await chat.timeline(id)).toEqual([]);
    });

    test('is resolved while alerts fire, and it is said what becomes of those', async () => {
      const dossier = chat.world.store.dossiers.get(id);
      if (dossier !== undefined) dossier.record.firing = 2;
      expect(await chat.says(ADA, '/incident', 'resolve it is over')).toBe(
        'It is over: the incident closes now. ⚠️ 2 alerts still fire: what goes on firing pages nobody any more, what begins to fire after this does.',
      );
    });

    test('is resolved, and not the one of the channel', async () => {
      expect(await chat.says(ADA, '/incident', `resolve <#${CHANNEL}2|incident-2> it is over`)).toMatch(/^It is over/);
      expect(await chat.timeline(other)).toEqual([`slack:${ADA}: it is over`]);
      expect(await chat.timeline(id)).toEqual([]);
    });

    test.each(['#incident-3', '<#C0DEPLOYS|deploys>', '01JCYZ7Q8M3N5P7R9T1V3X5Z7B'])(
      'that is called %s is none: nothing is resolved instead',
      async (name) => {
        expect(await chat.says(ADA, '/incident', `resolve ${name} it is over`)).toMatch(
          /(?:is no incident's channel|There is no incident).*Nothing was done\.\nOpen now:/s,
        );
        expect([...(await chat.timeline(id)), ...(await chat.timeline(other))]).toEqual([]);
      },
    );

    test('a note may begin with a word that only looks like the name of one', async () => {
      await chat.says(ADA, '/incident', 'note incident-999 was like this');
      expect(await chat.timeline(id)).toEqual([`slack:${ADA}: incident-999 was like this`]);
      expect(await chat.says(ADA, '/incident', 'resolve incident-999 it is over')).toMatch(
        /^incident-999 is no incident's channel/,
      );
      expect(await chat.timeline(id)).toHaveLength(1);
    });

    test('a note may begin with the mention of any other channel', async () => {
      await chat.says(ADA, '/incident', 'note <#C0DEPLOYS|deploys> is loud');
      expect(await chat.timeline(id)).toEqual([`slack:${ADA}: #deploys is loud`]);
    });

    test('is chosen in a dialog, by its id or its name', async () => {
      const elsewhere = { channel: 'C0GENERAL' };
      await chat.submits(ADA, 'publish_update', { text: 'one', incident: other }, elsewhere);
      await chat.submits(ADA, 'publish_update', { text: 'two', incident: '#incident-2' }, elsewhere);
      expect(await chat.timeline(other)).toEqual([`slack:${ADA}: one`, `slack:${ADA}: two`]);
    });
  });

  test('what somebody has written for what is not done is given back to them', async () => {
    expect(await chat.submits(ADA, 'publish_update', { text: 'half of EU is down' }, { channel: 'C0GENERAL' })).toMatch(
      /^This is not the channel of an incident.*You wrote: half of EU is down$/s,
    );
    chat.configure(people);
    expect(await chat.submits(BOB, 'publish_update', { text: 'half of EU is down' }, { incident: id })).toMatch(
      /^You may not change incidents .* Ask U0ADA\.You wrote: half of EU is down$/,
    );
  });

  test('somebody who may not see it is not told so without having asked', async () => {
    chat.configure({
      people: { bob: { slack: BOB, teams: ['search'], roles: ['own'] } },
      roles: { own: { actions: ['incidents:read'], services: 'own' } },
    });
    await chat.deliver(chat.heard(happened({ type: 'member_joined_channel', user: BOB, channel: CHANNEL })));
    expect(chat.told).toEqual([]);
    expect(await chat.saysElsewhere(BOB, '/incident', 'status')).not.toContain('Errors');
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

  test('that need two people are not answered by one, and it is said that nothing has been done', async () => {
    const inputs = clear({ policy: { mode: 'approve', approvals: 2 } });
    await chat.deps.decisions.keep(id, 1, decide(inputs), inputs);
    const asked = (await chat.deps.decisions.get(id, 1))?.digest ?? '';
    const approve = { verb: 'approve', incident: id, digest: asked } as const;
    expect(await chat.presses(ADA, approve)).toBe(
      'Your yes counts, as 1 of 2. A second person has to be for it, too: nothing has been done yet.',
    );
    expect(await chat.presses(ADA, approve)).toMatch(/^You are for it already; somebody else has to be, too/);
    expect(await chat.presses(BOB, approve)).toBe('Your yes counts.');
  });

  test('about another service are for those who may act on that one; a no is for both', async () => {
    const owners = {
      ada: { slack: ADA, teams: ['payments'], roles: ['own'] },
      bob: { slack: BOB, teams: ['ledger'], roles: ['own'] },
    };
    const roles = { own: { actions: ['incidents:act', 'incidents:read'], services: 'own' } };
    const production = { environments: { production: {} } };
    chat.configure(
      { people: owners, roles, everyone: 'nobody' },
      { services: { checkout: { team: 'payments', ...production }, ledger: { team: 'ledger', ...production } } },
    );
    const inputs = clear({});
    const ask = async (number: number) => {
      const question = { text: 'Restart the ledger', reasons: [], people: null, approvals: 1, inputs: inputs as never };
      const at = { ...place, service: 'ledger' as ServiceName };
      return (await chat.deps.decisions.ask(id, number, { ...question, place: at })).digest;
    };
    const asked = await ask(1_000_001);
    expect(await chat.presses(ADA, { verb: 'approve', incident: id, digest: asked })).toBe(
      `You may not decide what is done about incidents of ledger in production. Ask ${BOB}.`,
    );
    expect(await chat.presses(BOB, { verb: 'approve', incident: id, digest: asked })).toBe('Your yes counts.');
    const again = await ask(1_000_002);
    expect(await chat.presses(ADA, { verb: 'reject', incident: id, digest: again })).toMatch(/^Your no counts/);
  });

  test('an answer to a question that does not wait says what is so now', async () => {
    expect(await chat.presses(ADA, { verb: 'approve', incident: id, digest })).toBe(
      'Superseded: no question waits any more. Nothing was done.',
    );
  });
});

describe('rollbacks', () => {
  async function deployed(version: string, minutesAgo: number): Promise<void> {
    const started_at = plusSeconds(chat.world.clock.now(), -60 * minutesAgo);
    await chat.deps.changes.record(NewChange.parse({ ...place, version, started_at, finished_at: started_at }));
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
      return did(key, outcome);
    };
    expect(await chat.deliver(heard)).toBe(false);
    chat.deps.hearings.did = did;
    await deployed('v1.1', 0);
    expect(await chat.deliver(heard)).toBe(true);
    expect(chat.answer()).toMatch(/^The rollback of v2 is begun/);
    expect(await chat.timeline(id)).toEqual([`slack:${ADA}: Asked for a rollback`]);
  });

  test.each(['incidents.declare', 'incidents.amend', 'hearings.did', 'incidents.post'] as const)(
    'that were interrupted at %s, before anything was asked for, are asked for when they are heard again',
    async (where) => {
      await deployed('v1', 300);
      await deployed('v2', 10);
      const heard = chat.heard(pressed(ADA, { verb: 'rollback', ...place, from: 'v2' as Version, to: null }));
      const [port, method] = where.split('.') as ['incidents', 'post'];
      const real = chat.deps[port][method];
      chat.deps[port][method] = async () => {
        throw new Error('the process dies');
      };
      expect(await chat.deliver(heard)).toBe(false);
      expect(await chat.timeline(id)).toEqual([]);
      chat.deps[port][method] = real;
      expect(await chat.deliver(heard)).toBe(true);
      expect(await chat.timeline(id)).toEqual([`slack:${ADA}: Asked for a rollback`]);
      expect(await chat.deliver(heard)).toBe(true);
      expect(await chat.timeline(id)).toHaveLength(1);
    },
  );

  test('that are over when they are heard again open no other incident', async () => {
    await deployed('v1', 300);
    await deployed('v2', 10);
    const heard = chat.heard(pressed(ADA, { verb: 'rollback', ...place, from: 'v2' as Version, to: null }));
    const { did } = chat.deps.hearings;
    chat.deps.hearings.did = async (key, outcome) => {
      if (key === heard.key) throw new Error('the process dies');
      return did(key, outcome);
    };
    expect(await chat.deliver(heard)).toBe(false);
    chat.deps.hearings.did = did;
    const dossier = chat.world.store.dossiers.get(id);
    if (dossier !== undefined) dossier.record.status = 'resolved';
    expect(await chat.deliver(heard)).toBe(true);
    expect(chat.answer()).toMatch(/^Superseded: the incident is resolved already/);
    expect(chat.world.store.dossiers.size).toBe(1);
  });

  test('of two that were shown, to different versions, the second one is superseded by the first', async () => {
    await deployed('v0', 900);
    await deployed('v1', 300);
    await deployed('v2', 10);
    const shown = (to: string, more: object = {}) =>
      ({ verb: 'rollback', ...place, from: 'v2' as Version, to: to as Version, ...more }) as const;
    expect(await chat.presses(ADA, shown('v0', { named: true }))).toMatch(/^The rollback of v2 to v0 is begun/);
    chat.later(2);
    expect(await chat.presses(BOB, shown('v1'))).toMatch(
      /^Superseded: a rollback of v2 to v0 was asked for by ada at .*Nothing was done\.$/,
    );
    expect(await chat.presses(BOB, shown('v0', { named: true }))).toMatch(/^The rollback of v2 to v0 is begun/);
    expect(await chat.timeline(id)).toEqual([`slack:${ADA}: Asked for a rollback to v0`]);
  });

  test('that were shown before another deploy are superseded', async () => {
    await deployed('v1', 300);
    await deployed('v2', 60);
    await deployed('v3', 1);
    const old = { verb: 'rollback', ...place, from: 'v2' as Version, to: 'v1' as Version } as const;
    expect(await chat.presses(ADA, old)).toBe('Superseded: v3 runs there now, and no longer v2. Nothing was done.');
    expect(await chat.timeline(id)).toEqual([]);
  });

  test('deployments are listed with what runs', async () => {
    await deployed('v1', 300);
    expect(await chat.says(ADA, '/deploys', 'checkout')).toMatch(/▶️ .* production v1 deploy, succeeded/);
  });
});

describe('the kill switch', () => {
  test('is for those who answer for everybody', async () => {
    chat.configure(people);
    expect(await chat.says(BOB, '/firebreak', 'pause too much')).toMatch(
      /^You may not switch automation off and on for all services everywhere\. Ask U0ADA\.$/,
    );
    expect(await chat.says(ADA, '/firebreak', 'pause too much')).toBe(
      'All automation is paused, everywhere (too much). People are paged as ever.',
    );
    expect(await chat.deps.automation.read()).toMatchObject({ paused: true, by: 'ada', reason: 'too much' });
    expect(await chat.says(ADA, '/firebreak', 'pause')).toMatch(/^It is so already: ada has paused/);
  });
});

test('incidents of services that somebody may not see are not counted for them', async () => {
  chat.configure({
    people: { ada: { slack: ADA, roles: ['responder'] }, bob: { slack: BOB, teams: ['search'], roles: ['own'] } },
    roles: { own: { actions: ['automation:read', 'incidents:read'], services: 'own' } },
  });
  expect(await chat.saysElsewhere(ADA, '/firebreak', 'status')).toBe('Automation acts. One incident is open.');
  expect(await chat.saysElsewhere(BOB, '/firebreak', 'status')).toBe('Automation acts. No incident is open.');
});

test('whatever is typed, nothing of it fails', async () => {
  // What is typed about freezes needs a table: freezes.test.ts.
  const word = fc.oneof(
    fc.constantFrom(
      'incident',
      'rollback',
      'open',
      'lift',
      'override',
      'take',
      'assign',
      'note',
      'severity',
      'resolve',
    ),
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
