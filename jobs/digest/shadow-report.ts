import { shadowDigest } from '../../domain/automation/shadow-report-message.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { Config } from '../../schemas/config/config.ts';
import type { Deadline } from '../../actions/shared/concurrency.ts';
import { shadowReport } from '../../actions/reports/shadow-report.ts';
import { receiversOf } from './receivers.ts';
import type { RoundDeps } from './round.ts';
import { sendWeekly } from './weekly.ts';

/** The period that the report covers. */
const REPORT_SECONDS = 30 * 24 * 3600;

export type ReportDeps = RoundDeps & Pick<Deps, 'config' | 'changes' | 'automation'>;

/** Sends the weekly shadow report. @returns how many were sent */
export async function sendShadowReport(deps: ReportDeps, config: Config, deadline: Deadline): Promise<number> {
  const { shadowReport: settings } = config.response;
  if (settings === undefined) return 0;
  const message = async () =>
    shadowDigest(await shadowReport(deps, { seconds: REPORT_SECONDS, scope: {}, isVisible: () => true }));
  return sendWeekly(
    deps,
    { messageName: 'shadow-report', schedule: settings, receivers: receiversOf(settings), message },
    deadline,
  );
}
