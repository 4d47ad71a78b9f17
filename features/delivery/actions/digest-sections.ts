import { setImmediate } from 'node:timers/promises';
import type { DigestScope, DigestSections } from '../../../core/domain/ports/extensions.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { digestSection } from '../decisions/digest-section.ts';
import { figuresOf } from '../decisions/figures.ts';
import { deliveryReports, type DeliveryDeps } from './report.ts';

const WEEK_DAYS = 7;
const WEEK_SECONDS = WEEK_DAYS * 86_400;

/** Weeks that are read, because a deploy is compared with those before it. */
const WEEKS_READ = 4;

/** Adds the delivery figures of the last week, and of the week before, to digests. */
export const digestSections = (deps: DeliveryDeps): DigestSections => ({
  async ofLastWeek({ team, isAllowed }: DigestScope) {
    const [reportOf, { delivery }] = await Promise.all([
      deliveryReports(deps, {
        seconds: WEEKS_READ * WEEK_SECONDS,
        scope: team === undefined ? {} : { team },
        isVisible: (one) => isAllowed('deployments:read', one) && isAllowed('incidents:read', one),
      }),
      deps.config.current(),
    ]);
    const { figures: week } = reportOf(WEEK_SECONDS);
    await setImmediate(); // each part takes a while, so let workflows run between them
    const month = reportOf(WEEKS_READ * WEEK_SECONDS);
    const [from, until] = [plusSeconds(month.until, -2 * WEEK_SECONDS), plusSeconds(month.until, -WEEK_SECONDS)];
    // A window contains its end but not its start, so that no instant belongs to two weeks.
    const before = figuresOf(
      month.deploys.filter(({ started_at: at }) => at > from && at <= until),
      month.incidents.filter(({ opened_at: at }) => at > from && at <= until),
      WEEK_DAYS,
      delivery,
    );
    return [digestSection(team ?? null, { week, before })];
  },
});
