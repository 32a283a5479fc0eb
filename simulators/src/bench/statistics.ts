/** Of finite samples, at least one. @throws RangeError when there is none */
export function median(samples: readonly number[]): number {
  return percentile(samples, 50);
}

/**
 * The value below which `percent` of the samples lie, between two samples by their distance (Hyndman and Fan 1996, type 7).
 *
 * @throws RangeError when there is no sample
 */
export function percentile(samples: readonly number[], percent: number): number {
  const sorted = Float64Array.from(samples).sort();
  const place = ((sorted.length - 1) * percent) / 100;
  const below = sorted[Math.floor(place)];
  const above = sorted[Math.ceil(place)];
  if (below === undefined || above === undefined) throw new RangeError('no samples');
  return below + (above - below) * (place - Math.floor(place));
}
