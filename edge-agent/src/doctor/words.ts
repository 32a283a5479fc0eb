/** Sizes and times as a person says them. */

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

export function sizeInWords(bytes: number): string {
  let size = bytes;
  let unit = 0;
  while (size >= 1_024 && unit < units.length - 1) {
    size /= 1_024;
    unit += 1;
  }
  return `${unit === 0 || size >= 100 ? size.toFixed(0) : size.toFixed(1)} ${units[unit] ?? ''}`;
}

/** Of a span in milliseconds; below zero, the clock was ahead. */
export function ageInWords(ageMs: number): string {
  if (ageMs < 0) return 'a time that is still to come by this clock';
  const seconds = Math.floor(ageMs / 1_000);
  if (seconds < 120) return `${String(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return `${String(minutes)} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${String(hours)} h` : `${String(Math.floor(hours / 24))} days`;
}
