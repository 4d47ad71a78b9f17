import { entryMessage, isTold, summaryCard, teamLine, topic } from '../../domain/incident-card.ts';
import type { Chat, Told as Answer } from '../../domain/outlets.ts';
import type { ConfigSource, Incidents } from '../../domain/ports.ts';
import { idOf, type Projections } from '../../domain/projections.ts';
import { linksOf, type Story } from '../../domain/story.ts';
import type { Config } from '../../schemas/config.ts';
import { IncidentId } from '../../schemas/names.ts';
import { SlackState, type Subject } from '../../schemas/projection.ts';
import { plusSeconds } from '../../schemas/time.ts';
import type { Method, Turn } from '../turn.ts';
import { ensureChannel, purposeOf } from './channel.ts';
import { markOf, postOnce } from './message.ts';
import { METHODS } from './methods.ts';

export type SlackDeps = {
  chat: Chat;
  projections: Projections;
  incidents: Pick<Incidents, 'story' | 'note' | 'setChannel'>;
  config: ConfigSource;
};

/** What Slack refuses it refuses until somebody changes a scope or a name; looked at again so often. */
const AFTER_A_REFUSAL_SECONDS = 600;

/** Whoever writes the timeline may be this late with an entry, by its own time. */
const LATE_ENTRY_SECONDS = 120;

const SUMMARY = 'summary';

/** One incident in Slack: its channel with everything in it, and a line in the channels of teams. */
export async function showIncident(deps: SlackDeps, subject: Subject, turn: Turn): Promise<void> {
  const id = IncidentId.parse(idOf(subject));
  const state = SlackState.parse((await deps.projections.read('slack', subject)) ?? {});
  const story = await deps.incidents.story(id, state.told);
  if (story === undefined) return;
  const config = await deps.config.current();
  const view = new View(deps, subject, story, config, state, turn);
  if (story.parent !== null && state.name === null) return; // its parent has the channel
  await view.show();
}

class View {
  readonly #deps: SlackDeps;
  readonly #subject: Subject;
  readonly #story: Story;
  readonly #config: Config;
  readonly #turn: Turn;
  #state: SlackState;

  constructor(deps: SlackDeps, subject: Subject, story: Story, config: Config, state: SlackState, turn: Turn) {
    this.#deps = deps;
    this.#subject = subject;
    this.#story = story;
    this.#config = config;
    this.#state = state;
    this.#turn = turn;
  }

