import { currentDecisions, laterStart } from '../../../../core/domain/incidents/new-onset.ts';
import { html } from 'hono/html';
import { type Attention, countOf, type Need, NEEDS } from '../../../../core/domain/incidents/attention.ts';
import { suspectName } from '../../../../core/domain/changes/change-words.ts';
import { closedAsOf } from '../../../../core/domain/incidents/closing.ts';
import { incidentPath } from '../../../../core/domain/incidents/console-link.ts';
import { incidentName } from '../../../../core/domain/incidents/incident-number.ts';
import { openedWithoutAlert } from '../../../../core/domain/incidents/keeps-open.ts';
import { answerable } from '../../../../core/domain/messages/incident-buttons.ts';
import { decisionLines } from '../../../../core/domain/messages/decision-lines.ts';
import { statusWords } from '../../../../core/domain/incidents/status-words.ts';
import { noSuspectText, ROLE_NAMES } from '../../../../core/domain/messages/incident-card.ts';
import { rollbackOf } from '../../../../core/domain/messages/incident-lines.ts';
import { titleBeside } from '../../../../core/domain/messages/place-names.ts';
import { serviceEnvironmentText } from '../../../../core/domain/messages/story.ts';
import { contradictionText, contradictionToShow } from '../../../../core/domain/incidents/page-contradiction.ts';
import type { IncidentSummary } from '../../../../core/domain/ports/incidents.ts';
import type { DecisionView, IncidentRecord } from '../../../../schemas/incidents/incident.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import { causeOf } from '../../../../core/domain/incidents/cause.ts';
import { likelihood } from '../../../../core/domain/correlation/words.ts';
import {
  addressWith,
  ago,
  type Html,
  line,
  nothing,
  numberOf,
  panel,
  severityBadge,
  shareBar,
  spanOf,
  statusBadge,
} from '../../parts.ts';
import type { ConsolePage } from '../page.ts';
import { firstRunPanel, hideFirstRun } from './first-run.ts';
import { answerAddress } from './forms.ts';
import { INCIDENTS_PATH } from './list.ts';
import { ATTENTION } from './list-filter.ts';
import { loadNow, type Now, shownOf } from './now-data.ts';
import type { IncidentDetail, NowRow } from '../reports.ts';
import { automationStrip, dayPanel, deploysPanel, quietLine, watchedDeploysPanel } from './now-panels.ts';

/** The first page: what needs a person now, what is being worked on, and what is handled. */
export const nowPage: ConsolePage = {
  path: '/console',
  showsKillSwitch: true,
  label: 'Now',
  section: 'Now',
  action: 'incidents:read',
  everySeconds: 5,
  async show(deps, request) {
    const data = await loadNow(deps, request);
    const needing = countOf(data.rows.filter(({ attention }) => isNeed(attention)));
    const asks = data.rows.some(({ attention }) => attention === 'approval');
    return { title: needing === 0 ? 'Now' : `(${needing}) Now`, main: nowMain(data), asks };
  },
  actions: { 'hide-first-run': hideFirstRun },
};

const isNeed = (attention: Attention): attention is Need => (NEEDS as readonly Attention[]).includes(attention);

export function nowMain(data: Now): Html {
  const { rows, firstRun } = data;
  const firstSteps = firstRun === null ? '' : firstRunPanel(firstRun.items, firstRun.csrfToken);
  return html`
    <h1 class="hidden">Now</h1>
    ${automationStrip(data)}
    <div class="columns">
      <div class="detail">
        ${rows.length === 0 ? firstSteps : ''} ${needsPanel(data)} ${sectionPanel(data, 'in-progress')}
        ${sectionPanel(data, 'handled')}
      </div>
      <div class="aside">
        ${deploysPanel(data)} ${data.parts.above.map(shownPart)} ${watchedDeploysPanel(data)}
        ${data.parts.below.map(shownPart)} ${dayPanel(data)} ${quietLine(data)} ${rows.length === 0 ? '' : firstSteps}
      </div>
    </div>
  `;
}

