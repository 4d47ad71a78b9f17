import { html } from 'hono/html';
import { incidentPath } from '../../../../domain/incidents/console-link.ts';
import { answerable, subjectOf } from '../../../../domain/messages/incident-buttons.ts';
import { statusWords, suspectsToShow } from '../../../../domain/messages/incident-card.ts';
import { serviceEnvironmentText } from '../../../../domain/messages/story.ts';
import { automationOf } from '../../../../domain/paging/page-details.ts';
import { contradictionText, contradictionToShow } from '../../../../domain/status/contradictions.ts';
import type { DecisionView, IncidentRecord } from '../../../../schemas/incidents/incident.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import { ago, type Html, line, nothing, panel, severityBadge, shareBar, spanOf, statusBadge } from '../../parts.ts';
import type { ConsolePage } from '../page.ts';
import { loadNow, type Now, type OpenIncident } from './now-data.ts';
import {
  automationStrip,
  canariesPanel,
  deploysPanel,
  experimentsPanel,
  freezesPanel,
  slosPanel,
  watchedDeploysPanel,
} from './now-panels.ts';

/** Rows of the list of child incidents. */
const CHILDREN_MAX = 10;

/** The first page: what needs attention now. */
export const nowPage: ConsolePage = {
  path: '/console',
  label: 'Now',
  action: 'incidents:read',
  everySeconds: 5,
  async show(deps, { viewer }) {
    const data = await loadNow(deps, viewer);
    const open = data.incidents.length + data.moreIncidents;
    return { title: open === 0 ? 'Now' : `(${open}) Now`, main: nowMain(data) };
  },
};

export const nowMain = (data: Now): Html => html`
  <h1 class="hidden">Now</h1>
  ${automationStrip(data)}
  <div class="columns">
    ${panel('incidents', 'Open incidents', data.incidents.length + data.moreIncidents, incidentList(data))}
    <div class="aside">
      ${deploysPanel(data)} ${canariesPanel(data)} ${experimentsPanel(data)} ${watchedDeploysPanel(data)}
      ${freezesPanel(data)} ${slosPanel(data)}
    </div>
  </div>
`;

const incidentList = ({ incidents, moreIncidents, at }: Now): Html =>
  incidents.length === 0
    ? nothing('No incident is open.')
    : html`<ol class="incidents">
          ${incidents.map((incident) => html`<li>${incidentRow(incident, at)}</li>`)}
        </ol>
        ${
          moreIncidents === 0
            ? ''
            : html`<p class="more">
                and ${moreIncidents} more, less severe or older: <code>firebreak incident list</code>
              </p>`
        }`;

function incidentRow({ incident, decisions, effects, children }: OpenIncident, at: Timestamp): Html {
  const { id, title, severity, status, opened_at, roles, firing, by_hand } = incident;
  const questions = answerable({ incident, decisions });
  // What the status page shows may contradict the SLIs.
  const contradiction = contradictionToShow(incident, at);
  return html`<article class="incident ${severity}" aria-labelledby="i-${id}">
    <h3>
      <a id="i-${id}" href="${incidentPath(id)}"
        ><span class="place">${serviceEnvironmentText(incident)}</span> ${title}</a
      >
    </h3>
    <p class="facts">
      ${severityBadge(severity)} ${statusBadge(status, statusWords(incident))}
      <span>opened ${ago(opened_at, at)}</span>
      <span>${by_hand === true && firing < 1 ? 'declared by hand' : firingText(firing)}</span>
      ${
        roles?.commander === undefined
          ? html`<span class="lacking">no commander</span>`
          : html`<span>commander ${roles.commander.shown}</span>`
      }
    </p>
    ${
      contradiction === undefined
        ? ''
        : html`<p class="contradiction">
            <strong>${contradictionText(contradiction)}</strong> for ${spanOf(contradiction.since, at)}
          </p>`
    }
    ${
      questions.length === 0
        ? ''
        : html`<p class="question">
            <strong>Needs approval:</strong> ${subjectOf(questions[0] as DecisionView)}?
            <a href="${incidentPath(id)}#questions">Answer</a>
          </p>`
    }
    <dl class="lines">
      ${
        incident.group_reason === undefined
          ? [
              line('Probable cause', causeOf(incident, decisions)),
              line('Automation', automationOf({ incident, decisions, effects })),
            ]
          : line('Grouped', incident.group_reason.text)
      }
    </dl>
    ${children.length === 0 ? '' : childList(children)}
  </article>`;
}

const firingText = (firing: number): string => (firing === 1 ? '1 alert fires' : `${Math.max(firing, 0)} alerts fire`);

/** Shows the most probable suspect with its strongest reason. */
function causeOf({ suspects }: IncidentRecord, decisions: readonly DecisionView[]): Html {
  const [first] = suspectsToShow(suspects);
  if (first === undefined)
    return html`${decisions.length === 0 ? 'not known yet' : 'no known change could have caused this'}`;
  return html`<strong class="version">${first.version}</strong> ${shareBar(first.confidence, 'confidence')}
    ${first.reasons.slice(0, 1)}`;
}

const childList = (children: readonly IncidentRecord[]): Html =>
  html`<details class="children" id="children-of-${children[0]?.parent_id ?? ''}" open>
    <summary>
      ${children.length === 1 ? '1 open incident in this group' : `${children.length} open incidents in this group`}
    </summary>
    <ul>
      ${children.slice(0, CHILDREN_MAX).map(
        (child) =>
          html`<li>
            ${severityBadge(child.severity)}
            <a href="${incidentPath(child.id)}"
              ><span class="place">${serviceEnvironmentText(child)}</span> ${child.title}</a
            >
            <span class="quiet">${statusWords(child)}</span>
          </li>`,
      )}
      ${children.length > CHILDREN_MAX ? html`<li class="more">and ${children.length - CHILDREN_MAX} more</li>` : ''}
    </ul>
  </details>`;
