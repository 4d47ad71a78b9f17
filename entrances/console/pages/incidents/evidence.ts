import { currentDecisions } from '../../../../core/domain/incidents/new-onset.ts';
import { EFFECT_NAMES } from '../../../../core/domain/messages/incident-lines.ts';
import { html } from 'hono/html';
import { suspectName } from '../../../../core/domain/changes/change-words.ts';
import { activeClearings, clearingsText } from '../../../../core/domain/changes/cleared-suspects.ts';
import { problemTexts } from '../../../../core/domain/incidents/problem-words.ts';
import { evidencePath } from '../../../../core/domain/incidents/console-link.ts';
import { decisionLines, linesOf } from '../../../../core/domain/messages/decision-lines.ts';
import type { Place } from '../../../../core/domain/messages/place-names.ts';
import { capitalized } from '../../../../core/domain/messages/decision-lines.ts';
import { suspectsToShow } from '../../../../core/domain/correlation/words.ts';
import { causeOf, causeWords } from '../../../../core/domain/incidents/cause.ts';
import { noCauseText } from '../../../../core/domain/messages/incident-card.ts';
import { rollbackOf } from '../../../../core/domain/messages/incident-lines.ts';
import { questionName } from '../../../../core/domain/rollback/question-names.ts';
import type { DecisionView, Effect, IncidentRecord } from '../../../../schemas/incidents/incident.ts';
import {
  type Cells,
  clockTime,
  effectBadge,
  type Html,
  nothing,
  outsideLink,
  panel,
  shareBar,
  tableOf,
} from '../../parts.ts';
import type { IncidentData } from './data.ts';
import { decisionPart } from './forms.ts';

/** What Firebreak found, decided, and did. */

export function suspectsPanel({ story }: IncidentData): Html | '' {
  const { incident } = story;
  if (incident.group_reason !== undefined)
    return panel('suspects', 'Why grouped', null, html`<p>${incident.group_reason.text}</p>`);
  const cleared = activeClearings(incident.cleared);
  const suspects = suspectsToShow(incident.suspects);
  const decisions = currentDecisions(story);
  const words = causeWords(causeOf(incident));
  const body =
    suspects.length === 0
      ? nothing(
          decisions.length === 0
            ? 'No suspect is known yet.'
            : `${words === null ? capitalized(noCauseText(decisions, cleared.length > 0)) : `The cause is, ${words}`}.`,
        )
      : html`<ol class="suspects">
          ${suspects.map(
            (suspect) =>
              html`<li>
                <p>
                  <strong class="version">${suspectName(suspect)}</strong> ${shareBar(suspect.confidence, 'confidence')}
                </p>
                <ul class="reasons">
                  ${suspect.reasons.map((reason) => html`<li>${reason}</li>`)}
                </ul>
              </li>`,
          )}
        </ol>`;
  return panel(
    'suspects',
    'Suspects',
    suspects.length,
    html`${body}${cleared.length === 0 ? '' : html`<p class="quiet">${clearingsText(cleared)}</p>`}${earlierProblems(incident)}`,
  );
}

/** Tells the problems before the one that the suspects are about. */
const earlierProblems = ({ earlier_problems: problems = [] }: IncidentRecord): Html | '' =>
  problems.length === 0
    ? ''
    : html`<h3>Earlier problems of this incident</h3>
        <ul>
          ${problemTexts(problems).map((text) => html`<li>${text}</li>`)}
        </ul>`;

export function decisionsPanel({ story, at }: IncidentData): Html {
  const { decisions, incident } = story;
  const body =
    decisions.length === 0
      ? nothing('Automation has not decided anything yet.')
      : html`<ol class="decisions">
          ${decisions.toReversed().map((decision) => html`<li>${decisionRow(decision, incident, { at, effect: rollbackOf(decision, story) })}</li>`)}
        </ol>`;
  return panel('decisions', 'Decisions', decisions.length, body);
}

/**
 * @param more.about the incident, where it is not obvious
 * @param more.isListed among decisions of other incidents, where only what was decided is shown at once
 */
