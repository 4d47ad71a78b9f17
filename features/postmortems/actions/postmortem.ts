import { incidentName, type Named } from '../../../core/domain/incidents/incident-number.ts';
import { STATE_WORDS } from '../decisions/words.ts';
import { sha256 } from '../../../core/stores/hash.ts';
import type { Scope } from '../../../core/domain/access/access.ts';
import { postmortemPath } from '../../../core/domain/incidents/console-link.ts';
import type { Deps } from '../ports.ts';
import type { StoredPostmortem } from '../types.ts';
import type { StoredActionItem } from '../../../core/domain/ports/action-items.ts';
import {
  actionItemsOf,
  ACTION_ITEMS,
  actionItemIds,
  isItemHeading,
  sectionWith,
  statusOf,
  withChangedItem,
} from '../decisions/action-items.ts';
import { namingOf } from '../decisions/blameless.ts';
import { draftOf } from '../decisions/draft.ts';
import type { Draft } from '../decisions/drafting.ts';
import { lint } from '../decisions/lint.ts';
import { hasOpenFence, markdownOf, partsOf, type PostmortemText } from '../decisions/markdown.ts';
import type { DraftInput } from '../decisions/record.ts';
import { withoutCredentials } from '../../../core/domain/redaction/credentials.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import {
  type Citation,
  type Finding,
  MARKDOWN_MAX_CHARS,
  type PostmortemInput,
  type PostmortemNeed,
  type PostmortemRecord,
  type PostmortemView,
  SEV,
} from '../schemas/postmortem.ts';
import {
  type ActionItemIssue,
  type ActionItemPatch,
  ActionItemId,
  type ActionItemView,
} from '../../../schemas/action-items/action-item.ts';
import { needOf } from '../decisions/need.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { Caller } from '../../../core/actions/people/caller.ts';
import { Refusal } from '../../../core/domain/refusal.ts';
import { gather, type GatherDeps } from './gather.ts';
import { visibleText } from '../../../schemas/parsing/free-text.ts';

export type PostmortemDeps = GatherDeps & Pick<Deps, 'postmortems' | 'projections' | 'publicUrl'>;

/** What the draft needs in addition: it runs the configured queries, and the health query. */
export type DraftDeps = PostmortemDeps & Pick<Deps, 'metrics' | 'metricQueries'>;

/** The post-mortem of an incident. `told`: the stored text, else what a draft would be, which also replaces one of an earlier end. */
type CurrentPostmortem = {
  draftInput: DraftInput;
  stored: StoredPostmortem | undefined;
  told: Draft;
  need: PostmortemNeed;
};

/** @throws Refusal 403, 404 */
async function readCurrent(
  deps: PostmortemDeps,
  id: IncidentId,
  allow: (scope: Scope) => void,
): Promise<CurrentPostmortem> {
  const incident = await deps.incidents.read(id);
  if (incident === undefined) throw new Refusal(404, 'unknown-incident', `there is no incident ${id}`);
  allow(incident);
  const stored = await deps.postmortems.read(id);
  const gathered = await gather(deps, id, null);
  if (gathered === undefined) throw new Refusal(404, 'unknown-incident', `there is no incident ${id}`);
  const { postmortems } = await deps.config.current();
  return {
    draftInput: gathered.record,
    stored,
    told:
      stored === undefined || isOfEarlierEnd(incident, stored.record)
        ? draftOf(gathered.record, gathered.end)
        : { markdown: stored.markdown, facts: stored.record.facts },
    need: needOf(postmortems, incident),
  };
}

/**
 * Returns a post-mortem. Without a stored one, or with a draft that is older than the newest problem of the incident, it is what a draft
 * would be now.
 *
 * @param revision a saved version. Absent: the newest
 * @throws Refusal 403, 404
 */
export async function readPostmortem(
  deps: PostmortemDeps,
  caller: Caller,
  { id, revision }: { id: IncidentId; revision?: number | undefined },
): Promise<PostmortemView> {
  const found = await readCurrent(deps, id, (scope) => caller.allow('incidents:read', scope));
  if (revision === undefined || (revision === 0 && found.stored === undefined)) return viewOf(found, deps.clock.now());
  const text = revision > 0 ? await deps.postmortems.text(id, revision) : undefined;
  if (found.stored === undefined || text === undefined)
    throw new Refusal(
      404,
      'unknown-revision',
      `the post-mortem of ${incidentName(found.draftInput.incident)} has no revision ${revision}`,
    );
  const { record } = found.stored;
  const { markdown, facts = record.facts } = text;
  const stored = { record: { ...record, revision }, markdown };
  return viewOf({ ...found, stored, told: { markdown, facts } }, deps.clock.now());
}

