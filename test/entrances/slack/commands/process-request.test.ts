import * as fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { EnvironmentName, IncidentId, ServiceName, Version } from '../../../../schemas/config/names.ts';
import type { InboundEvent } from '../../../../schemas/messages/inbound-events.ts';
import type { ChatUser } from '../../../../core/domain/ports/messages.ts';
import { decide } from '../../../../core/domain/rollback/rollback.ts';
import { clear } from '../../../core/arbitraries.ts';
import { NewChange } from '../../../../schemas/changes/change.ts';
import { plusSeconds, secondsBetween } from '../../../../schemas/time/time.ts';
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
import { anyCharacter } from '../../../support/any-character.ts';
import { runs } from '../../../support/runs.ts';

const serviceEnvironment = { service: 'checkout' as ServiceName, environment: 'production' as EnvironmentName };

let chat: ChatWorld;
let id: IncidentId;

beforeEach(async () => {
  chat = new ChatWorld();
  id = await chat.incident();
});

/** Delivers an event to a process that dies before it stores the outcome. */
async function diesBeforeItStores(event: InboundEvent): Promise<void> {
  const { store } = chat.deps.processedEvents;
  chat.deps.processedEvents.store = async (key, outcome) => {
    if (key === event.key) throw new Error('the process dies');
    return store(key, outcome);
  };
  expect(await chat.deliver(event)).toBe(false);
  chat.deps.processedEvents.store = store;
}

const people = {
  people: {
    ada: { name: 'Ada', slack: ADA, teams: ['payments'] },
    bob: { name: 'Bob', email: 'bob@example.com', roles: ['viewer'] },
  },
  everyone: 'nobody',
};

