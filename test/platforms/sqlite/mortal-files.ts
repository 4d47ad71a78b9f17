import fs, { type FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

/**
 * Runs work on files as in a process that is killed before its operation with this number: nothing follows that one.
 *
 * @returns whether the work got to its end
 */
export async function isCompleted(work: () => Promise<unknown>, killAt: number): Promise<boolean> {
  const { open, mkdir, rename, link, rm } = fs;
  const handles: FileHandle[] = [];
  const killed = Promise.withResolvers<false>();
  let operations = 0;
  const counted =
    <Args extends unknown[], Result>(operation: (...args: Args) => Promise<Result>) =>
    (...args: Args): Promise<Result> => {
      operations += 1;
      if (operations < killAt) return operation(...args);
      killed.resolve(false);
      return new Promise(() => undefined);
    };
  Object.assign(fs, {
    mkdir: counted(mkdir),
    rename: counted(rename),
    link: counted(link),
    rm: counted(rm),
    open: counted(async (...args: Parameters<typeof open>): Promise<FileHandle> => {
      const handle = await open(...args);
      handles.push(handle);
      const { writeFile, sync, close } = handle;
      return new Proxy(handle, {
        get(target, name) {
          if (name === 'writeFile') return counted(writeFile.bind(target));
          if (name === 'sync') return counted(sync.bind(target));
          if (name === 'close') return counted(close.bind(target));
          const value: unknown = Reflect.get(target, name);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
    }),
  });
  syncBuiltinESMExports();
  try {
    return await Promise.race([work().then(() => true), killed.promise]);
  } finally {
    Object.assign(fs, { open, mkdir, rename, link, rm });
    syncBuiltinESMExports();
    for (const handle of handles) if (handle.fd !== -1) await handle.close();
  }
}
