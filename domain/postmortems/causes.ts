import { MORE_PROBABLE_THAN_NOT } from '../correlation/weights.ts';
import type { DraftInput } from './record.ts';

/**
 * Returns the suspects that a draft calls probable: those that are probable enough for a question, and the change that
 * was rolled back in the incident. Other suspects are only candidates that nothing excludes.
 */
export const probableCauses = ({ incident, causes }: Pick<DraftInput, 'incident' | 'causes'>): DraftInput['causes'] =>
  causes.filter(
    ({ suspect, change }) => suspect.confidence >= MORE_PROBABLE_THAN_NOT || change?.rolled_back_by === incident.id,
  );
