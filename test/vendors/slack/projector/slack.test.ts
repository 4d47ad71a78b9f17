import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyHistory, retold } from '../../projectors/history.ts';
import { expectShown, play, type Scenario, slackWorld, SUBJECT } from '../../projectors/slack-world.ts';
import { anyTrouble, NO_TROUBLE } from '../../projectors/trouble.ts';
import type { Channel } from '../../projectors/vendors.ts';
import type { Trouble } from '../../projectors/world.ts';
import { runs } from '../../../support/runs.ts';

const anyScenario = (trouble: fc.Arbitrary<Trouble>): fc.Arbitrary<Scenario> =>
  fc.record({
    history: anyHistory,
    archiveAfterHours: fc.constantFrom(0, 1, 'never' as const),
    taken: fc.constantFrom(0, 0, 2),
    team: fc.boolean(),
    trouble,
  });

test('for any marks, Slack shows the correct state of each incident, without further calls', async () => {
  await fc.assert(
    fc.asyncProperty(anyScenario(fc.constant(NO_TROUBLE)), async (scenario) => {
      const slack = slackWorld(scenario);
      await play(slack, scenario.history);
      await expectShown(slack);
      expect(await slack.world.callsWhenMarked(SUBJECT)).toEqual([]);
    }),
    { numRuns: runs(20) },
  );
});

test('for any faults, the final state is the same as without faults', async () => {
  await fc.assert(
    fc.asyncProperty(anyScenario(anyTrouble), async (scenario) => {
      const slack = slackWorld(scenario);
      await play(slack, scenario.history);
      await expectShown(slack);
      expect(await slack.world.callsWhenMarked(SUBJECT)).toEqual([]);
    }),
    { numRuns: runs(40) },
  );
});

test('the same history with other marks has the same result', async () => {
  // Exclude incidents that join a parent, and teams: there, the result depends on the time of the projection.
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
    { numRuns: runs(15) },
  );
});

/** Returns channels without IDs, and messages by key, because the position of late ones varies. */
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
