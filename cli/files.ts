/** The files of the set, read exactly as a start reads them. */
export { lintConfigFolder, lintNames, lintRunbooksFolder } from '../local/catalogue-files.ts';
export { loadConfig, loadServices, SLOS } from '../local/config-files.ts';
export { lintFreezeFile } from '../local/freeze-file.ts';
export { lintPeopleFiles } from '../local/people-files.ts';
export { lintFolder, loadRunbooks } from '../local/runbook-files.ts';
export { lintSlos } from '../local/slo-files.ts';
export { importSlos } from '../local/slo-import.ts';
/** Data folders, backed up and restored with the code that uses them. */
export { BadArchive } from '../local/backup/archive.ts';
export { type Backup, backUp, nameOfBackup, NoBackup, prune } from '../local/backup/backup.ts';
export { NotRestored, restore } from '../local/backup/restore.ts';
export { NoSnapshot } from '../local/backup/snapshot.ts';
