import { INCIDENT_PAGES } from '../../../../features/names.ts';
import { html } from 'hono/html';
import { recordSeen } from '../../../../core/actions/incidents/record-seen.ts';
import { experimentPath, incidentPath } from '../../../../core/domain/incidents/console-link.ts';
import { incidentName, numberText } from '../../../../core/domain/incidents/incident-number.ts';
import { similarWords } from '../../../../core/domain/incidents/similar.ts';
import { answerable, decidingFor } from '../../../../core/domain/messages/incident-buttons.ts';
import { closedAsOf, resolverText, unverifiedText } from '../../../../core/domain/incidents/closing.ts';
import { laterStart } from '../../../../core/domain/incidents/new-onset.ts';
import { notReopenable } from '../../../../core/domain/incidents/reopening.ts';
import { statusWords } from '../../../../core/domain/incidents/status-words.ts';
import { type AlertLine, alertLines } from '../../../../core/domain/messages/alert-lines.ts';
import { subjectOf } from '../../../../core/domain/messages/decision-lines.ts';
import { placeNames } from '../../../../core/domain/messages/place-names.ts';
import { ROLE_NAMES } from '../../../../core/domain/messages/incident-card.ts';
import { placedTitle, titleBeside } from '../../../../core/domain/messages/place-names.ts';
import { serviceEnvironmentText } from '../../../../core/domain/messages/story.ts';
import { isAcknowledged } from '../../../../core/domain/paging/acknowledgement.ts';
import { channelLink } from '../../../../core/domain/paging/page-links.ts';
import {
  contradictedMinutes,
  contradictionText,
  contradictionToShow,
} from '../../../../core/domain/incidents/page-contradiction.ts';
import type { IncidentRecord } from '../../../../schemas/incidents/incident.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import { IncidentRole } from '../../../../schemas/people/response-roles.ts';
import {
  addressWith,
  ago,
  ahead,
  ASKS_BADGE,
  clockTime,
  copyButton,
  type Html,
  line,
  longList,
  numberOf,
  outsideLink,
  panel,
  severityBadge,
  statusBadge,
} from '../../parts.ts';
import { incidentActions } from './actions.ts';
import { type IncidentData, loadIncident } from './data.ts';
import { decisionsPanel, effectsPanel, evidencePanel, suspectsPanel } from './evidence.ts';
import { actionsPanel, answerAddress, questionsPanel, responderButtons } from './forms.ts';
import { INCIDENTS_PATH } from './list.ts';
import { docLink } from '../docs/docs.ts';
import { TIMELINE_KINDS } from './filter.ts';
import { healthPanel } from './health.ts';
import { timelinePanels } from './timeline.ts';
import { runsTable } from '../runbooks/parts.ts';
import type { ConsolePage } from '../page.ts';

export const incidentPage: ConsolePage = {
  path: '/console/incidents/:id',
  label: null,
  within: INCIDENTS_PATH,
  action: 'incidents:read',
  everySeconds: 3,
  actions: incidentActions,
  async show(deps, request) {
    const data = await loadIncident(deps, request);
    const { incident } = data.story;
    const { may, caller } = request.viewer;
    if (request.isOpened && may('incidents:act', incident)) await recordSeen(deps, caller, data.story);
    const title = `${numberText(incident)}${placedTitle(incident)}`;
    return {
      title,
      main: incidentMain(data),
      known: { kind: Object.keys(TIMELINE_KINDS) },
    };
  },
};

const ALERTS_SHOWN = 12;

export const incidentMain = (data: IncidentData): Html => html`
  ${summary(data)} ${questionBar(data)}
  <div class="columns incident-columns">
    <div class="aside">${questionsPanel(data)} ${actionsPanel(data)}</div>
    <div class="detail">
      <div class="job">${underWayPanel(data)} ${peoplePanel(data)}</div>
      ${healthPanel(data.story, data.health, data.at, data.liveHealth) || noHealthPanel(data)} ${childrenPanel(data)}
      ${alertsPanel(data)} ${suspectsPanel(data)} ${data.panels} ${runsPanel(data)} ${similarPanel(data)}
      ${linksPanel(data)} ${timelinePanels(data)}
      <details class="more-details" id="more-details" data-remember="details">
        <summary>Details</summary>
        <div class="stack">${decisionsPanel(data)} ${effectsPanel(data)} ${evidencePanel(data)} ${idsPanel(data)}</div>
      </details>
    </div>
  </div>
`;

