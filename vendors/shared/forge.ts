import type * as z from 'zod';
import type { ForgeReader } from '../../core/domain/changes/forge-event.ts';
import type { Header, WebhookSignature } from './webhook-signature.ts';

/** A host of Git repositories, which sends events of many types to one receiver. */
export type Forge = ForgeReader & {
  name: string;
  /** Path of the receiver. */
  path: string;
  /** What it receives, for the API description. */
  summary: string;
  /** The response to a webhook. */
  answer: z.ZodObject;
  signature: WebhookSignature;
  /** The header with the ID of a delivery, for the log. */
  deliveryHeader: string;
  /** The header with the type of an event. Absent: the payload has it. */
  typeHeader?: string;
  notJson: string;
  /** Parses a body. Undefined: it is not JSON. */
  payloadOf(body: Uint8Array, header: Header): unknown;
};
