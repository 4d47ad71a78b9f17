import * as z from 'zod';
import type { Line } from './narrator.ts';
import type { VendorCall } from './event-source.ts';

/** Returns a line for a call to a vendor; undefined if the call has no visible effect. */
export function lineOf(call: VendorCall): Omit<Line, 'at'> | undefined {
  const vendor = VENDORS[call.vendor];
  if (vendor === undefined) return undefined;
  const { name: speaker, words } = vendor;
  if (call.outcome === null) return { speaker, text: `does not respond to ${call.path}`, tone: 'bad' };
  if (call.outcome >= 400) return { speaker, text: `answers ${call.outcome} to ${call.path}`, tone: 'bad' };
  const line = words(call);
  return line && { speaker, ...line };
}

type Words = (call: VendorCall) => Pick<Line, 'text' | 'tone'> | undefined;

const Event = z.discriminatedUnion('event_action', [
  z.object({ event_action: z.literal('trigger'), payload: z.object({ summary: z.string() }) }),
  z.object({ event_action: z.literal('resolve') }),
]);

const pagerduty: Words = ({ body }) => {
  const { data: event } = Event.safeParse(body);
  if (event === undefined) return undefined;
  return event.event_action === 'trigger'
    ? { text: `pages the on-call responder: "${event.payload.summary}"`, tone: 'act' }
    : { text: 'incident resolved', tone: 'good' };
};

const Rollback = z.object({ service: z.string(), from_version: z.string(), to_version: z.string() });

const cd: Words = ({ body }) => {
  const { data } = Rollback.safeParse(body);
  return data && { text: `rolls back ${data.service} from ${data.from_version} to ${data.to_version}`, tone: 'act' };
};

const PublicIncident = z.object({ incident: z.object({ status: z.string(), body: z.string() }) });

const statuspage: Words = ({ body }) => {
  const { data } = PublicIncident.safeParse(body);
  return data && { text: `${data.incident.status}: "${data.incident.body}"` };
};

/** Returns the text of an annotation, which is HTML, without the words of its links. */
const textOfHtml = (html: string): string =>
  plain(
    html
      .replaceAll(/<a [^>]*>[^<]*<\/a>/g, '')
      .replaceAll('<br>', ' ')
      .replaceAll(/<[^>]+>/g, ''),
  )
    .replaceAll(/\s+/g, ' ')
    .trim();

const Annotation = z.object({ text: z.string() });

const grafana: Words = ({ method, body }) => {
  const { data } = Annotation.safeParse(body);
  return method === 'POST' && data ? { text: `annotation: ${textOfHtml(data.text)}`, tone: 'quiet' } : undefined;
};

/** Returns a line for a Slack call. Its channel is a name, or an id once Slack has assigned one. */
const slack: Words = ({ path, body }) => {
  const form = new URLSearchParams(typeof body === 'string' ? body : '');
  const say = SLACK[path.replace(/^\/api\//, '')];
  return say && { text: say(form), tone: 'quiet' };
};

const SLACK: Readonly<Record<string, (form: URLSearchParams) => string>> = {
  'conversations.create': (form) => `creates #${form.get('name') ?? ''}`,
  'conversations.archive': () => 'archives the channel',
  'conversations.setTopic': (form) => `sets the topic: ${withoutTitle(plain(form.get('topic')))}`,
  'chat.postMessage': (form) => `${channelOf(form)} ${plain(form.get('text'))}`,
};

const channelOf = (form: URLSearchParams): string => {
  const channel = form.get('channel') ?? '';
  return channel.startsWith('#') ? `${channel}:` : "in the incident's channel:";
};

/** Removes the incident's title from the end of a topic, because it was already printed. */
const withoutTitle = (topic: string): string => topic.split(' · ').slice(0, -1).join(' · ') || topic;

/** Unescapes the three characters that Slack escapes. */
const plain = (text: string | null): string =>
  (text ?? '').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');

const VENDORS: Readonly<Record<string, { name: string; words: Words }>> = {
  pagerduty: { name: 'PagerDuty', words: pagerduty },
  cd: { name: 'CD system', words: cd },
  slack: { name: 'Slack', words: slack },
  statuspage: { name: 'Statuspage', words: statuspage },
  grafana: { name: 'Grafana', words: grafana },
};
