/** A finding that is accepted, and why. `id` is the resource; an exception that excepts nothing fails the check. */
export type Exception = { rule: string; id: string; reason: string };

const WAKES_ONLY =
  'Its messages carry nothing: two passes at the same target exclude each other by a lease in the table, so a message ' +
  'that becomes visible early costs one read.';

export const EXCEPTIONS: readonly Exception[] = [
  ...['Slack', 'Statuspage', 'Grafana', 'Tickets', 'Webhooks'].map((id) => ({
    rule: 'visibility>=6x',
    id,
    reason: WAKES_ONLY,
  })),
  {
    rule: 'recursion',
    id: 'Hear',
    reason:
      'What a person declares makes it ask who is on call, by one message to its own queue; that message sends none. ' +
      'A chain has two calls.',
  },
];
