/**
 * The app's scopes in slack/manifest.yaml, with the features that need them.
 * @see https://docs.slack.dev/reference/scopes (read 2026-11)
 */
export const SCOPES: Readonly<Record<string, string>> = {
  'bookmarks:read': 'links at the top of channels',
  'bookmarks:write': 'links at the top of channels',
  'channels:history': 'what is marked with 📌 on the timeline, and a look whether a message without an answer was sent',
  'channels:join': 'public channels that people have not let it into',
  'channels:manage': 'channels of incidents, and invitations to them',
  'channels:read': 'channels by their names, and what happened so far for who comes in later',
  'chat:write': 'messages and answers at all',
  'chat:write.public': 'lines in channels of teams that it is not in',
  commands: 'commands and shortcuts',
  'pins:write': 'the pinned message',
  'reactions:read': '📌',
  'usergroups:read': 'userGroups of people.yaml',
  'users:read': 'anybody who may do something, but for those whose id people.yaml has',
  'users:read.email': 'people whom people.yaml, or PagerDuty, knows by their address',
};

/**
 * Returns the missing scopes.
 * @param given the scopes that Slack reports
 */
export const missingScopes = (given: readonly string[]): string[] =>
  Object.keys(SCOPES).filter((scope) => !given.includes(scope));
