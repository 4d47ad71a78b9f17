import type { Deps } from '../../ports.ts';
import { type PageSettings, pagesOf } from '../../decisions/pages.ts';
import { planImport } from '../../decisions/subscriptions/subscription.ts';
import type { ImportOutcome, ImportResult, SubscriberImport } from '../../schemas/subscriber-import.ts';
import { Refusal } from '../../../../core/domain/refusal.ts';
import { pooled } from '../../../../core/domain/concurrency.ts';

type ImportDeps = Pick<Deps, 'audit' | 'clock' | 'config' | 'log' | 'subscribers'>;

const AT_ONCE = 8;
const WRITE_TRIES = 5;

/**
 * Stores email subscribers that another status page has confirmed. They get updates from now on, without a message that
 * asks again. Idempotent: who is subscribed here stays as they are, and who unsubscribed here does not come back.
 *
 * @throws Refusal 404, 422, 503
 */
export async function importSubscribers(
  deps: ImportDeps,
  { page: name, by, request }: { page: string; by: string; request: SubscriberImport },
): Promise<ImportResult> {
  const page = pagesOf(await deps.config.current()).get(name);
  if (page === undefined) throw new Refusal(404, 'unknown-page', `there is no public status page ${name}`);
  if (!page.subscriptions.includes('email'))
    throw new Refusal(422, 'invalid', `the page ${name} has no subscriptions by email: add "subscriptions: [email]"`);
  const found = new Map<object, ImportOutcome>();
  await pooled(request.subscribers, AT_ONCE, async (subscriber) => {
    found.set(subscriber, await importOne(deps, page, subscriber, request.dry_run));
  });
  const result = request.subscribers.flatMap((subscriber) => found.get(subscriber) ?? []);
  const stored = result.filter((outcome) => outcome === 'imported' || outcome === 'confirmed').length;
  if (!request.dry_run && stored > 0) {
    const at = deps.clock.now();
    const text = `${stored} subscribers of the status page ${name} were imported as confirmed`;
    await deps.audit.append([
      {
        id: `subscribers-imported-${name}-${at}`,
        at,
        actor: by,
        kind: 'subscribers.imported',
        subject: `status:${name}`,
        text,
        detail: { stored },
      },
    ]);
    deps.log.info('subscribers of a status page were imported', { page: name, stored });
  }
  return { page: name, outcomes: result };
}

async function importOne(
  { subscribers, clock }: ImportDeps,
  page: PageSettings,
  subscriber: SubscriberImport['subscribers'][number],
  isTrial: boolean,
): Promise<ImportOutcome> {
  const id = subscribers.idOf(page.name, 'email', subscriber.email);
  for (let attempt = 1; attempt <= WRITE_TRIES; attempt += 1) {
    const [before, hasLeft] = await Promise.all([subscribers.read(page.name, id), subscribers.hasLeft(page.name, id)]);
    const plan = planImport(
      before,
      { page, email: subscriber.email, components: subscriber.components, hasLeft },
      () => ({
        fresh: { id, key: subscribers.newKey() },
        now: clock.now(),
      }),
    );
    if (plan.subscriber === undefined || isTrial || (await subscribers.write(plan.subscriber))) return plan.outcome;
  }
  throw new Refusal(503, 'unavailable', 'a subscription is being changed; try again', { 'retry-after': '5' });
}
