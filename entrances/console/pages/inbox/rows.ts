import { html } from 'hono/html';
import type { Html } from '../../parts.ts';

/** Rows in a panel of the inbox. */
export const ROWS_SHOWN = 50;

/** Says how many rows are not shown. */
export const moreNote = (count: number): Html =>
  count <= ROWS_SHOWN ? html`` : html`<p class="quiet">${count - ROWS_SHOWN} more are not shown.</p>`;
