import { digestMessage } from '../../domain/reports/digest-text.ts';
import type { Config } from '../../schemas/config/config.ts';
import type { Deadline } from '../../actions/shared/concurrency.ts';
import { readTeamDigest, type TeamDigestDeps } from '../../actions/reports/team-digest.ts';
import { receiversOf } from './receivers.ts';
import type { RoundDeps } from './round.ts';
import { sendWeekly } from './weekly.ts';

export type TeamDigestsDeps = RoundDeps & TeamDigestDeps;

/** Sends the weekly digests of all teams, one after another, as long as there is time. @returns how many were sent */
export async function sendTeamDigests(deps: TeamDigestsDeps, config: Config, deadline: Deadline): Promise<number> {
  const { teamDigests: settings } = config.response;
  let sent = 0;
  for (const [team, receivers] of Object.entries(settings?.teams ?? {})) {
    if (settings === undefined || deadline.left === 0) break;
    const message = async () =>
      digestMessage(await readTeamDigest(deps, { team, isAllowed: () => true }), deps.publicUrl);
    const messageName = `team-digest:${team}` as const;
    sent += await sendWeekly(
      deps,
      { messageName, schedule: settings, receivers: receiversOf(receivers), message },
      deadline,
    );
  }
  return sent;
}