describe('who acts', () => {
  test('without people.yaml, every member of the workspace is a responder', async () => {
    expect(await chat.says(ADA, '/incident', 'ack')).toBe('You have acknowledged the incident.');
    expect((await chat.record(id)).handling?.acknowledged).toMatchObject({ by: `slack:${ADA}` });
  });

  test('a person in people.yaml acts by their name there, identified by Slack ID or email address', async () => {
    chat.configure({ ...people, people: { ...people.people, bob: { ...people.people.bob, roles: ['responder'] } } });
    await chat.says(ADA, '/incident', 'note one');
    await chat.says(BOB, '/incident', 'note two');
    expect(chat.timeline(id)).toEqual(['ada: one', 'bob: two']);
  });

  test('a person without permission learns whom to ask, and nothing is done', async () => {
    chat.configure(people);
    expect(await chat.says(BOB, '/incident', 'ack')).toBe(
      `You don't have permission to change incidents for checkout in production. Ask ${ADA}.`,
    );
    expect(chat.sent[0]?.message.parts[0]).toMatchObject({ text: [expect.any(String), 'Ask ', { user: ADA }, '.'] });
    expect(chat.timeline(id)).toEqual([]);
  });

  test('a guest has no role', async () => {
    expect(await chat.says(EVE, '/incident', 'ack')).toMatch(
      /^You don't have permission: eve is a guest of this workspace.*Ask any full member of this workspace\.$/,
    );
    expect(chat.timeline(id)).toEqual([]);
    chat.configure(people);
    expect(await chat.says(EVE, '/incident', 'ack')).toMatch(/Nothing was done\. Ask U0ADA\.$/);
  });

  test('Slack user groups grant roles, and are read again after five minutes', async () => {
    chat.configure({ ...people, userGroups: { S0SRE: { roles: ['responder'] } } });
    chat.groups.set('S0SRE', [BOB]);
    expect(await chat.says(BOB, '/incident', 'ack')).toBe('You have acknowledged the incident.');
    chat.groups.set('S0SRE', []);
    chat.later(301);
    expect(await chat.says(BOB, '/incident', 'note x')).toMatch(/^You don't have permission to change incidents/);
  });

  test('while Slack is down, users from its answers of the last day count as members', async () => {
    chat.configure({ people: { zoe: { roles: ['admin'] } } });
    await chat.says(ADA, '/incident', 'note before');
    chat.slackIsDown = true;
    chat.later(2 * 3600);
    expect(await chat.says(ADA, '/incident', 'note after')).toBe('Added to the timeline.');
    expect(await chat.says(BOB, '/incident', 'note never')).toMatch(
      /^You don't have permission: Slack did not identify you/,
    );
    expect(chat.timeline(id)).toEqual([`slack:${ADA}: before`, `slack:${ADA}: after`]);
  });

  test('if people.yaml lists no people, the signature is sufficient, but only while Slack is down', async () => {
    chat.slackIsDown = true;
    expect(await chat.says(EVE, '/incident', 'note meanwhile')).toBe('Added to the timeline.');
    chat.configure({ everyone: 'nobody' });
    expect(await chat.says(EVE, '/incident', 'note x')).toMatch(/^You don't have permission: /);
    chat.configure({});
    chat.slackIsDown = false;
    expect(await chat.says(EVE, '/incident', 'note x')).toMatch(/^You don't have permission: .*a guest/);
  });

  test('while Slack is down, people with a Slack ID in people.yaml can act', async () => {
    chat.configure(people);
    chat.slackIsDown = true;
    expect(await chat.says(ADA, '/incident', 'ack')).toBe('You have acknowledged the incident.');
  });
});

describe('exactly once', () => {
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

  test.each(acts)('%s that is delivered twice is executed and answered once', async (_, request) => {
    const event = chat.heard(request());
    await chat.deliver(event);
    const [timeline, told] = [chat.timeline(id), chat.sent.length];
    expect(timeline).toHaveLength(1);
    await chat.deliver(event);
    expect(chat.timeline(id)).toEqual(timeline);
    expect(chat.sent).toHaveLength(told);
  });

  test.each(acts)('%s is executed once and answered if the process dies before the answer', async (_, request) => {
    const event = chat.heard(request());
    chat.onTell = () => {
      throw new Error('the process dies');
    };
    expect(await chat.deliver(event)).toBe(false);
    chat.onTell = () => undefined;
    expect(await chat.deliver(event)).toBe(true);
    expect(chat.timeline(id)).toHaveLength(1);
    expect(chat.sent.length).toBeGreaterThan(0);
  });

  test.each(acts)('%s is executed once if the process dies before it stores the result', async (_, request) => {
    const event = chat.heard(request());
    await diesBeforeItStores(event);
    expect(await chat.deliver(event)).toBe(true);
    expect(chat.timeline(id)).toHaveLength(1);
  });

  test.each([
    ['an action', () => typed(ADA, '/incident', 'ack')],
    ['the summary', () => happened({ type: 'member_joined_channel', user: BOB, channel: CHANNEL })],
  ] as const)('%s that is delivered again during its execution is answered once', async (_, request) => {
    const event = chat.heard(request());
    await Promise.all([1, 2, 3].map(() => chat.deliver(event)));
    expect(chat.sent).toHaveLength(1);
  });

  test('an unreadable message does not block others', async () => {
    expect(await chat.deliver('nonsense', chat.heard(typed(ADA, '/incident', 'note x')))).toBe(true);
    expect(chat.quarantined).toHaveLength(1);
    expect(chat.timeline(id)).toHaveLength(1);
  });

  test('a message that causes an exception goes to quarantine, and does not block others', async () => {
    chat.deps.incidents.note = async () => {
      throw new TypeError('a mistake');
    };
    expect(await chat.deliver(chat.heard(typed(ADA, '/incident', 'note x')))).toBe(true);
    expect(chat.quarantined[0]).toContain('a mistake');
  });

  test('a failed connection is retried, without quarantine', async () => {
    chat.deps.incidents.note = async () => {
      throw new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') });
    };
    expect(await chat.deliver(chat.heard(typed(ADA, '/incident', 'note x')))).toBe(false);
    expect(chat.quarantined).toEqual([]);
  });

  test('a request that is too old is not executed', async () => {
    const event = chat.heard(typed(ADA, '/incident', 'resolve'));
    chat.later(16 * 60);
    await chat.deliver(event);
    expect(chat.answer()).toMatch(/^This request was processed too late/);
    expect(chat.timeline(id)).toEqual([]);
  });
});

describe('an incident in Slack', () => {
  test('is declared in a modal, from a message that becomes its first timeline entry', async () => {
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
    expect(answer).toBe('Declared: Slow, warning, checkout in staging. Firebreak is creating its channel.');
    const [declared] = (await chat.deps.incidents.open()).filter(({ environment }) => environment === 'staging');
    expect(declared).toMatchObject({ title: 'Slow', severity: 'warning', by_hand: true });
    expect(declared?.handling?.triaged).toMatchObject({ by: `slack:${ADA}` });
    expect(chat.timeline(declared?.id as IncidentId)).toEqual([`slack:${ADA}: bob: it <b>hurts`]);
  });

  test('is declared once despite an interruption, and the on-call responder is still looked up', async () => {
    chat.configure({ onCall: { payments: { schedule: 'PSCHED1' } } });
    const form = { service: 'checkout', environment: 'staging', severity: 'sev1', summary: 'Slow' };
    const event = chat.heard(submitted(ADA, 'declare_incident', form));
    const { amend } = chat.deps.incidents;
    chat.deps.incidents.amend = async () => {
      throw new Error('the process dies');
    };
    expect(await chat.deliver(event)).toBe(false);
    chat.deps.incidents.amend = amend;
    expect(await chat.deliver(event)).toBe(true);
    expect(chat.answer()).toMatch(/^Declared: Slow/);
    const [declared] = (await chat.deps.incidents.open()).filter(({ environment }) => environment === 'staging');
    expect(chat.timeline(declared?.id as IncidentId)).toEqual([]);
    expect(chat.queued).toMatchObject([{ ask: 'on_call', incident: declared?.id }]);
  });

  test('is commanded by the on-call responder after it is declared, without a wait', async () => {
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
      text: 'Assigned command to Carol, who is on call for payments',
      detail: { role: 'commander', to: 'slack:U0CAROL' },
    });
    // The person gets one answer, which names the channel.
    expect(chat.sent.map(({ to }) => to)).toEqual([ADA]);
  });

  test('is for the service of the catalogue, in any letter case', async () => {
    const fields = { service: 'Checkout', environment: 'Production', severity: 'critical', summary: 'Down' };
    expect(await chat.submits(ADA, 'declare_incident', fields)).toContain('An incident is already open there: Err');
  });

  test('is refused for an unknown service, with a suggestion', async () => {
    const wrong = { service: 'chekout', severity: 'critical', summary: 'Down' };
    expect(await chat.submits(ADA, 'declare_incident', wrong)).toBe(
      'There is no service "chekout". Did you mean "checkout"? Nothing was done.You wrote: Down',
    );
  });

  test('can be taken over from another commander, and handed over with a summary that the new commander gets', async () => {
    await chat.says(ADA, '/incident', 'take');
    expect(await chat.says(BOB, '/incident', 'take')).toBe(
      `You are now commander, in place of ada.✉️ Notified by direct message: ${ADA} `,
    );
    expect(chat.letters()).toEqual([
      { to: ADA, text: `bob has taken over as commander of Errors, checkout in production, ${CHANNEL}` },
    ]);
    expect(await chat.says(BOB, '/incident', `handover <@${ADA}> the queue is full`)).toBe(
      `${ADA} now has command. The summary is on the timeline.✉️ Notified by direct message: ${ADA} `,
    );
    expect((await chat.record(id)).roles?.commander).toMatchObject({ name: `slack:${ADA}`, slack: ADA });
    expect(chat.letters().slice(1)).toEqual([
      {
        to: ADA,
        text: `bob has handed over command to you: Errors, checkout in production, ${CHANNEL}\nthe queue is full`,
      },
    ]);
    expect(chat.timeline(id)).toEqual([
      `slack:${ADA}: Took the commander role`,
      `slack:${BOB}: Took the commander role from ada`,
      `slack:${BOB}: Handed over command to ada. the queue is full`,
    ]);
  });

  test('is handed over once: a repetition sends no notification, and its answer says so', async () => {
    await chat.says(BOB, '/incident', 'take');
    await chat.says(BOB, '/incident', `handover <@${ADA}> the queue is full`);
    const written = chat.letters();
    expect(await chat.says(BOB, '/incident', `handover <@${ADA}> the queue is full`)).toMatch(
      /^U0ADA has command already\. Nothing was done\./,
    );
    expect(await chat.says(ADA, '/incident', `handover <@${ADA}> x`)).toMatch(/^You have command already/);
    expect(await chat.says(ADA, '/incident', 'take')).toBe('You are already commander.');
    expect(chat.letters()).toEqual(written);
  });

  test('is not taken over with a button that was shown before there was a commander', async () => {
    const take = { verb: 'take_command', incident: id } as const;
    expect(await chat.presses(ADA, take)).toBe('You are now commander.');
    expect(await chat.presses(BOB, take)).toBe(
      'Superseded: ada is already commander. To take over the role, enter /incident take commander. Nothing was done.',
    );
    expect(await chat.presses(ADA, take)).toBe('You are already commander.');
    expect((await chat.record(id)).roles?.commander).toMatchObject({ slack: ADA });
    expect(chat.letters()).toEqual([]);
  });

  test('has roles that only their holder can leave, one or all of them', async () => {
    await chat.says(ADA, '/incident', 'take');
    await chat.says(ADA, '/incident', 'take scribe');
    expect(await chat.says(BOB, '/incident', 'leave scribe')).toBe('You are not scribe: ada is. Nothing was done.');
    expect(await chat.says(ADA, '/incident', 'leave scribe')).toBe(
      'You are no longer scribe. The role is now unassigned.',
    );
    await chat.says(ADA, '/incident', 'take comms');
    const all = chat.heard(typed(ADA, '/incident', 'leave'));
    await chat.deliver(all);
    expect(chat.answer()).toMatch(/^You are no longer commander and communications\. The roles are now unassigned\./);
    await chat.deliver(all);
    expect(await chat.says(ADA, '/incident', 'leave')).toBe('You have no role in this incident. Nothing was done.');
    expect((await chat.record(id)).roles ?? {}).toEqual({});
  });

  test('is handed over to a person with a name from people.yaml if Slack sends the typed text', async () => {
    chat.configure({
      people: {
        ada: { name: 'Ada Park', slack: ADA, roles: ['responder'] },
        bob: { name: 'Bob Tanaka', email: 'bob@example.com', roles: ['responder'] },
        bob2: { name: 'Bobby', roles: ['responder'] },
      },
    });
    expect(await chat.says(ADA, '/incident', 'handover @Bob Tanaka the queue is full')).toMatch(
      /^U0BOB now has command\./,
    );
    expect(chat.timeline(id)).toEqual(['ada: Handed over command to Bob Tanaka. the queue is full']);
    expect(await chat.says(ADA, '/incident', 'assign scribe @ada park')).toMatch(/^U0ADA is now scribe\./);
    expect(await chat.says(ADA, '/incident', 'assign scribe @Bobby')).toMatch(/^The Slack user of Bobby is unknown/);
    expect(await chat.says(ADA, '/incident', 'handover @Adda Park look')).toMatch(
      /^"@Adda Park look" matches no person in people\.yaml\. Did you mean @Ada Park\?.*Nothing was done\./,
    );
    expect(await chat.says(ADA, '/incident', `handover @${'x'.repeat(79)}😀 look`)).toMatch(/^"@x{79}…" matches no/);
    expect((await chat.record(id)).roles?.commander).toMatchObject({ slack: BOB });
  });

  test('has answers that name people who got no direct message', async () => {
    chat.deps.ephemeralMessages.write = async () => ({
      kind: 'refused',
      code: 'channel_not_found',
      detail: 'no such user',
    });
    expect(await chat.says(BOB, '/incident', `assign scribe <@${ADA}>`)).toBe(
      `${ADA} is now scribe.⚠️ Slack delivered no direct message, so contact them yourself: ${ADA} `,
    );
  });

  test('notifies a commander who loses command through a third person', async () => {
    chat.users.set('U0CAROL', { ...(chat.users.get(ADA) as ChatUser), id: 'U0CAROL', name: 'carol', email: null });
    await chat.says(ADA, '/incident', 'take');
    expect(await chat.says(BOB, '/incident', 'handover <@U0CAROL> look at the queue')).toBe(
      `U0CAROL now has command in place of ada. The summary is on the timeline.✉️ Notified by direct message: U0CAROL ${ADA} `,
    );
    expect(chat.letters()).toEqual([
      { to: 'U0CAROL', text: expect.stringMatching(/^bob has handed over command to you/) },
      { to: ADA, text: expect.stringMatching(/^bob has handed over command to carol: Errors/) },
    ]);
  });

  test('is not handed over to a person without a role', async () => {
    expect(await chat.says(ADA, '/incident', `handover <@${EVE}> x`)).toMatch(
      /^U0EVE does not have permission: eve is a guest/,
    );
    expect((await chat.record(id)).roles).toBeUndefined();
  });

  test.each([
    ['handover', 'x'],
    ['assign scribe', ''],
  ])('has no roles for people with read-only permission: %s', async (command, rest) => {
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
      `${user} does not have permission to change incidents for checkout in production. Nothing was done. Ask ${ADA}.`;
    for (const user of ['U0CAROL', BOB])
      expect(await chat.says(ADA, '/incident', `${command} <@${user}> ${rest}`)).toContain(words(user));
    expect((await chat.record(id)).roles).toBeUndefined();
    expect(chat.letters()).toEqual([]);
    expect(await chat.says(BOB, '/incident', `${command} <@${ADA}> ${rest}`)).toContain(
      "You don't have permission to change incidents",
    );
  });

  test('keeps the first acknowledgement', async () => {
    await chat.presses(ADA, { verb: 'acknowledge', incident: id });
    expect(await chat.presses(BOB, { verb: 'acknowledge', incident: id })).toBe(
      'ada has already acknowledged the incident.',
    );
  });

  test('has a severity in the own words of the team', async () => {
    chat.configure({}, { routes: { severities: { 'broken a bit': 'warning', P1: 'warning' } } });
    expect(await chat.says(ADA, '/incident', 'severity P1')).toBe('Severity changed from critical to warning.');
    expect(await chat.says(ADA, '/incident', 'severity "broken a bit"')).toBe('Severity confirmed: warning.');
    expect(await chat.says(ADA, '/incident', 'severity P9')).toMatch(
      /^Unknown severity: use critical \(SEV0, .*, or a word of routes\.yaml: brokenabit, p1\. Nothing was done\.$/,
    );
    expect(await chat.says(ADA, '/incident', 'severity critcal')).toMatch(
      /did you mean "critical"\? Nothing was done\.$/,
    );
  });

  test('has a severity that can be confirmed and changed', async () => {
    expect(await chat.says(ADA, '/incident', 'severity sev1')).toBe('Severity confirmed: critical.');
    expect(await chat.submits(BOB, 'set_severity', { severity: 'info', text: 'one user' }, { incident: id })).toBe(
      'Severity changed from critical to info.',
    );
    expect(chat.timeline(id)).toEqual([
      `slack:${ADA}: Confirmed the severity critical`,
      `slack:${BOB}: Changed severity to info`,
      `slack:${BOB}: one user`,
    ]);
    expect((await chat.record(id)).handling?.triaged).toMatchObject({ by: `slack:${ADA}` });
  });

  test('gets a message on its timeline once, even if several people mark it', async () => {
    chat.messages.set(`${CHANNEL}/1795157380.000100`, { text: 'the <!channel> queue', user: BOB, url: null });
    const item = { type: 'message', channel: CHANNEL, ts: '1795157380.000100' };
    for (const user of [ADA, BOB])
      await chat.deliver(chat.heard(happened({ type: 'reaction_added', user, reaction: 'pushpin', item })));
    expect(chat.timeline(id)).toEqual([`slack:${ADA}: bob: the @channel queue`]);
    expect(chat.sent).toEqual([]);
  });

  test('shows a marked message on its timeline as its author sees it', async () => {
    const text = `&lt;b&gt; R&amp;D &amp;lt; <@${ADA}> <@U0CAROL|carol> <https://x.example|x>`;
    chat.messages.set(`${CHANNEL}/1795157380.000100`, { text, user: BOB, url: null });
    const item = { type: 'message', channel: CHANNEL, ts: '1795157380.000100' };
    await chat.deliver(chat.heard(happened({ type: 'reaction_added', user: ADA, reaction: 'pushpin', item })));
    expect(chat.timeline(id)).toEqual([`slack:${ADA}: bob: <b> R&D &lt; @ada @carol x (https://x.example)`]);
    const link = '&lt;https://a.example/?b=1&amp;c=2|label&gt; <https://a.example/?b=1&amp;c=2>';
    chat.messages.set(`${CHANNEL}/1795157380.000200`, { text: link, user: BOB, url: null });
    const second = { ...item, ts: '1795157380.000200' };
    await chat.deliver(chat.heard(happened({ type: 'reaction_added', user: ADA, reaction: 'pushpin', item: second })));
    expect(chat.timeline(id).at(-1)).toBe(
      `slack:${ADA}: bob: <https://a.example/?b=1&c=2|label> https://a.example/?b=1&c=2`,
    );
  });

  test('answers the message shortcut, also if the message is not added', async () => {
    await chat.deliver(chat.heard(chosen(ADA, 'a &lt; b', { id: CHANNEL, name: 'incident-1' })));
    expect(chat.answer()).toBe('Added to the timeline.');
    expect(chat.timeline(id)).toEqual([`slack:${ADA}: bob: a < b`]);
    await chat.deliver(chat.heard(chosen(ADA, 'a &lt; c', { id: 'C0GENERAL', name: 'general' })));
    expect(chat.answer()).toMatch(/^This is not the channel of an incident.*Nothing was done\..*C0INCIDENT: checkout/s);
    expect(chat.timeline(id)).toHaveLength(1);
  });

  test('gets a message from another channel if it is selected', async () => {
    chat.messages.set('C0GENERAL/1795157380.000100', { text: 'a &lt; b, and more', user: BOB, url: null });
    const message = { ts: '1795157380.000100', text: 'a < b', author: BOB };
    await chat.submits(ADA, 'pin_message', { incident: id }, { channel: 'C0GENERAL', message });
    expect(chat.timeline(id)).toEqual([`slack:${ADA}: bob: a < b, and more`]);
    expect(chat.sent.at(-1)?.message.parts.at(-1)).toEqual({
      kind: 'note',
      text: ['checkout production: Errors', ', ', { channel: CHANNEL }],
    });
  });

  test('ignores reactions and joins in other channels', async () => {
    const item = { type: 'message', channel: 'C0OTHER', ts: '1795157380.000100' };
    await chat.deliver(chat.heard(happened({ type: 'reaction_added', user: ADA, reaction: 'pushpin', item })));
    await chat.deliver(chat.heard(happened({ type: 'member_joined_channel', user: ADA, channel: 'C0OTHER' })));
    expect(chat.sent).toEqual([]);
  });

  test('sends its summary once to a person who joins', async () => {
    await chat.says(ADA, '/incident', 'take');
    chat.sent.length = 0;
    const joins = () =>
      chat.deliver(chat.heard(happened({ type: 'member_joined_channel', user: BOB, channel: CHANNEL })));
    await joins();
    await joins();
    expect(chat.sent).toHaveLength(1);
    expect(chat.sent[0]).toMatchObject({ to: BOB, ear: { channel: CHANNEL, responseUrl: null } });
    expect(chat.answer()).toMatch(/^What happened so far: checkout production: Errors/);
    expect(chat.answer()).toContain('commander: ada');
    expect(chat.answer()).toContain('Next step');
  });

  test('must be named outside of its channel; the only open one is suggested', async () => {
    expect(await chat.says(ADA, '/incident', 'ack', 'C0OTHER')).toBe('You have acknowledged the incident.'); // identified by the name of its channel
    expect(await chat.saysElsewhere(ADA, '/incident', 'resolve it is over')).toBe(
      'This is not the channel of an incident, so Firebreak does not know which incident you mean. One incident is open: checkout production, ' +
        'Errors. Nothing was done. For this incident, enter /incident resolve INC-1 it is over',
    );
    expect(chat.timeline(id)).toHaveLength(1);
  });

  test('is named by its number, wherever the command is entered', async () => {
    const number = (await chat.world.deps.incidents.read(id))?.number ?? expect.unreachable();
    expect(await chat.saysElsewhere(ADA, '/incident', `ack inc-${number}`)).toMatch(
      /^You have acknowledged the incident\./,
    );
    expect(await chat.saysElsewhere(ADA, '/incident', 'ack INC-99')).toMatch(
      /^There is no incident INC-99\. Nothing was done\./,
    );
  });

  test('must be named if several are open; the answer explains how', async () => {
    await chat.incident('Slow', 'staging', 2);
    expect(await chat.saysElsewhere(ADA, '/incident', 'note “it” &lt; that')).toMatch(
      /for example: \/incident note INC-\d “it” < that\.\nOpen incidents:\n• INC-2 C0INCIDENT2: checkout \w+, \w+\n• INC-1 C0INCIDENT: /,
    );
  });

  test('shows its status everywhere if it is the only one', async () => {
    expect(await chat.saysElsewhere(ADA, '/incident', 'status')).toMatch(/^What happened so far: checkout production/);
    expect(await chat.saysElsewhere(ADA, '/incident', 'roles')).toMatch(/^Errors\n• commander: unassigned/);
  });

  test('says so if none is open', async () => {
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
      'INC-2:',
      'inc2,',
      other,
    ];

    test('is changed if it is named, in any form', async () => {
      for (const [at, name] of names().entries()) {
        expect(await chat.says(ADA, '/incident', `note ${name} number ${at}`)).toBe(
          `Added to the timeline.checkout staging: Slow, ${CHANNEL}2`,
        );
      }
      expect(chat.timeline(other)).toHaveLength(names().length);
      expect(chat.timeline(id)).toEqual([]);
    });

    test('is resolved while alerts are firing, and the answer says what happens with them', async () => {
      await chat.world.store.editIncident(id, { firing: 2 });
      expect(await chat.says(ADA, '/incident', 'resolve it is over')).toBe(
        'INC-1 is resolved. ⚠️ 2 alerts are still firing. Alerts that keep firing no longer page; alerts that start to fire later do.',
      );
    });

    test('is resolved instead of the one of the channel', async () => {
      expect(await chat.says(ADA, '/incident', `resolve <#${CHANNEL}2|incident-2> it is over`)).toMatch(
        /^INC-2 is resolved\./,
      );
      expect(chat.timeline(other)).toEqual([`slack:${ADA}: it is over`]);
      expect(chat.timeline(id)).toEqual([]);
    });

    test.each(['#incident-3', '<#C0DEPLOYS|deploys>', '01JCYZ7Q8M3N5P7R9T1V3X5Z7B'])(
      'named %s does not exist: nothing is resolved',
      async (name) => {
        expect(await chat.says(ADA, '/incident', `resolve ${name} it is over`)).toMatch(
          /(?:is not the channel of an incident|There is no incident).*Nothing was done\.\nOpen incidents:/s,
        );
        expect([...chat.timeline(id), ...chat.timeline(other)]).toEqual([]);
      },
    );

    test('is not named by a word that only looks like a channel at the start of a note', async () => {
      await chat.says(ADA, '/incident', 'note incident-999 was like this');
      expect(chat.timeline(id)).toEqual([`slack:${ADA}: incident-999 was like this`]);
      expect(await chat.says(ADA, '/incident', 'resolve incident-999 it is over')).toMatch(
        /^incident-999 is not the channel of an incident/,
      );
      expect(chat.timeline(id)).toHaveLength(1);
    });

    test('is not named by another channel at the start of a note', async () => {
      await chat.says(ADA, '/incident', 'note <#C0DEPLOYS|deploys> is loud');
      expect(chat.timeline(id)).toEqual([`slack:${ADA}: #deploys is loud`]);
    });

    test('is selected in a dialog, by its ID or its name', async () => {
      const elsewhere = { channel: 'C0GENERAL' };
      await chat.submits(ADA, 'publish_update', { text: 'one', incident: other }, elsewhere);
      await chat.submits(ADA, 'publish_update', { text: 'two', incident: '#incident-2' }, elsewhere);
      expect(chat.timeline(other)).toEqual([`slack:${ADA}: one`, `slack:${ADA}: two`]);
    });
  });

  test('a status page that never shows the incident does not take an approval, and says why', async () => {
    const checkout = { statusPage: { components: ['Checkout'] }, environments: { production: {} } };
    chat.configure({}, { services: { checkout }, statusPage: { environments: ['eu'] } });
    expect(
      await chat.submits(ADA, 'publish_update', { text: 'We are on it', duration: '30 min' }, { incident: id }),
    ).toBe(
      'Update recorded. Firebreak notifies the stakeholders of this incident that response.yaml lists. The status page does not show the incident, because the environment production is not public: add it to environments in status-page.yaml.',
    );
    expect(chat.timeline(id)).toEqual([`slack:${ADA}: We are on it`]);
    const { at, next_at: next } = (await chat.record(id)).handling?.stakeholder_update ?? {};
    expect(secondsBetween(at ?? expect.unreachable(), next ?? expect.unreachable())).toBe(30 * 60);
    chat.configure({}, { services: { checkout } });
    expect(await chat.submits(ADA, 'publish_update', { text: 'Still on it' }, { incident: id })).toMatch(
      /^Update recorded\. .* lists\. The status page /,
    );
  });

  test('returns the entered text if a request is refused', async () => {
    expect(await chat.submits(ADA, 'publish_update', { text: 'half of EU is down' }, { channel: 'C0GENERAL' })).toMatch(
      /^This is not the channel of an incident.*You wrote: half of EU is down$/s,
    );
    chat.configure(people);
    expect(await chat.submits(BOB, 'publish_update', { text: 'half of EU is down' }, { incident: id })).toMatch(
      /^You don't have permission to change incidents .* Ask U0ADA\.You wrote: half of EU is down$/,
    );
  });

  test('sends no refusal to a person who joins without permission', async () => {
    chat.configure({
      people: { bob: { slack: BOB, teams: ['search'], roles: ['own'] } },
      roles: { own: { actions: ['incidents:read'], services: 'own' } },
    });
    await chat.deliver(chat.heard(happened({ type: 'member_joined_channel', user: BOB, channel: CHANNEL })));
    expect(chat.sent).toEqual([]);
    expect(await chat.saysElsewhere(BOB, '/incident', 'status')).not.toContain('Errors');
  });

  test('cannot be changed after it is resolved, and says so', async () => {
    await chat.deps.incidents.resolve(id, 0, 'ada', 'over');
    expect(await chat.presses(ADA, { verb: 'take_command', incident: id })).toBe(
      'Superseded: the incident is already resolved. Nothing was done.',
    );
    expect(await chat.submits(ADA, 'resolve_incident', {}, { incident: id })).toMatch(
      /^Superseded: the incident (?:was resolved at|is already resolved)/,
    );
  });
});

describe('questions', () => {
  const digest = 'digest-of-nothing';

  test('that need two people are not answered by one, and the answer says that nothing has been done', async () => {
    const inputs = clear({ policy: { mode: 'approve', approvals: 2 } });
    await chat.deps.decisions.keep(id, 1, decide(inputs), inputs);
    const asked = (await chat.deps.decisions.get(id, 1))?.digest ?? '';
    const approve = { verb: 'approve', incident: id, digest: asked } as const;
    expect(await chat.presses(ADA, approve)).toBe(
      'Approval 1 of 2 recorded. A second person must approve this as well: nothing has been done yet.',
    );
    expect(await chat.presses(ADA, approve)).toMatch(
      /^You have already approved this\. It is executed only after a second person approves it\./,
    );
    expect(await chat.presses(BOB, approve)).toBe('Approved.');
    expect(await chat.presses(BOB, approve)).toMatch(/^Nothing has changed: \S+ has already approved it\.$/);
  });

  test('about another service are approved by people with permission for it, and rejected by people with permission for either', async () => {
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
      const at = { ...serviceEnvironment, service: 'ledger' as ServiceName };
      return (await chat.deps.decisions.ask(id, number, { ...question, serviceEnvironment: at })).digest;
    };
    const asked = await ask(1_000_001);
    expect(await chat.presses(ADA, { verb: 'approve', incident: id, digest: asked })).toBe(
      `You don't have permission to act on incidents for ledger in production. Ask ${BOB}.`,
    );
    expect(await chat.presses(BOB, { verb: 'approve', incident: id, digest: asked })).toBe('Approved.');
    const again = await ask(1_000_002);
    expect(await chat.presses(ADA, { verb: 'reject', incident: id, digest: again })).toMatch(
      /^Rejected: the action is not executed\./,
    );
  });

  test('that are not waiting any more are answered with the current state', async () => {
    expect(await chat.presses(ADA, { verb: 'approve', incident: id, digest })).toBe(
      'Superseded: no question is waiting any more. Nothing was done.',
    );
  });
});

