import type { ChatMessage } from '../../../../core/domain/messages/chat-message.ts';
import type { ReplyTo } from '../../../../core/domain/ports/chat.ts';
import type { VendorResponse } from '../../../../core/domain/ports/vendor-response.ts';
import type { Product } from '../../../../functions/assembly/product.ts';
import type { UserCache, ChatUser, ProcessedEvents } from '../../../../core/domain/ports/messages.ts';
import { processInbound } from '../../../../core/jobs/queues/process-inbound.ts';
import { Config } from '../../../../schemas/config/config.ts';
import type { InboundEvent, SlackRequest } from '../../../../schemas/messages/inbound-events.ts';
import type { IncidentId } from '../../../../schemas/config/names.ts';
import { type Button, buttonIds } from '../../../../schemas/slack/button.ts';
import { reportsHere } from '../../../../functions/assembly/reports.ts';
import { FakeWorld, idleEngine } from '../../../support/fake-deps.ts';
import { batchOf } from '../../../support/batches.ts';

export const CHANNEL = 'C0INCIDENT';
export const [ADA, BOB, EVE] = ['U0ADA', 'U0BOB', 'U0EVE'];

const member = (id: string, name: string, more: Partial<ChatUser> = {}): ChatUser => ({
  id,
  team: 'T0001',
  email: `${name}@example.com`,
  name,
  kind: 'member',
  ...more,
});

const OFF: VendorResponse<never> = { kind: 'later', detail: 'Slack does not answer', afterSeconds: null };

/** A product in memory, people in a chat, and the queue between them. */
export class ChatWorld {
  readonly world = new FakeWorld();
  readonly users = new Map<string, ChatUser>([
    [ADA, member(ADA, 'ada')],
    [BOB, member(BOB, 'bob')],
    [EVE, member(EVE, 'eve', { kind: 'guest' })],
  ]);
  readonly groups = new Map<string, string[]>();
  readonly messages = new Map<string, { text: string; user: string | null; url: string | null }>();
  /** Messages to people, in order. */
  readonly sent: { to: string; ear: ReplyTo | null; message: ChatMessage; aloud: boolean }[] = [];
  readonly quarantined: string[] = [];
  /** Messages in the queue that were not delivered yet. */
  readonly queued: InboundEvent[] = [];
  slackIsDown = false;
  /** Called before a message is sent, for example to simulate a crash. */
  onTell: () => void = () => undefined;
  #sent = 0;

  readonly deps: Product;

  constructor() {
    this.world.engine = idleEngine();
    this.configure({});
    const { world } = this;
    this.deps = {
      ...world.deps,
      reports: reportsHere(() => this.deps),
      inbound: { send: async (event) => void this.queued.push(event) },
      processedEvents: this.#processedEvents(),
      userCache: this.#userCache(),
      directory: {
        app: async () => OFF,
        user: async (id) => (this.slackIsDown ? OFF : { kind: 'done', value: this.users.get(id) ?? null }),
        userByEmail: async (email) =>
          this.slackIsDown
            ? OFF
            : { kind: 'done', value: [...this.users.values()].find((user) => user.email === email)?.id ?? null },
        groupMembers: async (id) => (this.slackIsDown ? OFF : { kind: 'done', value: this.groups.get(id) ?? [] }),
        message: async (channel, ts) =>
          this.slackIsDown ? OFF : { kind: 'done', value: this.messages.get(`${channel}/${ts}`) ?? null },
      },
      ephemeralMessages: {
        send: async (ear, message, aloud = false) => this.#tell({ to: ear.user, ear, message, aloud }),
        write: async (user, message) => this.#tell({ to: user, ear: null, message, aloud: false }),
      },
      quarantine: {
        ...world.deps.quarantine,
        keep: async ({ detail }) => {
          this.quarantined.push(detail);
          return 'q_1';
        },
      },
    };
  }

  configure(people: object, more: object = {}): void {
    this.world.config = Config.parse({
      version: 'test',
      services: {
        checkout: {
          team: 'payments',
          environments: { production: { deployer: { kind: 'http' } }, staging: {} },
        },
      },
      paging: {},
      people,
      ...more,
    });
  }

