import { FIELDS } from '../modals/form.ts';
import type { BlockSuggestion } from '../../schemas/slack/interaction.ts';
import type { CallerPermissions, RequestContext } from '../request-context.ts';
import { type Answer, json } from './http.ts';
import { permissionsInTime } from './permissions.ts';
import { option, OPTION_VALUE_MAX, OPTIONS_MAX } from '../modals/blocks.ts';
import { requestingUserOf } from './caller-permissions.ts';

/** Maximum time in milliseconds to identify the user. */
const USER_PATIENCE_MS = 1000;

/** Suggests services that contain the typed text; those that begin with it come first. */
export async function suggestServices(context: RequestContext, suggestion: BlockSuggestion): Promise<Answer> {
  const { action_id, value } = suggestion;
  if (action_id !== FIELDS.service) return json({ options: [] });
  const [catalogue, permissions] = await Promise.all([
    context.cachedReads.catalogue(),
    permissionsInTime(context, requestingUserOf(suggestion), USER_PATIENCE_MS),
  ]);
  const services = Object.keys(catalogue?.value.services ?? {}).filter((service) => mayDeclare(permissions, service));
  const typed = value.trim().toLowerCase();
  const positionIn = (name: string): number => name.toLowerCase().indexOf(typed);
  const found = services
    .filter((name) => positionIn(name) >= 0 && name.length <= OPTION_VALUE_MAX)
    .toSorted((a, b) => Math.sign(positionIn(a)) - Math.sign(positionIn(b)) || (a < b ? -1 : 1));
  return json({ options: found.slice(0, OPTIONS_MAX).map((name) => option(name)) });
}

/** Returns whether to offer a service. Users who could not be identified in time see all services. */
const mayDeclare = (permissions: CallerPermissions, service: string): boolean =>
  permissions.kind === 'unknown' ||
  (permissions.kind === 'known' && (permissions.mayHaveMore || permissions.may('incidents:write', { service })));
