/** Who is in the sandbox's workspace. All invented. */
export const TEAM = {
  id: 'T0SANDBOX',
  name: 'Firebreak sandbox',
  url: 'https://firebreak-sandbox.slack.com/',
} as const;

/** The app that every token stands for. */
export const BOT = { id: 'U0BOT', bot_id: 'BAH5CA16Z', app_id: 'A0SANDBOX', name: 'firebreak' } as const;

/** What the app may do, as Slack tells it with every answer. */
export const SCOPES = [
  'bookmarks:read',
  'bookmarks:write',
  'channels:history',
  'channels:join',
  'channels:manage',
  'channels:read',
  'chat:write',
  'chat:write.public',
  'pins:read',
  'pins:write',
  'reactions:write',
  'usergroups:read',
  'users:read',
  'users:read.email',
] as const;

export type Person = { id: string; name: string; real_name: string; email: string };

/** The workspace's administrator, who makes the channels that the app did not make. */
export const ADMIN: Person = { id: 'U0ADMIN01', name: 'robin', real_name: 'Robin Vale', email: 'robin@example.com' };

export const PEOPLE: readonly Person[] = [
  ADMIN,
  { id: 'U024BE7LH', name: 'ada', real_name: 'Ada Park', email: 'ada@example.com' },
  { id: 'U2147483697', name: 'sam', real_name: 'Sam Okoye', email: 'sam@example.com' },
  { id: 'U0MIRA0001', name: 'mira', real_name: 'Mira Lindt', email: 'mira@example.com' },
];

export const GROUPS = [
  { id: 'S0ONCALL1', name: 'On call', handle: 'on-call', users: ['U024BE7LH', 'U2147483697'] },
] as const;

export const personById = (id: string): Person | undefined => PEOPLE.find((person) => person.id === id);

/** How a member is called: a person's or the app's name. */
export const nameOf = (id: string): string => (id === BOT.id ? BOT.name : (personById(id)?.name ?? id));
