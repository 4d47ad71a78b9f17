import { Hono, type Context } from 'hono';
import * as z from 'zod';
import { type Alert, openAlerts } from './alerts.ts';
import { ON_CALL_BY_LEVEL, userNamed } from './directory.ts';
import { incidentNumber, webhookIncident } from './objects.ts';
import { openNotes } from './notes.ts';
import { shownIncident } from './view.ts';
import { type WebhookEvent, incidentReference, openWebhooks } from './webhooks.ts';
import { check, problem, readJson } from '../core/problem.ts';
import type { UserActionDeps, UserActions } from '../core/stand-in.ts';

const name = z.string().min(1).max(100);
const By = z.strictObject({ by: name.default('Sandbox On-Call') });
const Reassignment = By.extend({ to: z.array(name).min(1).max(10) });
const Annotation = By.extend({ text: z.string().min(1).max(25_000) });

type Action = Omit<WebhookEvent, 'data'> & { data?: object };

/**
 * Returns the endpoints for actions of people in PagerDuty: `POST /incidents/{id}/acknowledge` and `…/resolve` with
 * `{by}`, `…/reassign` with `{by, to}`, `…/escalate`, `…/annotate` with `{by, text}`. The product gets a webhook for
 * each action if it has a webhook secret.
 */
export function pagerdutyUserActions(deps: UserActionDeps): UserActions {
  const { db, transaction, now, url } = deps;
  const [alerts, notes] = [openAlerts(db), openNotes(db)];
  const webhooks = openWebhooks(deps, alerts);

  /** Runs an action, and sends its webhook. @param act applies the action, and returns the event */
  const actAndNotify = async (c: Context, act: (alert: Alert) => Action): Promise<Response> => {
    const { alert, event } = await transaction(() => {
      const before = alertAt(c);
      const { data, ...action } = act(before);
      const after = alerts.get(before.id) ?? before;
      return { alert: after, event: { ...action, data: data ?? webhookIncident(url, after, alerts) } };
    });
    const delivery = await webhooks.notify(alert, event);
    return c.json({
      ...(await transaction(() => shownIncident(alerts.get(alert.id) ?? alert, alerts, notes))),
      delivery,
    });
  };

  const alertAt = (c: Context): Alert => {
    const id = c.req.param('id') ?? '';
    const number = incidentNumber(id);
    const alert = number === undefined ? undefined : alerts.get(number);
    if (!alert) throw problem(422, `there is no incident ${id.slice(0, 64)}`);
    return alert;
  };

  const act = async (c: Context, action: 'acknowledge' | 'resolve'): Promise<Response> => {
    const { by } = check(By, await readJson(c));
    return actAndNotify(c, ({ id }) => {
      if (!alerts.actAs(id, action, by, now())) throw problem(422, `incident ${c.req.param('id')} is already resolved`);
      return { type: `incident.${action}d`, by: userNamed(by) };
    });
  };

  const app = new Hono()
    .post('/incidents/:id/acknowledge', (c) => act(c, 'acknowledge'))
    .post('/incidents/:id/resolve', (c) => act(c, 'resolve'))
    .post('/incidents/:id/reassign', async (c) => {
      const { by, to } = check(Reassignment, await readJson(c));
      return actAndNotify(c, ({ id }) => {
        alerts.assign(
          id,
          to.map((one) => userNamed(one).name),
        );
        return { type: 'incident.reassigned', by: userNamed(by) };
      });
    })
    .post('/incidents/:id/escalate', async (c) => {
      const { by } = check(By, await readJson(c));
      return actAndNotify(c, ({ id }) => {
        alerts.assign(
          id,
          ON_CALL_BY_LEVEL.slice(1).map((one) => one.name),
        );
        return { type: 'incident.escalated', by: userNamed(by) };
      });
    })
    .post('/incidents/:id/annotate', async (c) => {
      const { by, text } = check(Annotation, await readJson(c));
      return actAndNotify(c, (alert) => {
        const author = userNamed(by);
        const note = notes.add({ alert_id: alert.id, author: author.email || author.name, content: text, at: now() });
        const incident = incidentReference(alert);
        const data = { incident, id: `N${note.id}`, content: text, trimmed: false, type: 'incident_note' };
        return { type: 'incident.annotated', by: author, data };
      });
    });
  return { app, resume: async () => undefined };
}
