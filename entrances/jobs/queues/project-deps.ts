import type { Mail } from '../../../core/messages/decisions/channels.ts';
import type { Deps } from '../../../core/ports/deps.ts';
import type { Projections } from '../../../core/incidents/decisions/projections.ts';
import type { PortsOfFeatures } from '../../../core/ports/extensions.ts';
import type { ProjectorDeps } from '../../../vendors/projectors.ts';

/** What projecting needs. */
export type ProjectDeps = ProjectorDeps &
  Pick<Deps, 'changes' | 'clock' | 'config' | 'decisions' | 'incidents' | 'log' | 'publicUrl' | 'timeScale'> & {
    features: PortsOfFeatures;
    projections: Projections;
    emails: Mail;
  };
