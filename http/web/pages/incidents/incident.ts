import { INCIDENT_PAGES } from '../../../../features/names.ts';
import { html } from 'hono/html';
import { recordSeen } from '../../../../actions/incidents/record-seen.ts';
import { experimentPath, incidentPath } from '../../../../domain/incidents/console-link.ts';
import { similarWords } from '../../../../domain/incidents/similar.ts';
import { statusWords } from '../../../../domain/messages/incident-card.ts';
import { serviceEnvironmentText } from '../../../../domain/messages/story.ts';
import { isAcknowledged } from '../../../../domain/paging/acknowledgement.ts';
import { channelLink } from '../../../../domain/paging/page-links.ts';
import {
  contradictedMinutes,
  contradictionText,
  contradictionToShow,
} from '../../../../domain/status/contradictions.ts';
import type { IncidentRecord } from '../../../../schemas/incidents/incident.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import { IncidentRole } from '../../../../schemas/people/response-roles.ts';
import { ago, clockTime, type Html, line, outsideLink, panel, severityBadge, statusBadge } from '../../parts.ts';
import { incidentActions } from './actions.ts';
import { type IncidentData, loadIncident } from './data.ts';
import { decisionsPanel, effectsPanel, evidencePanel, suspectsPanel } from './evidence.ts';
import { actionsPanel, questionsPanel } from './forms.ts';
import { healthPanel } from './health.ts';
import { timelinePanels } from './timeline.ts';
import { runsTable } from '../runbooks/parts.ts';
import type { ConsolePage } from '../page.ts';

export const incidentPage: ConsolePage = {
  path: '/console/incidents/:id',
  label: null,
  action: 'incidents:read',
  everySeconds: 3,
  actions: incidentActions,
  async show(deps, request) {
    const data = await loadIncident(deps, request);
    const { incident } = data.story;
    const { may, caller } = request.viewer;
    if (request.isOpened && may('incidents:act', incident)) await recordSeen(deps, caller, data.story);
    return { title: `${serviceEnvironmentText(incident)}: ${incident.title}`, main: incidentMain(data) };
  },
};

const ALERTS_SHOWN = 12;

export const incidentMain = (data: IncidentData): Html => html`
  ${summary(data)}
  <div class="columns incident-columns">
    <div class="aside">
      ${questionsPanel(data)} ${actionsPanel(data)} ${peoplePanel(data)} ${alertsPanel(data)} ${data.panels}
      ${similarPanel(data)} ${linksPanel(data)}
    </div>
    <div class="detail">
      ${childrenPanel(data)} ${healthPanel(data.story, data.health, data.at)} ${suspectsPanel(data)}
      ${decisionsPanel(data)} ${runsPanel(data)} ${effectsPanel(data)} ${evidencePanel(data)} ${timelinePanels(data)}
    </div>
  </div>
`;

function summary({ story, at, openBecause }: IncidentData): Html {
  const { incident, parent } = story;
  const { id, title, severity, status, opened_at, resolved_at, resolved_by, automation_paused, muted } = incident;
  return html`<header class="summary" id="summary" data-part>
    ${parent === null ? '' : html`<p><a href="${incidentPath(parent.id)}">Part of a group of incidents</a></p>`}
    <h1><span class="place">${serviceEnvironmentText(incident)}</span> ${title}</h1>
    <p class="facts">
      ${severityBadge(severity)} ${statusBadge(status, statusWords(incident))}
      ${automation_paused ? html`<span class="badge paused">automation paused</span>` : ''}
      <span>opened ${clockTime(opened_at, at)}, ${ago(opened_at, at)}</span>
      ${resolved_at === null ? '' : html`<span>resolved ${clockTime(resolved_at, at)}${resolverText(resolved_by)}</span>`}
      ${muted === undefined || muted === null ? '' : html`<span>${muted.text}</span>`}
      ${status === 'resolved' && parent === null ? INCIDENT_PAGES.map(({ path, text }) => html`<a href="${incidentPath(id)}/${path}">${text}</a>`) : ''}
      <code class="quiet">${id}</code>
    </p>
    ${openBecause.map((why) => html`<p class="quiet">Open because ${why}.</p>`)} ${contradictionLine(incident, at)}
  </header>`;
}

/** Says that the status page and the SLIs contradict each other now, or for how long they did. */
function contradictionLine(incident: IncidentRecord, at: Timestamp): Html | '' {
  const now = contradictionToShow(incident, at);
  const minutes = contradictedMinutes(incident.page_contradiction);
  if (now !== undefined)
    return html`<p class="contradiction">
      <strong>${contradictionText(now)}</strong> since ${clockTime(now.since, at)}, ${minutes} min in this incident.
    </p>`;
  return minutes === 0
    ? ''
    : html`<p class="quiet">The status page and the SLI contradicted each other for ${minutes} min.</p>`;
}

