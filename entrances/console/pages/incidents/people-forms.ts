import { html } from 'hono/html';
import { isSameActor } from '../../../../core/domain/access/actor-identity.ts';
import { IncidentRole } from '../../../../schemas/people/response-roles.ts';
import { type Html, onDemand } from '../../parts.ts';
import { type IncidentActionName, MYSELF } from './actions.ts';
import type { IncidentData } from './data.ts';

/** Forms about the people of an incident. @param form puts fields into a form of this action */
type FormOf = (action: IncidentActionName, fields: Html) => Html;

/** Times of the next update that a person chooses from, in minutes. */
const NEXT_UPDATES = [15, 30, 60, 120, 240];

export const updateForm = ({ waitsForPublication }: IncidentData, form: FormOf): Html =>
  onDemand(
    'update',
    'Send an update to stakeholders…',
    form(
      'update',
      html`<p>Sent by email and in the channels of stakeholders, and shown on the timeline.</p>
        <label for="update-text">Update</label>
        <textarea
          id="update-text"
          name="text"
          rows="4"
          maxlength="3000"
          required
          aria-describedby="update-hint"
        ></textarea>
        <p class="hint" id="update-hint">What is known, and what is being done.</p>
        <label for="update-next">Next update</label>
        <select id="update-next" name="next">
          <option value="">When something changes</option>
          ${NEXT_UPDATES.map((minutes) => html`<option value="${minutes}">In ${minutes < 120 ? `${minutes} min` : `${minutes / 60} h`}</option>`)}
        </select>
        ${
          waitsForPublication
            ? html`<label
                ><input type="checkbox" id="update-publish" name="publish" value="yes" /> Also publish the incident on
                the status page, with its own texts</label
              >`
            : ''
        }
        <button class="primary" id="do-update">Send update</button>`,
    ),
  );

export const roleForms = ({ story: { incident }, choices: { me, people } }: IncidentData, form: FormOf): Html => {
  const { roles = {} } = incident;
  const others = people.filter(({ name }) => !isSameActor(name, me));
  const mine = IncidentRole.options.filter((role) => isSameActor(roles[role]?.name ?? '', me));
  const personField = (id: string, label: string, mayBeMe: boolean): Html =>
    html`<label for="${id}">${label}</label>
      <select id="${id}" name="to" required>
        <option value="">Choose a person</option>
        ${mayBeMe ? html`<option value="${MYSELF}">${me} (me)</option>` : ''}
        ${others.map(({ name, shown }) => html`<option value="${name}">${shown}${shown === name ? '' : ` (${name})`}</option>`)}
      </select>
      ${others.length === 0 ? html`<p class="hint">people.yaml lists no other person who may have a role here.</p>` : ''}`;
  return html`${onDemand(
    'assign',
    'Assign a role…',
    form(
      'assign',
      html`<label for="assign-role">Role</label>
        <select id="assign-role" name="role">
          ${IncidentRole.options.map((role) => html`<option value="${role}">${role}${roles[role] === undefined ? '' : `, now ${roles[role].shown}`}</option>`)}
        </select>
        ${personField('assign-to', 'Person', true)}<button class="primary" id="do-assign">Assign</button>`,
    ),
  )}
  ${
    others.length === 0
      ? ''
      : onDemand(
          'hand-over',
          'Hand over command…',
          form(
            'hand-over',
            html`${personField('hand-over-to', 'New commander', false)}
              <label for="hand-over-brief">Summary (empty: Firebreak writes it from the incident)</label>
              <textarea id="hand-over-brief" name="brief" rows="3" maxlength="3000"></textarea>
              <button class="primary" id="do-hand-over">Hand over</button>`,
          ),
        )
  }
  ${
    mine.length === 0
      ? ''
      : onDemand(
          'leave',
          'Leave a role…',
          form(
            'leave',
            html`<p>The role is then unassigned. To name a successor, hand over or assign it.</p>
              <label for="leave-role">Role</label>
              <select id="leave-role" name="role">
                ${mine.map((role) => html`<option value="${role}">${role}</option>`)}
              </select>
              <button id="do-leave">Leave the role</button>`,
          ),
        )
  }`;
};
