import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyHistory, retold } from './history.ts';
import { expectShown, play, type Scenario, slackWorld, SUBJECT } from './slack-world.ts';
import { anyTrouble, NO_TROUBLE, runs } from './trouble.ts';
import type { Channel } from './vendors.ts';
import type { Trouble } from './world.ts';

const anyScenario = (trouble: fc.Arbitrary<Trouble>): fc.Arbitrary<Scenario> =>
  fc.record({
    history: anyHistory,
    archiveAfterHours: fc.constantFrom(0, 1, 'never' as const),
    taken: fc.constantFrom(0, 0, 2),
    team: fc.boolean(),
    trouble,
  });

test('whatever the marks, Slack shows each incident as it is, and then is left alone', async () => {
  await fc.assert(
    fc.asyncProperty(anyScenario(fc.constant(NO_TROUBLE)), async (scenario) => {
      const slack = slackWorld(scenario);
      await play(slack, scenario.history);
      await expectShown(slack);
      expect(await slack.world.callsWhenMarked(SUBJECT)).toEqual([]);
    }),
    runs(80),
  );
});

test('whatever goes wrong on the way, it ends as if nothing had', async () => {
  await fc.assert(
    fc.asyncProperty(anyScenario(anyTrouble), async (scenario) => {
      const slack = slackWorld(scenario);
      await play(slack, scenario.history);
      await expectShown(slack);
      expect(await slack.world.callsWhenMarked(SUBJECT)).toEqual([]);
    }),
    runs(80),
  );
});

test('the same history told by other marks looks the same', async () => {
  // Whether an incident has got a channel before it becomes a part of another is a matter of when it was looked at; so
  // is who was known before it was over.
  const alone = anyScenario(fc.constant(NO_TROUBLE)).filter(
    ({ history, team }) => team !== true && !history.some(({ fact }) => fact.kind === 'joined parent'),
  );
  const twice = alone.chain((scenario) => fc.tuple(fc.constant(scenario), retold(scenario.history)));
  await fc.assert(
    fc.asyncProperty(twice, async ([scenario, history]) => {
      const shown = await Promise.all(
        [scenario.history, history].map(async (each) => {
          const slack = slackWorld(scenario);
          await play(slack, each);
          return slack.chat.channels;
        }),
      );
      expect(whatIsSeen(shown[1])).toEqual(whatIsSeen(shown[0]));
    }),
    runs(40),
  );
});

/** Without ids; messages by their keys, since those that were late come when they are seen. */
const whatIsSeen = (channels: readonly Channel[] = []): unknown =>
  channels.map(({ name, purpose, topic, archived, bookmarks, messages, pinned }) => ({
    name,
    purpose,
    topic,
    archived,
    bookmarks,
    pinned: messages.filter(({ id }) => pinned.includes(id)).map(({ key }) => key),
    messages: Object.fromEntries(messages.map(({ key, message }) => [key, withoutIds(message)])),
  }));

const withoutIds = (message: object): unknown =>
  JSON.parse(JSON.stringify(message, (name, value: unknown) => (name === 'channel' ? 'a channel' : value)));
