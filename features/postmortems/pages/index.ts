import type { ConsoleParts } from '../../../http/web/pages/page.ts';
import { actionItemsPage } from './action-items.ts';
import { postmortemPage } from './postmortem.ts';

/** What post-mortems add to the console. */
export const parts: ConsoleParts = { after: '/console/digest', pages: [actionItemsPage, postmortemPage] };