const resolverText = (by: string | null): string =>
  by === null ? '' : by === 'firebreak:quiet' ? ' automatically' : ` by ${by}`;

const ROLE_NAMES: Record<IncidentRole, string> = {
  commander: 'Commander',
  communications: 'Communications',
  scribe: 'Scribe',
};

function peoplePanel({ story: { incident }, at }: IncidentData): Html {
  const { roles = {}, handling, status } = incident;
  const update = handling?.stakeholder_update;
  const lacking = (text: string): Html =>
    html`<span class="${status === 'resolved' ? 'quiet' : 'lacking'}">${text}</span>`;
  return panel(
    'people',
    'People',
    null,
    html`<dl class="lines">
      ${IncidentRole.options
        .filter((role) => role === 'commander' || roles[role] !== undefined)
        .map((role) => line(ROLE_NAMES[role], roles[role]?.shown ?? lacking('unassigned')))}
      ${line(
        'Acknowledged',
        isAcknowledged(incident) && handling?.acknowledged !== undefined
          ? html`${handling.acknowledged.by}, ${ago(handling.acknowledged.at, at)}`
          : lacking('no'),
      )}
      ${update?.text === undefined ? '' : line('Last update', html`${update.text}, ${ago(update.at, at)}`)}
    </dl>`,
  );
}

const runsPanel = ({ runs, at }: IncidentData): Html | '' =>
  runs.length === 0 ? '' : panel('runs', 'Runbooks', runs.length, runsTable(runs, at));

function alertsPanel({ story: { incident, signals } }: IncidentData): Html | '' {
  if (signals.length === 0) return '';
  const titles = [...Map.groupBy(signals, ({ title }) => title)];
  return panel(
    'alerts',
    'Alerts',
    incident.signal_count,
    html`<p>${Math.max(incident.firing, 0)} of ${incident.signal_count} firing</p>
      <ul class="rows">
        ${titles.slice(0, ALERTS_SHOWN).map(([title, all]) => {
          const firing = all.filter(({ status }) => status === 'firing').length;
          return html`<li>
            <p>
              ${firing > 0 ? html`<span class="badge critical">firing</span>` : html`<span class="badge">resolved</span>`}
              ${title}${all.length > 1 ? ` × ${all.length}` : ''}
            </p>
            ${expectedText(all)}
          </li>`;
        })}
        ${titles.length > ALERTS_SHOWN ? html`<li class="more">and ${titles.length - ALERTS_SHOWN} more</li>` : ''}
      </ul>`,
  );
}

/** Says which experiment explained an alert when it arrived, so that it had no effect. */
function expectedText(signals: IncidentData['story']['signals']): Html | '' {
  const ids = [...new Set(signals.flatMap(({ mute }) => (mute?.by === 'experiment' ? [mute.name] : [])))];
  return ids.length === 0
    ? ''
    : html`<p class="quiet">
        kept quiet on arrival: expected from
        ${ids.map((id, n) => html`${n === 0 ? '' : ', '}<a href="${experimentPath(id)}">an experiment</a>`)}
      </p>`;
}

function similarPanel({ story: { incident } }: IncidentData): Html | '' {
  const { similar = [] } = incident;
  if (similar.length === 0) return '';
  return panel(
    'similar',
    'Similar incidents',
    similar.length,
    html`<ul class="rows">
      ${similar.map(
        (other) =>
          html`<li>
            <p><a href="${incidentPath(other.id)}">${other.title}</a></p>
            <p class="quiet">${similarWords(other, incident.opened_at)}</p>
          </li>`,
      )}
    </ul>`,
  );
}

function linksPanel({ story: { incident }, links: configured }: IncidentData): Html | '' {
  const channel = channelLink(incident);
  const links = [
    ...configured.map(({ title, url }) => outsideLink(url, title)),
    ...(channel === null ? [] : [outsideLink(channel.href, channel.text)]),
  ];
  return links.length === 0
    ? ''
    : panel(
        'links',
        'Links',
        null,
        html`<ul class="rows">
          ${links.map((link) => html`<li>${link}</li>`)}
        </ul>`,
      );
}

function childrenPanel({ story: { incident, children, childCount } }: IncidentData): Html | '' {
  if (incident.group_reason === undefined) return '';
  return panel(
    'children',
    'Incidents in this group',
    childCount,
    html`<ul class="rows">
      ${children.map(
        (child) =>
          html`<li>
            <p>
              ${severityBadge(child.severity)} ${statusBadge(child.status, child.status)}
              <a href="${incidentPath(child.id)}"
                ><span class="place">${child.service} ${child.environment}</span> ${child.title}</a
              >
            </p>
          </li>`,
      )}
      ${childCount > children.length ? html`<li class="more">and ${childCount - children.length} more</li>` : ''}
    </ul>`,
  );
}
