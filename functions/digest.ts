import { deps as productionDeps } from '../aws/deps.ts';
import { TELLING_WAYS } from '../domain/digest.ts';
import type { Deps } from '../domain/ports.ts';
import { smtpMail } from '../integrations/mail.ts';
import type { Config } from '../schemas/config.ts';
import { Deadline, type Elapsed } from './evaluation/pool.ts';
import { allDue } from './stakeholders/due.ts';
import { Round } from './stakeholders/round.ts';
import { type ReportDeps, sendShadowReport } from './stakeholders/shadow-report.ts';

/** Nothing is begun after so long: with the longest letter it ends within the time of the function. */
const ROUND_MS = 30_000;

type DigestDeps = ReportDeps & Pick<Deps, 'crowds'>;

/**
 * Each minute: tells those who want to know how incidents stand. A function of its own, since a mail server that hangs
 * must hold up nothing but letters; nor does it hold up what is told in Slack, nor Slack the letters.
 *
 * @throws AggregateError when a way could not be worked off at all, as where the table is out; after all others
 */
export async function digest(deps: DigestDeps, elapsed: Elapsed = () => performance.now()): Promise<{ sent: number }> {
  const config = await deps.config.current();
  const deadline = new Deadline(elapsed, ROUND_MS);
  const told = [
    ...(await newsOfIncidents(deps, config, deadline)),
    // After the news, which is more urgent.
    ...(await Promise.allSettled([sendShadowReport(deps, config, deadline)])),
  ];
  const failed = told.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
  if (failed.length > 0) throw new AggregateError(failed, 'stakeholders could not be told');
  return { sent: told.reduce((sum, one) => sum + (one.status === 'fulfilled' ? one.value : 0), 0) };
}

async function newsOfIncidents(
  deps: DigestDeps,
  config: Config,
  deadline: Deadline,
): Promise<PromiseSettledResult<number>[]> {
  if (config.response.stakeholders.length === 0) return [];
  const due = await allDue(deps, config);
  if (due.length === 0) return [];
  const pauses = await deps.digests.pauses();
  return Promise.allSettled(
    TELLING_WAYS.map((way) =>
      new Round(deps, { way, services: config.services, pause: pauses[way], deadline }).tell(
        due.filter(({ receiver }) => receiver.way === way),
      ),
    ),
  );
}

export const handler = (): Promise<{ sent: number }> => digest(withLetters(productionDeps()));

/** Nobody else writes any, and what sends them is large: the others are without it. */
const withLetters = (deps: Deps): DigestDeps => ({
  ...deps,
  letters: smtpMail({ url: () => deps.secrets.get('SMTP_URL'), from: () => deps.secrets.get('MAIL_FROM') }),
});
