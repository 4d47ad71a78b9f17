import type { ConsoleParts } from '../../../entrances/console/pages/page.ts';
import { currentSlos } from '../actions/views.ts';
import { withPorts } from '../ports.ts';
import { burningPanel, burningSlos, servicePanel } from './panels.ts';
import { sloPage } from './slo.ts';
import { slosPage } from './slos.ts';

/** What objectives add to the console. */
export const parts: ConsoleParts = {
  after: '/console/services/:service',
  pages: [slosPage, sloPage],
  async nowPanelBelow(deps, { may }, at) {
    if (!may('slos:read', {})) return '';
    const burning = (await burningSlos(withPorts(deps))).filter((slo) => may('slos:read', slo));
    return burning.length === 0 ? { quiet: 'burning error budget' } : burningPanel(burning, at);
  },
  async servicePanel(deps, { may }, { name, environments }) {
    if (!may('slos:read', { service: name })) return '';
    const slos = await currentSlos(withPorts(deps));
    return servicePanel(
      environments.flatMap((environment) =>
        slos.filter((slo) => slo.service === name && slo.environment === environment && may('slos:read', slo)),
      ),
    );
  },
};