/**
 * Saves a new version, without credentials. The first one makes the draft of an incident whose post-mortem is only offered.
 *
 * @returns the saved post-mortem
 * @throws Refusal 403, 404; 409 `stale-revision`; 422
 */
export async function savePostmortem(
  deps: PostmortemDeps,
  caller: Caller,
  id: IncidentId,
  input: PostmortemInput,
): Promise<PostmortemView> {
  const found = await readCurrent(deps, id, (scope) => caller.allow('incidents:write', scope));
  const { stored, told, draftInput } = found;
  if (draftInput.incident.status !== 'resolved')
    throw new Refusal(
      409,
      'incident-open',
      `${incidentName(draftInput.incident)} is not resolved; its post-mortem can be saved after that`,
    );
  const revision = stored?.record.revision ?? 0;
  if (input.revision !== undefined && input.revision !== revision)
    throw staleRevision(draftInput.incident, input.revision, revision);
  const markdown = withoutCredentials(revisedMarkdown(told.markdown, input));
  const state = input.state ?? (stored === undefined ? 'draft' : stored.record.state);
  if (stored !== undefined && markdown === stored.markdown && state === stored.record.state)
    return viewOf(found, deps.clock.now());
  const now = deps.clock.now();
  const saved = await saveRevision(deps, found, { markdown, facts: told.facts, state, at: now, by: caller.name });
  if (saved === undefined) throw staleRevision(draftInput.incident, revision, revision + 1);
  await deps.postmortems.settle(id);
  if (state !== stored?.record.state) await noteState(deps, saved, caller.name);
  return viewOf({ ...found, stored: { record: saved, markdown }, told: { markdown, facts: saved.facts } }, now);
}

/**
 * Returns what a reviewer should look at in a text that is not saved.
 *
 * @throws Refusal 403, 404, 422
 */
export async function lintPostmortem(
  deps: PostmortemDeps,
  caller: Caller,
  { id, markdown }: { id: IncidentId; markdown: string },
): Promise<Finding[]> {
  const { draftInput, told } = await readCurrent(deps, id, (scope) => caller.allow('incidents:read', scope));
  return findingsIn(requireValidText(markdown), draftInput, told.facts.citations);
}

const findingsIn = (markdown: string, draftInput: DraftInput, citations: readonly Citation[]): Finding[] =>
  lint(markdown, namingOf(draftInput).hidden, new Set(citations.map(({ ref }) => ref)));

const staleRevision = (incident: Named, given: number, current: number): Refusal =>
  new Refusal(
    409,
    'stale-revision',
    `the post-mortem of ${incidentName(incident)} has changed: revision ${given} is not the current one (${current}). Read it again, and apply your change to that`,
  );

/** @throws Refusal 422 */
function revisedMarkdown(
  before: string,
  { markdown, title, introduction, sections, action_items }: PostmortemInput,
): string {
  if (markdown !== undefined) return requireValidText(markdown);
  if ([title, introduction, sections, action_items].every((part) => part === undefined)) return before;
  const parts = partsOf(before);
  const text: PostmortemText = {
    title: title ?? parts.title,
    introduction: introduction ?? parts.introduction,
    sections: sections ?? parts.sections,
  };
  const next =
    action_items === undefined
      ? text
      : {
          ...text,
          sections: text.sections.some(({ heading }) => isItemHeading(heading))
            ? text.sections.map((one) =>
                isItemHeading(one.heading) ? { ...one, text: sectionWith(one.text, action_items) } : one,
              )
            : [...text.sections, { heading: ACTION_ITEMS, text: sectionWith('', action_items) }],
        };
  const open = [{ heading: 'introduction', text: next.introduction }, ...next.sections]
    .slice(0, -1)
    .find((one) => hasOpenFence(one.text));
  if (open !== undefined)
    throw new Refusal(
      422,
      'invalid',
      `sections: "${open.heading}" has a block of code without an end: close it with \`\`\``,
    );
  return requireValidText(markdownOf(next));
}

/** @throws Refusal 422 */
export function requireValidText(markdown: string): string {
  if (visibleText(markdown) === '') throw new Refusal(422, 'invalid', 'markdown: the text is empty');
  if (markdown.length > MARKDOWN_MAX_CHARS)
    throw new Refusal(
      422,
      'invalid',
      `markdown: the text has ${markdown.length} characters; the limit is ${MARKDOWN_MAX_CHARS}`,
    );
  if (!markdown.isWellFormed()) throw new Refusal(422, 'invalid', 'markdown: the text contains half a surrogate pair');
  return markdown;
}

