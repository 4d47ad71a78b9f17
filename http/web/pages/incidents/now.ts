import { html } from 'hono/html';
import { incidentPath } from '../../../../domain/incidents/console-link.ts';
import { answerable } from '../../../../domain/messages/incident-buttons.ts';
import { decisionLines, linesOf, subjectOf } from '../../../../domain/messages/decision-lines.ts';
import { rollbackOf, statusWords, suspectsToShow } from '../../../../domain/messages/incident-card.ts';
import { serviceEnvironmentText } from '../../../../domain/messages/story.ts';
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
  freezesPanel,
  slosPanel,
  watchedDeploysPanel,
} from './now-panels.ts';

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
      ${deploysPanel(data)} ${canariesPanel(data)} ${data.panels} ${watchedDeploysPanel(data)} ${freezesPanel(data)}
      ${slosPanel(data)}
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

function incidentRow({ incident, decisions, effects, children, moreChildren }: OpenIncident, at: Timestamp): Html {
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
              line('Automation', automationText({ incident, decisions, effects })),
            ]
          : line('Grouped', incident.group_reason.text)
      }
    </dl>
    ${children.length === 0 ? '' : childList(children, moreChildren)}
  </article>`;
}

const firingText = (firing: number): string => (firing === 1 ? '1 alert fires' : `${Math.max(firing, 0)} alerts fire`);

/** Returns what automation does, and why it does not act. */
function automationText({
  incident,
  decisions,
  effects,
}: Pick<OpenIncident, 'incident' | 'decisions' | 'effects'>): string {
  if (incident.automation_paused) return 'paused for this incident';
  const last = decisions.at(-1);
  if (last === undefined) return 'no decision yet';
  const lines = decisionLines(last, incident, rollbackOf(last, { decisions, effects }));
  return linesOf({ ...lines, evidence: null }).join(' ');
}

/** Shows the most probable suspect with its strongest reason. */
function causeOf({ suspects }: IncidentRecord, decisions: readonly DecisionView[]): Html {
  const [first] = suspectsToShow(suspects);
  if (first === undefined)
    return html`${decisions.length === 0 ? 'not known yet' : 'no known change could have caused this'}`;
  return html`<strong class="version">${first.version}</strong> ${shareBar(first.confidence, 'confidence')}
    ${first.reasons.slice(0, 1)}`;
}

function childList(children: readonly IncidentRecord[], more: number): Html {
  const count = children.length + more;
  return html`<details class="children" id="children-of-${children[0]?.parent_id ?? ''}" open>
    <summary>${count === 1 ? '1 open incident in this group' : `${count} open incidents in this group`}</summary>
    <ul>
      ${children.map(
        (child) =>
          html`<li>
            ${severityBadge(child.severity)}
            <a href="${incidentPath(child.id)}"
              ><span class="place">${serviceEnvironmentText(child)}</span> ${child.title}</a
            >
            <span class="quiet">${statusWords(child)}</span>
          </li>`,
      )}
      ${more === 0 ? '' : html`<li class="more">and ${more} more</li>`}
    </ul>
  </details>`;
}
