import { freeText } from '../parsing/free-text.ts';

/** Why a person requests something, in up to 500 characters. Null: blank or not given. */
export const RequestReason = freeText(500)
  .nullish()
  .transform((reason) => reason || null);
