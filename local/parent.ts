/** How long the program may take to stop once the process that started it is gone. */
const STOP_MAX_MS = 10_000;

/**
 * Stops this process when the one that started it is gone, even by `kill -9`: nobody would be left to forward a Ctrl-C, and
 * a forgotten instance would keep the data folder locked. For a program it is local/bootstrap.mjs, for a test file the
 * test runner; both hold the other end of this process's IPC channel. Started directly, it does nothing.
 *
 * The process is stopped as by SIGTERM, so what it does then it does here too; after 10 s it is ended.
 */
export function stopWithParent(): void {
  if (!process.connected) return;
  process.once('disconnect', () => {
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), STOP_MAX_MS).unref();
    process.kill(process.pid, 'SIGTERM');
  });
  // Waiting for the end of the parent is no reason to stay; waiting for its messages is.
  if (process.listenerCount('message') === 0) process.channel?.unref();
}
