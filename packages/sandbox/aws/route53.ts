import { parseXML, XmlNode, XmlText } from '@aws-sdk/xml-builder';
import { Hono, type Context } from 'hono';
import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { callerOf } from './caller.ts';
import { absoluteName, openRecords, RecordSet } from './records.ts';
import { AwsRefusal } from './refusal.ts';
import { awsSettings } from './settings.ts';
import type { StandInDeps } from '../core/stand-in.ts';
import { inputProblemText } from '../../../schemas/parsing/input-problems.ts';

const NAMESPACE = 'https://route53.amazonaws.com/doc/2013-04-01/';

/** The most record sets per page, regardless of `maxitems`. */
const PAGE_SIZE = 300;

const Change = z.object({ Action: z.enum(['CREATE', 'DELETE', 'UPSERT']), ResourceRecordSet: RecordSet });

const Batch = z.object({
  ChangeResourceRecordSetsRequest: z.object({
    xmlns: z.literal(NAMESPACE),
    ChangeBatch: z.object({
      Comment: z.string().max(256).optional(),
      Changes: z.object({ Change: z.union([z.array(Change), Change.transform((only) => [only])]) }),
    }),
  }),
});

type Change = z.infer<typeof Change>;

/**
 * Hosted zones and record sets of the Route 53 API, in REST XML. A batch is applied as a whole or not at all; a record
 * set is deleted only with exactly its current values. A change is `INSYNC` after the configured time.
 *
 * @see https://docs.aws.amazon.com/Route53/latest/APIReference/ (ListResourceRecordSets, ChangeResourceRecordSets,
 * GetChange; read 2026-11)
 */
export function route53Api(deps: StandInDeps): Hono {
  const { zones, changes, refusals } = openRecords(deps.db);
  const beginCall = (c: Context): string => {
    const { region } = callerOf(c.req.raw, 'route53');
    if (region !== 'us-east-1')
      throw new AwsRefusal(
        'SignatureDoesNotMatch',
        "Credential should be scoped to a valid region, not '" + region,
        403,
      );
    const [refusal] = refusals.all();
    if (refusal !== undefined) {
      refusals.drop(refusal.id);
      throw new AwsRefusal(refusal.code, refusal.message);
    }
    return c.req.param('zone') ?? '';
  };
  const requireZone = (zone: string): RecordSet[] => {
    const all = zones.get(zone)?.records ?? [];
    if (all.length === 0) throw new AwsRefusal('NoSuchHostedZone', `No hosted zone found with ID: ${zone}`, 404);
    return all;
  };
  const changeInfo = (id: string, submittedAt: number): XmlNode => {
    const inSyncAt = submittedAt + awsSettings(deps).record_sync_ms / deps.timeScale;
    return new XmlNode('ChangeInfo', [
      text('Id', `/change/${id}`),
      text('Status', deps.now() < inSyncAt ? 'PENDING' : 'INSYNC'),
      text('SubmittedAt', new Date(submittedAt).toISOString()),
    ]);
  };
  return new Hono()
    .get('/hostedzone/:zone/rrset', (c) => {
      const { name = '', type = '', identifier = '', maxitems = String(PAGE_SIZE) } = c.req.query();
      const all = requireZone(beginCall(c)).toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
      const start = [reversedName(absoluteName(name)), type, identifier].join('\n');
      const rest = name === '' ? all : all.filter((record) => keyOf(record) >= start);
      const page = rest.slice(0, Math.min(PAGE_SIZE, Number(maxitems)));
      const next = rest[page.length];
      return xml('ListResourceRecordSetsResponse', [
        new XmlNode(
          'ResourceRecordSets',
          page.map((record) => nodeOf('ResourceRecordSet', record)),
        ),
        text('IsTruncated', String(next !== undefined)),
        ...(next === undefined
          ? []
          : [
              text('NextRecordName', next.Name),
              text('NextRecordType', next.Type),
              ...(next.SetIdentifier === undefined ? [] : [text('NextRecordIdentifier', next.SetIdentifier)]),
            ]),
        text('MaxItems', maxitems),
      ]);
    })
    .post('/hostedzone/:zone/rrset', async (c) => {
      const zone = beginCall(c);
      const before = requireZone(zone);
      const read = Batch.safeParse(parseXML(await c.req.text()));
      if (!read.success) throw new AwsRefusal('InvalidInput', inputProblemText(read.error));
      const { Comment = '', Changes } = read.data.ChangeResourceRecordSetsRequest.ChangeBatch;
      const { after, messages } = applyBatch(before, Changes.Change);
      if (messages.length > 0) throw new AwsRefusal('InvalidChangeBatch', `[${messages.join(', ')}]`);
      zones.put({ zone, records: after }, zone);
      const id = `C${String(changes.count() + 1).padStart(13, '0')}`;
      changes.put({ id, zone, comment: Comment, submitted_at: deps.now() }, id);
      return xml('ChangeResourceRecordSetsResponse', [changeInfo(id, deps.now())]);
    })
    .get('/change/:id', (c) => {
      beginCall(c);
      const change = changes.get(c.req.param('id'));
      if (change === undefined)
        throw new AwsRefusal('NoSuchChange', `Could not find resource with ID: ${c.req.param('id')}`, 404);
      return xml('GetChangeResponse', [changeInfo(change.id, change.submitted_at)]);
    });
}

