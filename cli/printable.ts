import { printable } from '../domain/messages/printable.ts';
import type { CommandContext } from './command-context.ts';

/** Wraps a world so that all output is printable: titles, labels, names, and errors come from untrusted sources. */
export const printing = (context: CommandContext): CommandContext => {
  const { ask } = context;
  return {
    ...context,
    out: (text) => context.out(printable(text)),
    err: (text) => context.err(printable(text)),
    ...(ask && { ask: (question) => ask(printable(question)) }),
  };
};
