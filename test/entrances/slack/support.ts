import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../../../core/domain/ports/system.ts';
import type { Catalogue, ModalView, OpenIncident, RecentChange, SlackDeps } from '../../../core/domain/ports/slack.ts';
import { words } from './commands/chat-world.ts';
import { slackApp } from '../../../entrances/slack/app.ts';
import type { Dialog } from '../../../entrances/slack/commands/verb.ts';
import type { Block } from '../../../entrances/slack/modals/blocks.ts';
import type { ModalContext } from '../../../entrances/slack/modals/form.ts';
import { modalOf } from '../../../entrances/slack/modals/open.ts';
import { callerPermissions } from '../../../entrances/slack/requests/caller-permissions.ts';
import { cachedReads } from '../../../entrances/slack/requests/cached-reads.ts';
import type { Answer, Received } from '../../../entrances/slack/requests/http.ts';
import { InboundEvent } from '../../../schemas/messages/inbound-events.ts';
import { EnvironmentName, IncidentId, ServiceName } from '../../../schemas/config/names.ts';
import { PeopleFile } from '../../../schemas/people/people.ts';
import { millisOf, timestamp, type Timestamp } from '../../../schemas/time/time.ts';

export const SECRET = 'dev0slack0signing0secret00000001';

export const INCIDENT: OpenIncident = {
  id: IncidentId.parse('01JCYZ7Q8M3N5P7R9T1V3X5Z7B'),
  service: ServiceName.parse('checkout-api'),
  environment: EnvironmentName.parse('production'),
  title: 'High <error> rate',
  severity: 'critical',
  status: 'open',
  opened_at: '2026-11-20T06:40:00.000Z' as Timestamp,
  channel: '#inc-42-checkout-api',
  channel_id: 'C2147483705',
};

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, with: () => silent };

/** Parts of a request that a test specifies. */
export type Sent = { body: string; at?: number; secret?: string; headers?: Record<string, string> };

/** In-memory dependencies that record calls and can be replaced one by one. */
export class World {
  readonly heard: { heard: InboundEvent; group: string }[] = [];
  readonly views: { trigger: string; view: ModalView }[] = [];
  readonly ephemeralMessages: { user: string; responseUrl: string | null; text: string }[] = [];
  /** Labels of the counted refusals. */
  readonly counted: string[] = [];
  readonly kept: { receiver: string; status: number | null; detail: string }[] = [];
  now = millisOf('2026-11-20T06:50:00.000Z' as Timestamp);
  incidents: OpenIncident[] = [INCIDENT];
  changes: RecentChange[] = [];
  /** Incidents by Slack channel ID. */
  channels: Record<string, IncidentId> = { [COMMAND.channel_id]: INCIDENT.id };
  catalogue: Catalogue = {
    services: {
      'checkout-api': { team: 'payments', environments: ['production', 'staging'] },
      'payments-api': { team: 'payments', environments: ['production'] },
      search: { environments: [] },
    },
    people: PeopleFile.parse({}),
  };
  readonly deps: SlackDeps = {
    clock: { now: () => timestamp(this.now) },
    log: silent,
    counters: {
      add: async (counts) => {
        this.counted.push(...counts.map(({ labels }) => labels.join(' ')));
      },
    },
    secrets: { get: async (name) => (name === 'SLACK_SIGNING_SECRET' ? SECRET : undefined) },
    inbound: {
      send: async (event, group) => {
        // The consumer must be able to parse the message.
        this.heard.push({ heard: InboundEvent.parse(JSON.parse(JSON.stringify(event))), group });
      },
    },
    quarantine: {
      keep: async (input) => {
        this.kept.push(input);
        return 'q_1';
      },
    },
    slack: {
      openView: async (trigger, view) => {
        this.views.push({ trigger, view });
      },
      user: async (id, workspaces) => ({
        id,
        team: workspaces[0] ?? '',
        email: null,
        name: 'steve',
        groups: [],
        kind: 'member',
      }),
      sendEphemeral: async (to, message) => {
        this.ephemeralMessages.push({ ...to, text: words(message) });
      },
    },
    catalogue: async () => this.catalogue,
    openIncidents: async () => this.incidents,
    recentChanges: async () => this.changes,
    inChannel: async (id) => this.channels[id],
    withNumber: async (number) => this.incidents.find((incident) => incident.number === number)?.id,
    incident: async (id) => this.incidents.find((one) => one.id === id),
    details: async (id) => {
      const incident = this.incidents.find((one) => one.id === id);
      const message = { summary: 'Details', parts: [{ kind: 'text', text: ['Suspects'] }] } as const;
      return incident && { ...incident, message };
    },
    automation: async () => ({ paused: false, reason: null, by: null, mode: null }),
  };
  readonly #app = slackApp(this.deps);

