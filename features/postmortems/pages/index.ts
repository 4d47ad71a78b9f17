import type { ConsoleParts } from '../../../entrances/console/pages/page.ts';
import { actionItemsPage } from './action-items.ts';
import { postmortemPage } from './postmortem.ts';
import { postmortemsPage } from './postmortems.ts';

/** What post-mortems add to the console. */
export const parts: ConsoleParts = {
  after: '/console/runbooks/runs/:id',
  pages: [postmortemsPage, actionItemsPage, postmortemPage],
};
