import type { Deps } from '../../domain/ports/deps.ts';
import type { ProjectorDeps } from '../../projectors/index.ts';

/** What projecting needs. */
export type ProjectDeps = ProjectorDeps & Pick<Deps, 'clock' | 'features' | 'log' | 'projections' | 'timeScale'>;