  /** What people need first comes first: where a limit bites, it is the rest that waits. */
  async show(): Promise<void> {
    if (this.#state.archived) return;
    const channel = await this.#channel();
    if (channel !== undefined) {
      await this.#summary(channel);
      await this.#entries(channel);
    }
    await this.#lines();
    if (channel === undefined) return;
    await this.#ornaments(channel);
    await this.#archive(channel);
  }

  async #channel(): Promise<string | undefined> {
    const { incident } = this.#story;
    const before = this.#state.problems['channel'];
    const channel = await ensureChannel(
      this.#deps,
      incident,
      this.#config.slack,
      this.#state,
      (change) => this.#save(change),
      this.#turn,
    );
    const now = this.#state.problems['channel'];
    if (channel === undefined && now !== undefined) await this.#refused('channel', now, before);
    if (channel !== undefined && this.#state.name !== null && incident.channel === undefined)
      await this.#deps.incidents.setChannel(incident.id, `#${this.#state.name}`);
    return channel;
  }

  /** Said once on the timeline, and looked at again later. */
  async #refused(what: string, detail: string, before: string | undefined): Promise<void> {
    const at = this.#turn.now();
    this.#turn.comeAgain(plusSeconds(at, AFTER_A_REFUSAL_SECONDS));
    if (before === detail) return;
    await this.#deps.incidents.note(this.#story.incident.id, `slack-${what}-refused`, {
      at,
      actor: 'slack',
      kind: 'slack.refused',
      text: `Slack refuses the ${what}: ${detail}`,
      detail: null,
    });
  }

  async #summary(channel: string): Promise<void> {
    const card = summaryCard(this.#story);
    const text = JSON.stringify(card);
    const sent = await this.#deps.projections.sent('slack', this.#subject, SUMMARY);
    if (sent?.state !== 'done' || sent.id === null) {
      const posted = await postOnce(
        this.#deps,
        { subject: this.#subject, channel, key: SUMMARY, message: card },
        this.#turn,
      );
      if (posted?.kind === 'refused') await this.#problem('summary', posted.code);
      if (posted?.kind !== 'there') return;
      await this.#save({ summary: text });
      return this.#pin(channel, posted.id);
    }
    const { id } = sent;
    if (this.#state.summary !== text) {
      const told = await this.#try(METHODS.edit, 'summary', () => this.#deps.chat.edit(channel, id, card, markOf({ subject: this.#subject, key: SUMMARY })));
      if (told) await this.#save({ summary: text });
    }
    await this.#pin(channel, id);
  }

  async #pin(channel: string, id: string): Promise<void> {
    if (this.#state.pinned) return;
    if (await this.#try(METHODS.pin, 'pin', () => this.#deps.chat.pin(channel, id))) await this.#save({ pinned: true });
  }

  /** In the order in which it happened: a message that is held up holds up those after it. */
  async #entries(channel: string): Promise<void> {
    const { timeline } = this.#story;
    for (const { place, entry } of timeline) {
      if (!isTold(entry)) continue;
      const posted = await postOnce(
        this.#deps,
        { subject: this.#subject, channel, key: `entry ${place}`, message: entryMessage(entry) },
        this.#turn,
      );
      if (posted === null) return;
      if (posted.kind === 'refused') return this.#notTaken(posted.code);
    }
    const last = timeline.at(-1);
    if (last === undefined) return;
    // Entries may yet come in before the last ones; what has been told already is known by its place.
    const sure = timeline.findLast(({ entry }) => entry.at < plusSeconds(last.entry.at, -LATE_ENTRY_SECONDS));
    if (sure !== undefined && sure.place !== this.#state.told) {
      await this.#save({ told: sure.place });
      this.#turn.comeAgain(this.#turn.now());
    }
  }

  /** Whoever archives a channel by hand wants no more of it. */
  async #notTaken(code: string): Promise<void> {
    if (code === 'is_archived' || code === 'is_inactive') await this.#save({ archived: true });
    else await this.#refused('message', code, undefined);
  }

  async #lines(): Promise<void> {
    const { incident } = this.#story;
    if (incident.parent_id !== undefined) return;
    const own = this.#config.services[incident.service]?.slack?.channel;
    const channels = new Set([...(own === undefined ? [] : [own]), ...(incident.told_channels ?? [])]);
    for (const name of channels) await this.#line(`#${name.replace(/^#/, '')}`);
  }

  async #line(name: string): Promise<void> {
    const line = teamLine(this.#story, this.#state.channel);
    const text = JSON.stringify(line);
    if (this.#state.lines[name] === text) return;
    const key = `line ${name}`;
    const sent = await this.#deps.projections.sent('slack', this.#subject, key);
    if (sent?.state === 'done' && sent.channel !== null && sent.id !== null) {
      const { channel, id } = sent;
      if (await this.#try(METHODS.edit, `line in ${name}`, () => this.#deps.chat.edit(channel, id, line, markOf({ subject: this.#subject, key }))))
        await this.#save({ lines: { ...this.#state.lines, [name]: text } });
      return;
    }
    // Without a channel to lead to, the line waits a little for it; not for long, should Slack refuse one.
    if (this.#state.channel === null && this.#state.problems['channel'] === undefined) return;
    const posted = await postOnce(this.#deps, { subject: this.#subject, channel: name, key, message: line }, this.#turn);
    if (posted?.kind === 'there') await this.#save({ lines: { ...this.#state.lines, [name]: text } });
    if (posted?.kind === 'refused') await this.#problem(`line in ${name}`, posted.code);
  }

  async #ornaments(channel: string): Promise<void> {
    const { chat } = this.#deps;
    if (!this.#state.purposeSet) {
      const purpose = purposeOf(this.#story.incident);
      if (await this.#try(METHODS.setPurpose, 'purpose', () => chat.setPurpose(channel, purpose)))
        await this.#save({ purposeSet: true });
    }
    const words = topic(this.#story);
    const text = JSON.stringify(words);
    if (this.#state.topic !== text && (await this.#try(METHODS.setTopic, 'topic', () => chat.setTopic(channel, words))))
      await this.#save({ topic: text });
    const links = linksOf(this.#story.signals);
    const list = JSON.stringify(links);
    if (
      (this.#state.bookmarks ?? '[]') !== list &&
      (await this.#try(METHODS.bookmarks, 'bookmarks', () => chat.setBookmarks(channel, links)))
    )
      await this.#save({ bookmarks: list });
  }

  /** Only once everything has been said: an archived channel takes nothing more. */
  async #archive(channel: string): Promise<void> {
    const { resolved_at } = this.#story.incident;
    const { archiveAfterHours } = this.#config.slack;
    if (resolved_at === null || archiveAfterHours === 'never' || this.#turn.again !== null) return;
    const due = plusSeconds(resolved_at, archiveAfterHours * 3600);
    if (this.#turn.now() < due) return this.#turn.comeAgain(due);
    if (await this.#try(METHODS.archive, 'archive', () => this.#deps.chat.archive(channel)))
      await this.#save({ archived: true });
  }

  /** True: done. What Slack refuses is remembered, and does not stand in the way of the rest. */
  async #try(method: Method, what: string, call: () => Promise<Answer<unknown>>): Promise<boolean> {
    const told = await this.#turn.attempt(method, call);
    if (told?.kind === 'refused') await this.#problem(what, told.detail);
    if (told?.kind === 'done' && this.#state.problems[what] !== undefined) {
      const { [what]: _solved, ...problems } = this.#state.problems;
      await this.#save({ problems });
    }
    return told?.kind === 'done';
  }

  async #problem(what: string, detail: string): Promise<void> {
    this.#turn.comeAgain(plusSeconds(this.#turn.now(), AFTER_A_REFUSAL_SECONDS));
    if (this.#state.problems[what] === detail) return;
    this.#turn.log.warn('Slack refuses something', { what, detail, incident: this.#story.incident.id });
    await this.#save({ problems: { ...this.#state.problems, [what]: detail } });
  }

  async #save(change: Partial<SlackState>): Promise<void> {
    this.#state = { ...this.#state, ...change };
    await this.#deps.projections.write('slack', this.#subject, this.#state);
  }
}
