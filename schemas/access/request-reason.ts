import * as z from 'zod';

/** Why a person requests something, in up to 500 characters. Null: blank or not given. */
export const RequestReason = z
  .string()
  .trim()
  .max(500)
  .nullish()
  .transform((reason) => reason || null);
