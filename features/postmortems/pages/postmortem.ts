import { withPorts } from '../ports.ts';
import { html } from 'hono/html';
import { firstOnsetOf, type HealthRead, readHealth } from '../../../core/actions/incidents/health-read.ts';
import { type LiveHealthRead, readLiveHealth } from '../../../core/actions/incidents/live-health.ts';
import { namer } from '../../../core/actions/people/names.ts';
import { withFile } from '../actions/file-view.ts';
import { readPostmortem } from '../actions/postmortem.ts';
import { type PublicPostmortem, readPublicPostmortem } from '../actions/publish-to-status-page.ts';
import { Refusal } from '../../../core/domain/refusal.ts';
import { incidentPath, postmortemPath } from '../../../core/domain/incidents/console-link.ts';
import { numberText } from '../../../core/domain/incidents/incident-number.ts';
import { titleBeside } from '../../../core/domain/messages/place-names.ts';
import { serviceEnvironmentText, type Overview } from '../../../core/domain/messages/story.ts';
import { durationWords, percent, startWords, STATE_WORDS } from '../decisions/words.ts';
import { IncidentId } from '../../../schemas/config/names.ts';
import type { Finding, PostmortemView } from '../schemas/postmortem.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { Viewer } from '../../../entrances/http/context.ts';
import { markdown } from '../../../entrances/console/markdown.ts';
import {
  actionForm,
  ago,
  clockTime,
  type Html,
  line,
  nothing,
  numberOf,
  onDemand,
  panel,
  severityBadge,
} from '../../../entrances/console/parts.ts';
import { healthPanel } from '../../../entrances/console/pages/incidents/health.ts';
import type { PageRequest, ConsoleDeps, ConsolePage } from '../../../entrances/console/pages/page.ts';
import { POSTMORTEMS_PATH } from './postmortems.ts';
import { editorFields, postmortemActions } from './actions.ts';
import { statusPageActions, statusPagePanel } from './status-page.ts';
import { wordingActions, wordingButton } from './wording.ts';

/** Everything that the page of a post-mortem shows. */
export type PostmortemData = Pick<Viewer, 'csrfToken'> & {
  at: Timestamp;
  view: PostmortemView;
  story: Overview;
  health: HealthRead | null;
  /** What Prometheus still has. Null: nothing, so the samples of the newest judgement are shown. */
  liveHealth: LiveHealthRead | null;
  /** Display name of who saved it last. */
  savedBy: string | null;
  mayEdit: boolean;
  /** What the status page shows of it. Null: nothing can be shown there. */
  onStatusPage: PublicPostmortem | null;
  mayPublish: boolean;
  /** The model that can propose wording. Null: none is configured. */
  model: { host: string; model: string } | null;
};

/** The post-mortem of an incident: its text, what to look at, and the form that changes it. */
export const postmortemPage: ConsolePage = {
  path: '/console/incidents/:id/postmortem',
  label: null,
  within: POSTMORTEMS_PATH,
  action: 'incidents:read',
  everySeconds: 30,
  actions: { ...postmortemActions, ...statusPageActions, ...wordingActions },
  async show(deps, request) {
    const data = await load(deps, request);
    return { title: `Post-mortem: ${numberText(data.story.incident)}${data.view.title}`, main: postmortemMain(data) };
  },
};

/** @throws Refusal 403, 404 */
async function load(core: ConsoleDeps, { viewer, param }: PageRequest): Promise<PostmortemData> {
  const deps = withPorts(core);
  const { data: id } = IncidentId.safeParse(param['id']);
  if (id === undefined) throw new Refusal(404, 'unknown-incident', 'there is no such incident');
  const view = await withFile(deps, await readPostmortem(deps, viewer.caller, { id }));
  const story = await deps.incidents.overview(id);
  if (story === undefined) throw new Refusal(404, 'unknown-incident', 'there is no such incident');
  const healthRead = readHealth(deps, story);
  const [health, liveHealth, names, onStatusPage] = await Promise.all([
    healthRead,
    healthRead.then((read) => readLiveHealth(deps, story, firstOnsetOf(read, 'earliest'))),
    namer(deps),
    readPublicPostmortem(deps, view),
  ]);
  return {
    at: deps.clock.now(),
    csrfToken: viewer.csrfToken,
    view,
    story,
    health,
    liveHealth,
    savedBy: view.updated_by === null ? null : await names.actor(view.updated_by),
    mayEdit: viewer.may('incidents:write', story.incident) && story.incident.status === 'resolved',
    onStatusPage,
    mayPublish: viewer.may('incidents:act', story.incident),
    model: await deps.languageModel.endpoint(),
  };
}

export const postmortemMain = (data: PostmortemData): Html => html`
  ${summary(data)}
  <div class="columns">
    <div class="detail">
      <section class="panel" id="text" data-part aria-labelledby="text-title">
        <h2 id="text-title">${data.view.state === 'none' ? 'Draft, not saved' : 'Post-mortem'}</h2>
        <div class="text">${markdown(data.view.markdown, data.view.title)}</div>
      </section>
      ${healthPanel(data.story, data.health, data.at, data.liveHealth)} ${editPanel(data)} ${publicPanel(data)}
    </div>
    <div class="aside">${statePanel(data)} ${timesPanel(data)} ${findingsPanel(data.view.findings)}</div>
  </div>
`;

const publicPanel = ({ onStatusPage: publicPostmortem, view, csrfToken, at, mayPublish }: PostmortemData): Html | '' =>
  publicPostmortem === null
    ? ''
    : statusPagePanel({ id: view.incident_id, csrfToken, at, publicPostmortem, mayPublish });

