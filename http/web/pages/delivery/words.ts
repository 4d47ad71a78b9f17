import { html } from 'hono/html';
import type { Html } from '../../parts.ts';

/** A menu that filters a page. @param all text of the first option, which selects everything */
export const selectField = (name: string, all: string, values: readonly string[], selected: string | undefined): Html =>
  html`<label for="of-${name}" class="hidden">${name}</label>
    <select id="of-${name}" name="${name}">
      <option value="">${all}</option>
      ${values.map((value) => html`<option value="${value}" ${value === selected ? html`selected` : ''}>${value}</option>`)}
    </select>`;
