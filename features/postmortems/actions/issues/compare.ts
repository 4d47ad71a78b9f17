import { sha256 } from '../../../../core/stores/hash.ts';
import { serviceEntry } from '../../../../core/domain/catalogue/catalogue.ts';
import { standInNote } from '../../../../core/domain/catalogue/vendors.ts';
import { postmortemPath } from '../../../../core/domain/incidents/console-link.ts';
import { actionItemsOf, actionItemIds } from '../../decisions/action-items.ts';
import {
  assigneeOf,
  type Conflict,
  followEdits,
  type IssueFacts,
  type IssueState,
  type IssueTracker,
  merge,
  placeOf,
  configFor,
} from '../../decisions/issues.ts';
import type { Deps } from '../../ports.ts';
import type { ComparisonMark, StoredPostmortem } from '../../types.ts';
import type { FailedResponse } from '../../../../vendors/shared/client.ts';
import { outcomeKnownFrom } from '../../../../core/domain/messages/unclear.ts';
import type { Config } from '../../../../schemas/config/config.ts';
import type { IssueLink, IssueRecord, SharedFields } from '../../schemas/postmortem.ts';
import { type ActionItem, ActionItemId } from '../../../../schemas/action-items/action-item.ts';
import type { TrackerConfig } from '../../schemas/trackers.ts';
import { plusSeconds, secondsBetween, type Timestamp } from '../../../../schemas/time/time.ts';
import type { Caller } from '../../../../core/actions/people/caller.ts';
import { Deadline } from '../../../../core/domain/concurrency.ts';
import { changeActionItem, type PostmortemDeps } from '../postmortem.ts';

export type CompareDeps = PostmortemDeps & Pick<Deps, 'actionItemIssues' | 'trackerFor' | 'timeScale' | 'log'>;

/** Milliseconds for all incidents of a round. The rest follows in the next one. */
const ROUND_MS = 20_000;

/** How long a process has an incident for itself: longer than a round with a last call. */
const BUSY_SECONDS = 60;

/** How often open items are compared although no webhook has come: it finds lost webhooks. */
const OPEN_SECONDS = 3600;

/** Items that are done can be reopened. They are compared daily, for this time. */
const DONE_SECONDS = 86_400;
const FOLLOWED_SECONDS = 30 * 86_400;

/** When a refused or unanswered call is tried again. */
const REFUSED_SECONDS = 3600;
const LATER_SECONDS = 60;

type Item = ActionItem & { id: ActionItemId; updatedAt: Timestamp };

/** Compares action items with their issues, and changes the side that is behind. Returns the number of incidents. */
export async function compareIssues(deps: CompareDeps): Promise<{ compared: number }> {
  const deadline = new Deadline(() => performance.now(), ROUND_MS);
  let compared = 0;
  for (const mark of await deps.actionItemIssues.marks()) {
    if (mark.at > deps.clock.now() || deadline.left === 0) break;
    try {
      await compareIncident(deps, mark);
      compared += 1;
    } catch (error) {
      deps.log.error('action items could not be compared with their issues', {
        incident: mark.id,
        error: String(error),
      });
    }
  }
  return { compared };
}

