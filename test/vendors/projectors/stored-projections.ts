import { silent } from '../../support/fake-deps.ts';
import { StoredData } from '../../support/stored-data.ts';
import type { Clock } from '../../../core/domain/ports/system.ts';
import type { ProjectionTargetName } from '../../../schemas/incidents/projection.ts';
import { Table } from '../../../core/stores/table.ts';
import { ProjectionTable, type ProjectorQueue } from '../../../core/stores/incidents/projections.ts';

/** Projections on a table in memory. */
export class StoredProjections extends ProjectionTable {
  constructor(clock: Clock, wake: ProjectorQueue = async () => undefined) {
    super(new Table(new StoredData()), clock, wake, silent);
  }

  /** Returns the number of subjects that are still due. */
  async waiting(target: ProjectionTargetName): Promise<number> {
    return (await this.due(target)).length;
  }
}
