import { html } from 'hono/html';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import { actionForm, type Html, panel } from '../../parts.ts';
import { docLink } from '../docs/docs.ts';
import { type ConsoleDeps, type PageAction, type PageRequest, viewerAsReader } from '../page.ts';
import { FIRST_STEPS } from '../reports.ts';
import { SHOWN_BY } from './first-steps.ts';

/** A step of the first run. `how`: what a person does for it. */
export type FirstRunItem = { title: string; isDone: boolean; how: Html };

/** Name under which a browser remembers that the list is hidden. */
const HIDDEN = 'first-run';

/** Newest incidents that the list looks at each time. Older ones are searched by a report. */
const INCIDENTS_READ = 25;

const EVER = '1970-01-01T00:00:00.000Z' as Timestamp;

/** Returns the steps that the viewer may see. Null: all are done, or the list is hidden. */
export async function loadFirstRun(
  deps: ConsoleDeps,
  { viewer, hidden, sandboxPath }: PageRequest,
): Promise<FirstRunItem[] | null> {
  if (hidden.has(HIDDEN)) return null;
  const { may } = viewer;
  const [recent, alerts, changes, proved] = await Promise.all([
    deps.incidents.recent({ since: EVER, limit: INCIDENTS_READ }),
    deps.incidents.alertsWithoutIncident({ limit: 1, muted: false }),
    may('deployments:read', {}) ? deps.changes.list({ limit: 1 }) : null,
    may('drills:read', {}) ? deps.drills.proved() : null,
  ]);
  const incidents = recent.items.filter((incident) => may('incidents:read', incident));
  const older = () => deps.reports.read(FIRST_STEPS, null, viewerAsReader(viewer));
  /** Returns whether an incident shows it, which stays so however many incidents follow. */
  const isShown = async (what: keyof typeof SHOWN_BY): Promise<boolean> => {
    if (incidents.some(SHOWN_BY[what])) return true;
    if (recent.isComplete) return false;
    return (await older()).value[what];
  };
  const items: FirstRunItem[] = [
    {
      title: 'Alerts arrive',
      isDone: alerts.items.length > 0 || (await isShown('alerts')),
      how: html`Add Firebreak as a receiver of Alertmanager or Grafana:
      ${docLink('start/shadow-your-alerts.md', 'shadow your alerts')}`,
    },
  ];
  if (changes !== null)
    items.push({
      title: 'A deploy is recorded',
      isDone: changes.items.length > 0,
      how: html`<code>firebreak deploy record SERVICE ENVIRONMENT VERSION</code>, or let
        ${docLink('how-to/changes-from-your-systems.md', 'your systems report deploys')}`,
    });
  if (proved !== null)
    items.push({
      title: 'The rollback of a service is proved',
      isDone: proved.length > 0,
      how: html`<code>firebreak drill SERVICE ENVIRONMENT</code> rolls back and forward again:
        ${docLink('reference/cli.md', 'drill')}`,
    });
  items.push({
    title: 'A page was tested',
    isDone: await isShown('page'),
    how: html`Send a critical alert, and acknowledge its page: ${docLink('how-to/production.md', 'check the setup')}`,
  });
  if (sandboxPath !== null)
    items.push({
      title: 'Automation has acted',
      isDone: await isShown('acted'),
      how: html`Play a bad deploy in the <a href="${sandboxPath}">sandbox</a>, and watch how it is rolled back`,
    });
  return items.every(({ isDone }) => isDone) ? null : items;
}

/** The action that hides the list in this browser. */
export const hideFirstRun: PageAction = {
  permission: 'incidents:read',
  done: 'The list of first steps is hidden in this browser.',
  run: async () => ({ location: '/console', hide: HIDDEN }),
};

/** @param csrfToken null: the viewer has no session, so the list can't be hidden */
export const firstRunPanel = (items: readonly FirstRunItem[], csrfToken: string | null): Html =>
  panel(
    'first-run',
    'First steps',
    null,
    html`<ol class="checklist">
        ${items.map(
          ({ title, isDone, how }) =>
            html`<li class="${isDone ? 'done' : ''}">
              <p>
                <span aria-hidden="true">${isDone ? '✓' : '○'}</span> ${title}<span class="hidden"
                  >: ${isDone ? 'done' : 'not done yet'}</span
                >
              </p>
              ${isDone ? '' : html`<p class="quiet">${how}</p>`}
            </li>`,
        )}
      </ol>
      ${
        csrfToken === null
          ? ''
          : actionForm(
              '/console',
              'hide-first-run',
              csrfToken,
              html`<button class="plain-button">Hide this list</button>`,
            )
      }`,
  );
