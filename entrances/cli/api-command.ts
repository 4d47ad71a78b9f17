import type { Argument, Command, Option } from 'commander';
import * as z from 'zod';
import { Client, queryOf } from './client.ts';
import { CommandFailure, type CommandContext } from './command-context.ts';
import { asJson, oneLine, printTable, shortTime, type Table } from './table.ts';

/** Arguments and options of a command line, by name: `--starts-at` is `startsAt`. */
export type Values = Readonly<Record<string, unknown>>;

/** A line of text, or a table. */
export type Part = string | Table;

/** A request to the API, and how to print its response. Its functions can declare the types of the values they read. */
type Call<S extends z.ZodType = z.ZodType> = {
  /**
   * Method and path. `:name` stands for a value of the command line. `CREATE` is a `POST` of which the API accepts the
   * `Idempotency-Key`, so that it is repeated if its response is lost.
   */
  call: `${'GET' | 'DELETE' | 'POST' | 'PATCH' | 'PUT' | 'CREATE'} /${string}`;
  /** Returns the query or the body. Absent: all values that are not in the path, with names in `snake_case`. */
  send?(values: Values): object;
  /** Absent: the response is text. */
  response?: S;
  /** Waits until the request has taken effect, or completes the response. Returns the response to print. */
  settle?(client: Client, response: z.infer<S>, values: Values): Promise<z.infer<S>>;
  /** Returns what `--json` prints. Absent: the response. */
  json?(response: z.infer<S>): unknown;
  /** Returns what is printed. Absent: the text of the response. */
  print?(response: z.infer<S>, values: Values): readonly Part[];
  /** Returns what is printed to stderr. */
  notes?(response: z.infer<S>, isJson: boolean): readonly string[];
  /** Returns why the answer is negative, which is exit code 1. */
  failure?(response: z.infer<S>, isJson: boolean): string | undefined;
};

/** Converts the text of an option that can be repeated. */
type Parse = (text: string, previous: never) => unknown;

/** A command: one request, a choice between several, or `run` for what needs more than a request. */
export type ApiCommand<S extends z.ZodType = z.ZodType> = {
  /** The command with its arguments, such as `show <id>`. */
  usage: string;
  description: string;
  /** Arguments with a description. They follow those of `usage`. */
  args?: readonly (Argument | readonly [usage: string, description?: string, ...parse: unknown[]])[];
  options?: readonly (Option | readonly [flags: string, description: string, parse?: Parse, value?: unknown])[];
  /** Finds the ID for a name that a person wrote, by the name of the value. `values` have the IDs that were found before. */
  resolve?: Readonly<Record<string, (client: Client, text: string, values: Values) => Promise<string>>>;
} & (Call<S> | { choose(values: Values): Call } | { run(context: CommandContext, values: Values): unknown });

/** Declares a command, so that its functions know the type of the response. */
export const apiCommand = <S extends z.ZodType>(command: ApiCommand<S>): ApiCommand => command;

/** Declares a request on its own, for a command that chooses between several. */
export const apiCall = <S extends z.ZodType>(call: Call<S>): Call => call;

/**
 * A column of a table: the name of a field, or a heading with a function. The heading of a field is its name; times, of
 * which the name ends with `_at`, are shortened.
 */
export type Column<T> = (keyof T & string) | readonly [heading: string, cell: (item: T) => string];

/** The column of service and environment. */
export const PLACE: readonly ['SERVICE', (item: { service: string; environment: string }) => string] = [
  'SERVICE',
  ({ service, environment }) => `${service}/${environment}`,
];

/** Declares the request of a list. */
export const listOf = <S extends z.ZodType>(
  path: `/${string}`,
  item: S,
  columns: readonly Column<z.infer<S>>[],
): Call =>
  apiCall({
    call: `GET ${path}`,
    response: z.object({ items: z.array(item) }),
    json: ({ items }) => items,
    print: ({ items }) => [tableOf(items, columns)],
  });

/** Returns a table, with the columns in the order of their importance. The last one has text of any length. */
export const tableOf = <T>(items: readonly T[], columns: readonly Column<T>[]): Table => ({
  heading: columns.map((column) =>
    typeof column === 'string' ? column.replace(/_at$/, '').replaceAll('_', ' ').toUpperCase() : column[0],
  ),
  rows: items.map((item) =>
    columns.map((column) => (typeof column === 'string' ? cellOf(column, item[column]) : column[1](item))),
  ),
});

