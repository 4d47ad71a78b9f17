import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { featuresOn } from '../../support/feature-deps.ts';
import { handoffSummary } from '../../../core/domain/messages/handoff-summary.ts';
import { type AlertNotice, noticeCard } from '../../../core/domain/messages/alert-notices.ts';
import { detailsCard, summaryCard, teamLine } from '../../../core/domain/messages/incident-card.ts';
import { entryMessage } from '../../../core/domain/messages/entry-message.ts';
import type { ChatMessage } from '../../../core/domain/messages/chat-message.ts';
import { COMMANDS } from '../../../entrances/slack/commands/verb.ts';
import { helpMessage, usageMessage } from '../../../entrances/slack/requests/help.ts';
import {
  listMessage,
  notStoredMessage,
  productMessage,
  statusMessage,
  queuedMessage,
} from '../../../entrances/slack/requests/replies.ts';
import { bodyOf } from '../../../vendors/slack/blocks.ts';
import { type Button, readButton } from '../../../schemas/slack/button.ts';
import { NewChange } from '../../../schemas/changes/change.ts';
import { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { openTable, type TableStores } from '../../core/stores/stores.ts';
import { NOON } from '../../core/arbitraries.ts';
import { ADA, BOB, buttonsIn, CHANNEL, ChatWorld, happened } from '../../entrances/slack/commands/chat-world.ts';
import { INCIDENT } from '../../entrances/slack/support.ts';
import { messageProblems } from '../../support/block-kit.ts';
import { foreign } from '../../support/foreign-text.ts';
import { signal } from '../../support/signals.ts';
import { anyTold, aStory, wildName } from './wild-stories.ts';
import { runs } from '../../support/runs.ts';

/** Checks all messages against Slack's reference, with ordinary and with arbitrary content. */

/** Returns the buttons that Slack shows: those with values that are too long are left out. */
const shownIn = (message: ChatMessage): Button[] =>
  bodyOf(message)
    .blocks.flatMap((block) => (block.type === 'actions' ? block.elements : []))
    .flatMap(({ action_id: id, value }) => readButton(id, value) ?? []);

const wrong = (message: ChatMessage): string[] => messageProblems(bodyOf(message));

describe('messages about an incident', () => {
  test("the pinned message, the team's message, the handoff summary", () => {
    fc.assert(
      fc.property(aStory, fc.array(anyTold, { maxLength: 20 }), (story, recent) => {
        const now = plusSeconds(story.incident.opened_at, 3600);
        expect(wrong(summaryCard(story))).toEqual([]);
        expect(wrong(detailsCard(story))).toEqual([]);
        expect(wrong(teamLine(story, 'C2147483705'))).toEqual([]);
        expect(wrong(handoffSummary(story, recent, now))).toEqual([]);
      }),
      { numRuns: runs(60) },
    );
  });

  test('each timeline entry, including reminders', () => {
    fc.assert(
      fc.property(anyTold, (entry) => {
        expect(wrong(entryMessage(entry))).toEqual([]);
      }),
    );
  });

  test('a notice of alerts without an incident', () => {
    fc.assert(
      fc.property(fc.array(foreign, { minLength: 1, maxLength: 30 }), wildName, (titles, name) => {
        const notice: AlertNotice = {
          kind: 'notice',
          channel: '#team',
          round: 1,
          serviceEnvironment: { service: name, environment: name },
          firstAt: NOON,
          updatedAt: NOON,
          alerts: titles.map((title) => ({ signal: signal({ title }), status: 'firing' })),
          firing: titles.length,
          total: titles.length,
        };
        expect(wrong(noticeCard(notice))).toEqual([]);
      }),
    );
  });
});

test('a pending decision always includes its buttons and the question', () => {
  fc.assert(
    fc.property(aStory, ({ decisions, incident, ...rest }) => {
      const asked = decisions.map((one) => ({ ...one, state: 'waiting' as const }));
      const open = { ...incident, status: 'open' as const };
      const { blocks } = bodyOf(summaryCard({ ...rest, incident: open, decisions: asked }));
      const shown = JSON.stringify(blocks);
      if (asked.length > 0) expect(shown).toMatch(/Approve or reject|Choose one|Resume automation/);
      const answers = incident.automation_paused ? 0 : asked.length;
      expect(shown.match(/Approve or reject|Choose one/g)?.length ?? 0).toBeGreaterThanOrEqual(answers);
      expect(shown.match(/firebreak:approve/g) ?? []).toHaveLength(answers);
      expect(shown).toContain('firebreak:resolve');
    }),
  );
});

test('three questions of two acts each are included with all their buttons', () => {
  fc.assert(
    fc.property(aStory, wildName, ({ decisions: [one], incident, ...rest }, name) => {
      if (one === undefined) return;
      const act = { service: name, environment: name, from_version: name, to_version: 'v41' };
      const offers = ['a', 'b'].map((digest) => ({ ...act, digest: digest.repeat(64) }));
      const decisions = ['1', '2', '3'].map((n) => ({ ...one, id: n, state: 'waiting', offers }));
      const open = { ...incident, status: 'open', automation_paused: false };
      const shown = JSON.stringify(bodyOf(summaryCard({ ...rest, incident: open, decisions } as never)).blocks);
      const found = [shown.match(/Choose one/g), shown.match(/firebreak:approve/g)].map((all) => all?.length);
      expect(found).toEqual([3, 6]);
    }),
  );
});

describe('responses while Slack waits', () => {
  test.each(COMMANDS)('the help of /%s', (command) => {
    expect(wrong(helpMessage(command))).toEqual([]);
  });

  test('open incidents, the status of one, the state of automation, accepted and refused requests', () => {
    fc.assert(
      fc.property(foreign, wildName, fc.nat(60), fc.boolean(), (text, name, count, fresh) => {
        const incident = {
          ...INCIDENT,
          title: text,
          channel: text,
          service: ServiceName.parse(name),
          environment: EnvironmentName.parse(name),
        };
        const open = { value: Array.from({ length: count }, () => incident), at: NOON, fresh };
        const automation = { value: { paused: true, reason: text, by: text, mode: null }, at: NOON, fresh };
        const messages = [
          listMessage(open, NOON),
          statusMessage({ ...open, value: incident }, NOON),
          productMessage(automation, open, NOON),
          productMessage(null, null, NOON),
          queuedMessage(text, fresh),
          notStoredMessage(text),
          usageMessage({ kind: 'usage', because: text, nearest: text, command: 'freeze' }),
        ];
        expect(messages.flatMap(wrong)).toEqual([]);
      }),
      { numRuns: runs(30) },
    );
  });
});

describe('responses after completion', () => {
  let stores: TableStores;

  beforeAll(async () => {
    stores = await openTable();
  });
  afterAll(() => stores.close());

  /** Returns the messages of all requests that two people can make about an incident, with these names and texts. */
  async function conversation(service: string, version: string, words: string): Promise<ChatMessage[]> {
    const chat = new ChatWorld();
    const { clock } = chat.world;
    Object.assign(chat.deps, { features: { ...chat.deps.features, ...featuresOn(stores.table, chat.deps) } });
    const team = `team of ${service}`.slice(0, 64);
    const production = { deployer: { kind: 'http' } };
    const people = { ada: { name: words.slice(0, 100) || 'Ada', slack: ADA }, bob: { slack: BOB, roles: ['viewer'] } };
    chat.configure(
      { people },
      {
        services: { [service]: { team, environments: { production } } },
        freeze: { policies: [{ match: {}, overrides: { people: 2 } }] },
      },
    );
    const id = await chat.incident(words.slice(0, 500).toWellFormed() || 'Errors');
    const serviceEnvironment = { service, environment: 'production' };
    for (const [name, minutes] of [
      ['v1', 600],
      [version, 300],
      [`${version.slice(0, 250)}-2`, 10],
    ] as const) {
      const started_at = plusSeconds(clock.now(), -60 * minutes);
      await chat.deps.changes.record(
        NewChange.parse({ ...serviceEnvironment, version: name, started_at, finished_at: started_at }),
      );
    }
    const quoted = `"${service.replaceAll('"', '')}"`;
    const typed: [command: string, text: string][] = [
      ['/incident', 'ack'],
      ['/incident', 'take'],
      ['/incident', 'list'],
      ['/incident', 'status'],
      ['/incident', `note ${words}`],
      ['/incident', `update ${words}`],
      ['/incident', `assign scribe <@${BOB}>`],
      ['/incident', 'roles'],
      ['/incident', 'severity warning'],
      ['/rollback', `${quoted} production`],
      ['/rollback', `${quoted} nowhere`],
      ['/rollback', words.slice(0, 100)],
      ['/deploys', quoted],
      ['/freeze', `open ${quoted} 2h ${words}`],
      ['/freeze', `open "${team.replaceAll('"', '')}" 2h ${words}`],
      ['/freeze', `override ${quoted} ${words}`],
      ['/freeze', 'status'],
      ['/freeze', `status ${quoted}`],
      ['/freeze', `lift ${quoted} ${words}`],
      ['/firebreak', `pause ${words}`],
      ['/firebreak', 'pause'],
      ['/rollback', `${quoted} production`],
      ['/firebreak', 'status'],
      ['/firebreak', 'resume'],
      ['/incident', `handover <@${BOB}> ${words}`],
    ];
    for (const [command, text] of typed) await chat.says(ADA, command, text);
    await chat.says(BOB, '/incident', 'ack');
    await chat.deliver(chat.heard(happened({ type: 'member_joined_channel', user: BOB, channel: CHANNEL })));
    await chat.submits(ADA, 'declare_incident', {
      service,
      environment: 'production',
      severity: 'info',
      summary: words,
    });
    for (const button of chat.sent.flatMap(({ message }) => shownIn(message))) await chat.presses(ADA, button);
    await chat.submits(ADA, 'resolve_incident', { text: words }, { incident: id });
    expect(chat.quarantined).toEqual([]);
    return chat.sent.map(({ message }) => message);
  }

  test('with ordinary content', async () => {
    const messages = await conversation('checkout', 'v42', 'the queue is full');
    expect(messages.length).toBeGreaterThan(30);
    expect(messages.flatMap(wrong)).toEqual([]);
    const verbs = new Set(messages.flatMap(buttonsIn).map(({ verb }) => verb));
    expect(verbs).toEqual(new Set(['rollback', 'lift_freeze', 'approve_override']));
  });

  test('with arbitrary content', async () => {
    // Changes with a blank service or version are refused.
    const named = wildName.filter((name) => name.trim() !== '');
    await fc.assert(
      fc.asyncProperty(named, named, foreign, async (service, version, words) => {
        // The maximum of a text field.
        const written = words.slice(0, 3000).toWellFormed();
        expect((await conversation(service, version, written)).flatMap(wrong)).toEqual([]);
      }),
      { numRuns: runs(12) },
    );
  });
});
