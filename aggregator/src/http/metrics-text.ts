/** The text format of Prometheus, version 0.0.4: how one line is put together. What many lines share is written once. */

export type Labels = Readonly<Record<string, string>>;

/** Labels that begin the braces of a series: those of a site, an edge, a gate. */
export interface LabelHead {
  readonly labels: Labels;
  /** As `{site="north",edge="edge-1"`. */
  readonly text: string;
  readonly bytes: Uint8Array;
}

/** Labels that end them, or none: fixed words for the most part. */
export interface LabelTail {
  readonly labels: Labels;
  /** As `,state="free"} `, up to the value. */
  readonly bytes: Uint8Array;
}

export type Suffix = '' | '_bucket' | '_sum' | '_count';

/** One series of a family. `suffix` goes with its name: only histograms have any. */
export type Put = (head: LabelHead, tail: LabelTail, value: number, suffix?: Suffix) => void;

export type FamilyType = 'gauge' | 'counter' | 'histogram';

/** At least one label. */
export function labelHead(labels: Labels): LabelHead {
  return headOf(labels, `{${pairs(labels).join(',')}`);
}

/** The head with one label more. */
export function labelWithin(head: LabelHead, name: string, value: string): LabelHead {
  return headOf({ ...head.labels, [name]: value }, `${head.text},${pair(name, value)}`);
}

function headOf(labels: Labels, text: string): LabelHead {
  return { labels, text, bytes: Buffer.from(text) };
}

export function labelTail(labels: Labels): LabelTail {
  const all = pairs(labels).map((text) => `,${text}`);
  return { labels, bytes: Buffer.from(`${all.join('')}} `) };
}

export const noTail = labelTail({});

export function familyHeadText(name: string, help: string, type: FamilyType): string {
  return `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${type}\n`;
}

const smallNumbers = Array.from({ length: 1_000 }, (_, value) => Buffer.from(`${String(value)}\n`));

/** The value and the end of the line. */
export function valueLine(value: number): Uint8Array | string {
  const known = smallNumbers[value];
  if (known !== undefined) return known;
  if (Number.isFinite(value)) return `${String(value)}\n`;
  if (Number.isNaN(value)) return 'NaN\n';
  return value > 0 ? '+Inf\n' : '-Inf\n';
}

function pairs(labels: Labels): string[] {
  return Object.entries(labels).map(([name, value]) => pair(name, value));
}

function pair(name: string, value: string): string {
  return `${name}="${escaped(value)}"`;
}

function escaped(value: string): string {
  if (!/["\\\n]/.test(value)) return value;
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}
