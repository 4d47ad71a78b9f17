import * as z from 'zod';
import type { Artifact } from '../../schemas/changes/change.ts';
import { InstantIn } from '../../schemas/time/time.ts';
import { artifactOf } from '../../core/domain/changes/images.ts';
import type { ReadChanges } from '../../core/domain/changes/read-changes.ts';
import { type ReceivedWebhook, setOr, unreadable, versionOf, type ChangeSender } from '../shared/change-webhook.ts';
import { parseJson } from '../../schemas/parsing/json.ts';

const Id = z.string().min(1).max(2048);

/** The type of a CDEvent ends in the version of its subject: `dev.cdevents.service.deployed.0.2.0`. */
const TYPE = /^dev\.cdevents\.([a-z]+)\.([a-z]+)\.\d+\.\d+\.\d+(?:-[\w.]+)?$/;

const Typed = z.object({ context: z.object({ type: z.string().max(256) }) });

/**
 * An event about a service. CDEvents 0.5 renamed `context.version` to `context.specversion`, and removed the type of the
 * subject.
 *
 * @see https://github.com/cdevents/spec/blob/v0.5.1/continuous-deployment.md
 */
const ServiceEvent = z.object({
  context: z.object({ id: Id, source: Id, timestamp: InstantIn, chainId: z.string().max(256).optional() }),
  subject: z.object({
    id: Id,
    source: z.string().max(2048).optional(),
    content: z.object({
      environment: z.object({ id: Id, name: z.string().max(256).optional() }),
      artifactId: Id.optional(),
    }),
  }),
});

const REPORTED_PREDICATES = new Set(['deployed', 'upgraded', 'rolledback']);

export const cdEvents: ChangeSender = {
  source: 'cdevents',
  path: '/integrations/cdevents',
  sends: 'CDEvents',
  read: readCdEvent,
};

/**
 * Reads a CDEvent, which is the data of a CloudEvent. In the binary mode, its attributes are in headers and the body is
 * the data; in the structured mode, the body is the CloudEvent.
 *
 * @see https://github.com/cdevents/spec/blob/v0.5.1/cloudevents-binding.md
 */
export function readCdEvent({ payload, header, now }: ReceivedWebhook): ReadChanges {
  const contentType = header('content-type') ?? '';
  if (/^application\/cloudevents-batch\b/i.test(contentType))
    return { unreadable: 'a batch of CloudEvents is not supported; send each event in a request of its own' };
  const data = dataOf(payload);
  const typed = Typed.safeParse(data);
  if (!typed.success) return unreadable('CDEvent', typed.error);
  const { type } = typed.data.context;
  const [, subject = '', predicate = ''] = TYPE.exec(type) ?? [];
  if (subject === '')
    return { unreadable: `${type} is no type of a CDEvent, such as dev.cdevents.service.deployed.0.2.0` };
  if (subject !== 'service')
    return { ignored: `events about a subject of type ${subject} report no change of a service` };
  if (!REPORTED_PREDICATES.has(predicate)) return { ignored: `service ${predicate} puts no version live` };
  const parsed = ServiceEvent.safeParse(data);
  if (!parsed.success) return unreadable(type, parsed.error);
  const { context, subject: service } = parsed.data;
  const { environment, artifactId } = service.content;
  if (artifactId === undefined)
    return { unreadable: `${type}: subject.content.artifactId is missing, so the version is unknown` };
  const { version, artifact, image } = partsOfArtifact(artifactId);
  return {
    reports: [
      {
        source: 'cdevents',
        // CDEvents require the pair of source and ID to be unique.
        key: `${context.source} ${context.id}`.slice(0, 2048),
        at: setOr(now, context.timestamp),
        subject: { service: lastPart(service.id), environment: lastPart(environment.id), ...(image && { image }) },
        ...(predicate === 'rolledback' && { kind: 'rollback' as const }),
        status: 'succeeded',
        version: versionOf(version),
        ...(artifact && { artifact }),
      },
    ],
  };
}

/** Returns the data of a CloudEvent in the structured mode, otherwise the payload itself. */
function dataOf(payload: unknown): unknown {
  const envelope = z
    .object({
      specversion: z.string().max(64),
      data: z.unknown(),
      data_base64: z
        .string()
        .max(1024 * 1024)
        .optional(),
    })
    .safeParse(payload);
  if (!envelope.success) return payload;
  const { data, data_base64: encoded } = envelope.data;
  if (typeof data !== 'string' && encoded === undefined) return data;
  return parseJson(typeof data === 'string' ? data : Buffer.from(encoded ?? '', 'base64').toString());
}

/** IDs are paths in the producer, such as `service/myapp`. */
const lastPart = (id: string): string => id.split('/').findLast((part) => part !== '') ?? id;

/**
 * Returns the version in a package URL. Its version can be a digest, and its qualifiers can name a tag.
 *
 * @example partsOfArtifact('pkg:oci/myapp@sha256%3A0b31?repository_url=ghcr.io/acme/myapp&tag=1.2.3')
 * @see https://github.com/package-url/purl-spec
 */
function partsOfArtifact(artifactId: string): { version: string; artifact?: Artifact | undefined; image?: string } {
  const purl = /^pkg:([^/]+)\/([^@?#]+)(?:@([^?#]+))?(?:\?([^#]*))?/.exec(artifactId);
  if (purl === null) return { version: artifactId };
  const [, type, packageName = '', encoded = '', qualifiers] = purl;
  const qualifierValues = new URLSearchParams(qualifiers ?? '');
  const image = type === 'oci' || type === 'docker' ? qualifierValues.get('repository_url') : null;
  const tag = qualifierValues.get('tag');
  const version = decoded(encoded);
  return {
    version: tag ?? version ?? artifactId,
    artifact: tag === null ? undefined : artifactOf(`cdevents ${image ?? packageName}`, version),
    ...(image ? { image } : {}),
  };
}

function decoded(text: string): string | undefined {
  if (text === '') return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
