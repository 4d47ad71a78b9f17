import { reportKind } from '../../core/domain/ports/reports.ts';
import type { BurningSlo } from './actions/burning.ts';
import type { SloView } from './schemas/slo-view.ts';

/** Objectives by their IDs, with their history, the same for all who may see them. */
export const SLO_VIEWS = reportKind<readonly string[], SloView[]>('slo.views');

/** A page of the objectives that contain a text, the least budget first, from the one with this number. */
export const SLO_LIST = reportKind<{ text: string; first: number }, SloList>('slo.list', 'live');

/** `matching`: number of all that match. `next`: number of the first one of the next page. Null: it is the last one. */
export type SloList = { items: readonly SloView[]; matching: number; next: number | null; isEmpty: boolean };

/** The objectives that burn their budget too fast, or have spent it, those with the least budget first. */
export const BURNING_SLOS = reportKind<null, BurningSlo[]>('slo.burning', 'live');
