/** docs/reference/wire.md says what the code does, as far as a test can read it. */
import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  ackConflicts,
  centreToEdgeChannels,
  edgeEventKinds,
  edgeToCentreChannels,
  fittingClasses,
  maxCredentialChars,
  maxJsonDepth,
  wireLimits,
} from '../src/index.js';
import { sha256 } from '../src/node/index.js';

const root = join(import.meta.dirname, '..', '..');
const page = readFileSync(join(root, 'docs', 'reference', 'wire.md'), 'utf8');
const example = JSON.parse(readFileSync(join(root, 'shared', 'fixtures', 'hash-chain.json'), 'utf8')) as {
  epoch: string;
  genesis: string;
  steps: { canonical: string; hash: string }[];
};

describe('the page of the wire', () => {
  it('names every channel, kind of event and conflict', () => {
    const names = [...edgeToCentreChannels, ...centreToEdgeChannels, ...edgeEventKinds, ...ackConflicts];
    expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });

  it('gives the bounds that are in force', () => {
    const inWords = (count: number): string => count.toLocaleString('en-US');
    const cells = [
      ['any payload', `${inWords(wireLimits.maxPayloadBytes)} bytes`],
      ['events in one batch', inWords(wireLimits.maxBatchEvents)],
      ['events of one batch together, in canonical JSON', `${inWords(wireLimits.maxBatchBytes)} bytes`],
      ['one event, in canonical JSON', `${inWords(wireLimits.maxEventBytes)} bytes`],
      ['gates of one edge, arrivals in `waiting`', inWords(wireLimits.maxGatesPerEdge)],
      ['free text', `${inWords(wireLimits.maxTextChars)} characters`],
      ['plate, tag or ticket', `${inWords(maxCredentialChars)} characters`],
      ['slots in one allowance', inWords(wireLimits.maxAllowanceSlots)],
      ['slots returned by one `allowance-accepted`', inWords(wireLimits.maxReturnedSlots)],
      ['entries in one page of the access list', inWords(wireLimits.maxAccessEntries)],
      ['pages of the access list', inWords(wireLimits.maxAccessPages)],
      ['one report of log lines', `${inWords(wireLimits.maxLogReportBytes)} bytes`],
      ['lines in one report', inWords(wireLimits.maxLogLines)],
      ['fields of one log line', inWords(wireLimits.maxLogFields)],
    ];
    const rows = [...page.matchAll(/^\| ([^|]+?) +\| ([^|]+?) +\|$/gm)].map((match) => [match[1], match[2]]);
    for (const cell of cells) expect(rows).toContainEqual(cell);
    expect(page).toContain(`nesting beyond\n${String(maxJsonDepth)}`);
  });

  it('says which classes of slot fit, best first', () => {
    const text = page.replace(/\s+/g, ' ');
    for (const [slotClass, fitting] of Object.entries(fittingClasses)) {
      expect(text).toMatch(new RegExp(`for \`${slotClass}\`( these are)? ${fitting.join(', ')}[;.]`));
    }
  });

  it('works a digest of the access list', () => {
    const [text, digest] = /SHA-256\( (\S+:plate:\S+) \)\s+= ([0-9a-f]{64})/.exec(page)?.slice(1) ?? [];
    expect(sha256(text ?? '')).toBe(digest);
  });

  it('works the hash chain with the numbers of the fixture', () => {
    const [first, second] = example.steps;
    for (const text of [
      example.epoch,
      example.genesis,
      first?.canonical,
      first?.hash,
      second?.canonical,
      second?.hash,
    ]) {
      expect(page).toContain(text);
    }
  });
});
