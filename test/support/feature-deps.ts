import { extensionsOf } from '../../assembly/features.ts';
import type { Deps } from '../../domain/ports/deps.ts';

/** Gives dependencies the ports of a feature, and what all features do at the points of the core. */
export const addFeature = (deps: Deps, name: string, ports: object): void =>
  void Object.assign(deps, { features: { ...deps.features, [name]: ports }, extensions: extensionsOf(() => deps) });
