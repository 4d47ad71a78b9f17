import { FIELDS } from '../../domain/slack-forms.ts';
import type { BlockSuggestion } from '../../schemas/slack/interaction.ts';
import type { Waiting } from './commands.ts';
import { type Answer, json } from './http.ts';
import { option, OPTION_VALUE_MAX, OPTIONS_MAX } from './modals/blocks.ts';

/** Names of services that fit to what somebody has typed so far; those that begin so come first. */
export async function suggest({ known }: Waiting, { action_id, value }: BlockSuggestion): Promise<Answer> {
  if (action_id !== FIELDS.service) return json({ options: [] });
  const services = Object.keys((await known.catalogue())?.value.services ?? {});
  const typed = value.trim().toLowerCase();
  const at = (name: string): number => name.toLowerCase().indexOf(typed);
  const found = services
    .filter((name) => at(name) >= 0 && name.length <= OPTION_VALUE_MAX)
    .toSorted((a, b) => Math.sign(at(a)) - Math.sign(at(b)) || (a < b ? -1 : 1));
  return json({ options: found.slice(0, OPTIONS_MAX).map((name) => option(name)) });
}
