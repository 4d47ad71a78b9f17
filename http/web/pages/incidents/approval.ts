import { html } from 'hono/html';
import * as z from 'zod';
import { answerDecision } from '../../../../actions/incidents/answer-decision.ts';
import { recordSeen } from '../../../../actions/incidents/record-seen.ts';
import type { Caller } from '../../../../actions/people/caller.ts';
import { Refusal } from '../../../../actions/refusal.ts';
import { approvalPath } from '../../../../domain/incidents/approval-link.ts';
import { incidentPath } from '../../../../domain/incidents/console-link.ts';
import { effectWords, rollbackOf, statusWords, suspectsToShow } from '../../../../domain/messages/incident-card.ts';
import { decisionLines, subjectOf } from '../../../../domain/messages/decision-lines.ts';
import { answerable } from '../../../../domain/messages/incident-buttons.ts';
import { serviceEnvironmentText, type Overview } from '../../../../domain/messages/story.ts';
import { IMPROBABLE } from '../../../../domain/correlation/words.ts';
import type { ApprovalLink } from '../../../../domain/ports/access.ts';
import { hasDigest } from '../../../../domain/rollback/offers.ts';
import { questionName } from '../../../../domain/rollback/question-names.ts';
import { IncidentId } from '../../../../schemas/config/names.ts';
import type { DecisionView } from '../../../../schemas/incidents/incident.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import type { Viewer } from '../../../context.ts';
import { ago, ahead, type Html, line, panel, severityBadge, shareBar, statusBadge } from '../../parts.ts';
import { answerOf } from './evidence.ts';
import { answerPart, reasonsPart } from './forms.ts';
import { INCIDENT_ACTIONS } from './actions.ts';
import { type ConsoleDeps, type ConsolePage, field, type Sent } from '../page.ts';

/** Everything that the page of a question shows. */
export type ApprovalData = Pick<Viewer, 'may' | 'csrfToken'> & {
  at: Timestamp;
  /** As in the address. */
  link: string;
  until: Timestamp;
  story: Overview;
  decision: DecisionView;
};

/**
 * The page of one question, opened by a link in a page or a message. Opening it answers nothing, because scanners and
 * previews open links too. If a person who may answer opens it, the question counts as seen.
 */
export const approvalPage: ConsolePage = {
  path: '/console/approve/:link',
  label: null,
  action: 'incidents:read',
  everySeconds: 3,
  async show(deps, { viewer, param, isOpened }) {
    const link = param['link'] ?? '';
    const { until, story, decision } = await questionOf(deps, viewer.caller, link);
    const { may, csrfToken } = viewer;
    if (isOpened && may('incidents:act', story.incident)) await recordSeen(deps, viewer.caller, story);
    const data = { may, csrfToken, at: deps.clock.now(), link, until, story, decision };
    return { title: `${subjectOf(decision)}?`, main: approvalMain(data) };
  },
  actions: {
    approve: {
      permission: 'incidents:act',
      done: INCIDENT_ACTIONS.approve.done,
      run: (deps, sent) => answerQuestion(deps, sent, 'approved'),
    },
    reject: {
      permission: 'incidents:act',
      done: INCIDENT_ACTIONS.reject.done,
      run: (deps, sent) => answerQuestion(deps, sent, 'rejected'),
    },
  },
};

type Question = { until: Timestamp; story: Overview; decision: DecisionView };

/** @throws Refusal 403, 404 */
async function questionOf(
  { approvalLinks, incidents }: Pick<ConsoleDeps, 'approvalLinks' | 'incidents'>,
  caller: Caller,
  link: string,
): Promise<Question> {
  const read: ApprovalLink | undefined = await approvalLinks.read(link);
  const id = IncidentId.safeParse(read?.decision.replace(/-\d+$/, '')).data;
  const story = id && (await incidents.overview(id));
  const decision = story?.decisions.find((candidate) => candidate.id === read?.decision);
  if (read === undefined || story === undefined || decision === undefined)
    throw new Refusal(404, 'unknown-link', 'this link is not valid; open the incident in the console instead');
  caller.allow('incidents:read', story.incident);
  return { until: read.until, story, decision };
}

/**
 * Answers the question of a link, and no other.
 *
 * @throws Refusal 403, 404; 409 `link-expired`, and as for `answerDecision`
 */
