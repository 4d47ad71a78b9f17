import type { Chat, Directory } from '../../../core/domain/ports/chat.ts';
import type { VendorResponse } from '../../../core/domain/ports/vendor-response.ts';
import {
  addressOf,
  firstOnCall,
  roleHolders,
  directMessageTo,
  failedInvitationText,
  pagingRoundOf,
  teamsOf,
  type DesiredMember,
  memberOfActor,
} from '../../../core/domain/people/channel-members.ts';
import type { OnCall } from '../../../core/domain/people/on-call.ts';
import type { Incidents } from '../../../core/domain/ports/incidents.ts';
import type { Projections } from '../../../core/domain/incidents/projections.ts';
import type { Story, StoryEntry } from '../../../core/domain/messages/story.ts';
import type { Config } from '../../../schemas/config/config.ts';
import type { Subject } from '../../../schemas/incidents/projection.ts';
import type { Method, SyncSession } from '../../../core/projectors/session.ts';
import { METHODS } from './methods.ts';
import type { ChannelMember, SlackState } from './state.ts';

export type MemberDeps = {
  chat: Pick<Chat, 'invite' | 'post'>;
  directory: Pick<Directory, 'userByEmail'>;
  onCall: OnCall;
  projections: Projections;
  incidents: Pick<Incidents, 'note'>;
};

/** The incident being projected, and operations of its projector. */
export type MemberContext = {
  subject: Subject;
  story: Story;
  config: Config;
  session: SyncSession;
  state(): SlackState;
  save(change: Partial<SlackState>): Promise<void>;
  /** Makes a call and records refusals. Undefined: not now; another session is scheduled. */
  attempt<T>(
    part: string,
    method: Method,
    call: () => Promise<VendorResponse<T>>,
  ): Promise<VendorResponse<T> | undefined>;
};

/** Maximum number of invited people per incident. Others can join by themselves. */
const MEMBERS_MAX = 200;

/**
 * Invites people to the channel of an incident, each once; people who leave are not invited again. Repeating an
 * invitation has no effect, so unclear attempts are repeated. A refused invitation is reported once and does not
 * block others.
 */
export class ChannelMembers {
  readonly #deps: MemberDeps;
  readonly #context: MemberContext;
  /** Calls that failed in this session and are not repeated in it. */
  readonly #postponed = new Set<string>();

  constructor(deps: MemberDeps, context: MemberContext) {
    this.#deps = deps;
    this.#context = context;
  }

  /** Returns the Slack ID for a name on timelines. */
  slackIdOf(name: string): string | null {
    const { people } = this.#context.state();
    return Object.hasOwn(people, name) ? (people[name]?.slack ?? null) : null;
  }

  /** Adds the holders of incident roles. */
  async addRoleHolders(): Promise<void> {
    const { story, config } = this.#context;
    await this.#add(roleHolders(story.incident, config));
  }

  /**
   * Adds people who acted in the incident. Must be called before the entries are posted, because the next session does not read
   * them again.
   */
  async addActors(page: readonly StoryEntry[]): Promise<void> {
    const actors = new Set(page.map(({ entry }) => entry.actor));
    await this.#add([...actors].flatMap((actor) => memberOfActor(actor, this.#context.config) ?? []));
  }

  /** Adds the responders who are on call: reads them once for each team, and again in each round of pages. */
  async addOnCall(): Promise<void> {
    const { story, config, session, state, save } = this.#context;
    const round = pagingRoundOf(story.incident);
    for (const team of teamsOf(story, config)) {
      const { called: onCallRounds } = state();
      if (Object.hasOwn(onCallRounds, team) && (onCallRounds[team] ?? 0) >= round) continue;
      const response = await this.#try(`look up who is on call for ${team}`, METHODS.onCall, () =>
        withoutUnclear(this.#deps.onCall.now(team)),
      );
      if (response?.kind !== 'done') continue;
      if (response.value.length === 0)
        session.log.warn('no responder is on call', { team, incident: story.incident.id });
      await this.#add(firstOnCall(team, response.value, config));
      await save({ called: { ...state().called, [team]: round } });
    }
  }