const summary = ({ view, story: { incident } }: PostmortemData): Html =>
  html`<header class="summary" id="summary" data-part>
    <p><a href="${incidentPath(incident)}">Incident: ${incident.title}</a></p>
    <h1>
      ${numberOf(incident)}
      <span class="place">${serviceEnvironmentText(incident)}</span> ${titleBeside(incident, view.title)}
    </h1>
    <p class="facts">
      ${severityBadge(incident.severity)} <span class="badge">${view.severity}</span>
      <span class="badge">${STATE_WORDS[view.state]}</span>
      <span>
        ${
          view.times.to_restore_seconds === null
            ? `${durationWords(view.times.duration_seconds)} from ${startWords(incident, view.times)}`
            : `restored after ${durationWords(view.times.to_restore_seconds)}`
        }
      </span>
    </p>
  </header>`;

/** The states to which a person can change a post-mortem, by its current state. */
const NEXT_STATES: Record<PostmortemView['state'], readonly ('draft' | 'in_review' | 'published' | 'skipped')[]> = {
  none: ['draft', 'skipped'],
  draft: ['in_review', 'published', 'skipped'],
  in_review: ['published', 'draft'],
  published: ['draft'],
  skipped: ['draft'],
};

const STATE_BUTTONS = {
  draft: 'Back to draft',
  in_review: 'Ask for a review',
  published: 'Publish',
  skipped: 'Not needed',
} as const;

function statePanel({ view, story: { incident }, at, csrfToken, mayEdit, savedBy }: PostmortemData): Html {
  const { state, need, revision, updated_at, filled } = view;
  const button = (next: keyof typeof STATE_BUTTONS): Html =>
    actionForm(
      postmortemPath(incident),
      next,
      csrfToken,
      html`<input type="hidden" name="revision" value="${revision}" />
        <button class="${next === NEXT_STATES[state][0] ? 'primary' : ''}" id="do-${next}">
          ${state === 'none' && next === 'draft' ? 'Start the post-mortem' : STATE_BUTTONS[next]}
        </button>`,
    );
  return panel(
    'state',
    'State',
    null,
    html`<dl class="lines">
        ${line('State', STATE_WORDS[state])} ${line('Severity', html`${view.severity}: ${need}`)}
        ${updated_at === null ? '' : line('Revision', html`${revision}, saved by ${savedBy ?? 'unknown'}, ${ago(updated_at, at)}`)}
        ${line('From the record', `${filled.by_rule} of ${filled.of} fields (${percent(filled.share)})`)}
        ${line('Action items', String(view.action_items.length))} ${fileLines(view)}
      </dl>
      ${
        mayEdit
          ? html`<div class="buttons">${NEXT_STATES[state].map(button)}</div>`
          : incident.status === 'resolved'
            ? ''
            : html`<p class="hint">It can be saved after the incident is resolved.</p>`
      }`,
  );
}

/** Shows where the post-mortem is published as a file, and why it is not published yet. */
const fileLines = ({ file, revision, state }: PostmortemView): Html | '' =>
  file === null
    ? ''
    : html`${line('File', file.url === null ? file.path : html`<a href="${file.url}">${file.path}</a>`)}
      ${line('Repository', `${file.repository}, ${fileState(file.revision, revision, state)}`)}
      ${file.pull_request === null ? '' : line('Pull request', html`<a href="${file.pull_request}">${file.pull_request}</a>`)}
      ${file.problem === null ? '' : line('Problem', file.problem)}`;

const fileState = (published: number | null, revision: number, state: PostmortemView['state']): string => {
  if (published === revision) return `revision ${published}`;
  const next = state === 'published' ? `revision ${revision} follows` : 'it follows when it is published';
  return published === null ? next : `revision ${published}; ${next}`;
};

function timesPanel({ view: { times }, at }: PostmortemData): Html {
  const { to_detect_seconds, to_acknowledge_seconds, to_mitigate_seconds, to_restore_seconds } = times;
  const span = (seconds: number | null): string => (seconds === null ? 'not known' : durationWords(seconds));
  return panel(
    'times',
    'Response',
    null,
    html`<dl class="lines">
      ${line('Alert', clockTime(times.alerted_at, at))}
      ${line('Resolved', times.resolved_at === null ? 'not yet' : clockTime(times.resolved_at, at))}
      ${line('To detect', span(to_detect_seconds))} ${line('To acknowledge', span(to_acknowledge_seconds))}
      ${line('To mitigate', span(to_mitigate_seconds))} ${line('To restore', span(to_restore_seconds))}
    </dl>`,
  );
}

const FINDINGS_SHOWN = 30;

export const findingsPanel = (findings: readonly Finding[]): Html =>
  panel(
    'findings',
    'To look at',
    findings.length,
    findings.length === 0
      ? nothing('Nothing: no open question, no blame, and every action item has an owner and a date.')
      : html`<ul class="rows">
          ${findings.slice(0, FINDINGS_SHOWN).map(
            ({ line: at, text }) =>
              html`<li>
                <p><span class="quiet">Line ${at}:</span> ${text}</p>
              </li>`,
          )}
          ${findings.length > FINDINGS_SHOWN ? html`<li class="more">and ${findings.length - FINDINGS_SHOWN} more</li>` : ''}
        </ul>`,
  );

const editPanel = ({ view, story: { incident }, csrfToken, mayEdit, model }: PostmortemData): Html | '' =>
  mayEdit
    ? html`<section class="panel" id="edit" data-part aria-labelledby="edit-title">
        <h2 id="edit-title">Edit</h2>
        ${onDemand('edit', 'Edit the Markdown', editorFields(incident.id, csrfToken, { key: 'edit', text: view.markdown, revision: view.revision }))}
        ${wordingButton(incident.id, csrfToken, model)}
      </section>`
    : '';
