/** Text that can be shown anywhere: on one line, in one direction, without what only looks like it. */

/**
 * At most `maxChars` UTF-16 code units of `text`, the last one `…` when it was cut. Control and formatting characters, line and
 * paragraph separators, private characters and halves of characters become a space each.
 */
export function plainText(text: string, maxChars: number): string {
  // Cut before it is looked at: what is thrown away must cost nothing.
  const plain = text.slice(0, maxChars + 1).replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu, ' ');
  if (plain.length <= maxChars) return plain;
  const kept = plain.slice(0, maxChars - 1);
  return `${/[\uD800-\uDBFF]$/.test(kept) ? kept.slice(0, -1) : kept}…`;
}
