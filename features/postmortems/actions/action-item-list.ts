import type { ActionItemList } from '../../../core/domain/ports/action-items.ts';
import { collectPages } from '../../../core/actions/collect-pages.ts';
import { matchesStatus } from '../decisions/action-items.ts';
import type { Deps } from '../ports.ts';

/** Action items in one page of the list, and pages that are read at most. */
const PAGE = 200;
const PAGES_MAX = 10;

/** The list of action items, for the core and other features. */
export const actionItemList = ({
  postmortems,
  config,
  clock,
}: Pick<Deps, 'postmortems' | 'config' | 'clock'>): ActionItemList => ({
  dueDays: async () => (await config.current()).postmortems.dueDays,
  add: (items) => postmortems.addItems(items),
  openOf: (service) => postmortems.openItemsOf(service),
  overdue(isVisible) {
    const now = clock.now();
    return collectPages(
      (cursor) =>
        postmortems.actionItems({
          limit: PAGE,
          ...cursor,
          keep: (item) => isVisible(item) && matchesStatus(item, 'overdue', now),
        }),
      PAGES_MAX,
    );
  },
});
