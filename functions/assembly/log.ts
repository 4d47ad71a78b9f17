import { printableJson } from '../../core/domain/messages/printable.ts';
import type { Clock, Log } from '../../core/domain/ports/system.ts';
import { withoutCredentials } from '../../core/domain/redaction/credentials.ts';

const LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

type Fields = Record<string, unknown>;
type Write = (line: string) => void;
type LogRecord = { time: string; level: string; message: string } & Fields;

/** Formats of a line. CloudWatch reads JSON. */
const FORMATS = { json: (record: LogRecord) => JSON.stringify(record), text: textOf };

/** How a process logs: the lowest level, and the format. */
export type LogSettings = { level: string; format: keyof typeof FORMATS };

/** Creates a log without credentials. It goes to standard error. */
export function createLog(clock: Clock, settings: LogSettings, write: Write = toStderr, fields: Fields = {}): Log {
  const format = FORMATS[settings.format];
  const threshold = Math.max(
    LEVELS.findIndex((known) => known === settings.level.toLowerCase()),
    0,
  );
  const line =
    (severity: 'debug' | 'info' | 'warn' | 'error') =>
    (message: string, more: Fields = {}) => {
      if (LEVELS.indexOf(severity) < threshold) return;
      const shown = withoutCredentials({ message, ...fields, ...more });
      write(`${format({ time: clock.now(), level: severity, ...shown })}\n`);
    };
  return {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    with: (more) => createLog(clock, settings, write, { ...fields, ...more }),
  };
}

/** Returns a line for people, in UTC: `2026-11-20 06:43:40Z WARN  message name=value`. Lines of a stack follow, indented. */
function textOf({ time, level, message, ...fields }: LogRecord): string {
  const all = Object.entries(fields).filter(([, value]) => value !== undefined);
  const stacks = all.flatMap(([, value]) => (isStack(value) ? value.split('\n') : []));
  return [
    [
      `${time.slice(0, 19).replace('T', ' ')}Z`,
      level.toUpperCase().padEnd(5),
      oneLine(message),
      ...all.flatMap(([name, value]) => (isStack(value) ? [] : [`${oneLine(name)}=${valueText(value)}`])),
    ].join(' '),
    ...stacks.map((line) => `    ${oneLine(line)}`),
  ].join('\n');
}

const isStack = (value: unknown): value is string => typeof value === 'string' && /\n +at /.test(value);

/** Quotes a text that could be mistaken for several fields. */
const valueText = (value: unknown): string =>
  typeof value === 'string' && /^[^\s"=\\]+$/.test(value) ? oneLine(value) : oneLine(JSON.stringify(value) ?? '');

/** Escapes line breaks and control characters, which text from outside could contain. */
const oneLine = (text: string): string => printableJson(text).replaceAll('\n', String.raw`\n`);

const toStderr: Write = (line) => {
  process.stderr.write(line);
};
