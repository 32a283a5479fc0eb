/** Texts that cannot be stored as they are: JSON can name half of a surrogate pair, UTF-8 cannot carry it. */

/** Whether every text in a parsed body, names of members included, is well-formed Unicode. */
export function isWellFormedBody(body: unknown): boolean {
  // Not by recursion: nothing has bounded the depth yet.
  const waiting = [body];
  while (waiting.length > 0) {
    const value = waiting.pop();
    if (typeof value === 'string') {
      if (!value.isWellFormed()) return false;
    } else if (Array.isArray(value)) {
      for (const item of value) waiting.push(item);
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, member] of Object.entries(value)) waiting.push(name, member);
    }
  }
  return true;
}
