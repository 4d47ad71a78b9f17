import type { VendorResponse } from '../messages/channels.ts';

/** A request to a language model: the instructions, and the data. */
export type ProsePrompt = { instructions: string; data: string };

/** The language model that proposes wording for post-mortems. One attempt per call. */
export type ProseModel = {
  /** Where data would be sent. Null: off. */
  endpoint(): Promise<{ host: string; model: string } | null>;
  /** Returns the text that the model answers. */
  complete(prompt: ProsePrompt): Promise<VendorResponse<string>>;
  /** Checks the address and the credentials. Sends no data. */
  check(): Promise<VendorResponse<null>>;
};
