import { html } from 'hono/html';
import type { HtmlEscapedString } from 'hono/utils/html';
import type { LiveVersion } from '../cd/rollbacks.ts';
import type { IncidentShown } from '../pagerduty/view.ts';
import type { SlackView } from '../slack/blocks/view.ts';
import type { StatuspageView } from '../statuspage/view.ts';
import type { PlayView } from '../play/bad-deploy.ts';
import type { CallShown, SandboxState } from './sandbox-state.ts';

/** Newest calls, incidents, and messages of a channel that are listed. */
const CALLS_MAX = 20;
const INCIDENTS_MAX = 20;
const MESSAGES_MAX = 5;

type Html = HtmlEscapedString | Promise<HtmlEscapedString>;

type PagerDutyView = { incidents: IncidentShown[] };

type CdView = {
  live: LiveVersion[];
  rollbacks: { service: string; environment: string; from_version: string; to_version: string; status: string }[];
};

/** The path of all forms. The field `act` says what a form does. */
export const FORMS_PATH = '/sandbox/forms';

/**
 * Returns the sandbox page for browsers without JavaScript: the state of each vendor as of now, with forms for the bad deploy, the
 * pages, and messages in Slack.
 *
 * @param problem why the last form was refused. Empty: it was not
 */
export async function plainMarkup(state: SandboxState, problem = ''): Promise<string> {
  const { views, calls = [], faults = [], play } = state;
  const pagerduty = views['pagerduty'] as PagerDutyView | undefined;
  const slack = views['slack'] as SlackView | undefined;
  const cd = views['cd'] as CdView | undefined;
  const statuspage = views['statuspage'] as StatuspageView | undefined;
  return String(
    await html`<div class="plain">
      <p>
        As of ${clock(state.at)} UTC. <a href="/sandbox">Show the newest state</a>. With JavaScript, the page follows
        it.
      </p>
      ${problem === '' ? '' : html`<p role="alert"><b>Not done:</b> ${problem}</p>`}
      ${play === undefined ? '' : playPart(play)} ${pagerduty === undefined ? '' : pagerdutyPart(pagerduty)}
      ${slack === undefined ? '' : slackPart(slack)} ${cd === undefined ? '' : deliveryPart(cd)}
      ${statuspage === undefined ? '' : statuspagePart(statuspage)}
      ${part(
        'Fault injection',
        faults.length === 0
          ? html`<p>No faults. <code>PUT /sandbox/faults</code> sets one: see the docs.</p>`
          : html`<ul>
                ${faults.map(({ vendor, fault }) => html`<li>${vendor}: ${fault.kind}</li>`)}
              </ul>
              ${form('clear', {}, html`<button>Clear all faults</button>`)}`,
      )}
      ${part('Calls', callsTable(calls.slice(0, CALLS_MAX)))}
    </div>`,
  );
}

const part = (title: string, body: Html | Html[]): Html =>
  html`<section class="panel">
    <header><h2>${title}</h2></header>
    <div class="body">${body}</div>
  </section>`;

const form = (act: string, fields: Readonly<Record<string, string>>, body: Html): Html =>
  html`<form method="post" action="${FORMS_PATH}">
    <input type="hidden" name="act" value="${act}" />
    ${Object.entries(fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`)}
    ${body}
  </form>`;

const playPart = ({ state, steps, incident, note }: PlayView): Html =>
  part(
    'A bad deploy',
    html`<ol>
        ${steps.map(({ at, text }) => html`<li>${text}${at === null ? '' : html` <b>${clock(at)} UTC</b>`}</li>`)}
      </ol>
      ${note === null ? '' : html`<p>${note}</p>`}
      ${incident === null ? '' : html`<p><a href="/console/incidents/${incident.name}">${incident.name}</a></p>`}
      ${state === 'playing' ? html`<p>It is being played.</p>` : form('play', {}, html`<button>Play a bad deploy</button>`)}`,
  );

const pagerdutyPart = ({ incidents }: PagerDutyView): Html =>
  part(
    'PagerDuty',
    incidents.length === 0
      ? html`<p>No incidents.</p>`
      : html`<ul>
          ${incidents
            .slice(0, INCIDENTS_MAX)
            .map(
              ({ id, number, title, status, created_at: created }) =>
                html`<li>
                  <b>#${number} ${title}</b> (${status}, ${clock(created)} UTC)
                  ${status === 'triggered' ? form('page', { id, answer: 'acknowledge' }, html`<button>Acknowledge</button>`) : ''}
                  ${status === 'resolved' ? '' : form('page', { id, answer: 'resolve' }, html`<button>Resolve</button>`)}
                </li>`,
            )}
        </ul>`,
  );

const slackPart = ({ channels, people }: SlackView): Html =>
  part(
    'Slack',
    html`${channels.map(
      ({ name, topic, messages, ephemerals }) =>
        html`<h3>#${name}</h3>
          ${topic === '' ? '' : html`<p>${topic}</p>`}
          <ul>
            ${messages.slice(-MESSAGES_MAX).map(({ user, text }) => html`<li><b>${user}</b>: ${text}</li>`)}
            ${ephemerals.slice(-1).map(({ text }) => html`<li><b>Only one person sees:</b> ${text}</li>`)}
          </ul>`,
    )}
    ${form(
      'say',
      {},
      html`<label
          >As
          <select name="user">
            ${people.map(({ id, name }) => html`<option value="${id}">${name}</option>`)}
          </select></label
        >
        <label
          >in
          <select name="channel">
            ${channels.map(({ name }) => html`<option>${name}</option>`)}
          </select></label
        >
        <label>Message or command <input name="text" required /></label> <button>Send</button>`,
    )}`,
  );

const deliveryPart = ({ live, rollbacks }: CdView): Html =>
  part(
    'Delivery',
    html`<ul>
        ${live.map(({ service, environment, version }) => html`<li>${service} ${environment}: ${version}</li>`)}
      </ul>
      <ul>
        ${rollbacks.map(
          (one) =>
            html`<li>
              ${one.service} ${one.environment}: rollback from ${one.from_version} to ${one.to_version} (${one.status})
            </li>`,
        )}
      </ul>`,
  );

const statuspagePart = ({ headline, components, incidents }: StatuspageView): Html =>
  part(
    'Statuspage',
    html`<p><b>${headline}</b></p>
      <ul>
        ${components.map(({ name, status }) => html`<li>${name}: ${spoken(status)}</li>`)}
      </ul>
      <ul>
        ${incidents
          .slice(0, INCIDENTS_MAX)
          .map(
            ({ name, status, updates }) => html`<li><b>${name}</b> (${spoken(status)}): ${updates[0]?.body ?? ''}</li>`,
          )}
      </ul>`,
  );

const callsTable = (calls: readonly CallShown[]): Html =>
  html`<table>
    <thead>
      <tr>
        ${['Time', 'Vendor', 'Call', 'Response'].map((name) => html`<th scope="col">${name}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${calls.map(
        ({ at, vendor, method, path, status }) =>
          html`<tr>
            <td>${clock(at)}</td>
            <td>${vendor}</td>
            <td>${method} ${path}</td>
            <td>${status ?? 'none'}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;

const clock = (at: string): string => at.slice(11, 19);

const spoken = (value: string): string => value.replaceAll('_', ' ');
