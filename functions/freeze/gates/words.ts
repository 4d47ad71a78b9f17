import { code } from '../../../domain/markdown.ts';
import { moment } from '../../../domain/freeze/words.ts';
import { truncate } from '../../../integrations/text.ts';
import type { Timestamp } from '../../../schemas/time.ts';
import type { GateVerdict } from './judge.ts';

/** Below what GitHub takes, so that no line is cut within its quotation. */
const TEXT_MAX_CHARS = 1000;
const REASON_MAX_CHARS = 280;

/** For people at GitHub, in Markdown. What others have written, as the reason of a freeze, is quoted. */
export const approvedText = (verdict: GateVerdict): string => text('Firebreak lets this pass.', verdict);

export const pinnedText = (verdict: GateVerdict): string =>
  text('Firebreak refuses this version; it would not help to wait.', verdict);

/** @param until when it is rejected */
export const waitingText = (verdict: GateVerdict, until: Timestamp): string => {
  const clears = [...new Set(verdict.flatMap(({ answer }) => answer.clears_when ?? []))].join('; and ');
  const ends = clears === '' ? 'that ends' : `that ends: ${code(truncate(clears, REASON_MAX_CHARS))}`;
  return text(`Firebreak holds this back. It goes on by itself when ${ends}. Rejected at ${moment(until)}.`, verdict);
};

export const timedOutText = (verdict: GateVerdict, hours: number): string =>
  text(`Firebreak has held this back for ${inWords(hours)}. Run it again if it is still wanted.`, verdict);

const inWords = (hours: number): string => (hours === 1 ? 'an hour' : `${hours} hours`);

function text(head: string, verdict: GateVerdict): string {
  const lines = verdict
    .toSorted((one, other) => Number(one.answer.allowed) - Number(other.answer.allowed))
    .flatMap(({ place, answer }) =>
      answer.reasons.map(
        (reason) =>
          `- ${code(`${place.service}/${place.environment}`)}: ${code(truncate(reason.text, REASON_MAX_CHARS))}`,
      ),
    );
  const decisions = `Decisions: ${verdict.map(({ answer }) => code(answer.decision_id)).join(', ')}`;
  return fitting([head, ...lines], decisions);
}

/** As many lines as there is room for, and the last one where it fits, too. */
function fitting(lines: readonly string[], last: string): string {
  let said = '';
  for (const line of lines) {
    if (said.length + line.length + 1 > TEXT_MAX_CHARS) return `${said}\n- …`;
    said += said === '' ? line : `\n${line}`;
  }
  return said.length + last.length + 2 > TEXT_MAX_CHARS ? said : `${said}\n\n${last}`;
}
