import fs, { type FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

export type Operation = 'put' | 'putNew';
export const KEY = 'deep/folder/value.json';
export const bodyOf = (name: string): string => name.repeat(100_000);

/** A process that writes a blob in a folder, and exits as by `kill -9` before file operation number `killAt`. */
const [, program, folder = '', operation, killAt] = process.argv;
if (program === import.meta.filename) {
  let operations = 0;
  const countOne = (): void => {
    operations += 1;
    if (operations === Number(killAt)) process.kill(process.pid, 'SIGKILL');
  };
  const counted = <Args extends unknown[], Result>(work: (...args: Args) => Promise<Result>) => {
    return (...args: Args): Promise<Result> => {
      countOne();
      return work(...args);
    };
  };
  const open = fs.open;
  const [mkdir, rename, link, rm] = [fs.mkdir, fs.rename, fs.link, fs.rm];
  Object.assign(fs, {
    mkdir: counted(mkdir),
    rename: counted(rename),
    link: counted(link),
    rm: counted(rm),
    open: counted(async (...args: Parameters<typeof open>): Promise<FileHandle> => {
      const handle = await open(...args);
      return Object.assign(handle, {
        writeFile: counted(handle.writeFile.bind(handle)),
        sync: counted(handle.sync.bind(handle)),
        close: counted(handle.close.bind(handle)),
      });
    }),
  });
  syncBuiltinESMExports();
  const { FolderBlobs } = await import('../../../platforms/sqlite/blobs.ts');
  const blobs = await FolderBlobs.open(folder);
  if (operation === 'put') await blobs.put(KEY, bodyOf('new'));
  else await blobs.putNew(KEY, bodyOf('new'));
}