type NewRevision = Draft & { state: PostmortemRecord['state']; at: Timestamp; by: string };

/** Stores a version. Undefined: another one has been saved since it was read. */
async function saveRevision(
  deps: Pick<Deps, 'postmortems' | 'projections'>,
  { stored, draftInput }: Pick<CurrentPostmortem, 'stored' | 'draftInput'>,
  { markdown, facts, state, at, by }: NewRevision,
): Promise<PostmortemRecord | undefined> {
  const { incident } = draftInput;
  const before = stored?.record;
  const revision = (before?.revision ?? 0) + 1;
  const publishes = state === 'published' && before?.state !== 'published';
  const record: PostmortemRecord = {
    incident_id: incident.id,
    service: incident.service,
    environment: incident.environment,
    severity: incident.severity,
    state,
    revision,
    drafted_at: before?.drafted_at ?? at,
    updated_at: at,
    updated_by: by,
    published_at: publishes ? at : (before?.published_at ?? null),
    published_by: publishes ? by : (before?.published_by ?? null),
    facts,
    reminded: null,
  };
  const entry = {
    id: `postmortem:${incident.id}:${revision}`,
    at,
    actor: by,
    kind:
      before === undefined ? 'postmortem.drafted' : before.state === state ? 'postmortem.saved' : `postmortem.${state}`,
    subject: incident.id,
    text: `Saved revision ${revision} of the post-mortem: ${STATE_WORDS[state]}`,
    detail: { revision, state, sha256: sha256(markdown) },
  };
  const isSaved = await deps.postmortems.save(
    { record, markdown },
    itemsOf(record, markdown, alertName(draftInput)),
    entry,
  );
  if (isSaved && state === 'published') await deps.projections.changed(`postmortem:${incident.id}`);
  return isSaved ? record : undefined;
}

/** Returns what a new incident of the same alert has in common: the name of its rule, or the title. */
export const alertName = ({ incident, signals }: Pick<DraftInput, 'incident' | 'signals'>): string =>
  signals.flatMap(({ labels }) => labels.find(([name]) => name === 'alertname')?.[1] ?? [])[0] ?? incident.title;

/** A post-mortem that is not needed has no action items. */
function itemsOf(record: PostmortemRecord, markdown: string, alert: string): StoredActionItem[] {
  if (record.state === 'skipped') return [];
  const placed = actionItemsOf(markdown);
  const ids = actionItemIds(record.incident_id, placed, sha256);
  return placed.map(({ item }, index) => ({
    ...item,
    id: ActionItemId.parse(ids[index]),
    incident_id: record.incident_id,
    experiment_id: null,
    service: record.service,
    environment: record.environment,
    alert,
    updated_at: record.updated_at,
  }));
}

/** Drafts and stores the post-mortem of a resolved incident, once. Returns whether there is one now. */
export async function draftPostmortem(deps: DraftDeps, id: IncidentId): Promise<boolean> {
  const stored = await deps.postmortems.read(id);
  const incident = await deps.incidents.read(id);
  if (incident === undefined) return false;
  if (stored !== undefined && !isOfEarlierEnd(incident, stored.record)) {
    await noteDraft(deps, stored.record, incident);
    return true;
  }
  const gathered = await gather(deps, id, deps);
  if (gathered === undefined) return false;
  const { record, end } = gathered;
  const at = deps.clock.now();
  const saved = await saveRevision(
    deps,
    { stored, draftInput: record },
    { ...draftOf(record, end), state: 'draft', at, by: 'firebreak' },
  );
  if (saved === undefined) return false;
  await noteDraft(deps, saved, incident);
  return true;
}

/** Returns whether the incident was reopened after a draft that no person has touched. */
const isOfEarlierEnd = (
  { reopened_at: reopenedAt }: Pick<IncidentRecord, 'reopened_at'>,
  { state, updated_by: by, updated_at: at }: PostmortemRecord,
): boolean => state === 'draft' && by === 'firebreak' && reopenedAt !== undefined && reopenedAt > at;

/** Adds the draft to the timeline, once. */
async function noteDraft(
  deps: Pick<Deps, 'incidents' | 'publicUrl'>,
  { incident_id: id, drafted_at, facts: { filled } }: PostmortemRecord,
  incident: IncidentRecord,
): Promise<void> {
  const url = deps.publicUrl === undefined ? null : `${deps.publicUrl}${postmortemPath(incident)}`;
  await deps.incidents.note(id, 'postmortem-drafted', {
    at: drafted_at,
    actor: 'firebreak',
    kind: 'postmortem.drafted',
    text: `Drafted the post-mortem: ${filled.by_rule} of ${filled.of} fields are filled from the record`,
    detail: { url, filled },
  });
}

