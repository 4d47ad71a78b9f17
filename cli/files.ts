/** Configuration and runbooks, loaded by the same code as at start. */
export { lintConfigFolder, lintNames, lintRunbooksFolder } from '../local/catalogue-files.ts';
export { loadConfig, loadServices, SLOS } from '../local/config-files.ts';
export { lintFreezeFile } from '../local/freeze-file.ts';
export { lintPeopleFiles } from '../local/people-files.ts';
export { lintFolder, loadRunbooks } from '../local/runbook-files.ts';
export { lintSlos } from '../local/slo-files.ts';
export { importSlos } from '../local/slo-import.ts';
/** Backup and restore, by the same code that uses the data folder. */
export { BadArchive } from '../local/backup/archive.ts';
export { type Backup, backUp, nameOfBackup, NoBackup, prune } from '../local/backup/backup.ts';
export { NotRestored, restore } from '../local/backup/restore.ts';
export { NoSnapshot } from '../local/backup/snapshot.ts';
