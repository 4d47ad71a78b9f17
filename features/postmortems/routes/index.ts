import type { Deps } from '../../../domain/ports/deps.ts';
import type { Api } from '../../../http/endpoint.ts';
import { withPorts } from '../ports.ts';
import { jiraRoutes } from './jira.ts';
import { postmortemRoutes } from './postmortems.ts';
import { publicPostmortemRoutes } from './status-page.ts';

/** Registers the routes of post-mortems, of the list of action items, and of the webhooks about their issues. */
export function routes(app: Api, core: Deps): void {
  const deps = withPorts(core);
  postmortemRoutes(app, deps);
  publicPostmortemRoutes(app, deps);
  jiraRoutes(app, deps);
}
