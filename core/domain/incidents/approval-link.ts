import type { DecisionView } from '../../../schemas/incidents/incident.ts';
import { answerable, decidingFor } from '../messages/incident-buttons.ts';
import type { Story } from '../messages/story.ts';
import type { ApprovalLinks } from '../ports/access.ts';
import type { Log } from '../ports/system.ts';

type LinkDeps = {
  approvalLinks: ApprovalLinks;
  log: Log;
  /** Without a final slash. Undefined: not known. */
  publicUrl: string | undefined;
};

/** Returns the path of the page that a link opens. */
export const approvalPath = (link: string): string => `/console/approve/${link}`;

/** Addresses of the pages on which people answer questions, by the ID of the decision. */
export type ApprovalUrls = ReadonlyMap<DecisionView['id'], string>;

export const NO_APPROVAL_URLS: ApprovalUrls = new Map();

/**
 * Returns the links to the questions of an incident that can be answered now. Empty if the address of this Firebreak is
 * not known, or if links cannot be signed: a question is shown in any case.
 */
export async function approvalUrls(
  { approvalLinks, publicUrl, log }: LinkDeps,
  story: Pick<Story, 'incident' | 'decisions' | 'deciding'>,
): Promise<ApprovalUrls> {
  if (publicUrl === undefined) return NO_APPROVAL_URLS;
  try {
    const urls = new Map<string, string>();
    for (const { id, answer_until: until } of answerable(decidingFor(story))) {
      const link = until === undefined ? undefined : await approvalLinks.sign({ decision: id, until });
      if (link !== undefined) urls.set(id, `${publicUrl}${approvalPath(link)}`);
    }
    return urls;
  } catch (error) {
    log.warn('links to questions could not be signed', { incident: story.incident.id, error: String(error) });
    return NO_APPROVAL_URLS;
  }
}
