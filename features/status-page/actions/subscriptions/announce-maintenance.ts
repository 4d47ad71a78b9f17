import * as z from 'zod';
import type { Deps } from '../../../../core/domain/ports/deps.ts';
import type { Projections } from '../../../../core/domain/incidents/projections.ts';
import { pagesOf } from '../../decisions/pages.ts';
import { NEWS_SECONDS, updatesOf } from '../../decisions/subscriptions/deliveries.ts';
import { maintenanceView } from '../../decisions/view.ts';
import type { Subject } from '../../../../schemas/incidents/projection.ts';
import { secondsBetween } from '../../../../schemas/time/time.ts';

/** The projector has seen this many updates. */
const Announced = z.object({ updates: z.number().default(0) });

/** Marks maintenances with a new update for the subscribers of the pages that show them. */
export async function announceMaintenance({
  clock,
  config,
  projections,
}: Pick<Deps, 'clock' | 'config'> & { projections: Projections }): Promise<void> {
  const current = await config.current();
  const pages = [...pagesOf(current).values()].filter(({ subscriptions }) => subscriptions.length > 0);
  const now = clock.now();
  for (const maintenance of current.statusPage.maintenance) {
    const views = pages.flatMap((page) => maintenanceView(maintenance, current.statusPage, page, now) ?? []);
    const [view] = views;
    if (view === undefined || secondsBetween(view.updated_at, now) > NEWS_SECONDS) continue;
    const subject: Subject = `maintenance:${view.id}`;
    const { updates } = Announced.parse((await projections.read('subscribers', subject)) ?? {});
    if (updates >= updatesOf(view).length) continue;
    await projections.changed(subject);
  }
}
