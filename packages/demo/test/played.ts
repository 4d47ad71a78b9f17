import { Stage } from '../stage.ts';
import type { Fact } from '../stories/plan.ts';
import type { Story } from '../stage.ts';
import { callsOf, type VendorCall } from '../event-source.ts';
import type { IncidentView, TimelineEntry } from '../../../schemas/incidents/incident.ts';
import { bareEnvironment } from '../../../test/support/firebreak.ts';

/**
 * Shortens the quarter of an hour of a verification to 30 seconds. The services of the demo recover in real time: if that takes
 * longer than the verification, this rightly fails, and the story does not end.
 */
const TIME_SCALE = 30;

/** Only against hanging. After a kill, the fate of a message in flight is known only after a minute. */
const LIMIT_SECONDS = 600;

export const STORY_MAX_MS = 720_000;

export type Played = {
  facts: Fact[];
  /** Printed lines. */
  lines: string[];
  /** Incidents, oldest first. */
  incidents: (IncidentView & { timeline: TimelineEntry[] })[];
  /** Calls to all vendors, oldest first. */
  calls: VendorCall[];
};

/** Plays a story as the command does, only faster, and returns its results. */
export async function played(story: Story): Promise<Played> {
  const lines: string[] = [];
  const paper = { colours: false, write: (text: string) => void lines.push(...text.split('\n')) };
  const env = bareEnvironment();
  const stage = await Stage.open(story, { output: paper, env, timeScale: TIME_SCALE, limitSeconds: LIMIT_SECONDS });
  try {
    const facts = await stage.play();
    await stage.settle();
    const incidents = await Promise.all(
      (await stage.incidents()).map(async (one) => ({ ...one, timeline: await stage.timeline(one) })),
    );
    return { facts, lines, incidents, calls: await callsOf(stage.firebreak) };
  } finally {
    await stage.close();
  }
}

/** Returns the expected results that were not observed. */
export const untrue = ({ facts }: Played): string[] => facts.filter(({ holds }) => !holds).map(({ text }) => text);

/** Returns the events of pages, without repeats under one key. */
export const pagesIn = ({ calls }: Played): string[] => [
  ...new Set(
    calls
      .filter(({ vendor, path }) => vendor === 'pagerduty' && path === '/v2/enqueue')
      .map(({ body }) => body as { event_action: string; dedup_key: string })
      .map(({ event_action, dedup_key }) => `${event_action} ${dedup_key}`),
  ),
];

/** Returns the requests to the CD system, without repeats under one key. */
export const rollbacksIn = ({ calls }: Played): unknown[] => {
  const asked = calls.filter(({ vendor, method }) => vendor === 'cd' && method === 'POST').map(({ body }) => body);
  return [...new Map(asked.map((body) => [(body as { idempotency_key: string }).idempotency_key, body])).values()];
};

/** Returns the incident channels in Slack. A repeated request has the same name: Slack answers 200 with `name_taken`. */
export const channelsIn = ({ calls }: Played): string[] => [
  ...new Set(
    calls
      .filter(({ path, outcome }) => path.endsWith('/conversations.create') && outcome === 200)
      .map(({ body }) => new URLSearchParams(String(body)).get('name') ?? '')
      .filter((name) => name.startsWith('incident-')),
  ),
];