async function compareIncident(deps: CompareDeps, mark: ComparisonMark): Promise<void> {
  const { actionItemIssues: issues, clock } = deps;
  const [stored, before, requests, config] = await Promise.all([
    deps.postmortems.read(mark.id),
    issues.read(mark.id),
    issues.requested(mark.id),
    deps.config.current(),
  ]);
  const requested = requests.map(({ item }) => item);
  const trackerConfig = stored && trackerOf(stored, config);
  const mayCreate = (id: ActionItemId): boolean =>
    stored?.record.state === 'published' && trackerConfig?.create === 'published' ? true : requested.includes(id);
  const items = stored === undefined ? [] : await itemsIn(deps, stored);
  const followed = followEdits(before?.links ?? [], ids(items));
  if (
    stored === undefined ||
    trackerConfig === undefined ||
    (followed.length === 0 && !items.some(({ id }) => mayCreate(id)))
  ) {
    if (before !== undefined && before.links.length > 0 && followed.length === 0)
      await issues.write({ ...before, rev: before.rev + 1, links: [] });
    await issues.fulfilled(mark.id, requested);
    return issues.settle(mark, null);
  }
  if (before?.busy_until != null && before.busy_until > clock.now()) return;
  const linked = new Set(followed.map(({ item_id }) => item_id));
  const place = placeOf(trackerConfig);
  const keys = new Set(followed.map(({ key }) => key));
  const added = items.flatMap((item, position): IssueLink[] =>
    item.done || linked.has(item.id) || !mayCreate(item.id)
      ? []
      : [{ ...newLink(item, position, place), key: unusedKey(item.id, keys) }],
  );
  const record: IssueRecord = {
    incident_id: mark.id,
    rev: (before?.rev ?? 0) + 1,
    busy_until: plusSeconds(clock.now(), BUSY_SECONDS),
    links: [...followed, ...added].map((link) =>
      requested.includes(link.item_id) ? { ...link, retry_at: null } : link,
    ),
  };
  if (!(await issues.write(record))) return;
  const comparison = new Comparison(deps, { stored, config, trackerConfig, items, record });
  await comparison.run();
  await issues.fulfilled(mark.id, requested);
  await issues.settle(mark, comparison.nextAt());
}

const ids = (items: readonly Item[]): ActionItemId[] => items.map(({ id }) => id);

function trackerOf({ record: { service } }: StoredPostmortem, config: Config): TrackerConfig | undefined {
  const team = serviceEntry(config.services, service)?.team;
  return configFor(config.postmortems.trackers, { service, team });
}

/** Returns the action items in the order of the text. */
async function itemsIn({ postmortems }: CompareDeps, { record, markdown }: StoredPostmortem): Promise<Item[]> {
  if (record.state === 'skipped') return [];
  const times = new Map(
    (await postmortems.itemsOf(record.service, record.incident_id)).map(({ id, updated_at }) => [id, updated_at]),
  );
  const placed = actionItemsOf(markdown);
  return actionItemIds(record.incident_id, placed, sha256).map((id, n) => {
    const { item } = placed[n] as (typeof placed)[number];
    return { ...item, id: ActionItemId.parse(id), updatedAt: times.get(id) ?? record.updated_at };
  });
}

/** Returns the ID of an item as its key. An item whose title has changed keeps its key, which another item can want. */
function unusedKey(id: ActionItemId, used: ReadonlySet<string>): string {
  let key: string = id;
  for (let n = 2; used.has(key); n += 1) key = `${id}-${n}`;
  return key;
}

const newLink = (item: Item, position: number, place: ReturnType<typeof placeOf>): Omit<IssueLink, 'key'> => ({
  item_id: item.id,
  ...place,
  position,
  issue: null,
  creating_since: null,
  base: { title: item.title, done: false },
  pending: null,
  details: detailsOf(item),
  compared_at: null,
  problem: null,
  retry_at: null,
});

const detailsOf = ({ owner, due, priority }: Pick<ActionItem, 'owner' | 'due' | 'priority'>): string =>
  JSON.stringify({ owner, due, priority });

type ComparedIncident = {
  stored: StoredPostmortem;
  config: Config;
  trackerConfig: TrackerConfig;
  items: readonly Item[];
  record: IssueRecord;
};

/** Someone else has changed the record of the issues. They continue. */
class Overtaken extends Error {
  override readonly name = 'Overtaken';
}

/** Compares the items of one incident. Every call that changes something at the tracker is recorded before it is made. */
class Comparison {
  readonly #deps: CompareDeps;
  readonly #incident: ComparedIncident;
  #record: IssueRecord;
  /** Trackers that want no more calls now, by place, and until when. */
  readonly #blocked = new Map<string, Timestamp>();

  constructor(deps: CompareDeps, incident: ComparedIncident) {
    this.#deps = deps;
    this.#incident = incident;
    this.#record = incident.record;
  }

