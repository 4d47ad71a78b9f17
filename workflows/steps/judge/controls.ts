import { controlServices, withEarlierDays } from '../../../core/domain/judge/controls.ts';
import type { CanaryEvidence, Control, MetricEvidence } from '../../../core/domain/judge/evidence.ts';
import type { Grid } from '../../../core/domain/judge/measured-evidence.ts';
import type { ServiceEnvironment } from '../../../core/domain/ports/common.ts';
import type { Config } from '../../../schemas/config/config.ts';

/** Earlier days whose same times are compared. */
const EARLIER_DAYS = [
  { name: 'a day earlier', seconds: 24 * 3600 },
  { name: 'a week earlier', seconds: 7 * 24 * 3600 },
] as const;

type Judged = { evidence: CanaryEvidence; request: ServiceEnvironment; grid: Grid; since: number };

/** Reads what a service did since a time, and in the hour before, whatever its versions. */
type ReadByTime = (of: ServiceEnvironment, grid: Grid, since: number) => Promise<MetricEvidence[]>;

/**
 * Reads what could explain a rise without the version: the same times of earlier days, and other services. What can't be
 * read explains nothing.
 */
export async function withControls(
  { services }: Pick<Config, 'services'>,
  { evidence, request, grid, since }: Judged,
  readByTime: ReadByTime,
): Promise<CanaryEvidence> {
  const read = (of: ServiceEnvironment, earlier = 0): Promise<MetricEvidence[]> =>
    readByTime(of, { ...grid, until: grid.until - earlier }, since - earlier);
  const [days, controls] = await Promise.all([
    Promise.all(
      EARLIER_DAYS.map(async ({ name, seconds }) => ({
        name: `${request.service} ${name}`,
        seconds,
        metrics: await read(request, seconds),
      })),
    ),
    Promise.all(
      controlServices(services, request).map(async ({ service, relation }): Promise<Control> => ({
        name: service,
        relation,
        metrics: await read({ environment: request.environment, service }),
      })),
    ),
  ]);
  return { ...withEarlierDays(evidence, days), controls };
}
