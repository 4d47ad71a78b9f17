import * as z from 'zod';
import { parseJson } from '../shared/http.ts';
import { type Application, isAutomated } from './application.ts';
import { restoringParent } from './parent-applications.ts';
import { refuse } from '../shared/refusals.ts';
import { type Calls } from './rest.ts';

/** The annotation with the previous setting of automated sync, for restoring it. */
export const SUSPENDED_SYNC = 'firebreak/automated-sync';

const Suspended = z.object({ key: z.string() });

/**
 * Switches automated sync off, so that Argo CD accepts a rollback and keeps it.
 * @throws Ended if automated sync would be switched on again
 */
export async function suspendAutomatedSync(calls: Calls, application: Application, key: string): Promise<void> {
  const { name, annotations } = application.metadata;
  const before = Suspended.safeParse(parseJson(annotations?.[SUSPENDED_SYNC] ?? ''));
  if (before.success && before.data.key === key)
    throw refuse(
      `automated sync of ${name} was turned off for this rollback, but another system has turned it on again`,
    );
  const parent = await restoringParent(calls, application);
  if (parent !== null)
    throw refuse(
      `automated sync of ${name} can't be turned off: ${parent}. Use \`automatedSync: revert\`, or let the parent ` +
        'ignore /spec/syncPolicy/automated (docs/how-to/argo-cd.md)',
    );
  const automated = application.spec.syncPolicy?.automated ?? {};
  const changed = await calls.patch({
    annotations: { [SUSPENDED_SYNC]: JSON.stringify({ key, automated }) },
    spec: { syncPolicy: { automated: null } },
  });
  if (isAutomated(changed)) throw refuse(`automated sync of ${name} is still on after it was turned off`);
}