/** Returns a table after an empty line; nothing without items. */
export const sectionOf = <T>(items: readonly T[], columns: readonly Column<T>[]): Part[] =>
  items.length === 0 ? [] : ['', tableOf(items, columns)];

function cellOf(name: string, value: unknown): string {
  if (value === null || value === undefined) return '-';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return name.endsWith('_at') ? shortTime(text) : text;
}

/** Returns the function that adds a group of commands, such as `pins` with `list` and `lift`. */
export const apiGroup =
  (name: string, description: string, commands: readonly ApiCommand[]) =>
  (program: Command, context: CommandContext): Command => {
    const group = program.command(name).description(description);
    addApiCommands(group, context, commands);
    return group;
  };

/** Adds commands to a group of commands. */
export function addApiCommands(group: Command, context: CommandContext, commands: readonly ApiCommand[]): void {
  for (const definition of commands) {
    const { usage, description, args = [], options = [] } = definition;
    const command = group.command(usage).description(description);
    for (const one of args)
      if ('variadic' in one) command.addArgument(one);
      else command.argument(...(one as unknown as Parameters<Command['argument']>));
    for (const one of options)
      if ('flags' in one) command.addOption(one);
      else {
        const [flags, text, parse, value] = one;
        if (parse === undefined) command.option(flags, text);
        else command.option<unknown>(flags, text, (given, previous) => parse(given, previous as never), value);
      }
    command.action(async () => {
      const names = command.registeredArguments.map((argument) => argument.name());
      const given = names.flatMap((name, index) => {
        const value: unknown = command.processedArgs[index];
        return value === undefined ? [] : [[name, value] as const];
      });
      await execute(context, definition, { ...command.opts<Values>(), ...Object.fromEntries(given) });
    });
  }
}

/** Prints lines and tables to stdout. */
function printParts(context: CommandContext, parts: readonly Part[]): void {
  for (const part of parts)
    if (typeof part === 'string') context.out(oneLine(part));
    else printTable(context, part);
}

async function execute(context: CommandContext, command: ApiCommand, all: Values): Promise<void> {
  if ('run' in command) {
    await command.run(context, all);
    return;
  }
  const { json, ...given } = all;
  const call = 'choose' in command ? command.choose(given) : command;
  const isJson = json === true;
  const values = { ...given };
  for (const [name, resolve] of Object.entries(command.resolve ?? {}))
    if (typeof values[name] === 'string') values[name] = await resolve(await Client.of(context), values[name], values);
  const request = requestOf(call, values); // before the client, so that a usage error needs no token
  const client = await Client.of(context);
  const sent = await send(client, request, call.response);
  const response = call.settle === undefined ? sent : await call.settle(client, sent, values);
  for (const note of call.notes?.(response, isJson) ?? []) context.err(oneLine(note));
  if (isJson) context.out(asJson(call.json === undefined ? response : call.json(response)));
  else if (call.print === undefined) context.out(String(response).trimEnd());
  else printParts(context, call.print(response, values));
  const failure = call.failure?.(response, isJson);
  if (failure !== undefined) throw new CommandFailure(failure);
}

type Request = { method: string; path: string; content: object };

function requestOf({ call, send: contentOf }: Call, values: Values): Request {
  const [method = '', template = ''] = call.split(' ');
  const path = template.replaceAll(VALUE, (_, name: string) => encodeURIComponent(String(values[name])));
  const inPath = new Set([...template.matchAll(VALUE)].map(([, name]) => name));
  const content = contentOf?.(values) ?? renamed(Object.entries(values).filter(([name]) => !inPath.has(name)));
  if (method !== 'GET' && method !== 'DELETE') return { method, path, content };
  return { method, path: `${path}${queryOf(content as Parameters<typeof queryOf>[0])}`, content };
}

async function send(
  client: Client,
  { method, path, content }: Request,
  response: z.ZodType | undefined,
): Promise<unknown> {
  if (method === 'DELETE') return client.delete(path);
  if (response === undefined) return client.text(path);
  if (method === 'CREATE') return client.create(path, content, response);
  return client.request(method, path, response, method === 'GET' ? {} : { body: content });
}

const VALUE = /:([a-z]\w*)/gi;

const renamed = (values: readonly (readonly [string, unknown])[]): object =>
  Object.fromEntries(
    values.map(([name, value]) => [name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), value]),
  );
