import { Hono, type Context } from 'hono';
import { z } from 'zod';
import type { Alerts } from './pagerduty-alerts.ts';
import { incidentNumber } from './pagerduty-objects.ts';
import type { Notes } from './pagerduty-notes.ts';
import { shownIncident } from './pagerduty-view.ts';
import { check, problem, readJson } from './problem.ts';
import type { StandInDeps } from './stand-in.ts';

const Person = z.strictObject({ by: z.string().min(1).max(100).default('Sandbox On-Call') });

/** What people do at PagerDuty by hand: `POST /incidents/{id}/acknowledge` and `…/resolve`, with `{by}`. */
export function peopleRoutes(alerts: Alerts, notes: Notes, { now }: Pick<StandInDeps, 'now'>): Hono {
  const act = async (c: Context, action: 'acknowledge' | 'resolve'): Promise<Response> => {
    const id = c.req.param('id') ?? '';
    const number = incidentNumber(id);
    const alert = number === undefined ? undefined : alerts.get(number);
    if (!alert) throw problem(422, `there is no incident ${id.slice(0, 64)}`);
    const { by } = check(Person, await readJson(c));
    if (!alerts.act(alert.id, action, by, now())) throw problem(422, `incident ${id} is resolved`);
    return c.json(shownIncident(alerts.get(alert.id) ?? alert, alerts, notes));
  };
  return new Hono()
    .post('/incidents/:id/acknowledge', (c) => act(c, 'acknowledge'))
    .post('/incidents/:id/resolve', (c) => act(c, 'resolve'));
}