/** Says why no health is shown, and what to configure. A group has none: its members have their own. */
function noHealthPanel({ story: { incident }, noHealthBecause }: IncidentData): Html | '' {
  if (incident.group_reason !== undefined) return '';
  const { environment } = incident;
  const [service] = placeNames(incident);
  return panel(
    'health',
    'Health',
    null,
    noHealthBecause === null
      ? html`<p class="quiet">
          The health query has no samples yet. If it stays so, <code>firebreak doctor</code> checks the connection to
          the monitoring system.
        </p>`
      : html`<p class="quiet">
          ${
            noHealthBecause === 'no_service'
              ? html`${service} is not in the catalogue, so no health is known. Add it to <code>services.yaml</code>,
                  with a health query:`
              : html`No health query is configured for ${service} in ${environment}, so no health is shown. Set
                  <code>health.promql</code> and <code>health.max</code> of the environment in
                  <code>services.yaml</code>, or define an SLO of the service:`
          }
          ${docLink('reference/configuration.md', 'configuration')}.
        </p>`,
  );
}

function summary(data: IncidentData): Html {
  const { story, at } = data;
  const { incident, parent } = story;
  const { title, severity, status, opened_at, resolved_at, automation_paused, muted } = incident;
  const later = laterStart(incident);
  return html`<header class="summary" id="summary" data-part>
    ${parent === null ? '' : html`<p><a href="${incidentPath(parent)}">Part of ${parent.number === undefined ? 'a group of incidents' : `the group ${incidentName(parent)}`}</a></p>`}
    <div class="title-row">
      <div class="title">
        <h1>
          ${numberOf(incident)}
          <span class="place">${serviceEnvironmentText(incident)}</span> ${titleBeside(incident, title)}
        </h1>
        <p class="facts">
          ${severityBadge(severity)} ${statusBadge(incident, statusWords(incident))}
          ${automation_paused && status !== 'resolved' ? html`<span class="badge paused">automation paused</span>` : ''}
          <span>opened ${clockTime(opened_at, at)}, ${ago(opened_at, at)}</span>
          ${later === undefined ? '' : html`<span>present problem since ${clockTime(later, at)}, ${ago(later, at)}</span>`}
          ${resolved_at === null ? '' : html`<span>${statusWords(incident)} ${clockTime(resolved_at, at)}${resolverText(incident)}</span>`}
          ${muted === undefined || muted === null ? '' : html`<span>${muted.text}</span>`}
          ${status === 'resolved' && parent === null ? INCIDENT_PAGES.map(({ path, text }) => html`<a href="${incidentPath(incident)}/${path}">${text}</a>`) : ''}
          ${copyButton(incidentPath(incident), 'Copy link')}
        </p>
      </div>
      ${responderButtons(data)}
    </div>
    ${closedAsOf(incident) === 'unverified' ? html`<p class="lacking">${unverifiedText(notReopenable(incident))}.</p>` : ''}
    ${contradictionLine(incident, at)}
  </header>`;
}

/** Keeps the question in sight on a narrow screen, where it scrolls away. On a wide one it is always beside the content. */
function questionBar({ story }: IncidentData): Html | '' {
  const asking = decidingFor(story);
  const questions = answerable(asking);
  const [first] = questions;
  return first === undefined
    ? ''
    : html`<p class="question-bar" id="question-bar" data-part>
        <a href="${asking === story ? '#questions' : answerAddress(asking.incident)}">Answer</a>
        <span
          ><strong>Needs approval:</strong>
          ${questions.length === 1 ? `${subjectOf(first)}?` : `${questions.length} questions`}</span
        >
      </p>`;
}

