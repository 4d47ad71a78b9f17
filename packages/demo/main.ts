import { stopWithParent } from '../../local/parent.ts';
import { type Command, UsageError, readCommand, storyList, usage } from './command.ts';
import { printSummary, printLinks } from './summary.ts';
import { printIntroduction } from './introduction.ts';
import { Stage, StoryTimeout } from './stage.ts';
import type { Output } from './narrator.ts';

/** A minute of waiting takes a second: at normal speed, verification takes a quarter of an hour. */
const TIME_SCALE = 60;

const LIMIT_SECONDS = 55;

/** Variables passed to the product. Settings of the user's own Firebreak must not affect the demo. */
const PASSED_ON = ['PATH', 'HOME', 'TMPDIR', 'TEMP', 'NODE_COMPILE_CACHE', 'FIREBREAK_DYNOXIDE_BIN'];

const EXIT = { done: 0, failed: 1, usageError: 2, interrupted: 130 } as const;

stopWithParent();

const output: Output = {
  colours: process.stdout.isTTY && !process.env['NO_COLOR'],
  write: (text) => void process.stdout.write(`${text}\n`),
};

/** Resolves on a signal, or when stdout is closed. */
const interrupted = new Promise<'interrupted'>((resolve) => {
  const end = () => resolve('interrupted');
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end); // Ctrl-C may come twice
  process.stdout.on('error', end);
});

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message.trimEnd()}\nFor usage: npm run demo -- --help\n`);
  return EXIT.usageError;
});

async function main(args: readonly string[]): Promise<number> {
  const command = readCommand(args);
  switch (command.kind) {
    case 'help':
      output.write(usage());
      return EXIT.done;
    case 'list':
      output.write(storyList());
      return EXIT.done;
    case 'play':
      return play(command);
  }
}

type Play = Extract<Command, { kind: 'play' }>;

async function play({ story, exit, keep }: Play): Promise<number> {
  printIntroduction(output, story);
  const env = Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      value !== undefined && PASSED_ON.includes(name) ? [[name, value]] : [],
    ),
  );
  try {
    const stage = await Stage.open(story, { output, env, timeScale: TIME_SCALE, limitSeconds: LIMIT_SECONDS });
    try {
      return await playOn(stage, { exit, keep });
    } finally {
      await stage.close({ keep });
    }
  } catch (error) {
    process.stderr.write(`\n${whatWentWrong(error)}\n`);
    return EXIT.failed;
  }
}

async function playOn(stage: Stage, { exit, keep }: Pick<Play, 'exit' | 'keep'>): Promise<number> {
  const { narrator, firebreak } = stage;
  narrator.write(`To see the vendors' views, open ${firebreak.url}/sandbox\n`, 'dim');
  const facts = await Promise.race([stage.play(), interrupted]);
  if (facts === 'interrupted') return EXIT.interrupted;
  await stage.settle();
  await printSummary(stage, facts);
  const failed = facts.filter(({ holds }) => !holds).length;
  if (failed > 0)
    narrator.write(`\n${failed} of ${facts.length} expected results are missing, marked with ✗ above.`, 'red');
  const stays = process.stdout.isTTY && !exit;
  await printLinks(stage, { stays, kept: keep });
  if (stays) await interrupted;
  return failed === 0 ? EXIT.done : EXIT.failed;
}

function whatWentWrong(error: unknown): string {
  if (error instanceof StoryTimeout) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