describe('rollbacks', () => {
  async function deployed(version: string, minutesAgo: number): Promise<void> {
    const started_at = plusSeconds(chat.world.clock.now(), -60 * minutesAgo);
    await chat.deps.changes.record(
      NewChange.parse({ ...serviceEnvironment, version, started_at, finished_at: started_at }),
    );
  }

  test('are shown first, and executed only by the button', async () => {
    await deployed('v1', 300);
    await deployed('v2', 10);
    const answer = await chat.says(ADA, '/rollback', 'checkout production');
    expect(answer).toMatch(
      /checkout in production has been running v2.*The rollback would go back to v1, which undoes v2 \(deploy\)/s,
    );
    expect(chat.timeline(id)).toEqual([]);
    const [button] = buttonsIn(chat.sent.at(-1)?.message ?? { summary: '', parts: [] });
    expect(button).toEqual({ verb: 'rollback', ...serviceEnvironment, from: 'v2', to: 'v1' });
    if (button === undefined) return;
    expect(await chat.presses(ADA, button)).toMatch(
      /^The rollback of v2 was requested, and starts unless a guard blocks it\./,
    );
    expect(chat.timeline(id)).toEqual([`slack:${ADA}: Requested a rollback`]);
  });

  test('are not started again after an interruption', async () => {
    await deployed('v1', 300);
    await deployed('v2', 10);
    const event = chat.heard(
      pressed(ADA, { verb: 'rollback', ...serviceEnvironment, from: 'v2' as Version, to: null }),
    );
    await diesBeforeItStores(event);
    await deployed('v1.1', 0);
    expect(await chat.deliver(event)).toBe(true);
    expect(chat.answer()).toMatch(/^The rollback of v2 was requested, and starts unless a guard blocks it\./);
    expect(chat.timeline(id)).toEqual([`slack:${ADA}: Requested a rollback`]);
  });

  test.each(['incidents.declare', 'incidents.amend', 'processedEvents.store', 'incidents.post'] as const)(
    'are requested at the next delivery if they were interrupted at %s, before the request',
    async (where) => {
      await deployed('v1', 300);
      await deployed('v2', 10);
      const event = chat.heard(
        pressed(ADA, { verb: 'rollback', ...serviceEnvironment, from: 'v2' as Version, to: null }),
      );
      const [port, method] = where.split('.') as ['incidents', 'post'];
      const real = chat.deps[port][method];
      chat.deps[port][method] = async () => {
        throw new Error('the process dies');
      };
      expect(await chat.deliver(event)).toBe(false);
      expect(chat.timeline(id)).toEqual([]);
      chat.deps[port][method] = real;
      expect(await chat.deliver(event)).toBe(true);
      expect(chat.timeline(id)).toEqual([`slack:${ADA}: Requested a rollback`]);
      expect(await chat.deliver(event)).toBe(true);
      expect(chat.timeline(id)).toHaveLength(1);
    },
  );

  test('open no other incident if the first one is resolved at the next delivery', async () => {
    await deployed('v1', 300);
    await deployed('v2', 10);
    const event = chat.heard(
      pressed(ADA, { verb: 'rollback', ...serviceEnvironment, from: 'v2' as Version, to: null }),
    );
    await diesBeforeItStores(event);
    await chat.world.store.editIncident(id, { status: 'resolved' });
    expect(await chat.deliver(event)).toBe(true);
    expect(chat.answer()).toMatch(/^Superseded: the incident is already resolved/);
    expect(chat.world.store.dossiers.size).toBe(1);
  });

  test('to another version are superseded by the first one that was confirmed', async () => {
    await deployed('v0', 900);
    await deployed('v1', 300);
    await deployed('v2', 10);
    const shown = (to: string, more: object = {}) =>
      ({ verb: 'rollback', ...serviceEnvironment, from: 'v2' as Version, to: to as Version, ...more }) as const;
    expect(await chat.presses(ADA, shown('v0', { named: true }))).toMatch(
      /^The rollback of v2 to v0 was requested, and starts/,
    );
    chat.later(2);
    expect(await chat.presses(BOB, shown('v1'))).toMatch(
      /^Superseded: a rollback of v2 to v0 was requested by ada at .*Nothing was done\.$/,
    );
    expect(await chat.presses(BOB, shown('v0', { named: true }))).toMatch(
      /^The rollback of v2 to v0 was requested, and starts/,
    );
    expect(chat.timeline(id)).toEqual([`slack:${ADA}: Requested a rollback to v0`]);
  });

  test('that were shown before another deploy are superseded', async () => {
    await deployed('v1', 300);
    await deployed('v2', 60);
    await deployed('v3', 1);
    const old = { verb: 'rollback', ...serviceEnvironment, from: 'v2' as Version, to: 'v1' as Version } as const;
    expect(await chat.presses(ADA, old)).toBe('Superseded: v3 is running now instead of v2. Nothing was done.');
    expect(chat.timeline(id)).toEqual([]);
  });

  test('are possible for the deployments that are listed, with the running one marked', async () => {
    await deployed('v1', 300);
    expect(await chat.says(ADA, '/deploys', 'checkout')).toMatch(/▶️ .* production v1 deploy, succeeded/);
  });
});

