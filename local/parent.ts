/** Time for the program to stop once its parent process is gone, in milliseconds. */
const STOP_MAX_MS = 10_000;

/**
 * Stops this process when its parent is gone, even by `kill -9`: no process would be left to forward Ctrl-C, and a
 * forgotten instance would keep the data folder locked. The parent of a program is scripts/bootstrap.mjs, that of a test
 * file the test runner; both hold the other end of this process's IPC channel. Without a parent of this kind, it does
 * nothing.
 *
 * The process is stopped as by SIGTERM, with the same clean-up; after 10 s it is killed.
 */
export function stopWithParent(): void {
  if (process.send === undefined) return; // no parent of this kind; a channel that was closed leaves the function
  const stop = () => {
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), STOP_MAX_MS).unref();
    process.kill(process.pid, 'SIGTERM');
  };
  // The parent may have ended while this program was being loaded.
  if (!process.connected) return stop();
  process.once('disconnect', stop);
  // Waiting for the parent's end must not keep the process alive; waiting for its messages does.
  if (process.listenerCount('message') === 0) process.channel?.unref();
}
