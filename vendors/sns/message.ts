import { X509Certificate, verify } from 'node:crypto';
import * as z from 'zod';
import { millisOf, Timestamp } from '../../schemas/time/time.ts';
import { parseJson } from '../../schemas/parsing/json.ts';

/** Limit of SNS: 256 KiB. */
const MESSAGE_MAX_CHARS = 256 * 1024;

/**
 * A message of Amazon SNS to an HTTPS endpoint.
 *
 * @see https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html (read 2026-11)
 */
const Message = z.object({
  Type: z.enum(['Notification', 'SubscriptionConfirmation', 'UnsubscribeConfirmation']),
  MessageId: z.string().max(256),
  TopicArn: z.string().max(512),
  Subject: z.string().max(1024).nullish(),
  Message: z.string().max(MESSAGE_MAX_CHARS),
  Timestamp,
  SignatureVersion: z.enum(['1', '2']),
  Signature: z.string().max(2048),
  SigningCertURL: z.string().max(2048),
  SubscribeURL: z.string().max(2048).optional(),
  Token: z.string().max(2048).optional(),
});
export type SnsMessage = z.infer<typeof Message>;

/** Hosts of SNS. A certificate from another host proves nothing: its owner can sign any message. */
const SNS_HOST = /^sns\.[a-z0-9-]{3,40}\.amazonaws\.com(?:\.cn)?$/;

const DIGESTS = { '1': 'sha1', '2': 'sha256' } as const;

/** The signed fields in the order of the documentation. Absent fields are left out. */
const SIGNED_FIELDS = {
  Notification: ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type'],
  SubscriptionConfirmation: ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'],
  UnsubscribeConfirmation: ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'],
} as const satisfies Record<SnsMessage['Type'], readonly (keyof SnsMessage)[]>;

/** Returns the URL if it is one of SNS; otherwise undefined. */
export function snsUrl(text: string | undefined): string | undefined {
  const url = URL.parse(text ?? '');
  return url?.protocol === 'https:' && SNS_HOST.test(url.host) && url.username === '' ? url.href : undefined;
}

export type SnsOptions = {
  /** The topics that count: anybody can create a topic, and SNS signs its messages as well. */
  topics: readonly string[];
  /** Reads the text at a URL of SNS. */
  read: (url: string) => Promise<string>;
  now: Timestamp;
};

/** `unavailable`: the certificate could not be read, so SNS should send it again. */
export type SnsResult =
  | { kind: 'message'; message: SnsMessage }
  | { kind: 'refused'; detail: string }
  | { kind: 'unavailable'; detail: string };

/** Parses a message of one of the topics, and checks its signature. */
export async function readSnsMessage(body: unknown, { topics, read, now }: SnsOptions): Promise<SnsResult> {
  const parsed = Message.safeParse(body);
  if (!parsed.success) return { kind: 'refused', detail: 'this is no message of Amazon SNS' };
  const message = parsed.data;
  // Before anything is read from an address in the message.
  if (!topics.includes(message.TopicArn))
    return { kind: 'refused', detail: 'the configuration does not name this topic' };
  const certificateUrl = snsUrl(message.SigningCertURL);
  if (certificateUrl === undefined || !certificateUrl.endsWith('.pem'))
    return { kind: 'refused', detail: 'the certificate is not at Amazon SNS' };
  let pem: string;
  try {
    pem = await read(certificateUrl);
  } catch (error) {
    return { kind: 'unavailable', detail: `the certificate of Amazon SNS could not be read: ${String(error)}` };
  }
  return isSigned(message, pem, now)
    ? { kind: 'message', message }
    : { kind: 'refused', detail: 'the signature is not valid' };
}

function isSigned(message: SnsMessage, pem: string, now: Timestamp): boolean {
  const text = SIGNED_FIELDS[message.Type]
    .filter((name) => message[name] != null)
    .map((name) => `${name}\n${message[name]}\n`)
    .join('');
  try {
    const certificate = new X509Certificate(pem);
    const [from, until] = [certificate.validFrom, certificate.validTo].map((time) => Date.parse(time)) as [
      number,
      number,
    ];
    if (millisOf(now) < from || millisOf(now) > until) return false;
    const signature = Buffer.from(message.Signature, 'base64');
    return verify(DIGESTS[message.SignatureVersion], Buffer.from(text), certificate.publicKey, signature);
  } catch {
    return false;
  }
}

const Recipients = z.array(z.object({ emailAddress: z.string().max(2048) }));
/**
 * A notification of Amazon SES about email, from an identity (`notificationType`) or a configuration set (`eventType`).
 *
 * @see https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html (read 2026-11)
 */
const MailEvent = z.object({
  notificationType: z.string().max(64).optional(),
  eventType: z.string().max(64).optional(),
  bounce: z.object({ bounceType: z.string().max(64), bouncedRecipients: Recipients, timestamp: Timestamp }).optional(),
  complaint: z.object({ complainedRecipients: Recipients, timestamp: Timestamp }).optional(),
});

/** Addresses that accept no email (`bounced`), or whose owners marked it as unwanted (`complained`). */
export type MailFailures = { kind: 'bounced' | 'complained'; addresses: string[]; at: Timestamp };

/**
 * Returns which addresses must get no more email. Null: the notification is about something else, such as a delivery, or
 * a bounce that can pass, for example because a mailbox is full.
 */
export function mailFailuresIn(text: string): MailFailures | null {
  const { data } = MailEvent.safeParse(parseJson(text)); // SES sends another text when the topic is set up
  const kind = data?.notificationType ?? data?.eventType;
  const addressesOf = (recipients: z.infer<typeof Recipients>) => recipients.map(({ emailAddress }) => emailAddress);
  if (kind === 'Bounce' && data?.bounce?.bounceType === 'Permanent')
    return { kind: 'bounced', addresses: addressesOf(data.bounce.bouncedRecipients), at: data.bounce.timestamp };
  if (kind === 'Complaint' && data?.complaint !== undefined)
    return {
      kind: 'complained',
      addresses: addressesOf(data.complaint.complainedRecipients),
      at: data.complaint.timestamp,
    };
  return null;
}