export function decisionRow(
  decision: DecisionView,
  place: Place,
  {
    at: now,
    effect,
    about = '',
    isListed = false,
  }: { at: IncidentData['at']; effect?: Effect | undefined; about?: Html | ''; isListed?: boolean },
): Html {
  const { id, at, kind, because, digest } = decision;
  const lines = decisionLines(decision, place, effect);
  const [, ...why] = linesOf(lines);
  const folded = { ...lines, evidence: null, hesitation: null, details: [...why, ...lines.details] };
  const codes = html`<p class="quiet">
    <code>${kind}</code> <code>${because}</code> · digest <code title="${digest}">${digest.slice(0, 12)}</code>
  </p>`;
  return html`<article>
    ${about}
    <h3><span class="quiet">Decision ${questionName(id)}</span> <span class="when">${clockTime(at, now)}</span></h3>
    ${decisionPart(`decision-${id}`, isListed ? folded : lines, codes)}
    ${decision.state === 'waiting' || answerOf(decision) === '' ? '' : html`<p>Answer: ${answerOf(decision)}</p>`}
  </article>`;
}

/** Describes the answer to a decision. Empty: it needed none. */
export function answerOf({ state, answered_by, approvals, marked_wrong, withdrawn }: DecisionView): string {
  const given = approvals.needed > 1 ? ` (${approvals.given.length} of ${approvals.needed} approvals)` : '';
  const wrong = marked_wrong === undefined ? '' : `marked as wrong by ${marked_wrong.by}: ${marked_wrong.note}`;
  switch (state) {
    case 'final':
      return wrong;
    case 'waiting':
      return `waits for an answer${given}`;
    case 'approved':
    case 'rejected':
      return `${state} by ${answered_by ?? 'an unknown person'}${given}${wrong === '' ? '' : `; ${wrong}`}`;
    case 'expired':
      return 'expired without an answer';
    case 'withdrawn':
      return `withdrawn${withdrawn === undefined ? '' : `: ${withdrawn.because}`}`;
  }
}

export function effectsPanel({ story: { effects }, at }: IncidentData): Html {
  const body =
    effects.length === 0
      ? nothing('Firebreak has not called any system yet.')
      : tableOf(
          'Effects',
          ['Effect', 'State', 'Answer', 'Time'],
          effects.toReversed().map((effect) => effectRow(effect, at)),
        );
  return panel('effects', 'Effects', effects.length, body);
}

/** Lists the stored evidence of actions, to download. */
export const evidencePanel = ({ story: { incident }, evidence, at }: IncidentData): Html | '' =>
  evidence.length === 0
    ? ''
    : panel(
        'evidence',
        'Evidence',
        evidence.length,
        html`<ul class="rows">
          ${evidence.map(
            ({ name, text, sha256, at: actedAt }) =>
              html`<li>
                <p>
                  <a href="${evidencePath(incident.id, name)}" download>${name}.json</a> ${text}
                  <span class="when">${clockTime(actedAt, at)}</span>
                </p>
                <p class="quiet">SHA-256 <code title="${sha256}">${sha256.slice(0, 12)}</code></p>
              </li>`,
          )}
        </ul>`,
      );

/** What Firebreak does about a call whose outcome is unknown after a restart. */
const RESTART_TEXTS: Record<Effect['class'], string> = {
  keyed: 'repeats with the same key',
  convergent: 'sets the state again',
  repeatable: 'repeats',
  findable: 'searches before it repeats',
  'once-or-ask': 'asks a person',
};

const effectRow = (effect: Effect, now: IncidentData['at']): Cells => [
  html`${EFFECT_NAMES[effect.kind]}<span class="quiet target">${effect.target}</span>`,
  html`${effectBadge(effect.state)}
    <span class="quiet" title="What happens if Firebreak stops during the call">${RESTART_TEXTS[effect.class]}</span>`,
  html`${effect.detail} ${effect.stand_in === true ? html`<span class="badge">sandbox stand-in</span>` : ''}
  ${followedLink(effect)}`,
  html`<span class="when">${clockTime(effect.at, now)}</span>`,
];

const followedLink = ({ followed }: Effect): Html | '' =>
  followed === undefined || followed.url === null ? '' : outsideLink(followed.url, followed.id);
