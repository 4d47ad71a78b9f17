import { parseArgs } from 'node:util';
import { stories } from './stories/index.ts';
import type { Story } from './stage.ts';

/** Thrown for an unknown option or story. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export type Command =
  | { kind: 'help' }
  | { kind: 'list' }
  | {
      kind: 'play';
      story: Story;
      /** Exits at the end of the story, also in a terminal. */
      exit: boolean;
      /** Keeps the data folder. */
      keep: boolean;
    };

/** Parses the command line. @throws UsageError */
export function readCommand(args: readonly string[]): Command {
  const { help, list, story: name, exit, keep } = parse(args);
  if (help) return { kind: 'help' };
  if (list) return { kind: 'list' };
  const story = stories.find((one) => one.name === name);
  if (story === undefined) throw new UsageError(`unknown story ${JSON.stringify(name)}; use one of\n${storyList()}\n`);
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
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

export const storyList = (): string => stories.map(({ name, title }) => `  ${name.padEnd(18)} ${title}`).join('\n');

export const usage = (): string => `npm run demo [-- --story NAME] [--exit] [--keep]

Starts Firebreak on this machine with stand-ins for all vendors, breaks a toy service, and prints what happens.

Options:
  --story NAME  Story to play (default: bad-deploy)
  --list        List the stories
  --exit        Exit at the end of the story; by default, the demo runs until Ctrl-C in a terminal
  --keep        Keep the data folder, and print how to start Firebreak with it

Stories:
${storyList()}`;
