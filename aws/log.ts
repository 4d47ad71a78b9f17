import type { Clock, Log } from '../domain/ports/system.ts';

const LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

/** Writes one JSON object per line to standard error, a format that CloudWatch reads. */
export function jsonLog(
  clock: Clock,
  level: string,
  fields: Record<string, unknown> = {},
  write: (line: string) => void = toStderr,
): Log {
  const threshold = Math.max(
    LEVELS.findIndex((known) => known === level.toLowerCase()),
    0,
  );
  const line =
    (severity: 'debug' | 'info' | 'warn' | 'error') =>
    (message: string, more: Record<string, unknown> = {}) => {
      if (LEVELS.indexOf(severity) < threshold) return;
      write(`${JSON.stringify({ time: clock.now(), level: severity, message, ...fields, ...more })}\n`);
    };
  return {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    with: (more) => jsonLog(clock, level, { ...fields, ...more }, write),
  };
}

const toStderr = (line: string): void => {
  process.stderr.write(line);
};