  #tell(sent: ChatWorld['sent'][number]): VendorResponse<null> {
    this.onTell();
    this.sent.push(sent);
    return { kind: 'done', value: null };
  }

  #processedEvents(): ProcessedEvents {
    const kept = new Map<string, { outcome: string; delivered: boolean }>();
    return {
      read: async (key) => {
        const found = kept.get(key);
        return found && { outcome: JSON.parse(found.outcome) as unknown, delivered: found.delivered };
      },
      store: async (key, outcome) => {
        if (kept.has(key)) return false;
        kept.set(key, { outcome: JSON.stringify(outcome), delivered: false });
        return true;
      },
      markDelivered: async (key) => {
        const found = kept.get(key);
        if (found) found.delivered = true;
      },
    };
  }

  #userCache(): UserCache {
    const users = new Map<string, Awaited<ReturnType<UserCache['user']>>>();
    const groups = new Map<string, Awaited<ReturnType<UserCache['group']>>>();
    const { clock } = this.world;
    return {
      user: async (id) => users.get(id),
      group: async (id) => groups.get(id),
      storeUser: async (user) => void users.set(user.id, { user, at: clock.now() }),
      storeGroup: async (id, members) => void groups.set(id, { members: [...members], at: clock.now() }),
    };
  }

  later(seconds: number): void {
    this.world.clock.set(this.world.clock.millis + seconds * 1000);
  }

  /** Declares an incident of checkout, with a channel. */
  async incident(title = 'Errors', where = 'production', number = 1): Promise<IncidentId> {
    const { incidents } = this.deps;
    const place = this.world.config.services;
    const [service] = Object.keys(place) as [Parameters<typeof incidents.declare>[0]['service']];
    const environment = where as Parameters<typeof incidents.declare>[0]['environment'];
    const { id } = await incidents.declare({
      service,
      environment,
      title,
      severity: 'critical',
      by: 'alerts',
      trace: 't',
    });
    await incidents.setChannel(id, `#incident-${number}`, number === 1 ? CHANNEL : `${CHANNEL}${number}`);
    return id;
  }

  heard(request: SlackRequest, key = `key-${(this.#sent += 1)}`): InboundEvent {
    return { from: 'slack', key, at: this.world.clock.now(), trace: 'trace', request };
  }

  /** Delivers messages as the queue does. Returns whether they were processed. */
  async deliver(...messages: unknown[]): Promise<boolean> {
    const bodies = messages.map((body) => (typeof body === 'string' ? body : JSON.stringify(body)));
    const batch = batchOf(...bodies.map((body): [string, string] => ['one', body]));
    return (await processInbound(this.deps, batch)).length === 0;
  }

  /** Delivers the messages in the queue. */
  async deliverQueued(): Promise<void> {
    await this.deliver(...this.queued.splice(0));
  }

  async says(user: string, command: string, text: string, channel = CHANNEL): Promise<string | undefined> {
    await this.deliver(this.heard(typed(user, command, text, channel)));
    return this.answer();
  }

  /** Enters a command in a channel that belongs to no incident. */
  async saysElsewhere(user: string, command: string, text: string): Promise<string | undefined> {
    await this.deliver(this.heard(typed(user, command, text, 'C0GENERAL', 'general')));
    return this.answer();
  }

  async presses(user: string, button: Button): Promise<string | undefined> {
    await this.deliver(this.heard(pressed(user, button)));
    return this.answer();
  }

  async submits(user: string, form: string, values: Record<string, string>, about: object = {}) {
    await this.deliver(this.heard(submitted(user, form, values, about)));
    return this.answer();
  }

  /** Returns the entire text of the last answer. */
  answer(): string | undefined {
    const last = this.sent.findLast(({ ear }) => ear !== null);
    return last && words(last.message);
  }

  /** Returns the direct messages, in order. */
  letters(): { to: string; text: string }[] {
    return this.sent.filter(({ ear }) => ear === null).map(({ to, message }) => ({ to, text: words(message) }));
  }

  record = async (id: IncidentId) => {
    const found = await this.deps.incidents.read(id);
    if (found === undefined) throw new Error(`there is no incident ${id}`);
    return found;
  };

  /** Returns the timeline of an incident, with actors, without the opening. */
  timeline(id: IncidentId): string[] {
    return this.world.store
      .dossier(id)
      .timeline.filter(({ kind }) => kind !== 'incident.opened')
      .map(({ actor, text }) => `${actor}: ${text}`);
  }
}

/** Returns the text of a message. */
export const words = ({ parts }: ChatMessage): string =>
  parts
    .flatMap((part) => ('text' in part && typeof part.text !== 'string' ? part.text : []))
    .map((span) => (typeof span === 'string' ? span : Object.values(span).at(-1)))
    .join('');

export const buttonsIn = ({ parts }: ChatMessage): Button[] =>
  parts.flatMap((part) => (part.kind === 'buttons' ? part.buttons.map(({ button }) => button) : []));

export const typed = (
  user: string,
  command: string,
  text: string,
  channel = CHANNEL,
  channel_name = 'incident-1',
): SlackRequest => ({
  kind: 'command',
  command: {
    command,
    text,
    user_id: user,
    team_id: 'T0001',
    channel_id: channel,
    channel_name,
    response_url: 'https://hooks.slack.com/commands/T0001/1/x',
    trigger_id: '1.2.3',
  },
});

/** Returns a request of the message shortcut. */
export const chosen = (user: string, text: string, channel: { id: string; name: string }): SlackRequest => ({
  kind: 'interaction',
  interaction: {
    type: 'message_action',
    user: { id: user },
    trigger_id: '1.2.3',
    callback_id: 'add_to_timeline',
    channel,
    message: { ts: '1795157380.000100', text, user: BOB },
    response_url: 'https://hooks.slack.com/actions/T0001/1/x',
  },
});

export const pressed = (user: string, button: Button): SlackRequest => ({
  kind: 'interaction',
  interaction: {
    type: 'block_actions',
    user: { id: user },
    trigger_id: '1.2.3',
    channel: { id: CHANNEL, name: 'incident-1' },
    container: { type: 'message', message_ts: '1795157390.000200' },
    actions: [{ type: 'button', ...buttonIds(button) }],
    response_url: 'https://hooks.slack.com/actions/T0001/1/x',
  },
});

export const submitted = (
  user: string,
  callback_id: string,
  values: Record<string, string>,
  about: object = {},
): SlackRequest => ({
  kind: 'interaction',
  interaction: {
    type: 'view_submission',
    user: { id: user },
    trigger_id: '1.2.3',
    view: {
      id: 'V1',
      hash: 'h',
      callback_id,
      private_metadata: JSON.stringify({ channel: CHANNEL, ...about }),
      state: {
        values: Object.fromEntries(
          Object.entries(values).map(([block, value]) => [block, { x: { type: 'plain_text_input', value } }]),
        ),
      },
    },
  },
});

export const happened = (event: Extract<SlackRequest, { kind: 'event' }>['callback']['event']): SlackRequest => ({
  kind: 'event',
  callback: { type: 'event_callback', event_id: 'Ev1', event_time: 1, team_id: 'T0001', authorizations: [], event },
});
