import { html } from 'hono/html';
import { incidentPath } from '../../../../core/domain/incidents/console-link.ts';
import { incidentName, type Named } from '../../../../core/domain/incidents/incident-number.ts';
import { possibleRollback, type RollbackPlan } from '../../../../core/actions/rollback/plan-rollback.ts';
import { decisionLines, type DecisionLines } from '../../../../core/domain/messages/decision-lines.ts';
import { answerable, approvableOf, decidingFor } from '../../../../core/domain/messages/incident-buttons.ts';
import { cautionOf, incidentLines } from '../../../../core/domain/messages/incident-lines.ts';
import { switchedFlags } from '../../../../core/domain/rollback/switched-flags.ts';
import { stillFiringText } from '../../../../core/domain/incidents/children.ts';
import { closedAsOf } from '../../../../core/domain/incidents/closing.ts';
import { whyNotReopenable } from '../../../../core/domain/incidents/reopening.ts';
import { isAcknowledged } from '../../../../core/domain/paging/acknowledgement.ts';
import { Refusal } from '../../../../core/domain/refusal.ts';
import { Severity } from '../../../../schemas/config/names.ts';
import type { DecisionView } from '../../../../schemas/incidents/incident.ts';
import { actionForm, type Html, onDemand, panel, sentence } from '../../parts.ts';
import { type IncidentActionName, INCIDENT_ACTIONS } from './actions.ts';
import type { IncidentData } from './data.ts';
import { roleForms, updateForm } from './people-forms.ts';
import { basisPart } from './question.ts';
import { abortForm, runbookLinks, suspectForms } from './response-forms.ts';

/** Forms of an incident. Each works without JavaScript. An action that cannot be undone needs one more click. */

type FormTarget = Pick<IncidentData, 'csrfToken'> & { incident: Named };

const formOf = ({ incident, csrfToken }: FormTarget, action: IncidentActionName, fields: Html): Html =>
  actionForm(incidentPath(incident), action, csrfToken, fields);

const noteField = (key: string, label = 'Note (optional)'): Html =>
  html`<label for="note-${key}">${label}</label>
    <input id="note-${key}" name="note" maxlength="2000" autocomplete="off" />`;

const isAllowed = ({ may, story: { incident } }: IncidentData, action: IncidentActionName): boolean =>
  may(INCIDENT_ACTIONS[action].permission, incident);

/** Shows the waiting decisions, else the next step. Those of another incident of the group are answered on its page. */
export function questionsPanel(data: IncidentData): Html {
  const { story } = data;
  const asking = decidingFor(story);
  const questions = answerable(asking);
  if (questions.length === 0)
    return panel('questions', 'Next step', null, decisionPart('next-details', incidentLines(story)));
  const caution = cautionOf(story);
  return html`<section class="panel asks" id="questions" data-part aria-labelledby="questions-title">
    <h2 id="questions-title">Needs approval</h2>
    ${questions.map((decision) =>
      asking === story
        ? question(data, decision)
        : html`<article class="question">
            ${decisionPart(`details-${decision.id}`, decisionLines(decision, asking.incident))}
            ${caution === null ? '' : html`<p>${caution}</p>`}
            <p><a href="${answerAddress(asking.incident)}">Answer in ${incidentName(asking.incident)}</a></p>
          </article>`,
    )}
  </section>`;
}

/** Returns where the questions of an incident are answered. */
export const answerAddress = (incident: Named): string => `${incidentPath(incident)}#questions`;

function question(data: IncidentData, decision: DecisionView): Html {
  return html`<article class="question">
    ${decisionPart(`details-${decision.id}`, decisionLines(decision, data.story.incident))}
    ${answerPart(data, decision, incidentPath(data.story.incident))}
    ${basisPart(decision, data.bases.get(decision.id), data.at)}
  </article>`;
}

/** Shows what to do, what speaks for it, and why Firebreak does not simply act; the rest on demand. */
export const decisionPart = (id: string, lines: DecisionLines, codes: Html | '' = ''): Html =>
  html`<p class="next">${lines.action}</p>
    ${reasonsPart(id, lines, codes)}`;

/** Shows the same without what to do. @param codes what programs read of the decision */
export const reasonsPart = (
  id: string,
  { evidence, hesitation, details }: DecisionLines,
  codes: Html | '' = '',
): Html =>
  html`${evidence === null ? '' : html`<p>${evidence}</p>`} ${hesitation === null ? '' : html`<p>${hesitation}</p>`}
  ${
    details.length === 0 && codes === ''
      ? ''
      : html`<details id="${id}">
          <summary>Details</summary>
          <ul class="reasons">
            ${details.map((detail) => html`<li>${detail}</li>`)}
          </ul>
          ${codes}
        </details>`
  }`;

/**
 * Shows the answers that the viewer may give to a waiting decision.
 *
 * @param page whose actions `approve` and `reject` are used
 */