  /** Invites all added people who were not invited yet. */
  async inviteMembers(channel: string): Promise<void> {
    await this.#findSlackIds();
    const wanted = this.#all().filter(([, { state, slack }]) => state === 'wanted' && slack !== null);
    const users = [...new Set(wanted.flatMap(([, { slack }]) => slack ?? []))];
    if (users.length === 0) return;
    const response = await this.#try('invitations', METHODS.invite, () => this.#deps.chat.invite(channel, users));
    if (response?.kind !== 'done') return;
    for (const [name, member] of wanted) {
      const code = response.value.find(({ user }) => user === member.slack)?.code;
      if (code !== undefined) await this.#reportRefusal(name, member, code);
    }
    const couldNotJoin = ({ slack }: ChannelMember): boolean => response.value.some(({ user }) => user === slack);
    await this.#saveMembers(
      wanted.map(([name, member]) => [name, { ...member, state: couldNotJoin(member) ? 'out' : 'in' }]),
    );
  }

  /**
   * Sends a direct message, at most once, to people who can't join the channel. A message is lost if the process dies.
   *
   * @param channel null: the incident has no channel
   */
  async sendDirectMessages(channel: string | null): Promise<void> {
    if (channel === null) await this.#findSlackIds();
    const notInChannel = this.#all().filter(
      ([, { state }]) => state === 'out' || (channel === null && state === 'wanted'),
    );
    for (const [name, member] of notInChannel) {
      const { slack, why, written: messageSent } = member;
      if (slack === null || why === null || messageSent) continue;
      const message = directMessageTo(member, this.#context.story, channel);
      const key = `letter ${name}`;
      const response = await this.#context.session.attempt(
        METHODS.post(slack),
        () => this.#deps.chat.post(slack, message, `${this.#context.subject} ${key}`),
        async () => {
          await this.#saveMembers([[name, { ...member, written: true }]]);
          return true;
        },
      );
      if (response?.kind === 'later') await this.#saveMembers([[name, member]]);
      if (response?.kind === 'refused')
        this.#context.session.log.warn('Slack refused a direct message to a person who is needed', {
          name,
          detail: response.detail,
        });
    }
  }

  /** Looks up the Slack IDs of people who are known only by an email address. */
  async #findSlackIds(): Promise<void> {
    for (const [name, member] of this.#all()) {
      if (member.state !== 'wanted' || member.slack !== null) continue;
      const slack = await this.#findSlackId(name);
      if (slack === undefined) continue;
      if (slack === null) await this.#reportRefusal(name, member, 'unknown');
      await this.#saveMembers([[name, { ...member, slack, ...(slack === null && { state: 'out' }) }]]);
    }
  }

  /** Looks up a Slack ID. Null: unknown to Slack. Undefined: the lookup was not possible now. */
  async #findSlackId(name: string): Promise<string | null | undefined> {
    const address = addressOf(name, this.#context.config);
    const email = address === null || 'email' in address ? address?.email : await this.#findEmail(address.pagerduty);
    if (email === null) return undefined;
    if (email === undefined) return null;
    const response = await this.#try('look up people', METHODS.lookUp, () => this.#deps.directory.userByEmail(email));
    return response?.kind === 'done' ? response.value : undefined;
  }

  /** Looks up the email address of a PagerDuty user. Undefined: it has none. Null: the lookup was not possible now. */
  async #findEmail(user: string): Promise<string | null | undefined> {
    const response = await this.#try('look up people at the pager', METHODS.onCall, () =>
      withoutUnclear(this.#deps.onCall.email(user)),
    );
    if (response?.kind === 'off') return undefined;
    return response?.kind === 'done' ? (response.value ?? undefined) : null;
  }

  async #try<T>(
    part: string,
    method: Method,
    call: () => Promise<VendorResponse<T>>,
  ): Promise<VendorResponse<T> | undefined> {
    if (this.#postponed.has(part)) return undefined;
    const response = await this.#context.attempt(part, method, call);
    if (response?.kind !== 'done') this.#postponed.add(part);
    return response;
  }

  async #add(desired: readonly DesiredMember[]): Promise<void> {
    const { people } = this.#context.state();
    const newMembers = desired.filter(({ name }) => !Object.hasOwn(people, name));
    const freePlaces = Math.max(MEMBERS_MAX - Object.keys(people).length, 0);
    const members = newMembers.map(({ name, ...member }): [string, ChannelMember] => [
      name,
      { ...member, state: 'wanted', written: false },
    ]);
    await this.#saveMembers(members.slice(0, freePlaces));
  }

  /** Reports a refused invitation, unless the person was only to be invited because of an action. */
  async #reportRefusal(name: string, member: ChannelMember, code: string): Promise<void> {
    if (member.why === null) return;
    const { story, session } = this.#context;
    await this.#deps.incidents.note(story.incident.id, `slack-guest-${name}`, {
      at: session.now(),
      actor: 'slack',
      kind: 'slack.refused',
      text: failedInvitationText(member, code),
      detail: null,
    });
  }

  #all(): [string, ChannelMember][] {
    return Object.entries(this.#context.state().people);
  }

  async #saveMembers(members: readonly (readonly [string, ChannelMember])[]): Promise<void> {
    if (members.length === 0) return;
    const { people } = this.#context.state();
    await this.#context.save({ people: { ...people, ...Object.fromEntries(members) } });
  }
}

/** Treats an unclear answer of the pager as a delay, so that it does not block calls to Slack. */
async function withoutUnclear<T>(pending: Promise<VendorResponse<T>>): Promise<VendorResponse<T>> {
  const response = await pending;
  return response.kind === 'unclear' ? { kind: 'later', detail: response.detail, afterSeconds: null } : response;
}
