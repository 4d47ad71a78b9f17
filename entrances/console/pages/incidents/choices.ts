import { possibleHolders } from '../../../../core/actions/incidents/role-holders.ts';
import type { Assignee } from '../../../../core/domain/people/roles.ts';
import type { Deps } from '../../../../core/domain/ports/deps.ts';
import type { IncidentRecord } from '../../../../schemas/incidents/incident.ts';
import type { Viewer } from '../../../http/context.ts';

/** What the forms of an incident offer to choose from. */
export type Choices = {
  /** The name of the viewer, as in roles. */
  me: string;
  /** People of people.yaml who may have a role. */
  people: readonly Assignee[];
  /** Runbooks that a person can start for the service. */
  runbooks: readonly { name: string; title: string }[];
};

/** Reads the choices. They are empty for a resolved incident, which has no such forms. */
export async function loadChoices(
  deps: Pick<Deps, 'clock' | 'config'>,
  { caller, may }: Viewer,
  incident: IncidentRecord,
): Promise<Choices> {
  const { service, environment, status } = incident;
  const none = { me: caller.name, people: [], runbooks: [] };
  if (status === 'resolved') return none;
  const mayAct = may('incidents:act', incident);
  const config = await deps.config.current();
  const startable = mayAct && incident.unmatched == null && incident.group_reason === undefined;
  return {
    me: caller.name,
    people: may('incidents:write', incident) ? possibleHolders(config, incident, deps.clock.now()) : [],
    runbooks: config.runbooks.runbooks
      .filter(
        ({ steps, services, environments }) =>
          startable &&
          steps.length > 0 &&
          (services ?? [service]).includes(service) &&
          (environments ?? [environment]).includes(environment),
      )
      .map(({ name, title }) => ({ name, title })),
  };
}