export function answerPart(
  { csrfToken, may, story: { incident } }: Pick<IncidentData, 'csrfToken' | 'may' | 'story'>,
  decision: DecisionView,
  page: string,
): Html {
  const { approvals, offers, target } = decision;
  const answerForm = (answer: 'approve' | 'reject', digest: string, label: string): Html =>
    actionForm(
      page,
      answer,
      csrfToken,
      html`<input type="hidden" name="digest" value="${digest}" />
        <button class="${answer === 'approve' ? 'primary' : ''}" id="${answer}-${digest}">${label}</button>`,
    );
  const testForm = (digest: string): Html =>
    actionForm(
      page,
      'look',
      csrfToken,
      html`<input type="hidden" name="digest" value="${digest}" /><button id="look-${digest}">Test first</button>`,
    );
  const mayApprove = (digest: string): boolean =>
    may('incidents:act', offers?.find((offer) => offer.digest === digest) ?? target ?? incident);
  const buttons = [
    ...approvableOf(decision, incident)
      .filter(({ digest }) => mayApprove(digest))
      .map(({ digest, label }) => answerForm('approve', digest, label === 'Approve' ? label : `Approve: ${label}`)),
    ...(decision.testable && mayApprove(decision.digest) ? [testForm(decision.digest)] : []),
    ...(may('incidents:act', incident)
      ? [answerForm('reject', decision.digest, offers === undefined ? 'Reject' : 'None of these')]
      : []),
  ];
  return html`${
    approvals.needed < 2
      ? ''
      : html`<p>
          Requires the approval of ${approvals.needed} people:
          ${approvals.given.length === 0 ? 'none so far' : `${approvals.given.join(', ')} so far`}.
        </p>`
  }
  ${
    buttons.length === 0
      ? html`<p class="quiet">You don't have permission to answer.</p>`
      : html`<div class="buttons">${buttons}</div>`
  }`;
}

const ifAllowed = (
  data: IncidentData,
  action: IncidentActionName,
  applies: boolean,
  body: () => Html | '',
): Html | '' => (applies && isAllowed(data, action) ? body() : '');

const actionButton = (form: FormTarget, action: IncidentActionName, label: string, style = ''): Html =>
  formOf(form, action, html`<button class="${style}" id="do-${action}">${label}</button>`);

/** Shows what a responder does first. Empty: it is done, or the viewer may not. */
export function responderButtons(data: IncidentData): Html | '' {
  const { csrfToken } = data;
  const { incident } = data.story;
  const form = { incident, csrfToken };
  const isOpen = incident.status !== 'resolved';
  const buttons = [
    ifAllowed(data, 'acknowledge', isOpen && !isAcknowledged(incident), () =>
      actionButton(form, 'acknowledge', 'Acknowledge', 'primary'),
    ),
    ifAllowed(data, 'take-command', isOpen && incident.roles?.commander === undefined, () =>
      actionButton(form, 'take-command', 'Take command'),
    ),
  ].filter(Boolean);
  return buttons.length === 0 ? '' : html`<div class="buttons">${buttons}</div>`;
}

/** Shows the other actions that the viewer may take now. */
export function actionsPanel(data: IncidentData): Html {
  const { story, csrfToken, plan } = data;
  const { incident } = story;
  const form = { incident, csrfToken };
  const isOpen = incident.status !== 'resolved';
  const quick = [
    ifAllowed(data, 'reopen', whyNotReopenable(incident) === null, () =>
      actionButton(form, 'reopen', 'Reopen', closedAsOf(incident) === 'unverified' ? 'primary' : ''),
    ),
    ifAllowed(data, 'resume', isOpen && incident.automation_paused, () =>
      actionButton(form, 'resume', 'Resume automation'),
    ),
    ifAllowed(data, 'pause', isOpen && !incident.automation_paused, () =>
      actionButton(form, 'pause', 'Pause automation'),
    ),
  ].filter(Boolean);
  const inForm = (action: IncidentActionName, fields: Html): Html => formOf(form, action, fields);
  const more = [
    ifAllowed(data, 'update', isOpen, () => updateForm(data, inForm)),
    ifAllowed(data, 'assign', isOpen, () => roleForms(data, inForm)),
    ifAllowed(data, 'severity', isOpen, () => severityForm(form, incident.severity)),
    ifAllowed(data, 'rollback', isOpen, () => (plan === null ? '' : rollbackForm(form, plan))),
    ifAllowed(data, 'clear-suspect', isOpen, () => suspectForms(data, inForm)),
    isOpen && data.choices.runbooks.length > 0 ? runbookLinks(data) : '',
    ifAllowed(data, 'abort', isOpen, () => abortForm(inForm)),
    ifAllowed(data, 'publish', isOpen && data.waitsForPublication, () =>
      onDemand(
        'publish',
        'Publish on the status page…',
        formOf(
          form,
          'publish',
          html`<p>The incident is shown on the public status page, in its own words.</p>
            <button class="primary" id="do-publish">Publish</button>`,
        ),
      ),
    ),
    ifAllowed(data, 'note', true, () =>
      onDemand(
        'note',
        'Add a note…',
        formOf(
          form,
          'note',
          html`<label for="note-text">Note</label>
            <textarea id="note-text" name="text" rows="3" maxlength="4000" required></textarea
            ><button class="primary" id="do-note">Add note</button>`,
        ),
      ),
    ),
    ifAllowed(data, 'mark-wrong', data.hasActed, () =>
      onDemand(
        'mark-wrong',
        'Mark automation as wrong…',
        formOf(
          form,
          'mark-wrong',
          html`<p>
              What automation did, or would have done, was wrong. This counts against the automation of the service.
            </p>
            ${noteField('mark-wrong', 'What was wrong (optional)')}<button class="danger" id="do-mark-wrong">
              Mark as wrong
            </button>`,
        ),
      ),
    ),
    ...switchedFlags(data.story.effects, data.at)
      .filter(({ state }) => state === 'off')
      .map(({ name, effect: { service_environment: where } }, n) =>
        ifAllowed(data, 'turn-flag-on', data.may('incidents:act', where), () =>
          onDemand(
            `turn-flag-on-${n}`,
            `Turn on flag ${name} again…`,
            formOf(
              form,
              'turn-flag-on',
              html`<p>Firebreak turned off feature flag ${name} of ${where.service} in ${where.environment}.</p>
                <input type="hidden" name="flag" value="${name}" />
                ${noteField(`turn-flag-on-${n}`)}<button class="primary" id="do-turn-flag-on-${n}">
                  Turn on again
                </button>`,
            ),
          ),
        ),
      ),
    ifAllowed(data, 'resolve', isOpen, () =>
      onDemand(
        'resolve',
        'Resolve…',
        formOf(
          form,
          'resolve',
          html`<p>${resolveText(data)}</p>
            ${noteField('resolve')}<button class="danger" id="do-resolve">Resolve</button>`,
        ),
      ),
    ),
  ].filter(Boolean);
  if (quick.length + more.length === 0)
    return panel(
      'actions',
      'Actions',
      null,
      html`<p class="nothing">You don't have permission to act on this incident.</p>`,
    );
  return panel(
    'actions',
    'Actions',
    null,
    html`${quick.length === 0 ? '' : html`<div class="buttons">${quick}</div>`}${more}`,
  );
}

