import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { IncidentView } from '../../../../schemas/incidents/incident.ts';
import { printableJson } from '../../../../core/domain/messages/printable.ts';
import { addApiCommands } from '../../api-command.ts';
import { Client, NoResponse } from '../../client.ts';
import type { CommandContext } from '../../command-context.ts';
import { INCIDENT, incidentNamed, openIncidents, pathOf, shortName } from '../../incident-named.ts';
import { oneLine, shortTime } from '../../table.ts';
import { Timeline, type NamedTimelineEntry } from './timeline-entry.ts';

/** Entries of a timeline that are read at once, and of them those that are printed first. */
const READ_ENTRIES = 200;
const FIRST_ENTRIES = 10;

/** Incidents of which the timelines are read, and the pause in between. */
const INCIDENTS_MAX = 50;
const PAUSE_MS = 1000;

type Values = { incident?: string; json?: true };

/** Adds the command that prints timelines while they are written. */
export const addTail = (program: Command, context: CommandContext): void =>
  addApiCommands(program, context, [
    {
      usage: 'tail',
      description: `Print new entries of the timelines of the ${INCIDENTS_MAX} newest open incidents; of one incident the last ${FIRST_ENTRIES} entries, and new ones until it is resolved`,
      args: [[INCIDENT[0].replace('<', '[').replace('>', ']'), INCIDENT[1]]],
      options: [['--json', 'Print each entry as a line of JSON']],
      run: tail,
    },
  ]);

async function tail(context: CommandContext, { incident: name, json }: Values): Promise<void> {
  const client = await Client.of(context);
  const printed = new Set<string>();
  /** Prints the entries that were not printed before. @param last how many of them at most */
  const print = async (incident: IncidentView, last = READ_ENTRIES): Promise<void> => {
    const { items } = await client.get(`${pathOf(incident.id)}/timeline?limit=${READ_ENTRIES}`, Timeline);
    const entries = items.toReversed().map((entry) => ({ entry, asJson: lineOfJson(incident, entry) }));
    const fresh = entries.filter((one) => !printed.has(one.asJson));
    for (const one of fresh) printed.add(one.asJson);
    for (const { entry, asJson } of fresh.slice(Math.max(0, fresh.length - last)))
      context.out(json ? asJson : lineOf(incident, entry));
  };
  if (name === undefined) await tailOpen(client, print);
  else await tailOne(client, await incidentNamed(client, name), print);
}

type Print = (incident: IncidentView, last?: number) => Promise<void>;

async function tailOne(client: Client, incident: IncidentView, print: Print): Promise<void> {
  await print(incident, FIRST_ENTRIES);
  let isOver = incident.status === 'resolved';
  while (!isOver) {
    await sleep(PAUSE_MS);
    isOver = await unlessDown(async () => {
      const now = await incidentNamed(client, incident.id);
      await print(now);
      return now.status === 'resolved';
    });
  }
}

async function tailOpen(client: Client, print: Print): Promise<never> {
  let open = (await openIncidents(client)).slice(0, INCIDENTS_MAX);
  for (const incident of open) await print(incident, 0);
  for (;;) {
    await sleep(PAUSE_MS);
    await unlessDown(async () => {
      const now = (await openIncidents(client)).slice(0, INCIDENTS_MAX);
      // Those that were resolved meanwhile are read once more.
      const ended = open.filter(({ id }) => !now.some((one) => one.id === id));
      for (const incident of [...ended, ...now]) await print(incident);
      open = now;
      return false;
    });
  }
}

/** Returns whether it is over. No response, such as during a restart: it is not. */
async function unlessDown(read: () => Promise<boolean>): Promise<boolean> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof NoResponse)) throw error;
    return false;
  }
}

const lineOf = (incident: IncidentView, { at, actor_name: actor, text }: NamedTimelineEntry): string =>
  oneLine(`${shortTime(at)}  ${shortName(incident)}  ${actor}  ${text}`);

const lineOfJson = ({ id, number }: IncidentView, entry: NamedTimelineEntry): string =>
  printableJson(JSON.stringify({ incident: { id, number }, ...entry }));
