import { MIN_CONFIDENCE_TO_ASK } from '../../../domain/correlation/weights.ts';
import type { DraftInput } from './record.ts';

/**
 * Returns the suspects that a draft calls probable: those that are probable enough for a question, and the change that
 * was rolled back in the incident. Other suspects are only candidates that nothing excludes.
 */
export const probableCauses = ({ incident, causes }: Pick<DraftInput, 'incident' | 'causes'>): DraftInput['causes'] =>
  causes.filter(
    ({ suspect, change }) => suspect.confidence >= MIN_CONFIDENCE_TO_ASK || change?.rolled_back_by === incident.id,
  );
