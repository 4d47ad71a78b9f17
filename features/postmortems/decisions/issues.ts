import type { TrackerConfig } from '../schemas/trackers.ts';
import type { IssueLink, SharedFields } from '../schemas/postmortem.ts';
import type { Tracker } from '../../../schemas/action-items/action-item.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { VendorResponse } from '../../../core/domain/ports/vendor-response.ts';
import type { PeopleFile } from '../../../schemas/people/people.ts';

/** An issue to create. The tracker formats the facts, and adds the key so that the issue is found again. */
export type NewIssue = {
  key: string;
  title: string;
  facts: IssueFacts;
  /** The tracker's name of a user. Null: nobody. */
  assignee: string | null;
};

/** The text of an issue. `link`: the address of the post-mortem. */
export type IssueFacts = { rows: readonly (readonly [name: string, value: string])[]; link: string | null };

export type IssueRef = NonNullable<IssueLink['issue']>;

/** An issue as its tracker shows it. `updatedAt`: of its last change by anybody. */
export type IssueState = SharedFields & { updatedAt: Timestamp };

/** Changes of an issue; what is absent stays. */
export type IssueChange = {
  title?: string;
  done?: boolean;
  /** Replaces the text, unless people have edited it. */
  facts?: { key: string; facts: IssueFacts; before: IssueFacts };
  assignee?: string;
};

/** The issues of one place in a tracker. */
export type IssueTracker = {
  /** Returns the issue with this key. Null: there is none. */
  find(key: string): Promise<VendorResponse<(IssueRef & IssueState) | null>>;
  /** `note`: what was left out because the tracker refuses it, such as the assignee. */
  create(issue: NewIssue): Promise<VendorResponse<IssueRef & { note: string | null }>>;
  read(issue: IssueRef): Promise<VendorResponse<IssueState>>;
  change(issue: IssueRef, change: IssueChange): Promise<VendorResponse<{ note: string | null }>>;
  /** Returns a title as the tracker shows it: it can be shortened. */
  shownTitle(title: string): string;
  /** Nothing real is changed there. */
  standIn?: boolean;
};

export type TrackerFor = (config: TrackerConfig) => Promise<IssueTracker>;

/** Returns the first entry for a service. Undefined: there is none. */
export const configFor = <T extends Pick<TrackerConfig, 'services' | 'teams'>>(
  entries: readonly T[],
  { service, team }: { service: string; team: string | undefined },
): T | undefined =>
  entries.find(
    ({ services, teams }) =>
      (services === undefined && teams === undefined) ||
      services?.some((name) => name === service) ||
      (team !== undefined && teams?.includes(team)),
  );

export const placeOf = (config: TrackerConfig): { tracker: Tracker; place: string } =>
  'jira' in config
    ? { tracker: 'jira', place: config.jira.project }
    : { tracker: 'github', place: config.github.repository };

/** Returns the tracker's user for an owner: a person by ID, or by display name. Null: none is known. */
export function assigneeOf({ people }: PeopleFile, owner: string | null, tracker: Tracker): string | null {
  if (owner === null) return null;
  const person = Object.entries(people).find(
    ([id, { name }]) => id === owner.toLowerCase() || name?.toLowerCase() === owner.toLowerCase(),
  );
  return person?.[1][tracker] ?? null;
}

/** A field that both sides changed since they were compared last, and the side whose change is later. */
export type Conflict = { field: keyof SharedFields; winner: 'item' | 'issue' };

export type Merged = { toItem: Partial<SharedFields>; toIssue: Partial<SharedFields>; conflicts: Conflict[] };

/**
 * Compares an action item with its issue. A field that one side changed is changed on the other side. If both changed it,
 * the later change wins; at equal times, the issue's.
 *
 * @param base what both said when they were compared last
 */
export function merge(
  base: SharedFields,
  item: SharedFields & { updatedAt: Timestamp },
  issue: IssueState,
  shownTitle: (title: string) => string,
): Merged {
  const conflicts: Conflict[] = [];
  const sideOf = (field: keyof SharedFields): 'item' | 'issue' | null => {
    const same = (a: SharedFields, b: SharedFields) =>
      field === 'done' ? a.done === b.done : shownTitle(a.title) === shownTitle(b.title);
    if (same(item, issue)) return null;
    if (same(issue, base)) return 'item';
    if (same(item, base)) return 'issue';
    const winner = item.updatedAt > issue.updatedAt ? 'item' : 'issue';
    conflicts.push({ field, winner });
    return winner;
  };
  const [title, done] = [sideOf('title'), sideOf('done')];
  return {
    toItem: { ...(title === 'issue' && { title: issue.title }), ...(done === 'issue' && { done: issue.done }) },
    toIssue: { ...(title === 'item' && { title: item.title }), ...(done === 'item' && { done: item.done }) },
    conflicts,
  };
}

/**
 * Connects links with items again whose title was edited: an item without a link at the place of a link without an item.
 * Of two links with the same item, which now have the same title, the first keeps it. Links whose item was removed are
 * left out.
 */
export function followEdits(links: readonly IssueLink[], ids: readonly IssueLink['item_id'][]): IssueLink[] {
  const linked = new Set(links.map(({ item_id }) => item_id));
  const taken = new Set<IssueLink['item_id']>();
  return links.flatMap((link): IssueLink[] => {
    const position = ids.indexOf(link.item_id);
    if (position !== -1 && !taken.has(link.item_id)) {
      taken.add(link.item_id);
      return [{ ...link, position }];
    }
    const edited = ids[link.position];
    return edited === undefined || linked.has(edited) ? [] : [{ ...link, item_id: edited }];
  });
}
