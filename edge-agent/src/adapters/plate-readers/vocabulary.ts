/** The words of readers that a configuration names; apart from the code that understands them, which only some edges need. */

/** What cameras post over HTTP. */
export const postedFormats = ['generic', 'plate-recognizer', 'axis', 'rekor', 'hikvision'] as const;
export type PostedFormat = (typeof postedFormats)[number];

/** How readers say that a vehicle moves, each in its own words: Axis in and out, Hikvision forward and reverse. */
export const movements = ['in', 'out', 'forward', 'reverse'] as const;
export type Movement = (typeof movements)[number];
