import { REOPEN_WITHIN_SECONDS } from '../../../core/domain/alerts/admission.ts';
import { serviceEntry } from '../../../core/domain/catalogue/catalogue.ts';
import { type WaiterDeps, notifyOfChannel } from '../../../core/domain/messages/channel-waiter.ts';
import { summaryCard, teamLine, channelTopic } from '../../../core/domain/messages/incident-card.ts';
import { entryMessage, hasMessage } from '../../../core/domain/messages/entry-message.ts';
import type { ChatMessage } from '../../../core/domain/messages/chat-message.ts';
import type { Chat } from '../../../core/domain/ports/chat.ts';
import type { VendorResponse } from '../../../core/domain/ports/vendor-response.ts';
import { isFlap } from '../../../core/domain/incidents/figures.ts';
import { approvalUrls } from '../../../core/domain/incidents/approval-link.ts';
import { incidentUrl } from '../../../core/domain/incidents/console-link.ts';
import { incidentLinks } from '../../../core/domain/links/incident-links.ts';
import type { ApprovalLinks } from '../../../core/domain/ports/access.ts';
import type { ConfigSource } from '../../../core/domain/ports/config.ts';
import type { Incidents } from '../../../core/domain/ports/incidents.ts';
import type { UserCache } from '../../../core/domain/ports/messages.ts';
import { idOf, type Projections } from '../../../core/domain/incidents/projections.ts';
import { isQuietTrial } from '../../../core/domain/automation/shadow-trial.ts';
import { withDisplayNames } from '../../../core/domain/people/display-names.ts';
import type { Story, StoryEntry } from '../../../core/domain/messages/story.ts';
import type { Config } from '../../../schemas/config/config.ts';
import type { TimelineEntry } from '../../../schemas/incidents/incident.ts';
import { IncidentId } from '../../../schemas/config/names.ts';
import type { Subject } from '../../../schemas/incidents/projection.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import type { Method, SyncSession } from '../../../core/projectors/session.ts';
import { unansweredAfter, setAgainFrom, outcomeKnownFrom } from '../../../core/domain/messages/unclear.ts';
import { ensureChannel, purposeOf } from './channel.ts';
import { type MemberDeps, ChannelMembers } from './members.ts';
import { messageMark, postOnce } from './message.ts';
import { METHODS } from './methods.ts';
import { SlackState } from './state.ts';

export type SlackDeps = Omit<MemberDeps, 'chat' | 'incidents'> &
  WaiterDeps & {
    chat: Chat;
    projections: Projections;
    incidents: Pick<Incidents, 'story' | 'note' | 'setChannel'>;
    config: ConfigSource;
    userCache: Pick<UserCache, 'user'>;
    timeScale?: number;
    publicUrl: string | undefined;
    approvalLinks: ApprovalLinks;
  };

/** Maximum delay of a timeline entry, compared with its timestamp. */
const LATE_ENTRY_SECONDS = 120;

/** Page size from which more timeline entries may follow. */
const FULL_PAGE_ENTRIES = 100;

/** Maximum number of team channels with a line. A larger event gets attention anyway. */
const TEAM_LINES_MAX = 20;

const SUMMARY = 'summary';

/** Slack error codes for an archived channel and for a deleted message. */
const ARCHIVED = new Set(['is_archived', 'is_inactive']);
const DELETED = 'message_not_found';

/** Parts whose refusal is reported on the timeline. */
const REPORTED_PARTS = new Set(['channel', 'invitations', 'summary', 'message']);
/** Parts without which the channel is not archived yet. */
const PARTS_BEFORE_ARCHIVING = new Set(['summary', 'message']);

/** A part that Slack shows with its last value, and that is updated when it differs. */
type Part = {
  /** Key in `problems` and `unansweredAt`. */
  part: string;
  wanted: string;
  shown: string | null;
  method: Method;
  send: () => Promise<VendorResponse<unknown>>;
  patch: Partial<SlackState>;
};

