import { html } from 'hono/html';
import type { ConsoleParts } from '../../../entrances/console/pages/page.ts';
import { codePanel, inboxPanel } from './panels.ts';
import { PIPELINES_PATH, pipelinesPage } from './pipelines.ts';

/** What pipelines add to the console. */
export const parts: ConsoleParts = {
  after: '/console/delivery',
  pages: [pipelinesPage],
  inboxPanel,
  delivery: {
    link: html`<a href="${PIPELINES_PATH}">Pipelines: success, durations, queues, and flaky tests</a>`,
    panel: codePanel,
  },
};
