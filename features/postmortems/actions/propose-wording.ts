import { incidentName } from '../../../core/domain/incidents/incident-number.ts';
import type { Deps } from '../ports.ts';
import { namingOf } from '../decisions/blameless.ts';
import { draftOf, citableEntriesOf } from '../decisions/draft.ts';
import { partsOf } from '../decisions/markdown.ts';
import { wordingPrompt, proposedSections, readProposal } from '../decisions/proposed-wording.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { Proposal } from '../schemas/proposal.ts';
import type { Caller } from '../../../core/actions/people/caller.ts';
import { Refusal } from '../../../core/domain/refusal.ts';
import { gather } from './gather.ts';
import { type PostmortemDeps, readPostmortem } from './postmortem.ts';

type ProposeDeps = PostmortemDeps & Pick<Deps, 'languageModel'>;

/**
 * Asks the configured model for wording, and returns what of its answer can be accepted. Nothing is saved. Only redacted
 * entries of the timeline are sent, and the timeline says who asked for it.
 *
 * @throws Refusal 403, 404; 409 if no model is configured, or the incident is not resolved; 503 if the model fails
 */
export async function proposeWording(deps: ProposeDeps, caller: Caller, id: IncidentId): Promise<Proposal> {
  const view = await readPostmortem(deps, caller, { id });
  const gathered = await gather(deps, id, null);
  if (gathered === undefined) throw new Refusal(404, 'unknown-incident', `there is no incident ${id}`);
  const { record, end } = gathered;
  caller.allow('incidents:write', record.incident);
  if (record.incident.status !== 'resolved')
    throw new Refusal(
      409,
      'incident-open',
      `${incidentName(record.incident)} is not resolved; its post-mortem can be worded after that`,
    );
  const endpoint = await deps.languageModel.endpoint();
  if (endpoint === null)
    throw new Refusal(409, 'prose-off', 'no model is configured: set PROSE_API_URL and PROSE_MODEL');
  const { severity, times, citations } = view;
  const request = wordingPrompt(citableEntriesOf(record, end, citations), { service: view.service, severity, times });
  if (request === undefined)
    throw new Refusal(409, 'prose-off', `${incidentName(record.incident)} has no entries that a model could cite`);
  await noteRequest(
    deps,
    id,
    caller.name,
    `${request.sent.size} redacted entries to ${endpoint.model} at ${endpoint.host}`,
  );
  const answer = await deps.languageModel.complete(request.prompt);
  if (answer.kind !== 'done') throw new Refusal(503, 'prose-unavailable', `no proposal: ${answer.detail}`);
  const { hidden } = namingOf({ ...record, names: 'roles' });
  const proposal = readProposal(answer.value, { sent: request.sent, names: hidden });
  if (proposal === undefined)
    throw new Refusal(
      503,
      'prose-unavailable',
      'no proposal: the answer of the model is not in the form that was asked for',
    );
  const draft = partsOf(draftOf(record, end).markdown).sections;
  return {
    revision: view.revision,
    ...endpoint,
    entries_sent: request.sent.size,
    sentences: proposal.sentences,
    dropped: proposal.dropped,
    sections: proposedSections(view.sections, draft, proposal.texts),
  };
}

/** Adds an entry before anything is sent. */
async function noteRequest(
  deps: Pick<Deps, 'incidents' | 'clock'>,
  id: IncidentId,
  by: string,
  what: string,
): Promise<void> {
  const at = deps.clock.now();
  await deps.incidents.note(id, `postmortem-wording-${at}`, {
    at,
    actor: by,
    kind: 'postmortem.wording_requested',
    text: `Sent ${what} for a proposal of wording`,
    detail: {},
  });
}