const CHANGE_WORDS: Record<PostmortemRecord['state'], string> = {
  draft: 'The post-mortem is a draft again',
  in_review: 'The post-mortem is ready for review',
  published: 'Published the post-mortem',
  skipped: 'The post-mortem is not needed',
};

async function noteState(deps: Pick<Deps, 'incidents'>, record: PostmortemRecord, by: string): Promise<void> {
  const { incident_id: id, state, revision, updated_at } = record;
  await deps.incidents.note(id, `postmortem-${revision}`, {
    at: updated_at,
    actor: by,
    kind: `postmortem.${state}`,
    text: revision === 1 && state === 'draft' ? 'Started the post-mortem' : CHANGE_WORDS[state],
    detail: { revision },
  });
}

function viewOf({ draftInput, stored, told, need }: CurrentPostmortem, now: Timestamp): PostmortemView {
  const { incident } = draftInput;
  const { markdown } = told;
  const { citations, times, filled } = told.facts;
  const { title, introduction, sections } = partsOf(markdown);
  const placed = actionItemsOf(markdown);
  const ids = actionItemIds(incident.id, placed, sha256);
  const { state, revision, drafted_at, updated_at, updated_by, published_at, published_by } =
    stored?.record ?? NOT_STORED;
  return {
    incident_id: incident.id,
    need,
    state,
    revision,
    drafted_at,
    updated_at,
    updated_by,
    published_at,
    published_by,
    title,
    severity: SEV[incident.severity],
    service: incident.unmatched || incident.service,
    environment: incident.environment,
    times,
    filled: { ...filled, share: filled.of === 0 ? 0 : Math.round((filled.by_rule / filled.of) * 1000) / 1000 },
    introduction,
    sections: [...sections],
    action_items: placed.map(({ item }, index) => ({
      ...item,
      id: ActionItemId.parse(ids[index]),
      status: statusOf(item, now.slice(0, 10)),
    })),
    citations,
    findings: findingsIn(markdown, draftInput, citations),
    file: null,
    markdown,
  };
}

const NOT_STORED = {
  state: 'none',
  revision: 0,
  drafted_at: null,
  updated_at: null,
  updated_by: null,
  published_at: null,
  published_by: null,
} as const;

/** Returns an action item as it is shown. */
export const actionItemView = (
  {
    id,
    incident_id,
    experiment_id,
    service,
    environment,
    title,
    owner,
    due,
    priority,
    done,
    updated_at,
  }: StoredActionItem,
  now: Timestamp,
  issue: ActionItemIssue | null = null,
): ActionItemView => ({
  id,
  incident_id,
  experiment_id,
  service,
  environment,
  title,
  status: statusOf({ done, due }, now.slice(0, 10)),
  owner,
  due,
  priority,
  updated_at,
  issue,
});

/** How often a change of an item is applied again to a text that has changed meanwhile. */
const TRIES = 5;

/**
 * Changes an action item of a post-mortem: its line in the text of the post-mortem. With another title it has another ID.
 *
 * @throws Refusal 403, 404; 409 if the text keeps changing
 */
export async function changeActionItem(
  deps: PostmortemDeps,
  caller: Caller,
  id: ActionItemId,
  patch: ActionItemPatch,
): Promise<ActionItemView> {
  const [incident = '', hash = ''] = id.split('-');
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const found = await readCurrent(deps, incident as IncidentId, (scope) =>
      caller.allow('incidents:write', scope),
    ).catch((error: unknown) => {
      throw error instanceof Refusal && error.code === 'unknown-incident' ? unknownItem(id) : error;
    });
    if (found.stored === undefined) throw unknownItem(id);
    const { markdown, record } = found.stored;
    const placed = actionItemsOf(markdown);
    const one = placed[actionItemIds(incident, placed, sha256).indexOf(`${incident}-${hash}`)];
    if (one === undefined || record.state === 'skipped') throw unknownItem(id);
    const changed = withChangedItem(markdown, one, patch);
    const at = deps.clock.now();
    const saved =
      changed === markdown
        ? record
        : await saveRevision(deps, found, { ...record, markdown: changed, at, by: caller.name });
    const items = saved && itemsOf(saved, changed, alertName(found.draftInput));
    const item = items?.[placed.indexOf(one)];
    if (item !== undefined) return actionItemView(item, at);
  }
  throw new Refusal(409, 'stale-revision', `the post-mortem of action item ${id} keeps changing; try again`);
}

export const unknownItem = (id: string): Refusal =>
  new Refusal(404, 'unknown-action-item', `there is no action item ${id}`);
