/** What an entry knows of credentials while nobody can be asked: digests, each blocked or permitted. */
import { wireLimits } from '@gatehouse/shared/edge';
import type { AccessPage, AccessRule, Credential, Sha256 } from '@gatehouse/shared/edge';

export interface AccessList {
  readonly version: number;
  readonly unlisted: AccessPage['unlisted'];
  readonly rules: ReadonlyMap<string, AccessRule>;
}

/** What the list says of a credential. */
export type Access = 'admit' | 'blocked' | 'not-permitted';

/**
 * Digits of a digest that are kept: 96 bits, so that the largest list fits beside the events. Nobody can find another credential
 * with the same ones, and among 8,192 none has them by chance.
 */
const keptDigits = 24;
const entryChars = keptDigits + 1;

/** The digest of a credential in this epoch. */
export function credentialDigest(sha256: Sha256, epoch: string, { kind, value }: Pick<Credential, 'kind' | 'value'>) {
  return sha256(`${epoch}:${kind}:${value}`);
}

/** `digest` is null for a vehicle that shows nothing; without a list everybody may come in. */
export function accessOf(list: AccessList | null, digest: string | null): Access {
  const rule = digest === null ? undefined : list?.rules.get(digest.slice(0, keptDigits));
  if (rule === 'blocked') return 'blocked';
  return list?.unlisted === 'deny' && rule !== 'permitted' ? 'not-permitted' : 'admit';
}

/** The pages of one list that have come so far. */
export interface CollectedPages {
  /** Of the set they came with. */
  readonly setVersion: number;
  readonly head: Omit<AccessPage, 'page' | 'entries'>;
  /** By number; as they are stored. */
  readonly pages: ReadonlyMap<number, string>;
}

/** Adds a page. One of another list, or with another set, begins the collection anew. */
export function collectPage(collected: CollectedPages | null, setVersion: number, page: AccessPage): CollectedPages {
  const { version, pages, unlisted } = page;
  const head = { version, pages, unlisted };
  const goesOn =
    collected?.setVersion === setVersion &&
    collected.head.version === version &&
    collected.head.pages === pages &&
    collected.head.unlisted === unlisted;
  const text = page.entries.map((entry) => `${entry.rule.slice(0, 1)}${entry.digest.slice(0, keptDigits)}`).join('');
  return { setVersion, head, pages: new Map([...(goesOn ? collected.pages : []), [page.page, text]]) };
}

export function isComplete(collected: CollectedPages): boolean {
  return collected.pages.size === collected.head.pages;
}

/** The list made of its stored pages; undefined if one of them cannot be read. A credential listed twice is blocked if either says so. */
export function listOf(head: CollectedPages['head'], pages: Iterable<string>): AccessList | undefined {
  const rules = new Map<string, AccessRule>();
  for (const text of pages) {
    if (!/^(?:[bp][0-9a-f]{24})*$/.test(text) || text.length > entryChars * wireLimits.maxAccessEntries)
      return undefined;
    for (let start = 0; start < text.length; start += entryChars) {
      const digest = text.slice(start + 1, start + entryChars);
      if (text.charAt(start) === 'b') rules.set(digest, 'blocked');
      else if (!rules.has(digest)) rules.set(digest, 'permitted');
    }
  }
  return { version: head.version, unlisted: head.unlisted, rules };
}
