import { withPorts } from '../ports.ts';
import { html } from 'hono/html';
import {
  InternalNames,
  type PublicPostmortem,
  publishToStatusPage,
  withdrawFromStatusPage,
} from '../actions/publish-to-status-page.ts';
import { Refusal } from '../../../core/domain/refusal.ts';
import { postmortemPath } from '../../../core/domain/incidents/console-link.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import { PUBLIC_POSTMORTEM_MAX_CHARS, PublicPostmortemInput } from '../../status-page/schemas/public-incident.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { markdown } from '../../../entrances/console/markdown.ts';
import { actionForm, ago, type Html, onDemand } from '../../../entrances/console/parts.ts';
import type { PageAction } from '../../../entrances/console/pages/page.ts';
import { incidentIdIn } from './actions.ts';
import { inputProblemText } from '../../../schemas/parsing/input-problems.ts';

type StatusPageData = {
  id: IncidentId;
  csrfToken: string;
  at: Timestamp;
  publicPostmortem: PublicPostmortem;
  mayPublish: boolean;
};

/** Shows what the status page shows of a post-mortem, and the form to publish it. */
export function statusPagePanel({ id, csrfToken, at, publicPostmortem, mayPublish }: StatusPageData): Html {
  const { record, proposed, isReady } = publicPostmortem;
  const { postmortem } = record;
  const form = (label: string): Html =>
    onDemand('public', label, publicForm({ id, csrfToken, key: 'public', text: proposed, permit: [] }));
  return html`<section class="panel" id="status-page" data-part aria-labelledby="status-page-title">
    <h2 id="status-page-title">Status page</h2>
    ${
      postmortem === undefined
        ? html`<p class="hint">
            Readers of the status page see no post-mortem of this incident.
            ${isReady ? '' : 'It can be published there after the post-mortem itself is published.'}
          </p>`
        : html`<p>Published, last changed ${ago(postmortem.updated_at, at)}:</p>
            <div class="text">${markdown(postmortem.text, '')}</div>`
    }
    ${mayPublish && isReady ? form(postmortem === undefined ? 'Publish on the status page' : 'Change the text') : ''}
    ${
      mayPublish && postmortem !== undefined
        ? actionForm(
            postmortemPath(id),
            'withdraw',
            csrfToken,
            html`<button id="do-withdraw">Remove from the status page</button>`,
          )
        : ''
    }
  </section>`;
}

type PublicText = { id: IncidentId; csrfToken: string; key: string; text: string; permit: readonly string[] };

/**
 * The form for the public text.
 *
 * @param key suffix of the IDs of its elements
 * @param permit words that the person can declare public
 */
const publicForm = ({ id, csrfToken, key, text, permit }: PublicText): Html =>
  html`<form method="post" action="${postmortemPath(id)}/actions/publish" class="editor">
    <input type="hidden" name="form_key" value="${csrfToken}" />
    <p class="hint">
      Everyone can read this text. Names of services, teams, and people, and texts of alerts are refused.
    </p>
    <label for="public-${key}">Markdown for readers of the status page</label>
    <textarea
      id="public-${key}"
      name="text"
      rows="16"
      maxlength="${PUBLIC_POSTMORTEM_MAX_CHARS}"
      required
      spellcheck="true"
    >
${text}</textarea>
    ${permit.map(
      (word) =>
        html`<label><input type="checkbox" name="permit" value="${word}" /> “${word}” may be public here</label>`,
    )}
    <div class="buttons"><button class="primary" id="do-publish-${key}">Approve and publish</button></div>
  </form>`;

/** Reads the form. Browsers send each line break as CR and LF. @throws Refusal 422 */
function publicTextIn(form: URLSearchParams): PublicPostmortemInput {
  const text = (form.get('text') ?? '').replaceAll('\r\n', '\n').trim();
  const read = PublicPostmortemInput.safeParse({ text, permit: form.getAll('permit') });
  if (read.success) return read.data;
  throw new Refusal(422, 'invalid', inputProblemText(read.error));
}

export const statusPageActions = {
  publish: {
    permission: 'incidents:act',
    done: 'The status page shows the post-mortem.',
    run: async (deps, { caller, param, form, viewer: { csrfToken } }) => {
      const id = incidentIdIn(param);
      const input = publicTextIn(form);
      try {
        await publishToStatusPage(withPorts(deps), caller, id, input);
        return undefined;
      } catch (error) {
        if (!(error instanceof InternalNames)) throw error;
        // The text must not be lost with the page.
        const permit = [...input.permit, ...error.findings.flatMap(({ text, permit: may }) => (may ? [text] : []))];
        return html`<p role="alert"><strong>Not published:</strong> ${error.detail}.</p>
          ${publicForm({ id, csrfToken, key: 'again', text: input.text, permit: [...new Set(permit)] })}`;
      }
    },
  },
  withdraw: {
    permission: 'incidents:act',
    done: 'The status page shows no post-mortem any more.',
    run: async (deps, { caller, param }) =>
      void (await withdrawFromStatusPage(withPorts(deps), caller, incidentIdIn(param))),
  },
} as const satisfies Record<string, PageAction>;
