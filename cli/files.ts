/** The files of the set, read exactly as a start reads them. */
export { lintConfigFolder, lintNames, lintRunbooksFolder } from '../local/catalogue-files.ts';
export { loadConfig, loadServices, SLOS } from '../local/config-files.ts';
export { lintFreezeFile } from '../local/freeze-file.ts';
export { lintPeopleFiles } from '../local/people-files.ts';
export { lintFolder, loadRunbooks } from '../local/runbook-files.ts';
export { lintSlos } from '../local/slo-files.ts';
export { importSlos } from '../local/slo-import.ts';
