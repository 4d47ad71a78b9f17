import type { PublicPages } from '../../../core/domain/ports/extensions.ts';
import { contradictionOf } from '../decisions/contradictions.ts';
import { componentsOf, whyNotShown } from '../decisions/public-texts.ts';
import type { Deps } from '../ports.ts';

/** Returns what the core asks about the public pages. */
export const publicPages = ({
  clock,
  config,
  publicIncidents,
}: Pick<Deps, 'clock' | 'config' | 'publicIncidents'>): PublicPages => ({
  whyNotShown,
  waitsForApproval(incident, current) {
    const { names, publish } = componentsOf(incident, current);
    return names.length > 0 && publish === 'ask';
  },
  async contradictions(failing) {
    const [current, published] = await Promise.all([config.current(), publicIncidents.open()]);
    const now = clock.now();
    return failing.map((one) => contradictionOf(one, 'bad', undefined, { config: current, published, now }));
  },
});
