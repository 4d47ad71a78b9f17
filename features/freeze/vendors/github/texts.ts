import { code } from '../../../../core/domain/messages/markdown.ts';
import { truncate } from '../../../../vendors/shared/text.ts';
import { minuteText, type Timestamp } from '../../../../schemas/time/time.ts';
import type { DeploymentVerdict } from './judge.ts';

/** The maximum length of a comment. Below GitHub's limit, so that GitHub does not cut a line within code quotes. */
const TEXT_MAX_CHARS = 1000;
const REASON_MAX_CHARS = 280;

/** Returns a Markdown comment for GitHub. Texts from users, such as the reason for a freeze, are quoted as code. */
export const approvedText = (verdict: DeploymentVerdict): string =>
  text('Firebreak approved this deployment.', verdict);

export const pinnedText = (verdict: DeploymentVerdict): string =>
  text('Firebreak rejected this deployment: the version is known bad, so waiting would not help.', verdict);

/** @param until when the deployment is rejected */
export const waitingText = (verdict: DeploymentVerdict, until: Timestamp): string => {
  const clears = [...new Set(verdict.flatMap(({ answer }) => answer.clears_when ?? []))].join('; and ');
  const ends = clears === '' ? '' : ` (${code(truncate(clears, REASON_MAX_CHARS))})`;
  return text(
    `Firebreak is holding back this deployment. It continues automatically once it is allowed${ends}, or is rejected at ${minuteText(until)}.`,
    verdict,
  );
};

export const timedOutText = (verdict: DeploymentVerdict, hours: number): string =>
  text(
    `Firebreak rejected this deployment after holding it back for ${hoursText(hours)}. Run it again if you still need it.`,
    verdict,
  );

const hoursText = (hours: number): string => (hours === 1 ? '1 hour' : `${hours} hours`);

function text(head: string, verdict: DeploymentVerdict): string {
  const lines = verdict
    .toSorted((one, other) => Number(one.answer.allowed) - Number(other.answer.allowed))
    .flatMap(({ serviceEnvironment, answer }) =>
      answer.reasons.map(
        (reason) =>
          `- ${code(`${serviceEnvironment.service}/${serviceEnvironment.environment}`)}: ${code(truncate(reason.text, REASON_MAX_CHARS))}`,
      ),
    );
  const decisions = `Decisions: ${verdict.map(({ answer }) => code(answer.decision_id)).join(', ')}`;
  return joinFitting([head, ...lines], decisions);
}

/** Joins as many lines as fit, and appends the last line if it also fits. */
function joinFitting(lines: readonly string[], last: string): string {
  let shown = '';
  for (const line of lines) {
    if (shown.length + line.length + 1 > TEXT_MAX_CHARS) return `${shown}\n- …`;
    shown += shown === '' ? line : `\n${line}`;
  }
  return shown.length + last.length + 2 > TEXT_MAX_CHARS ? shown : `${shown}\n\n${last}`;
}
