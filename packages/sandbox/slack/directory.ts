/** The sandbox's workspace. All names are invented. */
export const TEAM = {
  id: 'T0SANDBOX',
  name: 'Firebreak sandbox',
  url: 'https://firebreak-sandbox.slack.com/',
} as const;

/** The app of every token. */
export const BOT = { id: 'U0BOT', bot_id: 'BAH5CA16Z', app_id: 'A0SANDBOX', name: 'firebreak' } as const;

/** The scopes of the app, which Slack returns with every response. */
export const SCOPES = [
  'bookmarks:read',
  'bookmarks:write',
  'channels:history',
  'channels:join',
  'channels:manage',
  'channels:read',
  'channels:write.invites',
  'channels:write.topic',
  'chat:write',
  'chat:write.public',
  'pins:read',
  'pins:write',
  'commands',
  'reactions:read',
  'reactions:write',
  'usergroups:read',
  'users:read',
  'users:read.email',
] as const;

export type Person = {
  id: string;
  name: string;
  real_name: string;
  email: string;
  /** A guest from another company, who is in only a few channels. */
  guest?: true;
};

/** The workspace's administrator, who creates the channels that the app did not create. */
export const ADMIN: Person = { id: 'U0ADMIN01', name: 'robin', real_name: 'Robin Vale', email: 'robin@example.com' };

export const PEOPLE: readonly Person[] = [
  ADMIN,
  { id: 'U024BE7LH', name: 'ada', real_name: 'Ada Park', email: 'ada@example.com' },
  { id: 'U2147483697', name: 'sam', real_name: 'Sam Okoye', email: 'sam@example.com' },
  { id: 'U0MIRA0001', name: 'mira', real_name: 'Mira Lindt', email: 'mira@example.com' },
  { id: 'U0GRACE001', name: 'grace', real_name: 'Grace Moreau', email: 'grace@example.com' },
  { id: 'U0BOB00001', name: 'bob', real_name: 'Bob Tanaka', email: 'bob@example.com' },
  { id: 'U0GUS00001', name: 'gus', real_name: 'Gus Ferro', email: 'gus@example.net', guest: true },
];

export const GROUPS = [
  { id: 'S0ONCALL1', name: 'On call', handle: 'on-call', users: ['U024BE7LH', 'U2147483697'] },
] as const;

/** The commands and shortcuts of the app, as in its manifest (`entrances/slack/manifest.yaml`). */
export const COMMANDS = ['/incident', '/rollback', '/freeze', '/deploys', '/firebreak'] as const;
export const SHORTCUTS = [
  { callback_id: 'declare_incident', name: 'Declare an incident', of: 'global' },
  { callback_id: 'declare_from_message', name: 'Declare an incident', of: 'message' },
  { callback_id: 'add_to_timeline', name: 'Add to the timeline', of: 'message' },
] as const;

/** Events that the stand-in supports, by the names in a manifest, and those that the app subscribes to. */
export const SUBSCRIPTIONS = ['member_joined_channel', 'message.channels', 'reaction_added'] as const;
export const SUBSCRIBED: readonly string[] = ['member_joined_channel', 'reaction_added'];

/** Slack's deprecated verification token. Apps must not rely on it. */
export const VERIFICATION_TOKEN = 'sandbox-verification-token';

export const personById = (id: string): Person | undefined =>
  PEOPLE.find((person) => person.id === id) ?? (NEWCOMER.test(id) ? newcomer(id) : undefined);

/** User IDs of callers who sign requests themselves. An unknown ID counts as a new member of the workspace. */
const NEWCOMER = /^[UW]\d[0-9A-Z]{6,19}$/;

const newcomer = (id: string): Person => ({
  id,
  name: id.toLowerCase(),
  real_name: `Newcomer ${id}`,
  email: `${id.toLowerCase()}@example.com`,
});

/** Returns the name of a person or the app. */
export const nameOf = (id: string): string => (id === BOT.id ? BOT.name : (personById(id)?.name ?? id));
