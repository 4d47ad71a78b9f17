import type { Mail } from '../../domain/ports/mail.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { Projections } from '../../domain/incidents/projections.ts';
import type { PortsOfFeatures } from '../../domain/ports/extensions.ts';
import type { ProjectorDeps } from '../../../vendors/projectors.ts';

/** What projecting needs. */
export type ProjectDeps = ProjectorDeps &
  Pick<Deps, 'changes' | 'clock' | 'config' | 'decisions' | 'incidents' | 'log' | 'publicUrl' | 'timeScale'> & {
    features: PortsOfFeatures;
    projections: Projections;
    emails: Mail;
  };
