import { expect } from 'vitest';
import { entryMessage, isTold, summaryCard, teamLine, topic } from '../../domain/incident-card.ts';
import type { Chat } from '../../domain/outlets.ts';
import { linksOf, type Story } from '../../domain/story.ts';
import { purposeOf } from '../../projectors/slack/channel.ts';
import { slackProjector } from '../../projectors/slack.ts';
import type { Config } from '../../schemas/config.ts';
import type { IncidentId } from '../../schemas/names.ts';
import type { Subject } from '../../schemas/projection.ts';
import type { Step } from './history.ts';
import type { Channel } from './vendors.ts';
import { MemoryChat } from './vendors.ts';
import { configOf, type Trouble, World } from './world.ts';

export const INCIDENT = '01TEST00000000000000000001' as IncidentId;
export const SUBJECT: Subject = `incident:${INCIDENT}`;

export type Scenario = {
  history: readonly Step[];
  archiveAfterHours: number | 'never';
  /** Names of that day which are somebody else's. */
  taken: number;
  trouble: Trouble;
};

export type SlackWorld = { world: World; chat: MemoryChat; config: Config };

/** An incident of checkout, from its opening on; nothing has been shown yet. */
export function slackWorld(
  { archiveAfterHours, taken, trouble }: Omit<Scenario, 'history'>,
  page?: number,
): SlackWorld {
  const config = configOf({ slack: { archiveAfterHours } });
  const bulletins = { heard: async () => [], read: async () => undefined };
  const world = new World(
    'slack',
    trouble,
    config,
    (seen) => slackProjector({ ...seen, chat: seen.vendor<Chat>(chat), bulletins }),
    page,
  );
  const chat = new MemoryChat(world.clock);
  chat.add('team-checkout');
  chat.add('team-told');
  for (let number = 1; number <= taken; number += 1) chat.add(`incident-261120${number}`);
  world.incidents.begin(INCIDENT, { told_channels: ['#team-told'] });
  return { world, chat, config };
}

/** Until all has been told that has happened, or for so many hours. */
export async function play({ world }: SlackWorld, history: readonly Step[], hours?: number): Promise<void> {
  world.tell(INCIDENT, history);
  await world.run(hours, hours !== undefined);
}

export const storyOf = async ({ world }: SlackWorld): Promise<Story> => {
  const { decisions, effects, signals, timeline } = world.incidents.of(INCIDENT);
  const incident = world.incidents.now(INCIDENT);
  const parent = incident.parent_id === undefined ? null : { id: incident.parent_id, channel: null };
  return structuredClone({ incident, decisions, effects, signals, timeline, children: [], childCount: 0, parent });
};

const ours = ({ chat }: SlackWorld): Channel[] =>
  chat.channels.filter((one) => one.ours && one.name.startsWith('incident-'));

const keyed = (key: string) => (message: { key: string }) => message.key === `${SUBJECT} ${key}`;

/** What people see, without the ids that Slack gives. */
export async function expectShown(slack: SlackWorld): Promise<void> {
  const story = await storyOf(slack);
  const channels = ours(slack);
  // What had become a part of another before it got a channel has none.
  if (story.parent !== null && channels.length === 0) {
    expect(teamMessages(slack).flatMap(([, messages]) => messages)).toEqual([]);
    return;
  }
  expect(channels.map(({ name }) => name)).toHaveLength(1);
  const [channel] = channels as [Channel];
  const { archived, messages } = channel;
  const summaries = messages.filter(keyed('summary'));
  expect(summaries.map(({ message }) => message)).toEqual([summaryCard(story)]);
  expectOrnaments(slack, channel, {
    pin: summaries.map(({ id }) => id),
    setPurpose: purposeOf(story.incident),
    setTopic: topic(story),
    setBookmarks: linksOf(story.signals),
  });
  expectTold(slack, channel);
  expect(archived).toBe(story.incident.status === 'resolved' && slack.config.slack.archiveAfterHours !== 'never');
  expect(slack.world.incidents.now(INCIDENT).channel).toBe(`#${channel.name}`);
  for (const [name, all] of teamMessages(slack)) {
    const line = { name, message: teamLine(story, channel.id) };
    expect(all.map(({ message }) => ({ name, message }))).toEqual(
      story.parent === null || all.length > 0 ? [line] : [],
    );
  }
}

type Ornaments = Record<'pin' | 'setPurpose' | 'setTopic' | 'setBookmarks', unknown>;

/** Each as it is to be, but for those that Slack refused to the last: they do not hold up the archive, which ends it. */
function expectOrnaments({ world }: SlackWorld, channel: Channel, wanted: Ornaments): void {
  const { archived, pinned: pin, purpose: setPurpose, topic: setTopic, bookmarks: setBookmarks } = channel;
  const ended = archived ? world.refused : new Set<string>();
  const taken = (all: Ornaments): unknown => Object.fromEntries(Object.entries(all).filter(([by]) => !ended.has(by)));
  expect(taken({ pin, setPurpose, setTopic, setBookmarks })).toEqual(taken(wanted));
}

const teamMessages = ({ chat }: SlackWorld): [string, Channel['messages']][] =>
  chat.channels.flatMap(({ name, messages }) =>
    name.startsWith('team-') ? [[name, messages] as [string, Channel['messages']]] : [],
  );

/** Each entry once, in the order of the timeline but for those that were written late. */
function expectTold({ world }: SlackWorld, { messages }: Channel): void {
  const told = world.incidents.of(INCIDENT).timeline.filter(({ entry }) => isTold(entry));
  const entries = messages.filter(({ key }) => key.startsWith(`${SUBJECT} entry `));
  const nameOf = (place: string): string => `${SUBJECT} entry ${place}`;
  expect(entries.map(({ key }) => key).toSorted()).toEqual(told.map(({ place }) => nameOf(place)).toSorted());
  for (const { place, entry } of told)
    expect(entries.find(({ key }) => key === nameOf(place))?.message).toEqual(entryMessage(entry));
  const intime = new Set(
    told.filter(({ entry, writtenAt }) => Date.parse(entry.at) === writtenAt).map(({ place }) => nameOf(place)),
  );
  for (const [n, { key }] of entries.entries()) {
    if (!intime.has(key)) continue;
    // Nothing that comes after it in the timeline was posted before it.
    expect(entries.slice(0, n).filter((one) => one.key > key)).toEqual([]);
  }
}
