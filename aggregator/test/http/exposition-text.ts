/** Reads the text format of Prometheus, version 0.0.4, as strictly as its description says. */

export interface TextFamily {
  readonly type: string;
  readonly help: string;
  /** Name and labels in the order of their names → value. */
  readonly series: Map<string, number>;
}

/** By name. Throws for what the format does not allow. */
export function parseFamilies(text: string): Map<string, TextFamily> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const families = new Map<string, TextFamily>();
  let name = '';
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, keyword, of = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/su.exec(line) ?? [];
    if (keyword === 'HELP') {
      if (families.has(of)) throw new Error(`${of} comes in two pieces`);
      name = of;
      families.set(name, { type: 'untyped', help: unescaped(rest), series: new Map() });
      continue;
    }
    const family = families.get(name);
    if (family === undefined) throw new Error(`of no family: ${line}`);
    if (keyword === 'TYPE') {
      if (of !== name || family.series.size > 0) throw new Error(`the type of ${of} is out of place`);
      families.set(name, { ...family, type: rest });
    } else {
      addSample(name, family, line);
    }
  }
  return families;
}

function addSample(family: string, { type, series }: TextFamily, line: string): void {
  const labels: (readonly [string, string])[] = [];
  const [start = '', name = ''] = /^([a-zA-Z_:][\w:]*)/u.exec(line) ?? [];
  const suffixes = type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
  if (!suffixes.some((suffix) => name === family + suffix)) throw new Error(`not of ${family}: ${line}`);
  let rest = line.slice(start.length);
  if (rest.startsWith('{')) {
    while (!rest.startsWith('}')) {
      const [whole, label = '', value = ''] = /^[{,]([a-zA-Z_]\w*)="((?:[^"\\]|\\["\\n])*)"/su.exec(rest) ?? [];
      if (whole === undefined) throw new Error(`no label: ${rest}`);
      labels.push([label, unescaped(value)]);
      rest = rest.slice(whole.length);
    }
    rest = rest.slice(1);
  }
  const key = JSON.stringify([name, labels.sort(([a], [b]) => (a < b ? -1 : 1))]);
  if (series.has(key)) throw new Error(`told twice: ${line}`);
  series.set(key, valueOf(rest));
}

function valueOf(text: string): number {
  if (!text.startsWith(' ')) throw new Error(`no value: ${text}`);
  const value = text.slice(1);
  if (/^[+-]?inf$/i.test(value)) return value.startsWith('-') ? -Infinity : Infinity;
  if (/^nan$/i.test(value)) return NaN;
  if (!/^[+-]?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(value)) throw new Error(`no number: ${value}`);
  return Number(value);
}

function unescaped(text: string): string {
  return text.replace(/\\(["\\n])/gu, (_, character: string) => (character === 'n' ? '\n' : character));
}
