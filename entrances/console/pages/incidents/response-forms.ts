import { html } from 'hono/html';
import { activeClearings } from '../../../../core/domain/changes/cleared-suspects.ts';
import { probability, suspectsToShow } from '../../../../core/domain/correlation/words.ts';
import { addressWith, type Html, onDemand } from '../../parts.ts';
import { runbookPath } from '../runbooks/parts.ts';
import type { IncidentActionName } from './actions.ts';
import type { IncidentData } from './data.ts';

/** Forms with which a person changes what automation does in an incident. @param form puts fields into a form of this action */
type FormOf = (action: IncidentActionName, fields: Html) => Html;

const noteField = (key: string): Html =>
  html`<label for="note-${key}">Reason (optional)</label>
    <input id="note-${key}" name="note" maxlength="2000" autocomplete="off" />`;

export function suspectForms({ story: { incident } }: IncidentData, form: FormOf): Html {
  const suspects = suspectsToShow(incident.suspects);
  const cleared = activeClearings(incident.cleared);
  const choice = (id: string, changes: readonly { change_id: string; text: string }[]): Html =>
    html`<label for="${id}">Version</label>
      <select id="${id}" name="change">
        ${changes.map(({ change_id, text }) => html`<option value="${change_id}">${text}</option>`)}
      </select>`;
  return html`${
    suspects.length === 0
      ? ''
      : onDemand(
          'clear-suspect',
          'Clear a suspect…',
          form(
            'clear-suspect',
            html`<p>
                The version did not cause this incident. Firebreak withdraws its question, does not roll the version
                back, and evaluates the other suspects. A rollback in progress continues. If the version was rolled back
                automatically, its pin is lifted.
              </p>
              ${choice(
                'clear-change',
                suspects.map(({ change_id, version, confidence }) => ({
                  change_id,
                  text: `${version}, ${probability(confidence)}`,
                })),
              )}
              ${noteField('clear-suspect')}<button class="danger" id="do-clear-suspect">Clear suspect</button>`,
          ),
        )
  }
  ${
    cleared.length === 0
      ? ''
      : onDemand(
          'suspect-again',
          'Suspect a version again…',
          form(
            'suspect-again',
            html`<p>
                Firebreak evaluates it with the other suspects, unless it was already rolled back. Any action requires
                approval. A pin that was lifted stays lifted.
              </p>
              ${choice(
                'suspect-change',
                cleared.map(({ change_id, version, by }) => ({ change_id, text: `${version}, cleared by ${by}` })),
              )}
              ${noteField('suspect-again')}<button id="do-suspect-again">Suspect again</button>`,
          ),
        )
  }`;
}

export const abortForm = (form: FormOf): Html =>
  onDemand(
    'abort',
    'Abort automation of this incident…',
    form(
      'abort',
      html`<p>
          Withdraws waiting questions, starts nothing new, and pauses the automation of this incident. A rollback in
          progress continues. Other incidents are not affected.
        </p>
        ${noteField('abort')}<button class="danger" id="do-abort">Abort automation</button>`,
    ),
  );

/** Links to the runbooks that a person can start for the incident. Each shows its plan first. */
export const runbookLinks = ({ story: { incident }, choices: { runbooks } }: IncidentData): Html => {
  const { service, environment } = incident;
  return onDemand(
    'runbook',
    'Start a runbook…',
    html`<p>You see the plan before anything starts.</p>
      <ul class="rows">
        ${runbooks.map(({ name, title }) => html`<li><a href="${addressWith(runbookPath(name), { service, environment })}">${title}</a></li>`)}
      </ul>`,
  );
};
