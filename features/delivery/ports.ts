import { loadedOnUse } from '../../core/domain/ports/loaded-on-use.ts';
import { type FeatureDeps, type FeatureParts, portsAdder } from '../manifest.ts';
import type { Attributions, DeployHistory } from './types.ts';

/** What delivery figures need beyond the core. */
export type DeliveryPorts = {
  deployHistory: DeployHistory;
  attributions: Attributions;
};

export type Deps = FeatureDeps & DeliveryPorts;

/** Creates the stores of delivery figures. Their code is loaded with their first use. */
export const deliveryPorts = ({ table }: Pick<FeatureParts, 'table'>): DeliveryPorts => ({
  deployHistory: loadedOnUse(async () => new (await import('./stores/deploy-history.ts')).DeployHistoryTable(table)),
  attributions: loadedOnUse(async () => new (await import('./stores/attributions.ts')).AttributionTable(table)),
});

/** Returns the dependencies with those of delivery figures. */
export const withPorts = portsAdder<DeliveryPorts>('delivery');