const resolveText = ({ story: { incident, children } }: IncidentData): string => {
  const open = children.filter(({ status }) => status !== 'resolved').length;
  // The count of a group is of its open incidents.
  const firing = incident.group_reason === undefined ? stillFiringText(incident.firing) : null;
  return `The incident is closed for everyone.${firing === null ? '' : ` ${firing}.`}${open === 0 ? '' : ` This also resolves ${open === 1 ? '1 child incident' : `${open} child incidents`}.`}`;
};

const severityForm = (form: FormTarget, severity: Severity): Html =>
  onDemand(
    'severity',
    'Change severity…',
    formOf(
      form,
      'severity',
      html`<label for="severity">Severity</label>
        <select id="severity" name="severity">
          ${Severity.options.map((option) => html`<option value="${option}" ${option === severity ? html`selected` : ''}>${option}</option>`)}
        </select>
        <button class="primary" id="do-severity">Set severity</button>`,
    ),
  );

function rollbackForm(form: FormTarget, plan: RollbackPlan): Html {
  const { good, others } = plan.possible;
  const from = plan.live?.version;
  const rollback = possibleRollback(plan);
  const why = rollback instanceof Refusal ? sentence(rollback.detail) : null;
  if (why !== null && good.length + others.length === 0) return onDemand('rollback', 'Roll back…', html`<p>${why}</p>`);
  const target = rollback instanceof Refusal ? undefined : rollback.target.version;
  const text = why ?? `${from} is running. ${target} is the newest earlier version that is known to be good.`;
  return onDemand(
    'rollback',
    'Roll back…',
    formOf(
      form,
      'rollback',
      html`<p>${text}</p>
        <input type="hidden" name="from" value="${from}" />
        ${target === undefined ? '' : html`<input type="hidden" name="shown" value="${target}" />`}
        <label for="rollback-to">Roll back to</label>
        <select id="rollback-to" name="to" ${target === undefined ? html`required` : ''}>
          ${target === undefined ? html`<option value="">Choose a version</option>` : ''}
          ${versionOptions('Known to be good', good, target)} ${versionOptions('Not known to be good', others, target)}
        </select>
        ${noteField('rollback')}<button class="danger" id="do-rollback">Roll back now</button>`,
    ),
  );
}

const versionOptions = (label: string, versions: readonly string[], selected: string | undefined): Html | '' =>
  versions.length === 0
    ? ''
    : html`<optgroup label="${label}">
        ${versions.map((version) => html`<option value="${version}" ${version === selected ? html`selected` : ''}>${version}</option>`)}
      </optgroup>`;
