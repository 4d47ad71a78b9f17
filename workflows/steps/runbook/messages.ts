import { serviceEntry } from '../../../core/domain/catalogue/catalogue.ts';
import type { VendorResponse } from '../../../core/domain/ports/vendor-response.ts';
import type { Deps } from '../../../core/domain/ports/deps.ts';
import type { Json } from '../../../core/domain/runbooks/variables.ts';
import { standInNote } from '../../../core/domain/catalogue/vendors.ts';
import type { With } from '../../../schemas/runbooks/parts/kinds.ts';
import type { TicketTarget } from '../../../schemas/alerts/routes.ts';
import type { AttemptResult } from './attempt.ts';
import type { StepContext } from './context.ts';

type MessagesDeps = Pick<Deps, 'chat' | 'clock' | 'config' | 'incidents' | 'ticketsFor'>;

/**
 * Posts a message. Without a channel, adds it to the timeline, which appears exactly once in the incident's channel. In
 * other channels, a post whose response was lost may be repeated.
 */
export async function postToSlack(
  deps: MessagesDeps,
  { incident, selected, name }: StepContext,
  { channel, text }: With<'slack.post'>,
  key: string,
): Promise<AttemptResult> {
  if (channel === undefined) {
    await deps.incidents.note(incident.id, key, {
      at: deps.clock.now(),
      actor: 'firebreak',
      kind: 'runbook.message',
      text,
      detail: { runbook: selected.runbook.name },
    });
    return succeeded(null, 'posted to the incident’s channel');
  }
  const message = {
    summary: text,
    parts: [
      { kind: 'text' as const, text: [text] },
      { kind: 'note' as const, text: [`${selected.runbook.title} · ${name}`] },
    ],
  };
  const to = channel.startsWith('#') ? channel : `#${channel}`;
  return outcome(
    await deps.chat.post(to, message, key),
    `posted to ${to}${standInWords(await deps.chat.standIn?.())}`,
    () => null,
  );
}

/** Opens a ticket, unless one with the same key exists. */
export async function openTicket(
  deps: MessagesDeps,
  { incident, serviceEnvironment }: StepContext,
  { title, text, repository, labels }: With<'ticket'>,
  key: string,
): Promise<AttemptResult> {
  const { services } = await deps.config.current();
  const targetRepository = repository ?? serviceEntry(services, serviceEnvironment.service)?.repository;
  if (targetRepository === undefined)
    return failed('no repository for the ticket: set it in the step or in the catalogue');
  const target: TicketTarget = { kind: 'github', repository: targetRepository, labels };
  const tickets = await deps.ticketsFor(target);
  if (tickets === undefined) return failed('tickets are off: GITHUB_TOKEN is not set');
  const found = await tickets.find(key);
  if (found.kind !== 'done') return outcome(found, '', () => null);
  if (found.value !== null)
    return succeeded({ ...found.value }, `ticket ${found.value.url ?? found.value.id}${standInWords(tickets.standIn)}`);
  const body = `${text}\n\nIncident ${incident.id}`;
  const opened = await tickets.open({ key, title, body, labels });
  return outcome(opened, `ticket in ${targetRepository}${standInWords(tickets.standIn)}`, (ticket) => ({ ...ticket }));
}

const standInWords = (standIn: boolean | undefined): string => (standIn ? standInNote('ticket') : '');

function outcome<T>(response: VendorResponse<T>, detail: string, output: (value: T) => Json): AttemptResult {
  switch (response.kind) {
    case 'done':
      return succeeded(output(response.value), detail);
    case 'later':
      return { kind: 'again', detail: response.detail, handle: null, afterSeconds: response.afterSeconds };
    case 'unclear':
      return { kind: 'again', detail: response.detail, handle: null, afterSeconds: 75 };
    case 'refused':
    case 'off':
      return failed(response.detail);
  }
}

const succeeded = (output: Json, detail: string): AttemptResult => ({
  kind: 'ended',
  end: { status: 'succeeded', output, detail },
});

const failed = (detail: string): AttemptResult => ({ kind: 'ended', end: { status: 'failed', output: null, detail } });
