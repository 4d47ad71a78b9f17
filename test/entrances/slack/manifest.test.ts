import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { COMMANDS } from '../../../entrances/slack/commands/verb.ts';
import { SHORTCUTS } from '../../../entrances/slack/requests/interactions.ts';
import { SCOPES } from '../../../vendors/slack/scopes.ts';
import { isEvent } from '../../../schemas/slack/event.ts';

const ROOT = join(import.meta.dirname, '../../..');

const manifest = parse(readFileSync(join(ROOT, 'entrances/slack/manifest.yaml'), 'utf8'));
const scopes: string[] = manifest.oauth_config.scopes.bot;

/** Scopes of each method, from its page below https://docs.slack.dev/reference/methods (read 2026-11-20). */
const OF_METHODS: Record<string, string[]> = {
  'auth.test': [],
  'bookmarks.add': ['bookmarks:write'],
  'bookmarks.edit': ['bookmarks:write'],
  'bookmarks.list': ['bookmarks:read'],
  'bookmarks.remove': ['bookmarks:write'],
  'chat.getPermalink': [],
  'chat.postEphemeral': ['chat:write'],
  // For team channels that the app has not joined.
  'chat.postMessage': ['chat:write', 'chat:write.public'],
  'chat.update': ['chat:write'],
  'conversations.archive': ['channels:manage'],
  'conversations.create': ['channels:manage'],
  'conversations.history': ['channels:history'],
  'conversations.info': ['channels:read'],
  'conversations.invite': ['channels:manage'],
  'conversations.join': ['channels:join'],
  'conversations.list': ['channels:read'],
  'conversations.members': ['channels:read'],
  'conversations.replies': ['channels:history'],
  'conversations.setPurpose': ['channels:manage'],
  'conversations.setTopic': ['channels:manage'],
  'pins.add': ['pins:write'],
  'usergroups.users.list': ['usergroups:read'],
  // The email address identifies people in people.yaml.
  'users.info': ['users:read', 'users:read.email'],
  'users.lookupByEmail': ['users:read.email'],
  'views.open': [],
};

/** Scopes of each event, from its page below https://docs.slack.dev/reference/events (read 2026-11-20). */
const OF_EVENTS: Record<string, string[]> = {
  member_joined_channel: ['channels:read'],
  reaction_added: ['reactions:read'],
};

const METHOD = /'((?:auth|bookmarks|chat|conversations|files|pins|reactions|usergroups|users|views)\.[A-Za-z.]+)'/g;

const methods = new Set(
  readdirSync(join(ROOT, 'vendors/slack'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) =>
      [...readFileSync(join(ROOT, 'vendors/slack', file), 'utf8').matchAll(METHOD)].map(([, name]) => name ?? ''),
    ),
);

describe('the app', () => {
  test('has only the scopes of the methods and events that Firebreak uses', () => {
    expect([...methods].filter((method) => OF_METHODS[method] === undefined)).toEqual([]);
    const needed: string[] = [
      'commands',
      ...[...methods].flatMap((method) => OF_METHODS[method] ?? []),
      ...manifest.settings.event_subscriptions.bot_events.flatMap((event: string) => OF_EVENTS[event] ?? ['unknown']),
    ];
    expect(scopes).toEqual([...new Set(needed)].toSorted());
  });

  test('has the scopes that Firebreak checks in an installation', () => {
    expect(Object.keys(SCOPES).toSorted()).toEqual(scopes);
  });

  test('has the commands that Firebreak parses', () => {
    const commands = manifest.features.slash_commands;
    expect(commands.map(({ command }: { command: string }) => command)).toEqual(COMMANDS.map((name) => `/${name}`));
    for (const one of commands) {
      // Slack sends mentions with IDs only if they are escaped.
      expect(one).toMatchObject({
        should_escape: true,
        url: expect.stringMatching(/\/integrations\/slack\/commands$/),
      });
      expect(one.description.length).toBeLessThanOrEqual(2000);
      expect(one.usage_hint.length).toBeLessThanOrEqual(1000);
    }
  });

  test('has the shortcuts that Firebreak handles', () => {
    const shortcuts: { callback_id: string; name: string; type: string }[] = manifest.features.shortcuts;
    expect(shortcuts.map(({ callback_id }) => callback_id).toSorted()).toEqual(Object.values(SHORTCUTS).toSorted());
    for (const { callback_id, name, type } of shortcuts) {
      expect(type).toBe(callback_id === SHORTCUTS.declare ? 'global' : 'message');
      expect(name.length).toBeLessThanOrEqual(24);
    }
  });

  test('subscribes only to events that Firebreak handles', () => {
    const { request_url: url, bot_events: events } = manifest.settings.event_subscriptions;
    expect(url).toMatch(/\/integrations\/slack\/events$/);
    expect(events.filter((event: string) => !isEvent(event))).toEqual([]);
  });

  test('has one URL for interactions and for options of menus', () => {
    const { request_url: url, message_menu_options_url: options } = manifest.settings.interactivity;
    expect(url).toMatch(/\/integrations\/slack\/interactions$/);
    expect(options).toBe(url);
  });

  test('has descriptions within the length limits of Slack', () => {
    const { description, long_description: long } = manifest.display_information;
    expect(description.length).toBeLessThanOrEqual(140);
    expect(long.length).toBeGreaterThanOrEqual(174);
    expect(long.length).toBeLessThanOrEqual(4000);
  });
});
