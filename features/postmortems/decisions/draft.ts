import type { Timestamp } from '../../../schemas/time/time.ts';
import { withoutCredentials } from '../../../core/domain/redaction/credentials.ts';
import type { DraftFacts } from '../schemas/postmortem.ts';
import { namingOf } from './blameless.ts';
import { type Draft, Drafting, withProbableCauses } from './drafting.ts';
import { GroupDrafting } from './group-drafting.ts';
import type { CitableEntry } from './proposed-wording.ts';
import type { DraftInput } from './record.ts';
import { rowsOf } from './timeline.ts';
import { timesOf } from './times.ts';

/**
 * Drafts a post-mortem from the record of an incident. Every sentence points at its entries, and what the record does
 * not say is a question. The same record gives the same text, without credentials.
 *
 * @param end takes the place of the end of an incident that is not over
 */
export function draftOf(record: DraftInput, end: Timestamp): Draft {
  const Own = record.members.length === 0 ? Drafting : GroupDrafting;
  return new Own(withoutCredentials(record), end).draft();
}

/** Returns the entries of the timeline as a draft that names roles would show them, with their references. */
export function citableEntriesOf(
  record: DraftInput,
  end: Timestamp,
  citations: DraftFacts['citations'],
): CitableEntry[] {
  const withCauses = { ...withProbableCauses(withoutCredentials(record)), names: 'roles' as const };
  const { alerted_at: alerted } = timesOf(record, end);
  const refs = new Map(citations.map(({ id, ref }) => [id, ref]));
  return rowsOf(withCauses, namingOf(withCauses), { alerted, end }).flatMap(({ id, at, text }) => {
    const ref = refs.get(id);
    return ref === undefined ? [] : [{ ref, at, text }];
  });
}
