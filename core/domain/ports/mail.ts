import type { VendorResponse } from './vendor-response.ts';

/** An email to a single address, so that recipients do not see each other. */
export type Email = {
  to: string;
  subject: string;
  text: string;
  /** The same as HTML. Absent: the email is plain text. */
  html?: string;
  /** Idempotency key: it becomes the message ID, by which mail programs detect duplicates. */
  key: string;
  /** Address that ends the subscription with one POST request (RFC 8058). Absent: nobody subscribed to it. */
  unsubscribe?: string;
};

/**
 * Result of one delivery. `closed`: certainly not done, and any other recipient would fail equally: the server is
 * unreachable, or Firebreak itself is rejected. `later` and `refused` concern only this recipient.
 */
export type Delivered = VendorResponse<unknown> | { kind: 'closed'; detail: string; afterSeconds: number | null };

/** Email. One attempt per call; whether a message was sent cannot be queried. */
export type Mail = {
  send(email: Email): Promise<Delivered>;
};
