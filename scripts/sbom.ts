/**
 * `npm run sbom`: writes the software bill of materials to `build/firebreak.cdx.json`, and the list of licenses in the
 * documentation.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { billOfMaterials } from './release/bill-of-materials.ts';
import { LICENSES_PAGE, licensesPage } from './release/licenses.ts';

const root = resolve(import.meta.dirname, '..');

mkdirSync(join(root, 'build'), { recursive: true });
writeFileSync(join(root, 'build/firebreak.cdx.json'), `${JSON.stringify(billOfMaterials(root), null, 2)}\n`);
writeFileSync(join(root, LICENSES_PAGE), licensesPage(root));