const shownPart = (part: Now['parts']['above'][number]): Html | '' =>
  typeof part === 'object' && 'quiet' in part ? '' : part;

/** Links to the list of all incidents with the same need. */
const allLink = (attention: Attention, text: string): Html =>
  html`<a href="${addressWith(INCIDENTS_PATH, { attention })}">${text}</a>`;

function needsPanel({ rows, at }: Now): Html {
  const needing = NEEDS.map((need) => ({ need, rows: rows.filter(({ attention }) => attention === need) }));
  const all = needing.flatMap((one) => one.rows);
  return panel(
    'needs',
    'Needs you',
    countOf(all),
    all.length === 0
      ? nothing(rows.length === 0 ? 'No incident is open.' : 'Nothing needs you now.')
      : html`${needing.map((one) => (one.rows.length === 0 ? '' : needPart(one.need, one.rows, at)))}`,
  );
}

function needPart(need: Need, rows: readonly NowRow[], at: Timestamp): Html {
  const shown = shownOf(rows);
  return html`<h3 class="need">${ATTENTION[need].text} <span class="count">${countOf(rows)}</span></h3>
    <ol class="incidents">
      ${shown.map((row) => html`<li>${incidentRow(row, at)}</li>`)}
    </ol>
    ${shown.length === rows.length ? '' : html`<p class="more">${allLink(need, `All ${countOf(rows)}`)}, for the same reason</p>`}`;
}

/** Shows the rows of a section that needs nobody, without details. Empty: there are none. */
function sectionPanel({ rows, day, at }: Now, attention: 'in-progress' | 'handled'): Html | '' {
  const own = rows.filter((row) => row.attention === attention);
  const resolved = attention === 'handled' ? day.newestResolved : [];
  if (own.length + resolved.length === 0) return '';
  const shown = shownOf(own);
  return panel(
    attention,
    ATTENTION[attention].text,
    countOf(own) + (attention === 'handled' ? day.resolved : 0),
    html`<ul class="rows">
        ${shown.map(({ incident, members }) => html`<li>${shortRow(incident, members.length, at)}</li>`)}
        ${resolved.map((incident) => html`<li>${shortRow(incident, 0, at)}</li>`)}
      </ul>
      ${shown.length === own.length ? '' : html`<p class="more">${allLink(attention, `All ${countOf(own)}`)}</p>`}${
        resolved.length === 0
          ? ''
          : html`<p class="more">
              <a href="${addressWith(INCIDENTS_PATH, { state: 'resolved', days: '1' })}"
                >${day.resolved} opened and closed in the last 24 hours</a
              >
            </p>`
      }`,
  );
}

type Shown = Pick<IncidentSummary, keyof IncidentSummary & keyof IncidentRecord> &
  Partial<Pick<IncidentRecord, 'resolved_at' | 'resolved_by' | 'closed_as'>>;

const shortRow = (incident: Shown, members: number, at: Timestamp): Html =>
  html`<p>
      <a href="${incidentPath(incident)}"
        >${numberOf(incident)}
        <span class="place">${serviceEnvironmentText(incident)}</span> ${titleBeside(incident, incident.title)}</a
      >
    </p>
    <p class="facts">
      ${severityBadge(incident.severity)} ${statusBadge(incident, statusWords(incident))}
      ${members === 0 ? '' : membersLink(incident, members)}
      <span
        >${incident.resolved_at == null ? html`opened ${ago(incident.opened_at, at)}` : html`${closedAsOf({ resolved_by: null, ...incident }) === 'unverified' ? 'closed' : 'resolved'} ${ago(incident.resolved_at, at)}`}</span
      >
      ${handlerOf(incident)}
    </p>`;

const commanderText = (roles: Shown['roles']): string =>
  `${ROLE_NAMES.commander}: ${roles?.commander?.shown ?? 'unassigned'}`;

/** Says who works on an incident. Empty: nobody does, or it is over. */
function handlerOf({ status, roles, handling }: Shown): Html | '' {
  if (status === 'resolved') return '';
  if (roles?.commander !== undefined) return html`<span>${commanderText(roles)}</span>`;
  return handling?.acknowledged === undefined ? '' : html`<span>acknowledged by ${handling.acknowledged.by}</span>`;
}