/** Projects an incident to Slack: its channel with all contents, and a line in team channels. */
export async function showIncident(deps: SlackDeps, subject: Subject, session: SyncSession): Promise<void> {
  const id = IncidentId.parse(idOf(subject));
  const state = SlackState.parse((await deps.projections.read('slack', subject)) ?? {});
  const story = await deps.incidents.story(id, state.postedUntil);
  if (story === undefined) return;
  const config = await deps.config.current();
  const view = new IncidentView(deps, subject, story, config, state, session);
  if (story.parent !== null && state.name === null) return; // the parent has the channel
  await view.show();
}

class IncidentView {
  readonly #deps: SlackDeps;
  readonly #subject: Subject;
  readonly #story: Story;
  readonly #config: Config;
  readonly #session: SyncSession;
  readonly #members: ChannelMembers;
  /** Names of Slack users by ID. */
  readonly #names = new Map<string, string | undefined>();
  #state: SlackState;
  /** Whether a call was refused in this session, and whether it was one that delays archiving. */
  #refusals = false;
  #isMessagePending = false;

  constructor(
    deps: SlackDeps,
    subject: Subject,
    story: Story,
    config: Config,
    state: SlackState,
    session: SyncSession,
  ) {
    this.#deps = deps;
    this.#subject = subject;
    this.#story = story;
    this.#config = config;
    this.#session = session;
    this.#state = state;
    this.#members = new ChannelMembers(deps, {
      subject,
      story,
      config,
      session,
      state: () => this.#state,
      save: (change) => this.#save(change),
      attempt: (part, method, call) => this.#attempt(part, method, call),
    });
  }

  /** Updates the most important parts first, because rate limits delay the rest. */
  async show(): Promise<void> {
    const channel = this.#state.archived ? undefined : await this.#ensureChannel();
    if (channel !== undefined) {
      await this.#updateSummary(channel);
      await this.#inviteRoleHolders(channel); // the messages below mention them
      await this.#postEntries(channel);
    }
    await this.#updateTeamLines();
    await this.#inviteOthers(channel);
    if (channel !== undefined && !this.#state.archived) await this.#updateChannelHeader(channel);
    if (channel !== undefined && !this.#state.archived) await this.#archiveWhenDue(channel);
    if (this.#refusals) this.#session.scheduleRetryAfterRefusal(this.#endOfUpdates());
  }

  /** Returns the end of all updates. Null: the incident is open. */
  #endOfUpdates(): Timestamp | null {
    const { resolved_at } = this.#story.incident;
    const { archiveAfterHours } = this.#config.slack;
    if (resolved_at === null || archiveAfterHours === 'never') return resolved_at;
    const hours = archiveAfterHours / (this.#deps.timeScale ?? 1);
    // Entries can be late in real time, regardless of the time scale. A returning alert continues in the same channel.
    const reopenSeconds = REOPEN_WITHIN_SECONDS / (this.#deps.timeScale ?? 1);
    return plusSeconds(resolved_at, Math.max(hours * 3600, LATE_ENTRY_SECONDS, reopenSeconds));
  }

  async #ensureChannel(): Promise<string | undefined> {
    const { incident } = this.#story;
    if (this.#hasNoChannel()) {
      if (!this.#state.quiet) await this.#save({ quiet: true });
      return undefined;
    }
    const save = (change: Partial<SlackState>): Promise<void> => this.#save(change);
    const ensured = await ensureChannel(this.#deps, incident, this.#config.slack, this.#state, save, this.#session);
    if (ensured?.kind === 'refused') await this.#recordProblem('channel', ensured.detail);
    if (ensured?.kind !== 'present') return undefined;
    await this.#clearProblem('channel');
    if (this.#state.name !== null && incident.channel === undefined) await this.#recordChannel(incident.id, ensured.id);
    return ensured.id;
  }

  /** Returns whether the incident gets no channel: a trial, or a flap that is over before it has one. An existing channel stays in use. */
  #hasNoChannel(): boolean {
    const { incident } = this.#story;
    // A mode that is raised later opens no channel for what is over.
    const endedQuietly = this.#state.quiet && incident.resolved_at !== null;
    const isQuiet = endedQuietly || isFlap(incident) || isQuietTrial(incident, this.#config, 'channel');
    return this.#state.name === null && isQuiet;
  }

  async #recordChannel(id: IncidentId, channel: string): Promise<void> {
    await this.#deps.incidents.setChannel(id, `#${this.#state.name}`, channel, await this.#deps.chat.standIn?.());
    await notifyOfChannel(this.#deps, id, channel);
  }

  async #updateSummary(channel: string): Promise<void> {
    const card = await this.#withDisplayNames(
      summaryCard(
        this.#story,
        incidentUrl(this.#deps.publicUrl, this.#story.incident),
        await approvalUrls({ ...this.#deps, log: this.#session.log }, this.#story),
      ),
    );
    const post = { subject: this.#subject, channel, key: SUMMARY, message: card };
    const posted = await postOnce(this.#deps, post, this.#session);
    if (posted?.kind === 'refused') await this.#recordRefusal('summary', posted.code);
    if (posted?.kind !== 'present') return;
    const { id, fresh } = posted;
    const wanted = JSON.stringify(card);
    if (fresh) await this.#save({ summary: wanted });
    await this.#updatePart({
      part: 'summary',
      wanted,
      shown: this.#state.summary,
      method: METHODS.edit,
      send: () => this.#deps.chat.edit(channel, id, card, messageMark(post)),
      patch: { summary: wanted },
    });
    if (!this.#state.pinned && (await this.#try('pin', METHODS.pin, () => this.#deps.chat.pin(channel, id))))
      await this.#save({ pinned: true });
  }

  async #inviteRoleHolders(channel: string): Promise<void> {
    if (this.#state.archived || this.#isOver()) return;
    await this.#members.addRoleHolders();
    await this.#members.inviteMembers(channel);
  }

  /** Comes last, because it depends on the pager. */
  async #inviteOthers(channel: string | undefined): Promise<void> {
    const refused = channel === undefined && this.#state.problems['channel'] !== undefined;
    if (this.#state.archived || this.#isOver() || (channel === undefined && !refused)) return;
    if (refused) await this.#members.addRoleHolders();
    // On-call people of a child are invited to the parent's channel.
    if (this.#story.parent === null) await this.#members.addOnCall();
    if (channel !== undefined) await this.#members.inviteMembers(channel);
    await this.#members.sendDirectMessages(channel ?? null);
  }

  /** Returns whether the incident is resolved, so that no more people are invited. */
  #isOver(): boolean {
    return this.#story.incident.resolved_at !== null;
  }

  /** Posts entries in order: a delayed message delays those after it. */
  async #postEntries(channel: string): Promise<void> {
    let page: readonly StoryEntry[] = this.#story.timeline;
    while (page.length > 0 && !this.#state.archived) {
      await this.#members.addActors(page);
      for (const { position, entry } of page) {
        if (hasMessage(entry) && !(await this.#postEntry(channel, position, entry))) return;
      }
      await this.#savePosition(page);
      if (page.length < FULL_PAGE_ENTRIES) return;
      page = (await this.#deps.incidents.story(this.#story.incident.id, page.at(-1)?.position ?? null))?.timeline ?? [];
    }
  }

  /** Returns whether the message exists. */
  async #postEntry(channel: string, position: string, entry: TimelineEntry): Promise<boolean> {
    const message = await this.#withDisplayNames(entryMessage(entry, this.#actorNames));
    const post = { subject: this.#subject, channel, key: `entry ${position}`, message };
    const posted = await postOnce(this.#deps, post, this.#session);
    if (posted?.kind === 'refused') await this.#recordRefusal('message', posted.code);
    if (posted?.kind === 'present' && posted.fresh) await this.#clearProblem('message');
    return posted?.kind === 'present';
  }

  readonly #actorNames = {
    slackIdOf: (name: string) => this.#members.slackIdOf(name),
    shownOf: (name: string) => Object.entries(this.#config.people.people).find(([id]) => id === name)?.[1].name ?? name,
  };

  /** Replaces IDs with names of people who have acted before; others keep their ID. */
  #withDisplayNames(message: ChatMessage): Promise<ChatMessage> {
    return withDisplayNames(message, async (id) => {
      if (!this.#names.has(id)) this.#names.set(id, (await this.#deps.userCache.user(id))?.user.name ?? undefined);
      return this.#names.get(id);
    });
  }

  /** Stores the position up to which no late entry can follow. Posted entries are recognized by their position. */
  async #savePosition(page: readonly StoryEntry[]): Promise<void> {
    const last = page.at(-1);
    if (last === undefined) return;
    const sure = page.findLast(({ entry }) => entry.at < plusSeconds(last.entry.at, -LATE_ENTRY_SECONDS));
    if (sure !== undefined) await this.#save({ postedUntil: sure.position });
  }

  async #updateTeamLines(): Promise<void> {
    const { incident } = this.#story;
    // For a group, only the parent has lines, one in each affected team channel.
    const services = [incident.service, ...this.#story.children.map(({ service }) => service)];
    const serviceChannels = services.flatMap(
      (service) => serviceEntry(this.#config.services, service)?.slack?.channel ?? [],
    );
    const channels = new Set(
      [...serviceChannels, ...(incident.notified_channels ?? [])].map((name) => `#${name.replace(/^#/, '')}`),
    );
    for (const name of [...channels].slice(0, TEAM_LINES_MAX)) await this.#updateTeamLine(name);
  }

  async #updateTeamLine(name: string): Promise<void> {
    const line = teamLine(this.#story, this.#state.channel);
    const wanted = JSON.stringify(line);
    const part = `line in ${name}`;
    const shown = this.#state.lines[name] ?? null;
    if (shown === wanted && this.#state.unsure[part] === undefined) return;
    const key = `line ${name}`;
    const sent = await this.#deps.projections.sent('slack', this.#subject, key);
    if (sent?.state !== 'done' && sent?.state !== 'intended') {
      // A child gets no line of its own, but an existing one is updated.
      if (this.#story.incident.parent_id !== undefined) return;
      // Wait for the channel, which the line links to, unless Slack refuses to create one.
      const awaitsChannel = this.#state.channel === null && !this.#hasNoChannel();
      if (awaitsChannel && this.#state.problems['channel'] === undefined) return;
    }
    const post = { subject: this.#subject, channel: name, key, message: line };
    const posted = await postOnce(this.#deps, post, this.#session);
    if (posted?.kind === 'refused') await this.#recordProblem(part, posted.code);
    if (posted?.kind !== 'present') return;
    const patch = { lines: { ...this.#state.lines, [name]: wanted } };
    if (posted.fresh) await this.#save(patch);
    await this.#updatePart({
      part,
      wanted,
      shown: this.#state.lines[name] ?? null,
      method: METHODS.edit,
      send: () => this.#deps.chat.edit(posted.channel, posted.id, line, messageMark(post)),
      patch,
    });
  }

  async #updateChannelHeader(channel: string): Promise<void> {
    const { chat } = this.#deps;
    if (!this.#state.purposeSet) {
      const purpose = purposeOf(this.#story.incident);
      if (await this.#try('purpose', METHODS.setPurpose, () => chat.setPurpose(channel, purpose)))
        await this.#save({ purposeSet: true });
    }
    const topic = channelTopic(this.#story);
    await this.#updatePart({
      part: 'topic',
      wanted: JSON.stringify(topic),
      shown: this.#state.topic,
      method: METHODS.setTopic,
      send: () => chat.setTopic(channel, topic),
      patch: { topic: JSON.stringify(topic) },
    });
    const links = incidentLinks(this.#story, this.#config, this.#session.now());
    await this.#updatePart({
      part: 'bookmarks',
      wanted: JSON.stringify(links),
      shown: this.#state.bookmarks ?? '[]',
      method: METHODS.bookmarks,
      send: () => chat.setBookmarks(channel, links),
      patch: { bookmarks: JSON.stringify(links) },
    });
  }

  /** Archives the channel after all messages, because an archived channel accepts none. Ornaments don't delay it. */
  async #archiveWhenDue(channel: string): Promise<void> {
    const due = this.#endOfUpdates();
    if (due === null || this.#config.slack.archiveAfterHours === 'never') return;
    if (this.#session.now() < due) return this.#session.scheduleNext(due);
    if (this.#session.nextAt !== null || (this.#isMessagePending && this.#session.isRefusalRetried(due))) return;
    if (await this.#try('archive', METHODS.archive, () => this.#deps.chat.archive(channel)))
      await this.#save({ archived: true });
  }

  /** Updates a part that differs, or that a late call may have overwritten. */
  async #updatePart({ part, wanted, shown, method, send, patch }: Part): Promise<void> {
    const before = this.#state.unsure[part];
    const sendAgainFrom = setAgainFrom(before);
    const began = this.#session.now();
    if (shown === wanted && sendAgainFrom === null) return;
    if (shown === wanted && sendAgainFrom !== null && began < sendAgainFrom)
      return this.#session.scheduleNext(sendAgainFrom);
    const response = await this.#attempt(part, method, send, async (at) => {
      await this.#save({ unsure: { ...this.#state.unsure, [part]: at } });
      return true;
    });
    if (response === undefined || response.kind === 'unclear') return;
    const done = isDone(response);
    const { [part]: _answered, ...others } = this.#state.unsure;
    const unansweredAt = unansweredAfter(before, done ? began : null);
    await this.#save({
      unsure: unansweredAt === null ? others : { ...others, [part]: unansweredAt },
      ...(done && patch),
    });
    // A failed call is retried with its own delay.
    if (done && unansweredAt !== null) this.#session.scheduleNext(outcomeKnownFrom(unansweredAt));
  }

  /** Returns whether it is done, or not needed any more. */
  async #try(part: string, method: Method, call: () => Promise<VendorResponse<unknown>>): Promise<boolean> {
    const response = await this.#attempt(part, method, call);
    return response !== undefined && isDone(response);
  }

  /** Makes a call and records a refusal, which does not block other parts. */
  async #attempt<T>(
    part: string,
    method: Method,
    call: () => Promise<VendorResponse<T>>,
    record?: (at: Timestamp) => Promise<boolean>,
  ): Promise<VendorResponse<T> | undefined> {
    const response = await this.#session.attempt(method, call, record);
    if (response?.kind === 'refused' && !isDone(response))
      await this.#recordRefusal(part, response.code, response.detail);
    if (response?.kind === 'done') await this.#clearProblem(part);
    return response;
  }

  /** Records a refusal. If the channel was archived by a person, it stays archived. */
  async #recordRefusal(part: string, code: string, detail: string = code): Promise<void> {
    if (ARCHIVED.has(code) && !part.startsWith('line ')) await this.#save({ archived: true });
    else await this.#recordProblem(part, detail);
  }

  async #recordProblem(part: string, detail: string): Promise<void> {
    this.#refusals = true;
    if (PARTS_BEFORE_ARCHIVING.has(part)) this.#isMessagePending = true;
    if (this.#state.problems[part] === detail) return;
    const { id } = this.#story.incident;
    this.#session.log.warn('Slack refused a part of an incident', { what: part, detail, incident: id });
    if (REPORTED_PARTS.has(part))
      await this.#deps.incidents.note(id, `slack-${part}-refused`, {
        at: this.#session.now(),
        actor: 'slack',
        kind: 'slack.refused',
        text: `Slack refused the ${part}: ${detail}`,
        detail: null,
      });
    await this.#save({ problems: { ...this.#state.problems, [part]: detail } });
  }

  async #clearProblem(part: string): Promise<void> {
    if (this.#state.problems[part] === undefined) return;
    const { [part]: _solved, ...problems } = this.#state.problems;
    await this.#save({ problems });
  }

  async #save(change: Partial<SlackState>): Promise<void> {
    await this.#session.checkLease();
    this.#state = { ...this.#state, ...change };
    await this.#deps.projections.write('slack', this.#subject, this.#state);
  }
}

/** Counts a deleted message as done, because it is not recreated. */
const isDone = (response: VendorResponse<unknown>): boolean =>
  response.kind === 'done' || (response.kind === 'refused' && response.code === DELETED);
