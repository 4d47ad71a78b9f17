import { FIELDS } from '../../domain/slack-forms.ts';
import type { BlockSuggestion } from '../../schemas/slack/interaction.ts';
import type { Waiting } from './commands.ts';
import { type Answer, json } from './http.ts';
import { readerInTime } from './may.ts';
import { option, OPTION_VALUE_MAX, OPTIONS_MAX } from './modals/blocks.ts';
import { callerOf, type Reader } from './reader.ts';

/** Milliseconds that it may take to know who is typing. */
const READER_PATIENCE_MS = 1000;

/** Names of services that fit to what somebody has typed so far; those that begin so come first. */
export async function suggest(waiting: Waiting, suggestion: BlockSuggestion): Promise<Answer> {
  const { action_id, value } = suggestion;
  if (action_id !== FIELDS.service) return json({ options: [] });
  const [catalogue, reader] = await Promise.all([
    waiting.known.catalogue(),
    readerInTime(waiting, callerOf(suggestion), READER_PATIENCE_MS),
  ]);
  const services = Object.keys(catalogue?.value.services ?? {}).filter((service) => mayDeclare(reader, service));
  const typed = value.trim().toLowerCase();
  const at = (name: string): number => name.toLowerCase().indexOf(typed);
  const found = services
    .filter((name) => at(name) >= 0 && name.length <= OPTION_VALUE_MAX)
    .toSorted((a, b) => Math.sign(at(a)) - Math.sign(at(b)) || (a < b ? -1 : 1));
  return json({ options: found.slice(0, OPTIONS_MAX).map((name) => option(name)) });
}

/** Whom nobody knows in time may be somebody who has to declare an incident now. */
const mayDeclare = (reader: Reader, service: string): boolean =>
  reader.kind === 'unknown' || (reader.kind === 'known' && reader.may('incidents:write', { service }));