async function answerQuestion(
  deps: ConsoleDeps,
  { caller, param, form }: Sent,
  answer: 'approved' | 'rejected',
): Promise<void> {
  const { until, story, decision } = await questionOf(deps, caller, param['link'] ?? '');
  const digest = field(form, 'digest', z.string().max(128));
  if (until <= deps.clock.now()) throw new Refusal(409, 'link-expired', 'this link has expired; nothing was changed');
  if (!hasDigest(decision, digest)) throw new Refusal(409, 'superseded', 'this link belongs to another question');
  await answerDecision(deps, caller, { id: story.incident.id, digest, answer, note: '' });
}

export const approvalMain = (data: ApprovalData): Html => {
  const { story, decision, at } = data;
  const { incident } = story;
  const isWaiting = decision.state === 'waiting';
  return html`
    <header class="summary" id="summary" data-part>
      <h1>${isWaiting ? decisionLines(decision, incident).action : subjectOf(decision)}</h1>
      <p class="facts">
        ${severityBadge(incident.severity)} ${statusBadge(incident.status, statusWords(incident))}
        <span>${serviceEnvironmentText(incident)}: ${incident.title}</span>
        <span>question ${questionName(decision.id)}, asked ${ago(decision.at, at)}</span>
      </p>
    </header>
    <div class="question-page">
      ${isWaiting ? questionPanel(data) : outcomePanel(data)} ${evidencePanel(data)}
      <p><a href="${incidentPath(incident.id)}">Open the incident</a></p>
    </div>
  `;
};

function questionPanel(data: ApprovalData): Html {
  const { decision, story, at, until } = data;
  return html`<section class="panel asks" id="question" data-part aria-labelledby="question-title">
    <h2 id="question-title">What happens if you approve</h2>
    ${effectLines(decision)} ${reasonsPart(`details-${decision.id}`, decisionLines(decision, story.incident))}
    ${
      until <= at
        ? html`<p class="lacking">This link has expired.</p>`
        : !answerable(story).some(({ id }) => id === decision.id)
          ? html`<p class="lacking">${notAnswerable(story)}</p>`
          : html`${answerPart(data, decision, approvalPath(data.link))}
              <p class="quiet">The question ends ${ahead(until, at)}. Opening this page has answered nothing.</p>`
    }
  </section>`;
}

const notAnswerable = ({ incident }: Overview): string =>
  incident.status === 'resolved'
    ? 'The incident is resolved.'
    : incident.automation_paused
      ? 'Automation of this incident is paused, so an approval would have no effect.'
      : 'Newer questions come first.';

function effectLines({ question, offers, target, from_version: from, to_version: to }: DecisionView): Html | '' {
  if (question !== undefined || offers !== undefined) return '';
  return html`<dl class="lines">
    ${target === null ? '' : line('Service', `${target.service} ${target.environment}`)}
    ${line(
      'Version',
      html`<span class="version">${from ?? 'the running version'}</span> →
        <span class="version">${to ?? 'an earlier version'}</span>`,
    )}
  </dl>`;
}

function outcomePanel({ story, decision }: ApprovalData): Html {
  const effect = rollbackOf(decision, story);
  return panel(
    'question',
    'Outcome',
    null,
    html`<p>This question is closed: ${answerOf(decision) || 'it needed no answer'}.</p>
      ${effect === undefined ? '' : html`<p>${effectWords(effect)}.</p>`}
      ${reasonsPart(`details-${decision.id}`, decisionLines(decision, story.incident, effect))}`,
  );
}

/** Shows the probable cause, and other possible causes. */
function evidencePanel({ story, decision }: ApprovalData): Html | '' {
  const suspects = suspectsToShow(story.incident.suspects);
  const cause = suspects.find(({ version }) => version === decision.from_version) ?? suspects[0];
  if (cause === undefined) return '';
  const rivals = suspects.filter((suspect) => suspect !== cause && suspect.confidence >= IMPROBABLE);
  return panel(
    'evidence',
    'Why',
    null,
    html`<ul class="suspects">
        <li>
          <p><strong class="version">${cause.version}</strong> ${shareBar(cause.confidence, 'confidence')}</p>
        </li>
      </ul>
      <h3>Other possible causes</h3>
      ${
        rivals.length === 0
          ? html`<p class="nothing">None is known.</p>`
          : html`<ul class="suspects">
              ${rivals.map(
                ({ version, confidence, reasons }) =>
                  html`<li>
                    <p><strong class="version">${version}</strong> ${shareBar(confidence, 'confidence')}</p>
                    <p class="quiet">${reasons[0] ?? ''}</p>
                  </li>`,
              )}
            </ul>`
      }`,
  );
}
