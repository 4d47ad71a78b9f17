import { html } from 'hono/html';
import type { Html } from '../../parts.ts';

export const choice = (name: string, all: string, values: readonly string[], selected: string | undefined): Html =>
  html`<label for="of-${name}" class="hidden">${name}</label>
    <select id="of-${name}" name="${name}">
      <option value="">${all}</option>
      ${values.map((one) => html`<option value="${one}" ${one === selected ? html`selected` : ''}>${one}</option>`)}
    </select>`;
