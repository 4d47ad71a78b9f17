import { createHmac, timingSafeEqual } from 'node:crypto';
import type { ApprovalLink, ApprovalLinks } from '../../core/domain/ports/access.ts';
import type { Secrets } from '../../core/domain/ports/system.ts';
import { millisOf, timestamp } from '../../schemas/time/time.ts';
import { LINK_KEY } from './secret-groups.ts';

/** `<incident>-<number>.<seconds since 1970>.<code>` */
const LINK_FORMAT = /^([0-9A-Z]{26}-\d{1,12})\.(\d{1,12})\.([\w-]{43})$/;

/**
 * Signs links with a key that is derived from the admin token, as the keys of sessions are. A replaced admin token makes
 * all links invalid. The key signs nothing else, and a link grants nothing: it only names a question.
 */
export function approvalLinks(secrets: Secrets): ApprovalLinks {
  return {
    async sign(link) {
      const key = await secrets.get(LINK_KEY);
      if (!key) return undefined;
      const signed = `${link.decision}.${secondsOf(link)}`;
      return `${signed}.${codeOf(key, signed)}`;
    },
    async read(text) {
      const [, decision, seconds, code] = LINK_FORMAT.exec(text) ?? [];
      const key = await secrets.get(LINK_KEY);
      if (!key || decision === undefined || seconds === undefined || code === undefined) return undefined;
      if (!timingSafeEqual(Buffer.from(codeOf(key, `${decision}.${seconds}`)), Buffer.from(code))) return undefined;
      return { decision, until: timestamp(Number(seconds) * 1000) };
    },
  };
}

const secondsOf = ({ until }: ApprovalLink): number => Math.ceil(millisOf(until) / 1000);

const codeOf = (key: string, signed: string): string => createHmac('sha256', key).update(signed).digest('base64url');
