/** Configuration and runbooks, loaded by the same code as at start. */
export { lintConfigFolder, lintNames, lintRunbooksFolder } from '../local/config/catalogue-files.ts';
export { loadConfig, loadServices, SLO_FOLDER as SLOS } from '../local/config/config-files.ts';
export { lintFreezeFile } from '../local/config/freeze-file.ts';
export { lintPeopleFiles } from '../local/config/people-files.ts';
export { lintFolder, loadRunbooks } from '../local/config/runbook-files.ts';
export { lintSlos } from '../local/config/slo-files.ts';
export { canaryFiles } from '../local/config/canary-files.ts';
export { importSlos } from '../local/config/slo-import.ts';
/** Backup and restore, by the same code that uses the data folder. */
export { BadArchive } from '../local/backup/archive.ts';
export { type Backup, backUp, nameOfBackup, NoBackup, removeOldBackups as prune } from '../local/backup/backup.ts';
export { NotRestored, restore } from '../local/backup/restore.ts';
export { NoSnapshot } from '../local/backup/snapshot.ts';
/** What Statuspage has, by the same client as the status page. */
export { readStatuspage, type StatuspageExport } from '../local/config/statuspage-export.ts';
/** Proposals for a first configuration, by the same code as the checks of `doctor`. */
export { type Proposal, proposeCatalogue, type Searched, SearchFailure } from '../local/config/first-catalogue.ts';
