import type { Product } from '../../../functions/assembly/product.ts';
import type { WaiterDeps } from '../../../core/domain/messages/channel-waiter.ts';
import { expect } from 'vitest';
import { serviceEntry } from '../../../core/domain/catalogue/catalogue.ts';
import { summaryCard, teamLine, channelTopic } from '../../../core/domain/messages/incident-card.ts';
import { entryMessage, hasMessage } from '../../../core/domain/messages/entry-message.ts';
import type { Chat, Directory } from '../../../core/domain/ports/chat.ts';
import type { UserCache } from '../../../core/domain/ports/messages.ts';
import type { OnCall } from '../../../core/domain/people/on-call.ts';
import { linksOf, type Story } from '../../../core/domain/messages/story.ts';
import { purposeOf } from '../../../vendors/slack/projector/channel.ts';
import { slackProjector } from '../../../vendors/slack/projector/slack.ts';
import type { Config } from '../../../schemas/config/config.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import { PersonId } from '../../../schemas/people/people.ts';
import type { Subject } from '../../../schemas/incidents/projection.ts';
import type { Step } from './history.ts';
import { type Channel, MemoryChat, type MemoryPeople, memoryDirectory, memoryOnCall } from './vendors.ts';
import { configOf, type Trouble, World } from './world.ts';

export const INCIDENT = '01TEST00000000000000000001' as IncidentId;
export const SUBJECT: Subject = `incident:${INCIDENT}`;

export type Scenario = {
  history: readonly Step[];
  archiveAfterHours: number | 'never';
  /** Number of channel names of the day that are already taken. */
  taken: number;
  /** Whether checkout has a team, and people.yaml lists people. Absent: no. */
  team?: boolean;
  trouble: Trouble;
};

export type SlackWorld = { world: World; chat: MemoryChat; config: Config; people: MemoryPeople };

/**
 * Slack IDs by name. Ada and Kim are on call, Kim is known only by email address, Gus is a guest, Sam is not in Slack.
 */
export const IN_SLACK: Readonly<Record<string, string | null>> = { ada: 'UADA', kim: 'UKIM', gus: 'UGUEST', sam: null };

const PEOPLE = {
  ada: { name: 'Ada', slack: 'UADA' },
  kim: { name: 'Kim', email: 'kim@example.com' },
  gus: { name: 'Gus', slack: 'UGUEST' },
  sam: { name: 'Sam', email: 'sam@example.com' },
};

/** No cached users. */
/** No question has a link. */
export const NO_LINKS = {
  approvalLinks: { sign: async () => undefined, read: async () => undefined },
  publicUrl: undefined,
} satisfies Pick<Product, 'approvalLinks' | 'publicUrl'>;

export const NOBODY_MET: Pick<UserCache, 'user'> = { user: async () => undefined };

export const NOBODY_WAITS: WaiterDeps = {
  processedEvents: { read: async () => undefined, markDelivered: async () => undefined },
  ephemeralMessages: { send: async () => ({ kind: 'done', value: null }) },
};

/** Sets up an incident of checkout, before the first projection. */
export function slackWorld(
  { archiveAfterHours, taken, team = false, trouble }: Omit<Scenario, 'history'>,
  page?: number,
  waiting: WaiterDeps = NOBODY_WAITS,
): SlackWorld {
  const config = configOf({ slack: { archiveAfterHours }, ...(team && { people: { people: PEOPLE } }) });
  if (team) Object.assign(serviceEntry(config.services, 'checkout') ?? {}, { team: 'payments' });
  const onCall = (name: 'ada' | 'kim' | 'sam', level: number) => ({
    pagerduty: `P${name.toUpperCase()}`,
    name: PEOPLE[name].name,
    email: null,
    level,
    person: PersonId.parse(name),
    slack: name === 'ada' ? 'UADA' : null,
  });
  const people: MemoryPeople = {
    onCall: [onCall('ada', 1), onCall('kim', 1), onCall('sam', 2)],
    users: { 'kim@example.com': 'UKIM' },
  };
  const alertNotices = { record: async () => [], read: async () => undefined };
  const world = new World(
    'slack',
    trouble,
    config,
    (seen) =>
      slackProjector({
        ...seen,
        ...waiting,
        userCache: NOBODY_MET,
        ...NO_LINKS,
        chat: seen.vendor<Chat>(chat),
        onCall: seen.vendor<OnCall>(memoryOnCall(people)),
        directory: seen.vendor<Pick<Directory, 'userByEmail'>>(memoryDirectory(people)),
        alertNotices,
      }),
    page,
  );
  const chat = new MemoryChat(world.clock);
  chat.add('team-checkout');
  chat.add('team-told');
  for (let number = 1; number <= taken; number += 1) chat.add(`incident-261120${number}`);
  // A caller has written a note, so that it is no flap, however short it is.
  world.incidents.begin(INCIDENT, { notified_channels: ['#team-told'], noted: true });
  return { world, chat, config, people };
}

