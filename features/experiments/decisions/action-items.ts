import type { Priority } from '../../../schemas/action-items/action-item.ts';
import { ActionItem } from '../../../schemas/action-items/action-item.ts';
import type { Severity } from '../../../schemas/config/names.ts';
import type { ExpectedAlert, ExperimentRecord } from '../experiment.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { DAY_SECONDS } from '../../../schemas/time/since.ts';
import { truncated } from '../../../schemas/parsing/text.ts';

const TITLE_MAX_CHARS = 400;

const PRIORITIES = { critical: 'P1', warning: 'P2', info: 'P3' } as const satisfies Record<Severity, Priority>;

/** What decides who does an action item, and until when. */
export type ItemPolicy = { team: string | null; dueDays: Readonly<Record<Severity, number>> };

/**
 * Returns the action items of a failed hypothesis: one for each reason, and the repetition. None: it has not failed.
 *
 * @param alerts expected alerts; the highest severity decides when the items are due
 */
export function actionItemsOfExperiment(
  { name, conclusion }: Pick<ExperimentRecord, 'name' | 'conclusion'>,
  alerts: readonly Pick<ExpectedAlert, 'severity'>[],
  { team, dueDays, now }: ItemPolicy & { now: Timestamp },
): ActionItem[] {
  if (conclusion?.outcome !== 'failed') return [];
  const severity = severityOf(conclusion.because === 'aborted', alerts);
  const owner = ActionItem.shape.owner.safeParse(team).data ?? null;
  const dueDate = plusSeconds(now, dueDays[severity] * DAY_SECONDS).slice(0, 10);
  return itemTitles({ name, reasons: conclusion.reasons }).map((title) => ({
    title,
    done: false,
    owner,
    due: dueDate,
    priority: PRIORITIES[severity],
  }));
}

/** An aborted experiment did more harm than planned. Without alerts, users may still have noticed. */
const severityOf = (isAborted: boolean, alerts: readonly Pick<ExpectedAlert, 'severity'>[]): Severity =>
  isAborted || alerts.some(({ severity }) => severity === 'critical') ? 'critical' : 'warning';

/** Returns the titles of the items, in one line each. */
export const itemTitles = ({ name, reasons }: { name: string; reasons: readonly string[] }): string[] => [
  ...reasons.map((reason) => titleOf(`Make the hypothesis of "${name}" hold: ${reason}`)),
  titleOf(`Repeat the experiment "${name}"`),
];

const titleOf = (text: string): string =>
  truncated(text.replaceAll(/[\s\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim(), TITLE_MAX_CHARS);
