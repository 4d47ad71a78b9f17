import { html } from 'hono/html';
import { suspectName } from '../../../../core/domain/changes/change-words.ts';
import { IMPROBABLE } from '../../../../core/domain/correlation/words.ts';
import { forAndAgainst, migrationText } from '../../../../core/domain/rollback/basis.ts';
import type { DecisionBasis } from '../../../../schemas/incidents/decision-basis.ts';
import type { DecisionView, Suspect } from '../../../../schemas/incidents/incident.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import { ago, clockTime, type Html, line, shareBar } from '../../parts.ts';

/**
 * Shows what a question is based on, as it was when it was asked: the causes with their confidence, what speaks for and against
 * them, how old the version is, and what its migrations mean.
 *
 * @param basis undefined: it is not stored with the decision
 */
export function basisPart(decision: DecisionView, basis: DecisionBasis | undefined, now: Timestamp): Html | '' {
  if (decision.question !== undefined) return '';
  if (basis === undefined)
    return html`<p class="quiet">The causes that were found for this question are not stored with it.</p>`;
  const { offers = [], from_version: from, to_version: to } = decision;
  const isAsked = ({ change_id: id, version }: Suspect): boolean =>
    version === from || offers.some((offer) => offer.change_id === id);
  const asked = basis.suspects.filter(isAsked);
  const others = basis.suspects.filter((one) => !isAsked(one) && one.confidence >= IMPROBABLE);
  const migration = migrationText(basis, to);
  const { change } = basis;
  return html`<dl class="lines">
      ${asked.map((suspect) =>
        line(
          'Cause',
          html`<strong class="version">${suspectName(suspect)}</strong> ${shareBar(suspect.confidence, 'confidence')}`,
        ),
      )}
      ${
        change === null
          ? ''
          : line(
              'Live since',
              html`${clockTime(change.finished_at ?? change.started_at, now)},
              ${ago(change.finished_at ?? change.started_at, now)}`,
            )
      }
      ${migration === null ? '' : line('Migration', migration)}
    </dl>
    ${asked.map((suspect) => weighed(suspect, asked.length > 1))}
    <p class="quiet">
      Other possible causes:
      ${
        others.length === 0
          ? 'none is known.'
          : others.map(
              (suspect, n) =>
                html`${n === 0 ? '' : '; '}<span class="version">${suspectName(suspect)}</span>
                  ${Math.floor(suspect.confidence * 100)}
                  %${suspect.reasons[0] === undefined ? '' : ` (${suspect.reasons[0]})`}`,
            )
      }
      As found at ${clockTime(decision.at, now)}.
    </p>`;
}

function weighed(suspect: Suspect, isNamed: boolean): Html {
  const { speaksFor, against } = forAndAgainst(suspect.reasons);
  const part = (title: string, texts: readonly string[]): Html =>
    html`<h3>${title}${isNamed ? ` ${suspectName(suspect)}` : ''}</h3>
      ${
        texts.length === 0
          ? html`<p class="nothing">Nothing.</p>`
          : html`<ul class="reasons">
              ${texts.map((text) => html`<li>${text}</li>`)}
            </ul>`
      }`;
  return html`<div class="weighed">${part('For', speaksFor)} ${part('Against', against)}</div>`;
}
