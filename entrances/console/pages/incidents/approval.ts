import { html } from 'hono/html';
import * as z from 'zod';
import { basesOf } from '../../../../core/actions/incidents/decision-basis.ts';
import { requestLook } from '../../../../core/actions/look/request-look.ts';
import { answerDecision } from '../../../../core/actions/incidents/answer-decision.ts';
import { recordSeen } from '../../../../core/actions/incidents/record-seen.ts';
import type { Caller } from '../../../../core/actions/people/caller.ts';
import { repeatedText } from '../../../../core/domain/changes/superseded.ts';
import { Refusal } from '../../../../core/domain/refusal.ts';
import { approvalPath } from '../../../../core/domain/incidents/approval-link.ts';
import { incidentPath } from '../../../../core/domain/incidents/console-link.ts';
import { statusWords } from '../../../../core/domain/incidents/status-words.ts';
import { effectWords, rollbackOf } from '../../../../core/domain/messages/incident-lines.ts';
import { decisionLines, subjectOf } from '../../../../core/domain/messages/decision-lines.ts';
import { answerable } from '../../../../core/domain/messages/incident-buttons.ts';
import { placedTitle } from '../../../../core/domain/messages/place-names.ts';
import type { Overview } from '../../../../core/domain/messages/story.ts';
import type { ApprovalLink } from '../../../../core/domain/ports/access.ts';
import { hasDigest } from '../../../../core/domain/rollback/offers.ts';
import { questionName } from '../../../../core/domain/rollback/question-names.ts';
import { IncidentId } from '../../../../schemas/config/names.ts';
import type { DecisionBasis } from '../../../../schemas/incidents/decision-basis.ts';
import type { DecisionView } from '../../../../schemas/incidents/incident.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import type { Viewer } from '../../../http/context.ts';
import { ago, ahead, type Html, line, numberOf, panel, severityBadge, statusBadge } from '../../parts.ts';
import { answerOf } from './evidence.ts';
import { basisPart } from './question.ts';
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
  /** What the question is based on. Undefined: it is not stored with it. */
  basis: DecisionBasis | undefined;
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
    const bases = await basesOf(deps, story.incident.id, [decision]);
    const basis = bases.get(decision.id);
    const data = { may, csrfToken, at: deps.clock.now(), link, until, story, decision, basis };
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
    look: {
      permission: 'incidents:act',
      done: INCIDENT_ACTIONS.look.done,
      run: async (deps, { caller, param, form }) => {
        const { story } = await questionOf(deps, caller, param['link'] ?? '');
        const digest = field(form, 'digest', z.string().max(128));
        await requestLook(deps, caller, { id: story.incident.id, digest });
      },
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
 * Answers the question of a link, and no other. Returns a notice if it had this answer already.
 *
 * @throws Refusal 403, 404; 409 `link-expired`, and as for `answerDecision`
 */
async function answerQuestion(
  deps: ConsoleDeps,
  { caller, param, form }: Sent,
  answer: 'approved' | 'rejected',
): Promise<Html | undefined> {
  const { until, story, decision } = await questionOf(deps, caller, param['link'] ?? '');
  const digest = field(form, 'digest', z.string().max(128));
  if (until <= deps.clock.now()) throw new Refusal(409, 'link-expired', 'this link has expired; nothing was changed');
  if (!hasDigest(decision, digest)) throw new Refusal(409, 'superseded', 'this link belongs to another question');
  const sent = { id: story.incident.id, digest, answer, note: '' };
  const { incident, isRepeated } = await answerDecision(deps, caller, sent);
  return isRepeated ? html`<p>${repeatedText(incident, digest)}</p>` : undefined;
}

export const approvalMain = (data: ApprovalData): Html => {
  const { story, decision, at } = data;
  const { incident } = story;
  const isWaiting = decision.state === 'waiting';
  return html`
    <header class="summary" id="summary" data-part>
      <h1>${isWaiting ? decisionLines(decision, incident).action : subjectOf(decision)}</h1>
      <p class="facts">
        ${severityBadge(incident.severity)} ${statusBadge(incident, statusWords(incident))}
        <span>${numberOf(incident)} ${placedTitle(incident)}</span>
        <span>question ${questionName(decision.id)}, asked ${ago(decision.at, at)}</span>
      </p>
    </header>
    <div class="question-page">
      ${isWaiting ? questionPanel(data) : outcomePanel(data)} ${evidencePanel(data)}
      <p><a href="${incidentPath(incident)}">Open the incident</a></p>
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
    ? 'The incident is closed.'
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

/** Shows what this question is based on, which another question of the same incident is not. */
function evidencePanel({ decision, basis, at }: ApprovalData): Html | '' {
  const part = basisPart(decision, basis, at);
  return part === '' ? '' : panel('evidence', 'Why', null, part);
}
