import type { ConsoleParts } from '../../../entrances/console/pages/page.ts';
import { viewExperiment } from '../actions/record-experiment.ts';
import { reportOf } from '../decisions/report.ts';
import { withPorts } from '../ports.ts';
import { experimentIdIn } from './data.ts';
import { experimentPage } from './experiment.ts';
import { experimentsPage } from './experiments.ts';
import { incidentPanel, nowPanel } from './panels.ts';

/** What experiments add to the console. */
export const parts: ConsoleParts = {
  after: '/console/services/:service',
  pages: [experimentsPage, experimentPage],
  downloads: [
    {
      path: '/console/experiments/:id/report',
      async read(deps, caller, { param }) {
        const id = experimentIdIn(param);
        return {
          body: reportOf(await viewExperiment(withPorts(deps), caller, id)),
          headers: {
            'content-type': 'text/markdown; charset=utf-8',
            'content-disposition': `attachment; filename="experiment-${id}.md"`,
          },
        };
      },
    },
  ],
  nowPanel,
  incidentPanel,
};
