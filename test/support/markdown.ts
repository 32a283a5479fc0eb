/** Reading Markdown pages as GitHub shows them: their links, and the anchors that can be linked to. */

export interface Heading {
  readonly text: string;
  readonly anchor: string;
}

/** What links and images name, as written, in order; nothing of what stands in code. */
export function linksOf(markdown: string): string[] {
  const text = withoutCode(markdown);
  const found: { readonly at: number; readonly target: string }[] = [];
  const patterns = [
    /\]\(\s*<?([^()\s<>]+(?:\([^()\s]*\)[^()\s<>]*)*)>?(?:\s+(?:"[^"]*"|'[^']*'))?\s*\)/g,
    /^ {0,3}\[[^\]]+\]:\s*<?([^\s<>]+)>?/gm,
    /<(?:a|img)\s[^>]*?(?:href|src)="([^"]+)"/g,
  ];
  for (const pattern of patterns) {
    for (const match of text.matchAll(pattern)) found.push({ at: match.index, target: match[1] ?? '' });
  }
  return found.sort((a, b) => a.at - b.at).map(({ target }) => target);
}

/** With the anchors that GitHub gives them. */
export function headingsOf(markdown: string): Heading[] {
  const taken = new Map<string, number>();
  const lines = withoutCodeBlocks(markdown).split('\n');
  return lines.flatMap((line) => {
    const text = /^ {0,3}#{1,6}\s+(.*?)\s*#*\s*$/.exec(line)?.[1];
    if (text === undefined) return [];
    const slug = slugOf(text);
    const before = taken.get(slug) ?? 0;
    taken.set(slug, before + 1);
    return [{ text, anchor: before === 0 ? slug : `${slug}-${String(before)}` }];
  });
}

/** Anchors that stand in the page as HTML. */
export function namedAnchorsOf(markdown: string): string[] {
  const matches = withoutCode(markdown).matchAll(/<a\s[^>]*?(?:id|name)="([^"]+)"/g);
  return [...matches].map((match) => match[1] ?? '');
}

/** Lower case, letters, digits, `-` and `_` alone, a hyphen for each space. */
function slugOf(heading: string): string {
  const shown = heading.replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/[`*]|<[^>]*>/g, '');
  return shown
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, '')
    .replaceAll(' ', '-');
}

function withoutCode(markdown: string): string {
  return withoutCodeBlocks(markdown).replace(/(`+)(?!`)[\s\S]*?[^`]\1(?!`)/g, '');
}

/** Fenced blocks, and those that are indented after an empty line. */
function withoutCodeBlocks(markdown: string): string {
  const kept: string[] = [];
  let fence: string | null = null;
  let mayBeIndented = true;
  for (const line of markdown.split('\n')) {
    const mark = /^\s*(`{3,}|~{3,})/.exec(line)?.[1];
    if (fence !== null) {
      if (mark?.startsWith(fence) === true) fence = null;
      kept.push('');
    } else if (mark !== undefined) {
      fence = mark;
      kept.push('');
    } else if (mayBeIndented && /^(?: {4}|\t)/.test(line)) {
      kept.push('');
    } else {
      mayBeIndented = line.trim() === '';
      kept.push(line);
    }
  }
  return kept.join('\n');
}
