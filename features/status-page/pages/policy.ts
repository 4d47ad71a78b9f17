import { createHash } from 'node:crypto';
import type { PageSettings } from '../decisions/pages.ts';
import { styleOf } from './style.ts';

/** Returns the source expression of a Content Security Policy that allows this text only. */
export const hashSource = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** Returns the Content Security Policy of a page, which contains its only stylesheet, and loads nothing. */
export const pagePolicy = (page: PageSettings): string =>
  `default-src 'none'; style-src ${hashSource(styleOf(page))}; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'`;
