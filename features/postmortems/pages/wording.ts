import { withPorts } from '../ports.ts';
import { html } from 'hono/html';
import * as z from 'zod';
import { readPostmortem, savePostmortem } from '../actions/postmortem.ts';
import { proposeWording } from '../actions/propose-wording.ts';
import { Refusal } from '../../../core/domain/refusal.ts';
import { postmortemPath } from '../../../core/domain/incidents/console-link.ts';
import { withAccepted } from '../decisions/proposed-wording.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import { MARKDOWN_MAX_CHARS, type Section } from '../schemas/postmortem.ts';
import { type DroppedBecause, PROPOSED_SECTIONS, type Proposal, type ProposedSection } from '../schemas/proposal.ts';
import { actionForm, type Html } from '../../../entrances/console/parts.ts';
import { field, type PageAction } from '../../../entrances/console/pages/page.ts';
import { incidentIdIn } from './actions.ts';

/** The button that asks for a proposal. @param endpoint where the entries are sent; null: no model is configured */
export const wordingButton = (
  id: IncidentId,
  csrfToken: string,
  endpoint: { host: string; model: string } | null,
): Html | '' =>
  endpoint === null
    ? ''
    : html`<p class="hint">
          A model can propose wording. This sends the redacted timeline to <code>${endpoint.model}</code> at
          <code>${endpoint.host}</code>.
        </p>
        ${actionForm(postmortemPath(id), 'propose', csrfToken, html`<button id="do-propose">Send and propose wording</button>`)}`;

const DROPPED_REASONS: Readonly<Record<DroppedBecause, string>> = {
  uncited: 'cites no entry',
  unknown_entry: 'cites an entry that was not sent',
  blame: 'can be read as blame, or names a person',
  link: 'contains an address',
  form: 'does not have the requested format',
};

/** A proposal with its differences, and the form that accepts some of its sections. */
function proposalNotice(id: IncidentId, csrfToken: string, proposal: Proposal): Html {
  const dropped = proposal.dropped.map(({ because, count }) => `${count}: ${DROPPED_REASONS[because]}`);
  const counts = html`<p>
      <strong>Proposal, not saved.</strong> ${proposal.sentences} sentences of ${proposal.model} at ${proposal.host},
      each with the entries that it cites, from ${proposal.entries_sent} entries of the timeline. Check each one against
      its entries.
    </p>
    ${dropped.length === 0 ? '' : html`<p>Dropped sentences: ${dropped.join('; ')}.</p>`}`;
  if (proposal.sections.length === 0)
    return html`${counts}
      <p>Nothing can be accepted.</p>`;
  return html`${counts} ${acceptForm(id, csrfToken, proposal.revision, proposal.sections.map(sectionFields))}`;
}

const acceptForm = (id: IncidentId, csrfToken: string, revision: number, sections: readonly Html[]): Html =>
  html`<form method="post" action="${postmortemPath(id)}/actions/accept" class="editor">
    <input type="hidden" name="form_key" value="${csrfToken}" />
    <input type="hidden" name="revision" value="${revision}" />
    ${sections}
    <div class="buttons"><button class="primary" id="do-accept">Save the chosen sections</button></div>
  </form>`;

function sectionFields({ heading, before, after, replaces }: ProposedSection): Html {
  const key = PROPOSED_SECTIONS.indexOf(heading);
  return html`<fieldset class="editor">
    <legend>${heading}</legend>
    <p class="quiet">
      ${replaces ? 'Replaces the text of the draft:' : 'Follows the text that people have edited, which stays:'}
    </p>
    ${before === '' ? '' : html`<pre class="before">${replaces ? html`<del>${before}</del>` : before}</pre>`}
    <label for="wording-${key}">Proposed text, which you can edit</label>
    <textarea id="wording-${key}" name="text-${key}" rows="6" maxlength="${MARKDOWN_MAX_CHARS}" spellcheck="true">
${after}</textarea>
    <label for="take-${key}"
      ><input type="checkbox" id="take-${key}" name="take-${key}" value="yes" /> Accept this section</label
    >
  </fieldset>`;
}

const HEADING = z.enum(PROPOSED_SECTIONS);

const Revision = z.coerce.number().int().min(0);

/** Returns the sections that the form accepts. Browsers send each line break as CR and LF. */
const acceptedIn = (form: URLSearchParams): Section[] =>
  PROPOSED_SECTIONS.flatMap((heading, key): Section[] =>
    form.get(`take-${key}`) === 'yes'
      ? [{ heading, text: (form.get(`text-${key}`) ?? '').replaceAll('\r\n', '\n') }]
      : [],
  );

export const wordingActions = {
  propose: {
    permission: 'incidents:write',
    done: 'Proposed, not saved.',
    run: async (deps, { caller, param, viewer: { csrfToken } }) => {
      const id = incidentIdIn(param);
      return proposalNotice(id, csrfToken, await proposeWording(withPorts(deps), caller, id));
    },
  },
  accept: {
    permission: 'incidents:write',
    done: 'Saved.',
    run: async (deps, { caller, param, form, viewer: { csrfToken } }) => {
      const id = incidentIdIn(param);
      const revision = field(form, 'revision', Revision);
      const accepted = acceptedIn(form);
      if (accepted.length === 0) throw new Refusal(422, 'invalid', 'no section is chosen; nothing is saved');
      const { sections } = await readPostmortem(withPorts(deps), caller, { id });
      try {
        await savePostmortem(withPorts(deps), caller, id, { revision, sections: withAccepted(sections, accepted) });
        return undefined;
      } catch (error) {
        if (!(error instanceof Refusal) || (error.status !== 409 && error.status !== 422)) throw error;
        // The chosen texts must not be lost with the page.
        const again = accepted.map(({ heading, text }) =>
          sectionFields({ heading: HEADING.parse(heading), before: '', after: text, replaces: true }),
        );
        return html`<p role="alert"><strong>Not saved:</strong> ${error.detail}.</p>
          ${acceptForm(id, csrfToken, revision, again)}`;
      }
    },
  },
} as const satisfies Record<string, PageAction>;
