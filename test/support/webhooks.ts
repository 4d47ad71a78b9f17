import { readFileSync } from 'node:fs';

/** A request as a sender sent it. SOURCES.md beside it documents its origin. */
export type SentWebhook = { path: string; headers: Record<string, string>; body: string };

/** Returns a request of the fixtures, such as `flux/helm-upgraded`. */
export const webhook = (name: string): SentWebhook =>
  JSON.parse(readFileSync(new URL(`../fixtures/${name}.request.json`, import.meta.url), 'utf8')) as SentWebhook;

/** Returns what a reader of changes gets, with some of the payload replaced. */
export function received(name: string, changed: (payload: any) => unknown = (payload) => payload) {
  const { headers, body } = webhook(name);
  const byName = new Map(Object.entries(headers).map(([header, value]) => [header.toLowerCase(), value]));
  const payload = changed(JSON.parse(body));
  return {
    payload,
    header: (header: string) => byName.get(header.toLowerCase()),
    now: '2026-11-22T16:00:00.000Z' as never,
  };
}
