import * as z from 'zod';
import type { Citation } from '../schemas/postmortem.ts';
import { ofVersion } from '../../../core/domain/changes/change-words.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { Naming } from './blameless.ts';
import { isSystem } from './blameless.ts';
import { escaped } from './markdown.ts';
import { clockTime } from './words.ts';
import type { DraftInput } from './record.ts';
import { truncated } from '../../../schemas/parsing/text.ts';

/** A row of the timeline in a post-mortem. `about`: ID of the incident that joined a group. */
export type Row = { id: string; at: Timestamp; text: string; kind: string; decision?: string; about?: string };

/** Kinds of entries about Firebreak itself, or about how others were notified. */
const EXCLUDED_KINDS =
  /^(?:member\.)?(?:page-|page\.(?:update|ended)|reminder\.|workflow\.|person\.|slack\.|stakeholder\.|statuspage\.|silence\.|inbox\.|postmortem\.|mitigation\.not_taken|commander\.|runbook\.message)/;

const TEXT_MAX_CHARS = 300;

/** Limit of rows. Beyond it, rows about further alerts are left out first, and then those in the middle. */
const ROWS_MAX = 80;

/** Returns the rows up to the end of the incident, oldest first. */
export function rowsOf(
  { incident, timeline, problems, changes: made }: Pick<DraftInput, 'incident' | 'timeline' | 'problems' | 'changes'>,
  naming: Naming,
  { alerted, end }: { alerted: Timestamp; end: Timestamp },
): Row[] {
  const clean = (text: string): string => {
    const named = naming.text(text.replaceAll(/\s+/g, ' ').trim());
    return escaped(truncated(named, TEXT_MAX_CHARS));
  };
  const suspected = problems.flatMap(({ causes: [cause] }) => cause?.change ?? []);
  const changes = [...new Map([...suspected, ...made].map((change) => [change.id, change])).values()].flatMap(
    (change): Row[] => {
      const { kind, service, has_migration, started_at, finished_at } = change;
      const of = service === incident.service ? '' : ` of ${service}`;
      const what = `${kind === 'deploy' ? 'Deployment' : sentenceCase(kind)} ${ofVersion(change)}${of}${has_migration === true ? ', with a migration,' : ''}`;
      const row = (at: Timestamp, verb: string, id = rowOfChange(change)): Row => {
        return { id, at, kind: 'change', text: clean(`${what} ${verb}`) };
      };
      if (finished_at === null) return [row(started_at, 'begins')];
      // A rollout can cause a problem before its end.
      return clockTime(started_at) === clockTime(finished_at) && finished_at <= alerted
        ? [row(finished_at, 'finishes')]
        : [row(started_at, 'begins'), row(finished_at, 'finishes', `${rowOfChange(change)}:end`)];
    },
  );
  const channel: Row[] =
    incident.channel_opened_at === undefined || incident.channel === undefined
      ? []
      : [
          {
            id: `channel:${incident.channel_id ?? incident.channel}`,
            at: incident.channel_opened_at,
            kind: 'channel',
            text: clean(`Channel ${incident.channel} opens`),
          },
        ];
  const entries = timeline
    .filter(({ entry: { at, kind } }) => at <= end && !EXCLUDED_KINDS.test(kind))
    .map(({ position, entry: { at, actor, kind, text, detail } }): Row => {
      const isFirst = kind === 'incident.opened';
      const who = isSystem(actor) ? '' : `${sentenceCase(naming.actor(actor))}: `;
      return {
        id: position,
        at: isFirst && incident.group_reason === undefined && alerted < at ? alerted : at,
        kind,
        text:
          isFirst && isSystem(actor)
            ? `${incident.group_reason === undefined ? 'Alert fires' : 'Group opens'}: ${clean(text.replace(/^Opened: /, ''))}`
            : `${escaped(who)}${who === '' ? '' : ' '}${clean(text)}`,
        ...(kind === 'decision' && { decision: idIn(detail, 'decision') }),
        ...(kind === 'alerts.joined' && { about: idIn(detail, 'incident') }),
      };
    });
  return shortened([...changes, ...channel, ...entries].toSorted(byTime));
}

/** Returns the ID of the row of a change. */
export const rowOfChange = ({ id }: Pick<Change, 'id'>): string => `change:${id}`;

/** The change comes before what follows from it at the same time; other rows keep their order. */
const byTime = (a: Row, b: Row): number => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0);

const idIn = (detail: unknown, name: 'decision' | 'incident'): string =>
  z.record(z.string(), z.unknown()).catch({}).parse(detail)[name]?.toString() ?? '';

/** Begins a sentence with a capital letter, unless it begins with a name such as `v3`. */
export const sentenceCase = (text: string): string =>
  /^\p{Ll}[\p{L}']*(?:[\s,:]|$)/u.test(text) ? `${text.charAt(0).toUpperCase()}${text.slice(1)}` : text;

function shortened(rows: Row[]): Row[] {
  if (rows.length <= ROWS_MAX) return rows;
  const fewer = rows.filter(
    ({ kind }, at) =>
      kind !== 'alerts.joined' && (kind !== 'alerts.resolved' || rows.findLastIndex((row) => row.kind === kind) === at),
  );
  return fewer.length <= ROWS_MAX ? fewer : [...fewer.slice(0, ROWS_MAX / 2), ...fewer.slice(-ROWS_MAX / 2)];
}

/** Numbers the rows, and whatever else sentences can point to. */
export class References {
  readonly #refs = new Map<string, Citation>();

  /** Returns the reference of a record, such as `E3`. */
  refOf(id: string, at: Timestamp | null): string {
    const citation = this.#refs.get(id);
    if (citation !== undefined) return citation.ref;
    const ref = `E${this.#refs.size + 1}`;
    this.#refs.set(id, { ref, id, at });
    return ref;
  }

  get all(): Citation[] {
    return [...this.#refs.values()];
  }
}