/** Applies a batch in order, and collects what is wrong with it. */
function applyBatch(
  before: readonly RecordSet[],
  changes: readonly Change[],
): { after: RecordSet[]; messages: string[] } {
  const messages: string[] = [];
  let after = [...before];
  for (const { Action, ResourceRecordSet: record } of changes) {
    const description = `[name='${record.Name}', type='${record.Type}'${record.SetIdentifier === undefined ? '' : `, set identifier='${record.SetIdentifier}'`}]`;
    const current = after.find((one) => keyOf(one) === keyOf(record));
    const others = after.filter((one) => one !== current);
    if (Action === 'DELETE') {
      if (current === undefined)
        messages.push(`Tried to delete resource record set ${description} but it was not found`);
      else if (!isDeepStrictEqual(current, record))
        messages.push(
          `Tried to delete resource record set ${description} but the values provided do not match the current values`,
        );
      after = others;
      continue;
    }
    if (Action === 'CREATE' && current !== undefined)
      messages.push(`Tried to create resource record set ${description} but it already exists`);
    const reason = whyInvalid(record, others);
    if (reason !== null) messages.push(reason);
    after = [...others, record];
  }
  return { after, messages };
}

function whyInvalid(record: RecordSet, others: readonly RecordSet[]): string | null {
  const { Name, Type, SetIdentifier, Weight, TTL, ...rest } = record;
  if ((SetIdentifier === undefined) !== (Weight === undefined))
    return `Invalid request: Expected exactly one of [Weight, Region, Failover, GeoLocation, MultiValueAnswer] with SetIdentifier, but found ${SetIdentifier === undefined ? 'none' : 'more than one'}`;
  if (Weight !== undefined && Number(Weight) > 255)
    return `Invalid XML ; cvc-maxInclusive-valid: Value '${Weight}' is not facet-valid with respect to maxInclusive '255'`;
  if ((TTL === undefined) === !('AliasTarget' in rest)) return `Invalid request: Missing field 'TTL' in ${Name}`;
  const mixed = others.some(
    (one) => one.Name === Name && one.Type === Type && (one.Weight === undefined) !== (Weight === undefined),
  );
  return mixed
    ? `RRSet with DNS name ${Name}, type ${Type}, SetIdentifier ${SetIdentifier ?? ''} cannot be created because a non multivalue answer rrset exists with the same name and type.`
    : null;
}

const reversedName = (name: string): string => name.split('.').toReversed().join('.');

const keyOf = ({ Name, Type, SetIdentifier = '' }: RecordSet): string =>
  [reversedName(Name), Type, SetIdentifier].join('\n');

const text = (name: string, value: string): XmlNode => new XmlNode(name, [new XmlText(value)]);

/** Returns a value of `parseXML` as XML again. */
function nodeOf(name: string, value: unknown): XmlNode {
  if (typeof value !== 'object' || value === null) return text(name, String(value));
  return new XmlNode(
    name,
    Object.entries(value).flatMap(([key, inner]): XmlNode[] =>
      Array.isArray(inner) ? inner.map((one) => nodeOf(key, one)) : [nodeOf(key, inner)],
    ),
  );
}

const xml = (name: string, children: XmlNode[]): Response =>
  new Response(`<?xml version="1.0"?>\n${String(new XmlNode(name, children).addAttribute('xmlns', NAMESPACE))}`, {
    headers: { 'content-type': 'text/xml' },
  });
