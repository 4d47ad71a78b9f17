import * as z from 'zod';
import { Timestamp } from '../time/time.ts';

/** A person who is signed in by an identity provider, as the provider describes them (OpenID Connect). */
export const SignedIn = z.object({
  issuer: z.string(),
  /** The person's ID at the issuer. */
  subject: z.string(),
  /** Email address, if it may identify the person in `people.yaml`. */
  email: z.string().nullable(),
  /** Display name. */
  name: z.string().nullable(),
  /** The person's groups that `people.yaml` named at the sign-in. */
  groups: z.array(z.string()),
});
export type SignedIn = z.infer<typeof SignedIn>;

/**
 * A session of a person in the console, or a login link before it is used. What it allows is what its credential allows
 * at the time of each request.
 */
export const Session = z.object({
  /** `admin`: the admin token. `person`: an identity provider. Otherwise the hash of a token. */
  credential: z.string(),
  /** For `person`. What it allows follows from `people.yaml` at the time of each request. */
  signed_in: SignedIn.optional(),
  /** Name under which the person acts. */
  name: z.string(),
  created_at: Timestamp,
  until: Timestamp,
  /** When the person last opened a page or sent a form, to the minute. Missing: not since the sign-in. */
  last_active: Timestamp.optional(),
});
export type Session = z.infer<typeof Session>;