/** Says what is being done this minute, and what keeps the incident open. */
function underWayPanel({ story: { incident }, underWay, openBecause, at }: IncidentData): Html {
  const none = incident.status === 'resolved' ? 'The incident is closed.' : 'Nothing is in progress.';
  return panel(
    'doing',
    'Being done now',
    null,
    html`${
      underWay.length === 0
        ? html`<p class="nothing">${none}</p>`
        : html`<ul class="doing">
            ${underWay.map(
              ({ text, since, until }) =>
                html`<li>
                  ${text}
                  <span class="quiet"
                    >since
                    ${clockTime(since, at)}${until === null ? '' : html`, until ${clockTime(until, at)} (${ahead(until, at)})`}</span
                  >
                </li>`,
            )}
          </ul>`
    }
    ${openBecause.map((why) => html`<p class="quiet">Open because ${why}.</p>`)}`,
  );
}

/** IDs for other systems and for support. */
function idsPanel({ story: { incident } }: IncidentData): Html {
  return panel(
    'ids',
    'IDs',
    null,
    html`<dl class="lines">
      ${line('Incident', html`<code>${incident.id}</code> ${copyButton(incident.id, 'Copy ID')}`)}
      ${incident.suspects.map(({ version, change_id: id }) => line(`Change to ${version}`, html`<code>${id}</code>`))}
    </dl>`,
  );
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

function peoplePanel({ story: { incident }, at }: IncidentData): Html {
  const { roles = {}, handling, status } = incident;
  const update = handling?.stakeholder_update;
  const lacking = (text: string): Html =>
    html`<span class="${status === 'resolved' ? 'quiet' : 'lacking'}">${text}</span>`;
  return panel(
    'people',
    'Who has it',
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
      ${update?.text === undefined ? '' : line('Last update', html`<span class="long" title="${update.text}">${update.text}</span> ${ago(update.at, at)}`)}
      ${update?.next_at === undefined || status === 'resolved' ? '' : line('Next update', html`by ${clockTime(update.next_at, at)}`)}
    </dl>`,
  );
}

const runsPanel = ({ runs, at }: IncidentData): Html | '' =>
  runs.length === 0 ? '' : panel('runs', 'Runbooks', runs.length, runsTable(runs, at));

function alertsPanel({ story: { incident, signals } }: IncidentData): Html | '' {
  if (signals.length === 0) return '';
  const titles = Map.groupBy(signals, ({ title }) => title);
  const { rows, countText } = alertLines({ incident, signals });
  return panel(
    'alerts',
    'Alerts',
    incident.signal_count,
    html`<p>${countText}</p>
      <ul class="rows">
        ${rows.slice(0, ALERTS_SHOWN).map(
          ({ title, state, note }) =>
            html`<li>
              <p>
                <span class="badge${state === 'firing' ? ' critical' : ''}">${ALERT_WORDS[state]}</span>
                ${title}${note === null ? '' : html` <span class="quiet">${note}</span>`}
              </p>
              ${expectedText(titles.get(title) ?? [])}
            </li>`,
        )}
        ${rows.length > ALERTS_SHOWN ? html`<li class="more">and ${rows.length - ALERTS_SHOWN} more</li>` : ''}
      </ul>`,
  );
}

const ALERT_WORDS: Readonly<Record<AlertLine['state'], string>> = {
  firing: 'firing',
  last_seen: 'last seen',
  event: 'reported',
  resolved: 'resolved',
};

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
            <p><a href="${incidentPath(other)}">${numberText(other)}${other.title}</a></p>
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

function childrenPanel({ story }: IncidentData): Html | '' {
  const { incident, children, childCount } = story;
  if (incident.group_reason === undefined) return '';
  return panel(
    'children',
    'Incidents in this group',
    childCount,
    html`${longList(
      'children',
      children.map(
        (child) =>
          html`<p>
            ${severityBadge(child.severity)} ${statusBadge(child, statusWords(child))} ${child.asks ? ASKS_BADGE : ''}
            <a href="${incidentPath(child)}"
              >${numberOf(child)} <span class="place">${child.service} ${child.environment}</span> ${child.title}</a
            >
          </p>`,
      ),
    )}
    ${
      childCount > children.length
        ? html`<p class="more">
            <a href="${addressWith(INCIDENTS_PATH, { group: incidentName(incident), state: 'all' })}"
              >All ${childCount} incidents</a
            >
          </p>`
        : ''
    }`,
  );
}
