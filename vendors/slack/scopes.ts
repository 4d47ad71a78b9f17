/**
 * The app's scopes in entrances/slack/manifest.yaml, with the features that need them.
 * @see https://docs.slack.dev/reference/scopes (read 2026-11)
 */
export const SCOPES: Readonly<Record<string, string>> = {
  'bookmarks:read': 'links at the top of channels',
  'bookmarks:write': 'links at the top of channels',
  'channels:history': 'messages marked with 📌, and the check whether an unconfirmed message was sent',
  'channels:join': 'joining public channels without an invitation',
  'channels:manage': 'channels of incidents, and invitations to them',
  'channels:read': 'finding channels by name, and the summary for people who join later',
  'chat:write': 'messages and responses',
  'chat:write.public': 'messages in team channels that the app has not joined',
  commands: 'commands and shortcuts',
  'pins:write': 'the pinned message',
  'reactions:read': '📌',
  'usergroups:read': 'userGroups of people.yaml',
  'users:read': 'permissions of people whose Slack ID is not in people.yaml',
  'users:read.email': 'people whom people.yaml or PagerDuty identifies by email address',
};

/**
 * Returns the missing scopes.
 * @param given the scopes that Slack reports
 */
export const missingScopes = (given: readonly string[]): string[] =>
  Object.keys(SCOPES).filter((scope) => !given.includes(scope));
