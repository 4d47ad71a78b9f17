import { alert, group } from '../support/alerts.ts';
import { eventually, type Firebreak } from '../support/firebreak.ts';

/** Returns the number of pages that the stand-in has received. */
export const triggered = async (firebreak: Firebreak): Promise<number> =>
  (await firebreak.calls('pagerduty')).filter(({ body }) => body?.event_action === 'trigger').length;

/** Fires one critical alert, returns the pages and the timeline of its incident, and resolves it. */
export async function pageOf(firebreak: Firebreak, title: string): Promise<{ effects: any[]; timeline: string[] }> {
  const labels = { service: 'checkout', environment: 'production', severity: 'critical' };
  const fingerprint = title.replaceAll(' ', '');
  await firebreak.post(
    '/v1/alerts/alertmanager',
    group([alert({ labels, fingerprint, annotations: { summary: title } })]),
  );
  const open = await eventually(async () => {
    const { body } = await firebreak.get('/v1/incidents?status=open');
    const found = body.items.find((one: any) => one.effects.some((effect: any) => effect.state === 'succeeded'));
    return found;
  }, 'the page');
  const { body } = await firebreak.get(`/v1/incidents/${open.id}/timeline`);
  await firebreak.resolveAll();
  const effects = open.effects.filter(({ kind }: any) => kind === 'page');
  return { effects, timeline: body.items.map(({ text }: any) => text) };
}