describe('the kill switch', () => {
  test('requires permission for all services', async () => {
    chat.configure(people);
    expect(await chat.says(BOB, '/firebreak', 'pause too much')).toMatch(
      /^You don't have permission to change the settings of automation for all services and environments\. Ask U0ADA\.$/,
    );
    expect(await chat.says(ADA, '/firebreak', 'pause too much')).toBe(
      'The kill switch is on, set by ada: too much. Nothing is rolled back, in any service. Paging continues.',
    );
    expect(await chat.deps.automation.read()).toMatchObject({ paused: true, by: 'ada', reason: 'too much' });
    expect(await chat.says(ADA, '/firebreak', 'pause')).toMatch(
      /^Nothing changed: the kill switch is on, set by ada: too much/,
    );
  });
});

test('incidents without read permission are not counted', async () => {
  chat.configure({
    people: { ada: { slack: ADA, roles: ['responder'] }, bob: { slack: BOB, teams: ['search'], roles: ['own'] } },
    roles: { own: { actions: ['automation:read', 'incidents:read'], services: 'own' } },
  });
  expect(await chat.saysElsewhere(ADA, '/firebreak', 'status')).toBe(
    'Automation is on, with the mode of each service. One incident is open.',
  );
  expect(await chat.saysElsewhere(BOB, '/firebreak', 'status')).toBe(
    'Automation is on, with the mode of each service. No incident is open.',
  );
});

test('no command text causes an error', async () => {
  // Freeze commands need a table: see freezes.test.ts.
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
    fc.string({ unit: anyCharacter, maxLength: 12 }),
  );
  const command = fc.constantFrom('/incident', '/rollback', '/deploys', '/firebreak', '/acme-incident', '/unknown');
  await fc.assert(
    fc.asyncProperty(command, fc.array(word, { maxLength: 5 }), async (name, typedWords) => {
      const event = chat.heard(typed(ADA, name, typedWords.join(' ')));
      expect(await chat.deliver(event)).toBe(true);
      expect(chat.quarantined).toEqual([]);
    }),
    { numRuns: runs(60) },
  );
});

test('modals of other apps are ignored', async () => {
  await chat.deliver(chat.heard(submitted(ADA, 'of_another_app', {})));
  expect(chat.sent).toEqual([]);
});
