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

/**
 * The straight line through points (x, y) by least squares: by how much y rises with x, and the standard error of that.
 *
 * @throws RangeError for fewer than three points, or when all have one x
 */
export function slopeOf(points: readonly (readonly [number, number])[]): { slope: number; standardError: number } {
  const count = points.length;
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / count;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / count;
  const spread = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  if (count < 3 || spread === 0) throw new RangeError('too few points');
  const slope = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / spread;
  const residual = points.reduce((sum, [x, y]) => sum + (y - meanY - slope * (x - meanX)) ** 2, 0);
  return { slope, standardError: Math.sqrt(residual / (count - 2) / spread) };
}
