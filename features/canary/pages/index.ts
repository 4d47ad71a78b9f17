import type { ConsoleParts } from '../../../entrances/console/pages/page.ts';
import { canariesPage } from './canaries.ts';
import { canaryPage } from './canary.ts';
import { nowPanel } from './now-panel.ts';

/** What canaries add to the console. */
export const parts: ConsoleParts = { after: '/console/services/:service', pages: [canariesPage, canaryPage], nowPanel };
