import type { Command } from 'commander';

/** Moves a command in the help of its parent behind another one. Without that one, it stays where it is. */
export function placeAfter(parent: Command, name: string, other: string): void {
  const commands = parent.commands as Command[];
  const command = commands.find((one) => one.name() === name);
  const isThere = commands.some((one) => one.name() === other);
  if (command === undefined || !isThere) return;
  commands.splice(commands.indexOf(command), 1);
  commands.splice(commands.findIndex((one) => one.name() === other) + 1, 0, command);
}
