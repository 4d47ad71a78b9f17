import { type ConsoleParts, viewerAsReader } from '../../../entrances/console/pages/page.ts';
import { slosOf } from '../actions/views.ts';
import { withPorts } from '../ports.ts';
import { BURNING_SLOS } from '../reports.ts';
import { burningPanel, servicePanel } from './panels.ts';
import { sloPage } from './slo.ts';
import { slosPage } from './slos.ts';

/** What objectives add to the console. */
export const parts: ConsoleParts = {
  after: '/console/services/:service',
  pages: [slosPage, sloPage],
  async nowPanelBelow(deps, viewer, at) {
    if (!viewer.may('slos:read', {})) return '';
    const { value: burning } = await deps.reports.read(BURNING_SLOS, null, viewerAsReader(viewer));
    return burning.length === 0 ? { quiet: 'burning error budget' } : burningPanel(burning, at);
  },
  async servicePanel(deps, { may }, { name, environments }) {
    if (!may('slos:read', { service: name })) return '';
    const all = environments.map((environment) => slosOf(withPorts(deps), { service: name, environment }));
    return servicePanel((await Promise.all(all)).flat().filter((slo) => may('slos:read', slo)));
  },
};
