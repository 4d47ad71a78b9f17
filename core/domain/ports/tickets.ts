import type { VendorResponse } from './vendor-response.ts';

export type Ticket = {
  /** Key by which the ticket is found again. */
  key: string;
  title: string;
  /** Markdown built from escaped parts. */
  body: string;
  labels: readonly string[];
};

/** Ticket system, for work that can wait. One attempt per call. */
export type Tickets = {
  /** Whether it is a stand-in of the sandbox. */
  standIn?: boolean;
  /**
   * Finds a ticket by key. Null: none. A system that cannot be searched always returns null and honors the key on
   * creation instead.
   */
  find(key: string): Promise<VendorResponse<{ id: string; url: string | null } | null>>;
  open(ticket: Ticket): Promise<VendorResponse<{ id: string; url: string | null }>>;
  /** Adds a comment once per `key`. */
  comment(id: string, text: string, key: string): Promise<VendorResponse<null>>;
};
