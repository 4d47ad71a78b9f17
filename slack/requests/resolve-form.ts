import { openParts, openPartsWords } from '../../domain/incidents/children.ts';
import type { About } from '../../domain/slack/forms.ts';
import type { ModalView } from '../../domain/slack/ports.ts';
import type { Waiting } from './commands.ts';
import { BRIEF_PATIENCE_MS } from './reading.ts';
import type { Block } from '../modals/blocks.ts';
import { resolveModal } from '../modals/incident.ts';

/**
 * Returns the modal that resolves an incident. For a parent, it shows how many children are resolved as well; if they
 * can't be read, the answer shows it.
 */
export async function resolveForm({ known }: Waiting, about: About, which: Block[] = []): Promise<ModalView> {
  const open = about.incident === null ? null : await known.openIncidents(BRIEF_PATIENCE_MS);
  const parts = (open?.value ?? []).filter(({ parent_id }) => parent_id !== undefined && parent_id === about.incident);
  return resolveModal(about, which, openPartsWords(openParts(parts.map((incident) => ({ incident })))));
}
