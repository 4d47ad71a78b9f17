import { parseArgs } from 'node:util';
import { stories } from './stories/index.ts';
import type { Story } from './stories/story.ts';

/** The command was not understood. */
export class Misused extends Error {
  override readonly name = 'Misused';
}

export type Command =
  | { kind: 'help' }
  | { kind: 'list' }
  | {
      kind: 'play';
      story: Story;
      /** Ends when the story does, also in a terminal. */
      exit: boolean;
      /** Leaves the data folder behind. */
      keep: boolean;
    };

/** @throws Misused */
export function readCommand(args: readonly string[]): Command {
  const { help, list, story: name, exit, keep } = parse(args);
  if (help) return { kind: 'help' };
  if (list) return { kind: 'list' };
  const story = stories.find((one) => one.name === name);
  if (story === undefined) throw new Misused(`there is no story ${JSON.stringify(name)}; there are\n${storyList()}\n`);
  return { kind: 'play', story, exit, keep };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        help: { type: 'boolean', short: 'h', default: false },
        list: { type: 'boolean', default: false },
        story: { type: 'string', default: 'bad-deploy' },
        exit: { type: 'boolean', default: false },
        keep: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new Misused(error instanceof Error ? error.message : String(error));
  }
}

export const storyList = (): string => stories.map(({ name, title }) => `  ${name.padEnd(18)} ${title}`).join('\n');

export const usage = (): string => `npm run demo [-- --story NAME] [--exit] [--keep]

Starts Firebreak on this machine with stand-ins for all vendors, breaks a toy service, and tells what happens.

  --story NAME  one of these; without it, bad-deploy
  --list        lists them
  --exit        ends with the story; else it stays until Ctrl-C when it runs in a terminal
  --keep        leaves the data folder behind, and says how to start Firebreak on it

${storyList()}`;
