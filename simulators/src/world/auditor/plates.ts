/** Whether a reader could have made one plate of another: the auditor's own measure, wider than the engine's. */
export function isPlausiblyTheSame(one: string, other: string): boolean {
  if (Math.abs(one.length - other.length) > 2) return false;
  return distance(one, other) <= 2 + [...one, ...other].filter((letter) => letter === '?').length;
}

/** Letters to change, add or take away. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let i = 1; i <= one.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= other.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}