/** Runs until everything is projected, or for a number of hours. */
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
  chat.channels.filter((one) => one.isOwn && one.name.startsWith('incident-'));

const keyed = (key: string) => (message: { key: string }) => message.key === `${SUBJECT} ${key}`;

/** Asserts the visible state in Slack, without Slack IDs. */
export async function expectShown(slack: SlackWorld): Promise<void> {
  const story = await storyOf(slack);
  const channels = ours(slack);
  // An incident that joined a parent before it got a channel has none.
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
    setTopic: channelTopic(story),
    setBookmarks: linksOf(story.signals),
  });
  expectTold(slack, channel);
  expectPeople(slack, story, channel);
  expect(archived).toBe(story.incident.status === 'resolved' && slack.config.slack.archiveAfterHours !== 'never');
  expect(slack.world.incidents.now(INCIDENT).channel).toBe(`#${channel.name}`);
  for (const [name, all] of teamMessages(slack)) {
    const line = { name, message: teamLine(story, channel.id) };
    expect(all.map(({ message }) => ({ name, message }))).toEqual(
      story.parent === null || all.length > 0 ? [line] : [],
    );
  }
}

/**
 * Asserts the members: people who acted or are on call, unless known only after the end. At most one direct message
 * each.
 */
function expectPeople({ world, chat, config }: SlackWorld, { incident, parent }: Story, { members }: Channel): void {
  const hasTeam = serviceEntry(config.services, 'checkout')?.team !== undefined;
  const { timeline } = world.incidents.of(INCIDENT);
  const acted = hasTeam
    ? Object.keys(IN_SLACK).filter((name) => timeline.some(({ entry }) => entry.actor === name))
    : [];
  const canBeIn = (names: readonly string[]): string[] =>
    names.flatMap((name) => IN_SLACK[name] ?? []).filter((user) => user !== 'UGUEST');
  const onCall = hasTeam ? ['ada', 'kim'] : [];
  expect(members.toSorted()).toEqual([...new Set(members)].toSorted());
  expect(canBeIn([...acted, ...onCall])).toEqual(expect.arrayContaining(members));
  if (incident.status !== 'resolved' && !world.refused.has('invite'))
    expect(members).toEqual(expect.arrayContaining(canBeIn(parent === null ? [...acted, ...onCall] : acted)));
  for (const { name, messages } of chat.channels)
    if (name.startsWith('with ')) expect(messages.length).toBeLessThanOrEqual(1);
}

type Ornaments = Record<'pin' | 'setPurpose' | 'setTopic' | 'setBookmarks', unknown>;

/** Asserts the ornaments, except refused ones in an archived channel, because they don't delay archiving. */
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

/** Asserts one message per entry, in the order of the timeline except for late entries. */
function expectTold({ world, config }: SlackWorld, { messages }: Channel): void {
  const { people } = config.people;
  const shownOf = (name: string): string => Object.entries(people).find(([id]) => id === name)?.[1].name ?? name;
  const told = world.incidents.of(INCIDENT).timeline.filter(({ entry }) => hasMessage(entry));
  const entries = messages.filter(({ key }) => key.startsWith(`${SUBJECT} entry `));
  const nameOf = (place: string): string => `${SUBJECT} entry ${place}`;
  expect(entries.map(({ key }) => key).toSorted()).toEqual(told.map(({ position: place }) => nameOf(place)).toSorted());
  for (const { position: place, entry } of told)
    expect(entries.find(({ key }) => key === nameOf(place))?.message).toEqual(
      entryMessage(entry, { shownOf, slackIdOf: () => null }),
    );
  const intime = new Set(
    told
      .filter(({ entry, writtenAt }) => Date.parse(entry.at) === writtenAt)
      .map(({ position: place }) => nameOf(place)),
  );
  for (const [n, { key }] of entries.entries()) {
    if (!intime.has(key)) continue;
    // No later entry of the timeline was posted before it.
    expect(entries.slice(0, n).filter((one) => one.key > key)).toEqual([]);
  }
}