  post(path: string, { body, at, secret = SECRET, headers = {} }: Sent): Promise<Answer> {
    const seconds = String(at ?? Math.floor(this.now / 1000));
    const signature = createHmac('sha256', secret).update(`v0:${seconds}:${body}`).digest('hex');
    return this.receive({
      method: 'POST',
      path,
      headers: { 'x-slack-signature': `v0=${signature}`, 'x-slack-request-timestamp': seconds, ...headers },
      body: Buffer.from(body),
    });
  }

  receive = (received: Received): Promise<Answer> => this.#app(received);

  /** Sends a slash command in the incident's channel. */
  command = (command: string, text: string, more: Record<string, string> = {}): Promise<Answer> =>
    this.post('/integrations/slack/commands', {
      body: new URLSearchParams({ ...COMMAND, command, text, ...more }).toString(),
      headers: FORM,
    });

  interact = (payload: unknown): Promise<Answer> =>
    this.post('/integrations/slack/interactions', {
      body: new URLSearchParams({ payload: JSON.stringify(payload) }).toString(),
      headers: FORM,
    });

  event = (payload: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
    this.post('/integrations/slack/events', {
      body: JSON.stringify(payload),
      headers: { 'content-type': 'application/json', ...headers },
    });
}

export const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

export const COMMAND = {
  team_id: 'T0001',
  channel_id: 'C2147483705',
  channel_name: 'inc-42-checkout-api',
  user_id: 'U2147483697',
  user_name: 'steve',
  response_url: 'https://hooks.slack.com/commands/T0001/1234/5678',
  trigger_id: '13345224609.738474920.8088930838d88f008e0',
};

export const USER = { user: { id: 'U2147483697', team_id: 'T0001' }, team: { id: 'T0001' } };

/** Returns the answer that the user of a command sees. */
export function shown(answer: Answer): string {
  const { response_type: type, text, blocks } = JSON.parse(answer.body) as Record<string, any>;
  if (type !== 'ephemeral') throw new Error(`not only for them: ${answer.body}`);
  return [text, ...blocks.map((block: any) => block.text?.text ?? block.elements?.[0]?.text)].join('\n');
}

export type Fixture = {
  path: string;
  headers: Record<string, string>;
  body: string;
  receivedAt: string;
  secret: { signingSecret: string };
  expectResponse?: { status: number; body?: string };
};

export const fixture = (name: string): Fixture =>
  JSON.parse(readFileSync(join(import.meta.dirname, `../../fixtures/slack/${name}.request.json`), 'utf8')) as Fixture;

/** Returns a recorded request with its original signature and time. */
export function receivedOf({ path, headers, body }: Fixture): Received {
  const place = path.replace('/slack/interactivity', '/slack/interactions');
  return {
    method: 'POST',
    path: `/integrations${place}`,
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
    body: Buffer.from(body),
  };
}

/** Values of `callback_id` of the dialogs. */
export const FORMS = {
  declare: 'declare_incident',
  severity: 'set_severity',
  update: 'publish_update',
  handover: 'hand_over',
  freeze: 'open_freeze',
  override: 'override_freeze',
  resolve: 'resolve_incident',
  pin: 'pin_message',
} as const;

/** Returns the modal of a verb. @param catalogue null: it can't be read */
export function opened<D extends object>(
  { dialog }: { dialog?: Dialog<D, object> },
  about: ModalContext,
  draft: D | null = null,
  { incidentFields = [], catalogue = null }: { incidentFields?: Block[]; catalogue?: Catalogue | null } = {},
): Promise<ModalView> {
  if (dialog === undefined) throw new Error('the verb has no dialog');
  const { deps } = new World();
  if (catalogue !== null) deps.catalogue = async () => catalogue;
  else deps.catalogue = () => Promise.reject(new Error('down'));
  const known = cachedReads({ ...deps, openIncidents: async () => [] });
  return modalOf(dialog, {
    modalContext: about,
    draft,
    incidentFields,
    waiting: { deps, cachedReads: known, permissionsOf: callerPermissions(deps, known), trace: '' },
  });
}