  async run(): Promise<void> {
    for (const { key } of this.#record.links) await this.#compare(key);
    await this.#write({ ...this.#record, busy_until: null });
  }

  /** Returns when the incident is compared next. Null: nothing is left to follow. */
  nextAt(): Timestamp | null {
    const now = this.#deps.clock.now();
    const open = new Set(this.#incident.items.filter(({ done }) => !done).map(({ id }) => id));
    const times = this.#record.links.flatMap((link): Timestamp[] => {
      if (link.retry_at !== null) return [link.retry_at];
      const item = this.#incident.items.find(({ id }) => id === link.item_id);
      if (open.has(link.item_id)) return [this.#after(OPEN_SECONDS)];
      const since = item?.updatedAt ?? now;
      return secondsBetween(since, now) > FOLLOWED_SECONDS ? [] : [this.#after(DONE_SECONDS)];
    });
    return times.toSorted()[0] ?? null;
  }

  #after(seconds: number): Timestamp {
    return plusSeconds(this.#deps.clock.now(), Math.max(1, seconds / this.#deps.timeScale));
  }

  #link(key: string): IssueLink {
    const link = this.#record.links.find((one) => one.key === key);
    if (link === undefined) throw new Error(`there is no link ${key}`);
    return link;
  }

  async #compare(key: string): Promise<void> {
    const link = this.#link(key);
    const item = this.#incident.items.find(({ id }) => id === link.item_id);
    const now = this.#deps.clock.now();
    if (item === undefined || (link.retry_at !== null && link.retry_at > now)) return;
    const blocked = this.#blocked.get(link.place);
    if (blocked !== undefined) return this.#save(key, { retry_at: blocked });
    const { trackerConfig } = this.#incident;
    const place = placeOf(trackerConfig);
    // An issue stays where it was created; only its first place can be called with today's configuration.
    if (place.tracker !== link.tracker || place.place !== link.place) {
      if (link.issue === null && link.creating_since === null) await this.#save(key, place);
      else
        return this.#save(key, {
          problem: `the configured tracker is ${place.place} now; this issue is not followed`,
          retry_at: this.#after(DONE_SECONDS),
        });
    }
    const tracker = await this.#deps.trackerFor(trackerConfig);
    if (this.#link(key).issue === null) await this.#create(key, item, tracker);
    else await this.#merge(key, item, tracker);
  }

  async #create(key: string, item: Item, tracker: IssueTracker): Promise<void> {
    const { creating_since: since, place } = this.#link(key);
    const found = await tracker.find(key);
    if (found.kind !== 'done') return this.#failed(key, found);
    if (found.value !== null) {
      const { id, key: name, url } = found.value;
      await this.#save(key, { issue: { id, key: name, url }, creating_since: null, problem: null, retry_at: null });
      await this.#noteCreated(key, item, tracker);
      return this.#merge(key, item, tracker);
    }
    const now = this.#deps.clock.now();
    if (item.done) return this.#save(key, { creating_since: null, retry_at: null });
    if (since !== null && now < outcomeKnownFrom(since)) return this.#save(key, { retry_at: outcomeKnownFrom(since) });
    const base = { title: item.title, done: false };
    await this.#save(key, { creating_since: now, base, details: detailsOf(item) });
    const assignee = this.#assignee(item);
    const created = await tracker.create({ key, title: item.title, facts: this.#facts(detailsOf(item)), assignee });
    if (created.kind === 'unclear')
      return this.#save(key, { problem: created.detail, retry_at: outcomeKnownFrom(now) });
    if (created.kind !== 'done') {
      await this.#save(key, { creating_since: null });
      return this.#failed(key, created);
    }
    const { note, ...issue } = created.value;
    this.#deps.log.info('created the issue of an action item', { item: item.id, issue: issue.key, place });
    await this.#save(key, {
      issue,
      creating_since: null,
      compared_at: this.#deps.clock.now(),
      problem: note,
      retry_at: null,
    });
    await this.#noteCreated(key, item, tracker);
  }

  async #merge(key: string, item: Item, tracker: IssueTracker): Promise<void> {
    const link = this.#link(key);
    const { issue, pending } = link;
    if (issue === null) return;
    // A change without a response can still be made. Until then, nothing that is read is certain.
    if (pending !== null && this.#deps.clock.now() < outcomeKnownFrom(pending.since))
      return this.#save(key, { retry_at: outcomeKnownFrom(pending.since) });
    const state = await tracker.read(issue);
    if (state.kind !== 'done') return this.#failed(key, state);
    const base = pending === null ? link.base : baseAfterLostResponse(link.base, pending, state.value);
    const merged = merge(base, item, state.value, (title) => tracker.shownTitle(title));
    const { toItem, toIssue, conflicts } = merged;
    const agreed = { title: toItem.title ?? item.title, done: toItem.done ?? item.done };
    if (Object.keys(toItem).length > 0) {
      const changed = await this.#changeItem(item, toItem, link.tracker);
      await this.#noteFromIssue(link, state.value, toItem, conflicts, item);
      if (changed !== item.id) await this.#save(key, { item_id: changed });
    }
    const details = detailsOf(item);
    const change = {
      ...toIssue,
      ...(details !== link.details && {
        facts: { key, facts: this.#facts(details), before: this.#facts(link.details) },
        ...this.#newAssignee(item, link.details),
      }),
    };
    if (Object.keys(change).length > 0) {
      const since = this.#deps.clock.now();
      await this.#save(key, { base, pending: { ...agreed, since } });
      const done = await tracker.change(issue, change);
      if (done.kind === 'unclear') return this.#save(key, { problem: done.detail, retry_at: outcomeKnownFrom(since) });
      await this.#save(key, { pending: null });
      if (done.kind !== 'done') return this.#failed(key, done);
      await this.#noteToIssue(this.#link(key), item, toIssue, conflicts, state.value);
      return this.#save(key, { base: agreed, details, ...this.#compared(done.value.note) });
    }
    return this.#save(key, {
      base: agreed,
      pending: null,
      ...this.#compared(link.problem?.startsWith('not assigned') ? link.problem : null),
    });
  }

  #compared(problem: string | null): Pick<IssueLink, 'compared_at' | 'problem' | 'retry_at'> {
    return { compared_at: this.#deps.clock.now(), problem, retry_at: null };
  }

  /** Changes the item as the tracker says, and returns its ID, which follows from its title. */
  async #changeItem(item: Item, { title, done }: Partial<SharedFields>, tracker: string): Promise<ActionItemId> {
    // The signature of a webhook or the tracker's own answer is the authorization.
    const caller: Caller = { name: tracker, allow: () => undefined };
    const { id } = await changeActionItem(this.#deps, caller, item.id, {
      ...(title !== undefined && { title: titleOf(title) }),
      ...(done !== undefined && { status: done ? 'done' : 'open' }),
    });
    return id;
  }

  #assignee({ owner }: Pick<ActionItem, 'owner'>): string | null {
    return assigneeOf(this.#incident.config.people, owner, placeOf(this.#incident.trackerConfig).tracker);
  }

  #newAssignee(item: Item, before: string): { assignee?: string } {
    const assignee = this.#assignee(item);
    const { owner } = JSON.parse(before) as Pick<ActionItem, 'owner'>;
    return assignee === null || owner === item.owner ? {} : { assignee };
  }

  #facts(details: string): IssueFacts {
    const { service, environment, incident_id: id } = this.#incident.stored.record;
    const { owner, due, priority } = JSON.parse(details) as Pick<ActionItem, 'owner' | 'due' | 'priority'>;
    const rows = Object.entries({ Service: `${service} ${environment}`, Owner: owner, Due: due, Priority: priority });
    return {
      rows: rows.flatMap(([name, value]) => (value === null ? [] : [[name, value] as const])),
      link: this.#deps.publicUrl === undefined ? null : `${this.#deps.publicUrl}${postmortemPath(id)}`,
    };
  }

  async #failed(key: string, failed: FailedResponse): Promise<void> {
    const { place } = this.#link(key);
    const seconds = failed.kind === 'later' ? (failed.afterSeconds ?? LATER_SECONDS) : REFUSED_SECONDS;
    const retry = this.#after(seconds);
    if (failed.kind === 'later' || failed.kind === 'off') this.#blocked.set(place, retry);
    this.#deps.log.warn('an issue of an action item was not read or written', { key, detail: failed.detail });
    await this.#save(key, { problem: failed.detail, retry_at: retry });
  }

  async #save(key: string, change: Partial<IssueLink>): Promise<void> {
    const before = this.#link(key);
    const links = this.#record.links.map((link) => (link === before ? { ...link, ...change } : link));
    const { issue } = change;
    const found = issue ? [{ tracker: before.tracker, id: issue.id }] : [];
    await this.#write({ ...this.#record, links }, found);
  }

  async #write(record: IssueRecord, found: { tracker: IssueLink['tracker']; id: string }[] = []): Promise<void> {
    const next = { ...record, rev: this.#record.rev + 1 };
    if (!(await this.#deps.actionItemIssues.write(next, found)))
      throw new Overtaken(`the issues of incident ${record.incident_id} are compared by another process`);
    this.#record = next;
  }

  async #note(key: string, kind: string, by: string, text: string, detail: object): Promise<void> {
    const at = this.#deps.clock.now();
    const entry = { at, actor: by, kind, text, detail: { ...detail } };
    await this.#deps.incidents.note(this.#record.incident_id, key, entry);
  }

  async #noteCreated(key: string, item: Item, tracker: IssueTracker): Promise<void> {
    const { issue } = this.#link(key);
    const standInText = tracker.standIn === true ? standInNote('issue') : '';
    await this.#note(
      `issue-${key}-created`,
      'action_item.issue_created',
      'firebreak',
      `Created ${issue?.key} for the action item “${item.title}”${standInText}`,
      { item: item.id, issue: issue?.key, url: issue?.url },
    );
  }

  async #noteFromIssue(
    { key, issue, tracker }: IssueLink,
    { updatedAt }: IssueState,
    change: Partial<SharedFields>,
    conflicts: readonly Conflict[],
    item: Item,
  ): Promise<void> {
    const what = [
      ...(change.done === undefined ? [] : [change.done ? 'was closed' : 'was reopened']),
      ...(change.title === undefined ? [] : [`has the title “${change.title}” now`]),
    ].join(' and ');
    await this.#note(
      `issue-${key}-seen-${updatedAt}`,
      'action_item.changed_by_issue',
      tracker,
      `${issue?.key} ${what}; the action item “${item.title}” was changed accordingly${conflictText(conflicts, item, updatedAt)}`,
      { item: item.id, issue: issue?.key, url: issue?.url, ...change, conflicts },
    );
  }

  async #noteToIssue(
    { key, issue }: IssueLink,
    item: Item,
    change: Partial<SharedFields>,
    conflicts: readonly Conflict[],
    { updatedAt }: IssueState,
  ): Promise<void> {
    const what = [
      ...(change.done === undefined ? [] : [change.done ? 'closed' : 'reopened']),
      ...(change.title === undefined ? [] : ['renamed']),
    ].join(' and ');
    if (what === '') return;
    await this.#note(
      `issue-${key}-written-${item.updatedAt}`,
      'action_item.issue_changed',
      'firebreak',
      `${what.charAt(0).toUpperCase()}${what.slice(1)} ${issue?.key}, as the action item “${item.title}”${conflictText(conflicts, item, updatedAt)}`,
      { item: item.id, issue: issue?.key, url: issue?.url, ...change, conflicts },
    );
  }
}

/** Returns what both sides said last, after a change whose response was lost: a field was changed, or it was not. */
const baseAfterLostResponse = (base: SharedFields, pending: SharedFields, state: SharedFields): SharedFields => ({
  title: state.title === pending.title ? pending.title : base.title,
  done: state.done === pending.done ? pending.done : base.done,
});

const conflictText = (conflicts: readonly Conflict[], item: Item, issueAt: Timestamp): string =>
  conflicts.length === 0
    ? ''
    : `. Both sides had changed (the item at ${item.updatedAt}, the issue at ${issueAt}); the later change counts`;

/** Returns a title of an issue as an item can have it. */
const titleOf = (title: string): string =>
  title
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .slice(0, 500)
    .trim();