const membersLink = (group: Pick<IncidentRecord, 'id' | 'number'>, count: number): Html =>
  html`<a href="${addressWith(INCIDENTS_PATH, { group: incidentName(group) })}"
    >${count === 1 ? '1 open incident' : `${count} open incidents`} in this group</a
  >`;

function incidentRow({ incident, members, attention, count, detail }: NowRow, at: Timestamp): Html {
  const { id, title, severity, opened_at, roles, firing, group_reason: group } = incident;
  const [question] = detail === null ? [] : answerable(detail);
  const later = laterStart(incident);
  // What the status page shows may contradict the SLIs.
  const contradictions = [incident, ...members].flatMap((one) => contradictionToShow(one, at) ?? []).slice(0, 1);
  return html`<article class="incident ${severity}" aria-labelledby="i-${id}">
    <h4>
      <a id="i-${id}" href="${incidentPath(incident)}"
        >${numberOf(incident)}
        <span class="place">${serviceEnvironmentText(incident)}</span> ${titleBeside(incident, title)}</a
      >
    </h4>
    <p class="facts">
      ${severityBadge(severity)} ${statusBadge(incident, statusWords(incident))}
      <span>opened ${ago(opened_at, at)}</span>
      ${later === undefined ? '' : html`<span>present problem since ${ago(later, at)}</span>`}
      ${group === undefined ? html`<span>${firing < 1 ? (openedWithoutAlert(incident)[0] ?? firingText(firing)) : firingText(firing)}</span>` : ''}
      <span ${roles?.commander === undefined ? html`class="lacking"` : ''}>${commanderText(roles)}</span>
      ${members.length === 0 ? '' : membersLink(incident, members.length)}
    </p>
    ${contradictions.map(
      (contradiction) =>
        html`<p class="contradiction">
          <strong>${contradictionText(contradiction)}</strong> for ${spanOf(contradiction.since, at)}
        </p>`,
    )}
    ${
      detail === null || question === undefined
        ? ''
        : html`<p class="question">
            <strong>Needs approval${attention === 'approval' && count > 1 ? ` (the first of ${count})` : ''}:</strong>
            ${decisionLines(question, detail.incident).action}
            <a href="${answerAddress(detail.incident)}">Answer</a>
          </p>`
    }
    <dl class="lines">
      ${
        group !== undefined
          ? line('Grouped', group.text)
          : detail === null
            ? ''
            : [line(causeLabel(detail), causePart(detail)), line('Automation', automationText(detail, question))]
      }
    </dl>
  </article>`;
}

const firingText = (firing: number): string => (firing === 1 ? '1 alert fires' : `${Math.max(firing, 0)} alerts fire`);

/** Returns what automation does, and why it does not act. @param asked the question above it, which is not repeated */
function automationText({ incident, decisions, effects }: IncidentDetail, asked: DecisionView | undefined): string {
  if (incident.automation_paused) return 'paused for this incident';
  const last = asked ?? decisions.at(-1);
  if (last === undefined) return 'no decision yet';
  const { action, hesitation } = decisionLines(last, incident, rollbackOf(last, { decisions, effects }));
  if (asked !== undefined) return hesitation ?? 'Asks.';
  return [action, hesitation].filter((text) => text !== null).join(' ');
}

/** Names the suspect by its confidence: a weak one is not called probable. */
function causeLabel({ incident }: IncidentDetail): string {
  const cause = causeOf(incident);
  return cause.kind === 'change' ? `${likelihood(cause.suspect.confidence)} cause` : 'Cause';
}

/** Shows the most probable suspect with its strongest reason. */
function causePart(story: IncidentDetail): Html {
  const cause = causeOf(story.incident);
  if (cause.kind !== 'change') return html`${noSuspectText(currentDecisions(story), story.incident)}`;
  const { suspect: first } = cause;
  return html`<strong class="version">${suspectName(first)}</strong> ${shareBar(first.confidence, 'confidence')}
    ${first.reasons.slice(0, 1)}`;
}
