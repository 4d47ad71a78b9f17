import type { FeatureDeps } from '../../manifest.ts';
import type { Api } from '../../../entrances/http/endpoint.ts';
import { withPorts } from '../ports.ts';
import { jiraRoutes } from './jira.ts';
import { postmortemRoutes } from './postmortems.ts';
import { publicPostmortemRoutes } from './status-page.ts';

/** Registers the routes of post-mortems, of the list of action items, and of the webhooks about their issues. */
export function routes(app: Api, core: FeatureDeps): void {
  const deps = withPorts(core);
  postmortemRoutes(app, deps);
  publicPostmortemRoutes(app, deps);
  jiraRoutes(app, deps);
}
