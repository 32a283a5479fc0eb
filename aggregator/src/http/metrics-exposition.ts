/**
 * Writes the page of metrics in steps: after each the event loop is given back, so that no decision waits for a scrape, however many
 * sites and edges there are.
 *
 * What a scrape is a snapshot of: each site and each edge by itself. All series of one, the buckets of a histogram among them, are of
 * one moment; those of another are of the moment when its turn came, some milliseconds later. What the program tells of itself is of
 * the end. Families come in the order in which they were defined, each in one piece, as the format wants it.
 */
import { Readable } from 'node:stream';
import type { Registry } from 'prom-client';
import type { Families, Family, SeenKind } from './metrics-family.js';
import { createPageBytes } from './metrics-pieces.js';
import type { PageBytes } from './metrics-pieces.js';
import { lookAround } from './metrics-source.js';
import type { Sight } from './metrics-source.js';
import { familyHeadText, valueLine } from './metrics-text.js';
import type { Put } from './metrics-text.js';

export interface Exposition {
  readonly contentType: string;
  readonly sizeBytes: number;
  /** UTF-8, one after the other. */
  readonly pieces: readonly Buffer[];
  /** The same for one reader, at a pace that leaves the event loop to others. */
  body(): Readable;
}

export interface ExpositionParts {
  readonly registry: Registry;
  readonly families: Families;
  /** Looks at what there is now. */
  readonly look: () => Promise<Sight | undefined>;
  /** Gives the event loop back; resolves in one of its next turns. */
  readonly pause: () => Promise<void>;
}

/**
 * Lines between two pauses: three or four milliseconds on a small server. What one site or one edge has is not taken apart. Where there
 * is much to do, each pause costs as long as a turn of the event loop takes then, so that more of them would keep the scrape waiting.
 */
const linesPerStep = 20_000;
/** What a family counts for that the library writes: it may ask the system for something. */
const linesPerLibraryFamily = 250;

/** What is handed to the network between two pauses: about as long as the lines of a step take. */
const bytesPerStep = 4 * 1024 * 1024;

/** Answers how to write it. One is written at a time: who asks while it is being written gets the same. */
export function createExposition(parts: ExpositionParts): () => Promise<Exposition> {
  let underWay: Promise<Exposition> | undefined;
  const write = async (): Promise<Exposition> => {
    const writing = createWriting(parts);
    await writeFamilies(parts, writing);
    return assemble(parts, writing);
  };
  return () =>
    (underWay ??= write().finally(() => {
      underWay = undefined;
    }));
}

interface Writing {
  /** Of the families that are written here, by name. */
  readonly texts: Map<string, PageBytes>;
  /** So many lines more. */
  readonly count: (lines: number) => void;
  /** Pauses when a step has as many lines as it may. */
  readonly step: () => Promise<void>;
}

function createWriting({ pause }: ExpositionParts): Writing {
  const texts = new Map<string, PageBytes>();
  let linesLeft = linesPerStep;
  return {
    texts,
    count(lines) {
      linesLeft -= lines;
    },
    async step() {
      if (linesLeft > 0) return;
      linesLeft = linesPerStep;
      await pause();
    },
  };
}

async function writeFamilies({ families, look }: ExpositionParts, writing: Writing): Promise<void> {
  const open = <K extends SeenKind>(kind: K): Written<K>[] => families.of[kind].map((it) => writtenOf(it, writing));
  const [ofProgram, ofSites, ofEdges] = [open('program'), open('site'), open('edge')];
  const sight = await look();
  for (const { family, put } of ofProgram) family.each(null, put);
  if (sight === undefined) return;
  for (const [kind, seen] of lookAround(sight)) {
    if (kind === 'site') for (const { family, put } of ofSites) family.each(seen, put);
    else for (const { family, put } of ofEdges) family.each(seen, put);
    await writing.step();
  }
  for (const { family, put } of [...ofSites, ...ofEdges]) family.end?.(sight, put);
}

interface Written<K extends SeenKind> {
  readonly family: Family<K>;
  readonly put: Put;
}

function writtenOf<K extends SeenKind>(family: Family<K>, { texts, count }: Writing): Written<K> {
  const { name } = family;
  const text = createPageBytes();
  texts.set(name, text);
  text.add(familyHeadText(name, family.help, family.type));
  const names = {
    '': Buffer.from(name),
    _bucket: Buffer.from(`${name}_bucket`),
    _sum: Buffer.from(`${name}_sum`),
    _count: Buffer.from(`${name}_count`),
  };
  return {
    family,
    put(head, tail, value, suffix = '') {
      count(1);
      text.addLine(names[suffix], head.bytes, tail.bytes, valueLine(value));
    },
  };
}

/** All families in their order, those of the library among them. */
async function assemble({ registry, pause }: ExpositionParts, { texts, count, step }: Writing): Promise<Exposition> {
  const page = createPageBytes();
  for (const { name } of registry.getMetricsAsArray()) {
    const text = texts.get(name);
    if (text === undefined) {
      page.add(`${await registry.getSingleMetricAsString(name)}\n`);
      count(linesPerLibraryFamily);
    } else {
      page.take(text);
    }
    page.add('\n');
    await step();
  }
  const pieces = page.pieces();
  return {
    contentType: registry.contentType,
    sizeBytes: pieces.reduce((sum, { length }) => sum + length, 0),
    pieces,
    body: () => Readable.from(paced(pieces, pause)),
  };
}

async function* paced(pieces: readonly Buffer[], pause: () => Promise<void>): AsyncGenerator<Buffer> {
  let bytesLeft = bytesPerStep;
  for (const piece of pieces) {
    if (bytesLeft <= 0) {
      bytesLeft = bytesPerStep;
      await pause();
    }
    bytesLeft -= piece.length;
    yield piece;
  }
}
