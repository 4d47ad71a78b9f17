import { monitorEventLoopDelay } from 'node:perf_hooks';

const NANOSECONDS = 1e9;

/** Of the process that runs everything on one machine, for Prometheus: by the names of its client libraries. */
export function processMetrics(): () => string {
  const startedAt = Date.now() / 1000 - process.uptime();
  const delay = monitorEventLoopDelay();
  delay.enable();
  return () => {
    const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    const longest = delay.max / NANOSECONDS;
    delay.reset();
    return [
      line('process_cpu_seconds_total', 'counter', 'Processor time, user and system', (user + system) / 1e6),
      line('process_resident_memory_bytes', 'gauge', 'Resident memory', rss),
      line('process_start_time_seconds', 'gauge', 'Start of the process, in seconds since the epoch', startedAt),
      line('nodejs_heap_size_used_bytes', 'gauge', 'Heap that is used', heapUsed),
      line('nodejs_heap_size_total_bytes', 'gauge', 'Heap that is reserved', heapTotal),
      line('nodejs_external_memory_bytes', 'gauge', 'Memory outside the heap', external),
      line(
        'nodejs_eventloop_lag_max_seconds',
        'gauge',
        'Longest delay of the event loop since the last scrape',
        longest,
      ),
    ].join('');
  };
}

/** One series without labels, as Prometheus reads it. */
export const line = (name: string, type: 'counter' | 'gauge', help: string, value: number): string =>
  `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name} ${value}\n`;
