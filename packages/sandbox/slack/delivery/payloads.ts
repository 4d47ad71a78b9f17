import { BOT, TEAM, VERIFICATION_TOKEN, type Person } from '../directory.ts';
import { idOf, type Channel } from '../channels.ts';
import type { Outgoing } from './deliveries.ts';
import type { Fields } from './refusal.ts';

/** The workspace's domain in payloads. */
const DOMAIN = new URL(TEAM.url).hostname.split('.')[0] ?? '';

const common = { enterprise: null, is_enterprise_install: false } as const;

export const userOf = ({ id, name }: Person): Fields => ({ id, username: name, name, team_id: TEAM.id });

export const channelOf = (channel: Channel): Fields => ({ id: idOf(channel), name: channel.name });

/** @see https://docs.slack.dev/interactivity/implementing-slash-commands (read 2026-11) */
export function commandRequest(
  { command, text }: { command: string; text: string },
  person: Person,
  channel: Channel,
  { responseUrl, triggerId }: { responseUrl: string; triggerId: string },
): Outgoing {
  const fields = {
    token: VERIFICATION_TOKEN,
    team_id: TEAM.id,
    team_domain: DOMAIN,
    channel_id: idOf(channel),
    channel_name: channel.name,
    user_id: person.id,
    user_name: person.name,
    command,
    text,
    api_app_id: BOT.app_id,
    is_enterprise_install: 'false',
    response_url: responseUrl,
    trigger_id: triggerId,
  };
  const body = new URLSearchParams(fields).toString();
  return { path: 'commands', what: command, user: person.id, contentType: 'application/x-www-form-urlencoded', body };
}

/**
 * Returns an interaction: JSON in the form field `payload`.
 *
 * @param fields additional fields of the interaction type
 * @see https://docs.slack.dev/reference/interaction-payloads (read 2026-11)
 */
export function interactionRequest(type: string, person: Person, fields: Fields): Outgoing {
  const payload = {
    type,
    user: userOf(person),
    api_app_id: BOT.app_id,
    token: VERIFICATION_TOKEN,
    team: { id: TEAM.id, domain: DOMAIN },
    ...common,
    ...fields,
  };
  const body = new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
  return { path: 'interactions', what: type, user: person.id, contentType: 'application/x-www-form-urlencoded', body };
}

/**
 * Returns an event in the envelope of the Events API.
 *
 * @param id the event ID, the same for each attempt
 * @param at milliseconds since the Unix epoch
 * @see https://docs.slack.dev/apis/events-api (read 2026-11)
 */
export function eventRequest(event: Fields & { type: string }, person: Person, id: string, at: number): Outgoing {
  const envelope = {
    token: VERIFICATION_TOKEN,
    team_id: TEAM.id,
    api_app_id: BOT.app_id,
    event,
    type: 'event_callback',
    event_id: id,
    event_time: Math.floor(at / 1000),
    authorizations: [
      { enterprise_id: null, team_id: TEAM.id, user_id: BOT.id, is_bot: true, is_enterprise_install: false },
    ],
    is_ext_shared_channel: false,
    event_context: `4-${id}`,
  };
  const body = JSON.stringify(envelope);
  return { path: 'events', what: event.type, user: person.id, contentType: 'application/json', body };
}

/** @see https://docs.slack.dev/reference/events/url_verification (read 2026-11) */
export const verificationRequest = (challenge: string): Outgoing => ({
  path: 'events',
  what: 'url_verification',
  user: BOT.id,
  contentType: 'application/json',
  body: JSON.stringify({ token: VERIFICATION_TOKEN, challenge, type: 'url_verification' }),
});
